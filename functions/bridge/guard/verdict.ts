import { growth } from './bets.ts'
import { measuresOf, ODDS, ODDS_OF_GOOD, type SignalEvidence } from './evidence.ts'
import { rateOf } from './looks.ts'
import { EFFECT, SIGNALS, type Signal, type SignalRule } from './signals.ts'

/**
 * Of so many quiet moves of a route at most one is ever stepped back, whatever its signals, for as many looks as the bets' capital
 * lasts; and of so many that are not as good at most one is ever called that.
 */
const QUIET_MOVES = 100_000
const GOOD_MOVES = 100

/** The part of a signal's false rate that each way to see that it is worse has. */
const PARTS = { above: 0.75, beside: 0.25 } as const

export type GuardVerdict = 'worse' | 'as good' | 'cannot tell'

/** What is made of a signal's evidence. */
export type SignalVerdict = {
  readonly verdict: GuardVerdict
  /** How sure it is that it is worse, from 0: from 1 on it is called so. The logarithm of what was won, by that of what it takes. */
  readonly worse: number
  /** As `worse`, that it is as good. */
  readonly good: number
  /** By what it is worse: more than is usual, or more than the other side has. */
  readonly by?: keyof typeof PARTS
  /**
   * How many looks at the cohort it lacks at least to be called either, if they go on as they were; absent of what is called, and
   * where no number would do since its share lies between what is usual and what is not tolerated.
   */
  readonly lacks?: number
}

/** Judges one signal. It may be asked after every look. */
export const judgeSignal = (evidence: SignalEvidence, rule: SignalRule): SignalVerdict => {
  const { cohort, control } = evidence
  const bar = (part: keyof typeof PARTS): number =>
    Math.log((QUIET_MOVES * ODDS.length) / (rule.weight * PARTS[part]))
  const enough = cohort.looks >= rule.leastLooks
  const [above, beside] = [sure(evidence.above, bar('above')), sure(evidence.beside, bar('beside'))]
  const isLarge = rateOf(cohort) >= Math.max(rule.usual, EFFECT * rateOf(control))
  const by =
    enough && above >= 1
      ? ('above' as const)
      : enough && beside >= 1 && isLarge
        ? ('beside' as const)
        : undefined
  const goodBar = Math.log(GOOD_MOVES * ODDS_OF_GOOD.length)
  const good = sure(evidence.below, goodBar)
  const surest = { worse: Math.max(above, beside), good }
  if (by !== undefined) return { verdict: 'worse', ...surest, by }
  if (good >= 1 && surest.worse < 1) return { verdict: 'as good', ...surest }
  const measures = measuresOf(evidence, rule)
  const rate = rateOf(cohort)
  const toGood = looksTo(evidence.below, goodBar, ODDS_OF_GOOD, (odds) =>
    growth(1 - rate, 1 - measures.tolerated, odds),
  )
  const toWorse = Math.max(
    looksTo(evidence.above, bar('above'), ODDS, (odds) => growth(rate, measures.usual, odds)),
    rule.leastLooks - cohort.looks,
  )
  const lacks = Math.max(1, Math.min(toGood, toWorse))
  return { verdict: 'cannot tell', ...surest, ...(Number.isFinite(lacks) && { lacks }) }
}

/** How near the largest of some capitals is to a bar, from 0: none is above what it began with. */
const sure = (capitals: readonly number[], bar: number): number => Math.max(0, ...capitals) / bar

/** How many looks the first of some bets takes to its bar; Infinity where none wins. */
const looksTo = (
  capitals: readonly number[],
  bar: number,
  odds: readonly number[],
  grows: (odds: number) => number,
): number => {
  const each = capitals.map((capital, at) => {
    const by = grows(odds[at] ?? 1)
    return by > 0 ? Math.ceil(Math.max(0, bar - capital) / by) : Number.POSITIVE_INFINITY
  })
  return Math.min(...each)
}

/** What is made of all signals that are watched. */
export type RouteVerdict = {
  readonly verdict: GuardVerdict
  /** Which are worse. */
  readonly worse: readonly Signal[]
  readonly signals: Readonly<Partial<Record<Signal, SignalVerdict>>>
  /** As of the signal that lacks most; absent where one lacks what no number gives, and of what is called. */
  readonly lacks?: number
}

/**
 * Judges a route by all its signals: it is worse as soon as one is, and as good when all are. The false rate is divided among the
 * signals by their weights, so that it holds for all of them together, however they depend on one another (Bonferroni).
 */
export const judgeTogether = (signals: Readonly<Partial<Record<Signal, SignalVerdict>>>): RouteVerdict => {
  const each = entriesOf(signals)
  const worse = each.flatMap(([signal, { verdict }]) => (verdict === 'worse' ? [signal] : []))
  if (worse.length > 0) return { verdict: 'worse', worse, signals }
  const open = each.filter(([, { verdict }]) => verdict === 'cannot tell')
  if (open.length === 0 && each.length > 0) return { verdict: 'as good', worse, signals }
  const lacks = Math.max(0, ...open.map(([, one]) => one.lacks ?? Number.POSITIVE_INFINITY))
  const isKnown = open.length > 0 && Number.isFinite(lacks)
  return { verdict: 'cannot tell', worse, signals, ...(isKnown && { lacks }) }
}

const entriesOf = (
  signals: Readonly<Partial<Record<Signal, SignalVerdict>>>,
): readonly (readonly [Signal, SignalVerdict])[] =>
  SIGNALS.flatMap((signal) => {
    const one = signals[signal]
    return one === undefined ? [] : [[signal, one] as const]
  })
