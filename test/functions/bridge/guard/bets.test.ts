import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { gain, growth, logSum } from '../../../../functions/bridge/guard/bets.ts'
import { ODDS } from '../../../../functions/bridge/guard/evidence.ts'
import { EFFECT } from '../../../../functions/bridge/guard/signals.ts'
import { runs } from '../../../support/runs.ts'

const chance = fc.double({ min: 0.001, max: 0.9, noNaN: true })
const odds = fc.double({ min: 1.1, max: 200, noNaN: true })
const binomial = (hits: number, of: number, share: number): number => {
  let ways = 1
  for (let at = 0; at < hits; at++) ways = (ways * (of - at)) / (at + 1)
  return ways * share ** hits * (1 - share) ** (of - hits)
}

describe('a bet', () => {
  it('is fair where nothing is wrong: what it makes of one is one in the mean', () => {
    fc.assert(
      fc.property(chance, odds, fc.integer({ min: 1, max: 12 }), (share, by, looks) => {
        const means = Array.from({ length: looks + 1 }, (_, hits) => {
          const won = Math.exp(gain({ hits, misses: looks - hits }, share, by))
          return binomial(hits, looks, share) * won
        })
        expect(means.reduce((sum, one) => sum + one, 0)).toBeCloseTo(1, 6)
      }),
      runs(200),
    )
  })

  it('loses in the mean where there are fewer hits, and wins where there are as many as it has it', () => {
    fc.assert(
      fc.property(chance, odds, (share, by) => {
        expect(growth(share / 2, share, by)).toBeLessThan(0)
        expect(growth((share * by) / (1 + share * (by - 1)), share, by)).toBeGreaterThan(0)
      }),
      runs(200),
    )
  })

  it('is no better than fair where the bad looks of an interval are dealt to two sides that are alike', () => {
    // Of ten looks, four the cohort's, three are bad: each deal is as likely, and none is put back.
    const hypergeometric = (hits: number): number => (choose(4, hits) * choose(6, 3 - hits)) / choose(10, 3)
    for (const by of [2, 12, 160]) {
      const mean = [0, 1, 2, 3].reduce(
        (sum, hits) => sum + hypergeometric(hits) * Math.exp(gain({ hits, misses: 3 - hits }, 0.4, by)),
        0,
      )
      expect(mean).toBeLessThanOrEqual(1)
    }
  })

  it('wins only by what is more than twice as often as usual, whichever it is', () => {
    for (const by of ODDS)
      for (const usual of [0.0005, 0.005, 0.02]) expect(growth(EFFECT * usual, usual, by)).toBeLessThan(0)
  })

  it('is added up as a logarithm', () => {
    expect(logSum(Math.log(2), Math.log(3))).toBeCloseTo(Math.log(5))
    expect(logSum(Number.NEGATIVE_INFINITY, Math.log(3))).toBeCloseTo(Math.log(3))
    expect(logSum(Number.NEGATIVE_INFINITY, Number.NEGATIVE_INFINITY)).toBe(Number.NEGATIVE_INFINITY)
    expect(logSum(-100_000, -200_000)).toBe(-100_000)
  })
})

const choose = (of: number, some: number): number =>
  some < 0 || some > of ? 0 : some === 0 ? 1 : (choose(of - 1, some - 1) * of) / some
