import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { times } from '../../../support/runs.ts'
import { openKilled, STATEMENTS } from './killed.ts'

/** A long proof kills behind each statement that is sent, a short one behind some. */
const STEP = times(1) > 1 ? 1 : 20

describe('a run of forty statements', () => {
  let killed: Awaited<ReturnType<typeof openKilled>>
  beforeAll(async () => {
    killed = await openKilled()
  }, 60_000)
  afterAll(() => killed.close())

  it('is finished by the next run wherever it is killed, and each statement is done once', async () => {
    let kills = 0
    for (let sent = 1; ; sent += STEP) {
      await killed.clear()
      if ((await killed.killAfter(sent)) === 'ended') break
      kills += 1
      await killed.goOn()
      await killed.expectOnce()
    }
    // At least behind the record of each that it is begun, and of each that it is done.
    expect(kills).toBeGreaterThan((2 * STATEMENTS) / STEP)
  }, 1_800_000)
})
