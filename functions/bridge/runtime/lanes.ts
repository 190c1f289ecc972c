/**
 * Works on all of them, so many at a time. When one fails nothing new is begun, and what was begun is waited for.
 *
 * @returns results in the order of `all`
 * @throws the first failure
 */
export const inLanes = async <T, R>(
  all: readonly T[],
  lanes: number,
  work: (one: T, index: number) => Promise<R>,
): Promise<R[]> => {
  const results: R[] = []
  const rest = all.entries()
  let failed = false
  const lane = async (): Promise<void> => {
    for (const [index, one] of rest) {
      if (failed) return
      try {
        results[index] = await work(one, index)
      } catch (error) {
        failed = true
        throw error
      }
    }
  }
  const outcomes = await Promise.allSettled(Array.from({ length: Math.min(lanes, all.length) }, lane))
  const failure = outcomes.find((outcome) => outcome.status === 'rejected')
  if (failure !== undefined) throw failure.reason
  return results
}
