import type { Parameters } from 'fast-check'

/**
 * How often property tests run: in `npm run prove` so many times as often as each says, each round from another seed; in
 * `npm test` as each says, or not so often, from a fixed seed where it names one.
 */
const factor = Number(process.env.BACKSYNC_RUNS ?? 1)
const seed = process.env.BACKSYNC_SEED

/** Whether this is a round of `npm run prove`. */
export const isProving = seed !== undefined

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
