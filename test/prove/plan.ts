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
 * Less, in minutes, is too short for each part on each engine: then the field and the cutover have one, the last; both sides the first,
 * and so have the random tests, which whoever proves so shortly has just run on the other one.
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
  partNames
    .filter((name) => only === undefined || name === only)
    .flatMap((name) => {
      const own = minutes < SHORT ? fewer(name, engines) : engines
      const ms = (minutes * 60_000 * (only === undefined ? SHARE[name] : 1)) / own.length
      return own.map((engine, at) => ({ name, engine, ms, first: at === 0 }))
    })

const fewer = (name: PartName, engines: readonly Engine[]): readonly Engine[] => {
  if (name === 'field' || name === 'cutover') return engines.slice(-1)
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
