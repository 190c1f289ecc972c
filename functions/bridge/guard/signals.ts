/**
 * What the guard asks, with yes for bad: of each request, whether it ended in an error, and whether it took too long; of each answer
 * that was compared, whether a field of it was wrong; of each minute, whether what was written waited too long for the other store.
 */
export const SIGNALS = ['error', 'wrongField', 'tooSlow', 'tooLate'] as const
export type Signal = (typeof SIGNALS)[number]

/** How a signal is judged. */
export type SignalRule = {
  /** The share of looks that may be bad while nothing is wrong, above 0 and below 1; where a larger one was measured, that counts. */
  readonly usual: number
  /** Its part of the false rate that all signals have together, above 0; the parts of all add up to 1. */
  readonly weight: number
  /** So many looks at the cohort are needed before it can be called worse. That four or more are bad then follows from the bets. */
  readonly leastLooks: number
  /**
   * So many looks of one interval count at most, each as a like share of them all: what comes in spells says the same thing many
   * times. Infinity: each counts.
   */
  readonly voices: number
}

/** What two shares must differ by to be told apart at all: it is worse only from twice of what is usual on. */
export const EFFECT = 2

/**
 * How each signal is judged. What fails is most of what goes wrong in a move, and has most of the false rate. Slow requests come
 * in spells, and minutes that are late even more so: of these one interval says little, however many looks it has:
 * one slow minute alone, be it all of it, makes nothing worse, and two may.
 */
export const RULES: Readonly<Record<Signal, SignalRule>> = {
  error: { usual: 0.005, weight: 0.5, leastLooks: 20, voices: Number.POSITIVE_INFINITY },
  wrongField: { usual: 0.005, weight: 0.25, leastLooks: 20, voices: Number.POSITIVE_INFINITY },
  tooSlow: { usual: 0.02, weight: 0.125, leastLooks: 20, voices: 4 },
  tooLate: { usual: 0.01, weight: 0.125, leastLooks: 5, voices: 1 },
}
