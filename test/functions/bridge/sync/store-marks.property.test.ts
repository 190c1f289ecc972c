import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { runs } from '../../../support/runs.ts'
import { play, type Schedule, type Without } from './marks-model.ts'

const schedules = (restored: boolean): fc.Arbitrary<Schedule> =>
  fc.record({
    choices: fc.array(fc.nat(4), { minLength: 12, maxLength: 60 }),
    relays: fc.array(fc.record({ rounds: fc.integer({ min: 1, max: 3 }), killed: fc.nat(30) }), {
      minLength: 1,
      maxLength: 3,
    }),
    writes: fc.nat(5),
    restore: restored
      ? fc.record({
          store: fc.constantFrom('aurora' as const, 'dynamo' as const),
          to: fc.double({ min: 0, max: 0.999, noNaN: true }),
        })
      : fc.constant(undefined),
    lost: fc.uniqueArray(fc.nat(12), { maxLength: 2 }),
  })

const USUAL = { ...runs(20_000, 1) }

/** Of all schedules the first that isn't so. */
const firstBad = async (
  restored: boolean,
  holds: (schedule: Schedule) => Promise<boolean>,
): Promise<Schedule | undefined> => {
  const { counterexample } = await fc.check(fc.asyncProperty(schedules(restored), holds), USUAL)
  return counterexample?.[0]
}

/** Nobody was restored: nothing is said, and what was written is there in the end. */
const isQuiet = (without?: Without) => async (schedule: Schedule) => {
  const { said, last, lost, equal } = await play(schedule, without)
  return said.length === 0 && last.length === 0 && !lost && equal
}

/** A store was restored: nothing newer is overwritten, and who comes last says it where it lacks something. */
const isSafe = (without?: Without) => async (schedule: Schedule) => {
  const { lost, last, isAuroraBehind, isDynamoBehind } = await play(schedule, without)
  const stores = last.map(({ store }) => store)
  if (isAuroraBehind) return !lost && stores.includes('aurora')
  if (isDynamoBehind) return stores.includes('dynamo')
  return !lost
}

describe('the marks of both stores, over all that can come between their steps', () => {
  it('raise no false alarm: with two relays and more at once, killed between both, and answers lost', async () => {
    expect(await firstBad(false, isQuiet())).toBeUndefined()
  }, 60_000)

  it('let no relay write what an Aurora of before holds over newer items, and say which store was restored', async () => {
    expect(await firstBad(true, isSafe())).toBeUndefined()
  }, 60_000)

  it.each<[string, boolean, Without]>([
    ['the guard', true, { guard: true }],
    ['what tells marks of one number apart', true, { tokens: true }],
    ['the read of what is applied before marks are raised', true, { reading: true }],
    ['Aurora being first', false, { order: true }],
  ])(
    'are found wanting without %s',
    async (_, restored, without) => {
      expect(await firstBad(restored, restored ? isSafe(without) : isQuiet(without))).toBeDefined()
    },
    60_000,
  )
})
