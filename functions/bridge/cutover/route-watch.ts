import * as z from 'zod'
import { evidenceSchema, noEvidence, type SignalEvidence, withInterval } from '../guard/evidence.ts'
import { type Looks, type SeenInterval, sumOf } from '../guard/looks.ts'
import { RULES, SIGNALS, type Signal } from '../guard/signals.ts'
import { judgeSignal, judgeTogether, type RouteVerdict } from '../guard/verdict.ts'
import type { Epoch, Owner } from '../model/owner.ts'
import type { Route, Stage } from '../model/route.ts'

/** What was seen of a route in one interval, as its facades tell. */
export type RouteInterval = {
  /** Its name, such as the minute at which it began (ISO 8601, UTC): later ones sort behind it. It is told when it is over. */
  readonly at: string
  /** The move of which the facades knew: what they saw under another one says nothing of this. */
  readonly epoch: Epoch
  /** What was looked at of the answers of each side. */
  readonly sides: Readonly<Record<Owner, Readonly<Partial<Record<Signal, Looks>>>>>
  /** What is a matter of both: answers that were compared, minutes in which one store was late. */
  readonly both?: Readonly<Partial<Record<Signal, Looks>>>
}

/** What is known of a route since its last move: what the guard keeps between two looks of its own. */
export type RouteWatch = {
  readonly epoch: Epoch
  /** Where the route stood when this began: what is measured there is a floor for later. */
  readonly stage: Stage
  /** When the guard has first seen it so, in milliseconds since 1970, by its own clock alone. */
  readonly since: number
  /** When the guard has looked last, as `since`. */
  readonly lookedAt: number
  /** A read that takes longer than that is slow, in milliseconds: by what the old side takes. Absent: not known yet. */
  readonly slowAbove?: number | undefined
  /** The last interval that counts already; empty: none. */
  readonly through: string
  readonly signals: Readonly<Partial<Record<Signal, SignalEvidence>>>
}

/** What was on its way when a route was moved is neither stage's: so long after it nothing counts, in milliseconds. */
export const SETTLES = 60_000
/** As SETTLES, after a step of the guard's own: what it went back from has time to end. */
export const COOLS = 5 * 60_000

/** Whether what is seen now is left out, since the route was just moved. @param now as of `since` */
export const coolsDown = (
  { since }: RouteWatch,
  { history }: Pick<Route, 'history'>,
  now: number,
): boolean => {
  const age = now - since
  // A clock that was set back mustn't keep the guard away for longer.
  return age >= 0 && age < restBehind(history)
}

/** From when on what is seen counts, as of `since`. */
export const countsFrom = (
  { since }: Pick<RouteWatch, 'since'>,
  { history }: Pick<Route, 'history'>,
): number => since + restBehind(history)

const restBehind = (history: Route['history']): number =>
  history[0]?.evidence === undefined ? SETTLES : COOLS

/**
 * What is known of a route with what was seen since. Evidence is of one move: behind another one it begins anew, and only what the
 * old side was measured at stays. An interval counts once, whoever tells it again.
 *
 * @param was what was kept; undefined: nothing
 * @param intervals in any order
 * @param now milliseconds since 1970
 * @throws GuardInputError
 */
export const watchWith = (
  was: RouteWatch | undefined,
  route: Pick<Route, 'epoch' | 'stage' | 'history'>,
  intervals: readonly RouteInterval[],
  now: number,
): RouteWatch => {
  const begun = was?.epoch === route.epoch ? was : begunAt(was, route, now)
  const rests = coolsDown(begun, route, now)
  // Told when it has arrived, which may be after the rest: what was seen before the end of that is still the other stage's.
  const isEarly = ({ at }: RouteInterval): boolean =>
    now >= begun.since && Date.parse(at) < countsFrom(begun, route)
  let watch: RouteWatch = { ...begun, lookedAt: now }
  for (const interval of intervals.toSorted((a, b) => (a.at < b.at ? -1 : 1))) {
    if (interval.at <= watch.through) continue
    watch = { ...watch, through: interval.at }
    if (!rests && !isEarly(interval) && interval.epoch === route.epoch) watch = withSeen(watch, interval)
  }
  return watch
}

const begunAt = (
  was: RouteWatch | undefined,
  { epoch, stage }: Pick<Route, 'epoch' | 'stage'>,
  now: number,
): RouteWatch => {
  // What is slow is measured anew below `live`, where all is the old side's, and stays from there on: a floor is of one measure.
  const slowAbove = stage === 'live' ? was?.slowAbove : undefined
  const floors = SIGNALS.flatMap((signal) => {
    const evidence = signal === 'tooSlow' && slowAbove === undefined ? undefined : was?.signals[signal]
    return evidence === undefined ? [] : [[signal, noEvidence(floorAfter(evidence, signal, was))] as const]
  })
  const signals = Object.fromEntries(floors)
  const through = was?.through ?? ''
  return { epoch, stage, since: now, lookedAt: now, through, signals, ...(slowAbove && { slowAbove }) }
}

/** Below `live` all is the old side's, and what was found worse there is no measure. */
const floorAfter = (evidence: SignalEvidence, signal: Signal, was: RouteWatch | undefined): Looks => {
  const { floor, control, cohort } = evidence
  const known = sumOf(floor, control)
  const isOld = was?.stage !== 'live' && judgeSignal(evidence, RULES[signal]).verdict !== 'worse'
  return isOld ? sumOf(known, cohort) : known
}

const withSeen = (watch: RouteWatch, interval: RouteInterval): RouteWatch => {
  const signals = SIGNALS.flatMap((signal) => {
    const before = watch.signals[signal]
    const seen = seenOf(watch.stage, interval, signal)
    if (seen === undefined) return before === undefined ? [] : [[signal, before] as const]
    return [[signal, withInterval(before ?? noEvidence(), seen, RULES[signal])] as const]
  })
  return { ...watch, signals: Object.fromEntries(signals) }
}

/** Who is judged by whom: from `live` on the new side by the old one, before that all of it by what it was earlier. */
const seenOf = (stage: Stage, { sides, both }: RouteInterval, signal: Signal): SeenInterval | undefined => {
  const ofBoth = both?.[signal]
  if (ofBoth !== undefined) return { cohort: ofBoth }
  const { aurora, dynamo } = { aurora: sides.aurora[signal], dynamo: sides.dynamo[signal] }
  if (aurora === undefined && dynamo === undefined) return undefined
  const none: Looks = { looks: 0, bad: 0 }
  if (stage === 'live') return { cohort: dynamo ?? none, control: aurora ?? none }
  return { cohort: sumOf(aurora ?? none, dynamo ?? none) }
}

/** What is made of it: of each signal that was ever looked at. */
export const judgeWatch = ({ signals }: RouteWatch): RouteVerdict =>
  judgeTogether(
    Object.fromEntries(
      SIGNALS.flatMap((signal) => {
        const evidence = signals[signal]
        return evidence === undefined ? [] : [[signal, judgeSignal(evidence, RULES[signal])]]
      }),
    ),
  )

const number = z
  .string()
  .regex(/^\d{1,19}$/)
  .transform((digits) => BigInt(digits))

/** As it is kept, in JSON; refuses what was kept by other bets. */
export const watchSchema = z.object({
  epoch: number,
  stage: z.enum(['legacy', 'mirrored', 'shadow', 'live', 'complete']),
  since: z.number(),
  lookedAt: z.number(),
  slowAbove: z.number().positive().optional(),
  through: z.string(),
  signals: z.partialRecord(z.enum(SIGNALS), evidenceSchema),
})
