import { noEvidence, type SignalEvidence } from '../guard/evidence.ts'
import { RULES, SIGNALS, type Signal } from '../guard/signals.ts'
import { type GuardVerdict, judgeSignal, judgeTogether, type SignalVerdict } from '../guard/verdict.ts'
import type { Route } from '../model/route.ts'
import { isWatched } from './guard-route.ts'
import { coolsDown, countsFrom, type RouteWatch } from './route-watch.ts'
import { seenInWords } from './step-back.ts'

/** It looks once a minute; whoever hasn't for so long, in milliseconds, doesn't look any more. */
const LOOKS_WITHIN = 5 * 60_000

/** What the guard makes of one signal of a route. */
export type SignalReport = Omit<SignalVerdict, 'lacks'> &
  Pick<SignalEvidence, 'cohort' | 'control' | 'floor'> & {
    readonly signal: Signal
    /** `errors: 2 of 41, beside 1 of 500` */
    readonly seen: string
    /** Of what it takes to be called so: `worse 36 %, as good 12 %` */
    readonly proved: string
    /** `at least 96 requests`; null: it is called something, or no number would do. */
    readonly lacks: string | null
  }

/** What the guard makes of a route, for people and for scripts. */
export type GuardReport = {
  readonly verdict: GuardVerdict
  /** How many looks it lacks at least: of the signal that lacks most; null as of `SignalReport`. */
  readonly lacks: number | null
  /** When it has looked last; null: not since the route's last move. */
  readonly lookedAt: string | null
  /** Why nothing is made of what is seen now, for people; null: it is. */
  readonly note: string | null
  /** A read that takes longer than that is slow, in milliseconds; null: too little is known. */
  readonly slowAbove: number | null
  readonly signals: readonly SignalReport[]
}

/**
 * What is known of a route, and what lacks.
 *
 * @param watch what the guard has kept of it; undefined: nothing
 * @param now milliseconds since 1970
 * @returns null of a route that is not watched
 */
export const guardReportOf = (
  route: Pick<Route, 'stage' | 'epoch' | 'history'>,
  watch: RouteWatch | undefined,
  now: number,
): GuardReport | null => {
  if (!isWatched(route)) return null
  const own = watch?.epoch === route.epoch ? watch : undefined
  // Of requests it is known what lacks before the first one is seen.
  const evidence: Readonly<Partial<Record<Signal, SignalEvidence>>> = {
    error: noEvidence(),
    ...own?.signals,
  }
  const signals = SIGNALS.flatMap((signal) => {
    const one = evidence[signal]
    return one === undefined ? [] : [{ signal, evidence: one, verdict: judgeSignal(one, RULES[signal]) }]
  })
  const { verdict, lacks = null } = judgeTogether(
    Object.fromEntries(signals.map((one) => [one.signal, one.verdict])),
  )
  return {
    ...{ verdict, lacks },
    lookedAt: own === undefined ? null : new Date(own.lookedAt).toISOString(),
    note: noteOn(watch, route, now),
    slowAbove: own?.slowAbove ?? null,
    signals: signals.map(({ signal, evidence: { cohort, control, floor }, verdict: judged }) => ({
      ...{ signal, ...judged, cohort, control, floor },
      seen: seenInWords(signal, { cohort, control }),
      proved: `worse ${inPercent(judged.worse)}, as good ${inPercent(judged.good)}`,
      lacks: judged.lacks === undefined ? null : `at least ${judged.lacks} ${LOOKED_AT[signal]}`,
    })),
  }
}

/** What a look of each is at. */
const LOOKED_AT: Readonly<Record<Signal, string>> = {
  error: 'requests',
  wrongField: 'compared answers',
  tooSlow: `reads, of which ${RULES.tooSlow.voices} a minute count`,
  tooLate: 'minutes',
}

const noteOn = (
  watch: RouteWatch | undefined,
  route: Pick<Route, 'epoch' | 'history'>,
  now: number,
): string | null => {
  if (watch === undefined) return 'nobody has looked yet'
  const last = new Date(watch.lookedAt).toISOString()
  if (now - watch.lookedAt > LOOKS_WITHIN) return `nobody has looked since ${last}`
  if (watch.epoch !== route.epoch) return 'nobody has looked since the last move'
  if (!coolsDown(watch, route, now)) return null
  return `what is seen counts from ${new Date(countsFrom(watch, route)).toISOString()} on`
}

/** Rounded down: what is proved is 100 %. */
const inPercent = (share: number): string => `${Math.floor(Math.min(1, share) * 100)} %`
