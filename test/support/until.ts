import { setTimeout as wait } from 'node:timers/promises'

/**
 * Waits for a condition, looking every 20 ms.
 *
 * @param what named when it doesn't come
 * @param limit in milliseconds
 */
export const until = async (
  what: string,
  limit: number,
  condition: () => boolean | Promise<boolean>,
): Promise<void> => {
  const end = performance.now() + limit
  while (!(await condition())) {
    if (performance.now() > end) throw new Error(`not within ${limit} ms: ${what}`)
    await wait(20)
  }
}
