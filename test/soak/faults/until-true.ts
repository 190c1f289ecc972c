import { setTimeout as wait } from 'node:timers/promises'

/** Waits for a condition that may never come. @returns whether it came within the time, in milliseconds */
export const comesTrue = async (
  within: number,
  condition: () => boolean | Promise<boolean>,
  signal?: AbortSignal,
): Promise<boolean> => {
  const end = performance.now() + within
  while (!(await condition())) {
    if (performance.now() > end || signal?.aborted) return false
    await wait(25)
  }
  return true
}
