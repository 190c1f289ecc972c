/** Somebody has ended a soak from outside. */
export class InterruptedError extends Error {
  override readonly name = 'InterruptedError'
}

/**
 * Waits for some work, or until the process is told to end: then whoever called can close what the work has opened, or its servers
 * would go on for ever.
 *
 * @throws InterruptedError on SIGINT and SIGTERM; what the work throws
 */
export const unlessInterrupted = async <T>(work: Promise<T>): Promise<T> => {
  const interrupted = Promise.withResolvers<never>()
  // Whatever of the work goes on meanwhile fails on what is closed then, and nobody asks.
  work.catch(() => undefined)
  const end = (signal: NodeJS.Signals): void => interrupted.reject(new InterruptedError(`ended by ${signal}`))
  process.once('SIGINT', end)
  process.once('SIGTERM', end)
  try {
    return await Promise.race([work, interrupted.promise])
  } finally {
    process.off('SIGINT', end)
    process.off('SIGTERM', end)
  }
}
