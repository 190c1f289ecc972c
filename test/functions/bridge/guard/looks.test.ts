import { describe, expect, it } from '@jest/globals'
import { noEvidence, withInterval } from '../../../../functions/bridge/guard/evidence.ts'
import { checkedLooks, GuardInputError, rateOf, sumOf } from '../../../../functions/bridge/guard/looks.ts'
import { RULES } from '../../../../functions/bridge/guard/signals.ts'

describe('what was looked at', () => {
  it.each([
    ['a count that is none', { looks: Number.NaN, bad: 0 }],
    ['a negative one', { looks: 3, bad: -1 }],
    ['half a look', { looks: 1.5, bad: 0 }],
    ['more than can be counted', { looks: Number.POSITIVE_INFINITY, bad: 0 }],
    ['more bad looks than looks', { looks: 2, bad: 3 }],
  ])('refuses %s, with what it was about', (_, tally) => {
    expect(() => checkedLooks('cohort', tally)).toThrow(GuardInputError)
    expect(() => checkedLooks('cohort', tally)).toThrow(/^cohort: /)
    // And so nothing is ever judged by it, whichever side has it.
    const fine = { looks: 3, bad: 0 }
    expect(() => withInterval(noEvidence(), { cohort: tally }, RULES.error)).toThrow(GuardInputError)
    expect(() => withInterval(noEvidence(), { cohort: fine, control: tally }, RULES.error)).toThrow(
      GuardInputError,
    )
    expect(() => noEvidence(tally)).toThrow(GuardInputError)
  })

  it('has a sum and a rate, of nothing none', () => {
    expect(sumOf({ looks: 3, bad: 1 }, { looks: 1, bad: 1 })).toEqual({ looks: 4, bad: 2 })
    expect(rateOf({ looks: 4, bad: 1 })).toBe(0.25)
    expect(rateOf({ looks: 0, bad: 0 })).toBe(0)
  })
})
