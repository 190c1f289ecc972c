import type { SignalEvidence } from '../guard/evidence.ts'
import { rateOf } from '../guard/looks.ts'
import type { Signal } from '../guard/signals.ts'
import type { RouteVerdict } from '../guard/verdict.ts'
import type { MoveEvidence, Placement, Route } from '../model/route.ts'
import { lastRung, placementAt } from '../model/route-moves.ts'
import { coolsDown, judgeWatch, type RouteWatch } from './route-watch.ts'

/** Why the guard leaves a route where it is. */
export type Reason =
  /** Nothing is worse, or nobody can tell. */
  | 'not-worse'
  /** It was just moved, so that nothing is known of it yet. */
  | 'cools-down'
  /** Somebody holds it: he decides. */
  | 'frozen'
  /** There is no way back any more, or none yet. */
  | 'complete'
  | 'legacy'

export type GuardDecision = { readonly verdict: RouteVerdict } & (
  | { readonly does: 'nothing'; readonly because: Reason }
  | {
      readonly does: 'step-back'
      readonly to: Placement
      readonly why: string
      readonly evidence: readonly MoveEvidence[]
    }
)

/** Where so much of what the new side answers fails, no smaller share of it helps. */
const HARD = 0.5

/**
 * What the guard does about a route: it steps back, or nothing; forward it never goes.
 *
 * @param now as of `watchWith`
 */
export const decideStep = (route: Route, watch: RouteWatch, now: number): GuardDecision => {
  const verdict = judgeWatch(watch)
  const because = reasonAgainst(route, watch, now)
  if (because !== undefined) return { does: 'nothing', because, verdict }
  if (verdict.verdict !== 'worse') return { does: 'nothing', because: 'not-worse', verdict }
  const evidence = verdict.worse.map((signal) => evidenceOf(signal, verdict, watch))
  const why = evidence.map((one) => seenInWords(one.signal, one)).join('; ')
  const to = placeBack(route, evidence)
  if (to === undefined) return { does: 'nothing', because: 'legacy', verdict }
  return { does: 'step-back', to, why, evidence, verdict }
}

const reasonAgainst = (route: Route, watch: RouteWatch, now: number): Reason | undefined => {
  if (route.stage === 'complete' || route.stage === 'legacy') return route.stage
  if (route.frozen !== undefined) return 'frozen'
  return coolsDown(watch, route, now) ? 'cools-down' : undefined
}

/** The rung before; all the way to `shadow`, where no key is the new side's, if what fails is most of it. */
const placeBack = (route: Route, evidence: readonly MoveEvidence[]): Placement | undefined => {
  const isHard = evidence.some(({ signal, cohort }) => signal === 'error' && rateOf(cohort) >= HARD)
  return route.stage === 'live' && isHard ? placementAt(route, { stage: 'shadow' }) : lastRung(route)
}

const evidenceOf = (
  signal: Signal,
  { signals }: RouteVerdict,
  watch: RouteWatch,
): MoveEvidence & { readonly signal: Signal } => {
  const none = { looks: 0, bad: 0 }
  const { cohort = none, control = none } = watch.signals[signal] ?? {}
  return { signal, by: signals[signal]?.by ?? 'above', cohort, control }
}

const NAMES: Readonly<Record<Signal, string>> = {
  error: 'errors',
  wrongField: 'wrong fields',
  tooSlow: 'slow answers',
  tooLate: 'late minutes',
}

/** What was seen of a signal, for people: `errors: 9 of 41, beside 3 of 800` */
export const seenInWords = (
  signal: Signal,
  { cohort, control }: Pick<SignalEvidence, 'cohort' | 'control'>,
): string => {
  const beside = control.looks === 0 ? '' : `, beside ${control.bad} of ${control.looks}`
  return `${NAMES[signal]}: ${cohort.bad} of ${cohort.looks}${beside}`
}
