import type { Parameters } from 'fast-check'
import type { RecordKind } from '../../functions/bridge/model/attributes/attribute.ts'

/**
 * How often property tests run: in `npm run prove` so many times as often as each says, each round from another seed; in
 * `npm test` as each says, or not so often, from a fixed seed where it names one.
 */
const factor = Number(process.env.BACKSYNC_RUNS ?? 1)
const seed = process.env.BACKSYNC_SEED

/** Whether this is a round of `npm run prove`. */
export const isProving = seed !== undefined

/** Whether this is `npm test` of everything: a file by its name, the second engine and a proof play all that there is. */
const isShort = process.env.BACKSYNC_SHORT !== undefined && !isProving

/**
 * The kinds of record that a suite is played over, of which the second does all that the first does by other statements. `npm test` of
 * everything plays the suites that take long over one; each kind has tests of its own there.
 */
export const recordKinds: readonly RecordKind[] = isShort ? ['row'] : ['row', 'sideTable']

/** Where `npm test` has others than a proof. */
export type Short = {
  /** The seed, where its cases are to be the same each time. */
  readonly seed?: number
  /** So many runs: enough to see red what the property is about. */
  readonly short?: number
}

/**
 * fast-check's settings for a number of runs.
 *
 * @param usual of a round of `npm run prove`, and of `npm test` where that has no number of its own
 * @param own the seed of `npm test`, or more of it
 */
export const runs = (
  usual: number,
  own: number | Short = {},
): Pick<Parameters<unknown>, 'numRuns' | 'seed'> => {
  const { seed: fixed, short = usual } = typeof own === 'number' ? { seed: own } : own
  return seed === undefined
    ? { numRuns: times(short), ...(fixed !== undefined && { seed: fixed }) }
    : { numRuns: times(usual), seed: Number(seed) }
}

/** So many rounds, or milliseconds to make them in. */
export const times = (usual: number): number => Math.ceil(usual * factor)
