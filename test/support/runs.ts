import type { Parameters } from 'fast-check'

/**
 * How often property tests run: in `npm test` as each says, from a fixed seed where it names one; `npm run prove` has
 * them run this many times as often, each round from another seed.
 */
const factor = Number(process.env.BACKSYNC_RUNS ?? 1)
const seed = process.env.BACKSYNC_SEED

/** Whether this is a round of `npm run prove`. */
export const isProving = seed !== undefined

/**
 * fast-check's settings for a number of runs.
 *
 * @param fixed the seed of a short run, where its cases are to be the same each time
 */
export const runs = (usual: number, fixed?: number): Pick<Parameters<unknown>, 'numRuns' | 'seed'> => ({
  numRuns: times(usual),
  ...(seed !== undefined ? { seed: Number(seed) } : fixed !== undefined && { seed: fixed }),
})

/** So many rounds, or milliseconds to make them in. */
export const times = (usual: number): number => Math.ceil(usual * factor)
