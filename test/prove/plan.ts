import type { Engine } from './engines.ts'

export const partNames = ['properties', 'soak', 'field', 'both', 'cutover'] as const
export type PartName = (typeof partNames)[number]

/** What is proved, on what, and in which time, in milliseconds. */
export type Part = {
  readonly name: PartName
  readonly engine: Engine
  readonly ms: number
  /** Whether this is the part's first engine. */
  readonly first: boolean
}

/** What each has of the whole time. */
const SHARE: Readonly<Record<PartName, number>> = {
  properties: 0.35,
  soak: 0.2,
  field: 0.15,
  both: 0.15,
  cutover: 0.15,
}

/**
 * Less, in minutes, is too short for each part on each engine: then the field has one, the last; both sides the first, and so have the
 * random tests, which whoever proves so shortly has just run on the other one. The cutover is left to long proofs, and to whoever asks
 * for it.
 */
const SHORT = 20

/** Times of a long proof. */
const LONG = 3

/** Splits the time over the parts, and each part's over its engines. */
export const makePlan = ({
  minutes,
  engines,
  only,
}: {
  readonly minutes: number
  readonly engines: readonly Engine[]
  readonly only?: string
}): readonly Part[] =>
  sharesOf(minutes, engines, only).flatMap(({ name, own, share }) => {
    const ms = (minutes * 60_000 * share) / own.length
    return own.map((engine, at) => ({ name, engine, ms, first: at === 0 }))
  })

/** The parts that are played, each with its engines and its share of the time: together that is 1. */
const sharesOf = (
  minutes: number,
  engines: readonly Engine[],
  only: string | undefined,
): readonly { readonly name: PartName; readonly own: readonly Engine[]; readonly share: number }[] => {
  const parts = partNames
    .filter((name) => only === undefined || name === only)
    .map((name) => ({ name, own: minutes < SHORT ? fewer(name, engines, only) : engines }))
    .filter(({ own }) => own.length > 0)
  const whole = parts.reduce((sum, { name }) => sum + SHARE[name], 0)
  return parts.map(({ name, own }) => ({ name, own, share: SHARE[name] / whole }))
}

const fewer = (name: PartName, engines: readonly Engine[], only: string | undefined): readonly Engine[] => {
  if (name === 'cutover') return only === undefined ? [] : engines.slice(-1)
  if (name === 'field') return engines.slice(-1)
  return name === 'soak' ? engines : engines.slice(0, 1)
}

/**
 * How many times as often as in `npm test` a random test runs in one round. In a long time each seed gets a longer look,
 * in a short one there are to be several seeds at all.
 */
export const factorOf = (minutes: number): number => (minutes < 30 ? 1 : LONG)

export type Proving = {
  readonly engine: Engine
  readonly first: boolean
  readonly ms: number
  readonly seed: number
  /** Of the random tests' runs. */
  readonly factor: number
  readonly say: (line: string) => void
  readonly signal: AbortSignal
}
export type Proved = { readonly passed: number; readonly failed: number }
