import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { times } from '../../../support/runs.ts'
import { expectFortyOnce, STATEMENTS } from './forty.ts'
import { openKilledHere } from './killed-here.ts'

/** A long proof kills behind each call that a run makes, a short one behind some. */
const STEP = times(1) > 1 ? 1 : 7

describe('a run of forty statements', () => {
  let killed: Awaited<ReturnType<typeof openKilledHere>>
  beforeAll(async () => {
    killed = await openKilledHere()
  }, 60_000)
  afterAll(() => killed.close())

  it('is finished by the next run behind whichever call it is killed, and each statement is done once', async () => {
    let kills = 0
    for (let calls = 1; ; calls += STEP) {
      await killed.clear()
      if ((await killed.killAfter(calls)) === 'ended') break
      kills += 1
      await killed.goOn()
      await expectFortyOnce(killed.aurora)
    }
    // At least behind the record of each that it is begun, the statement, and the record that it is done.
    expect(kills).toBeGreaterThan((3 * STATEMENTS) / STEP)
  }, 1_800_000)
})
