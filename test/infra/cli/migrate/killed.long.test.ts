import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { openKilled, STATEMENTS } from './killed.ts'

describe('a run of forty statements', () => {
  let killed: Awaited<ReturnType<typeof openKilled>>
  beforeAll(async () => {
    killed = await openKilled()
  }, 60_000)
  afterAll(() => killed.close())

  it('is finished by the next run wherever it is killed, and each statement is done once', async () => {
    let kills = 0
    for (let sent = 1; ; sent += 1) {
      await killed.clear()
      if ((await killed.killAfter(sent)) === 'ended') break
      kills += 1
      await killed.goOn()
      await killed.expectOnce()
    }
    // At least behind the record of each that it is begun, and of each that it is done.
    expect(kills).toBeGreaterThan(2 * STATEMENTS)
  }, 1_800_000)
})
