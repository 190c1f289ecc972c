/** Time as the endpoint sees it, so that a test can let three minutes pass at once. */
export type Clock = {
  /** milliseconds since the epoch */
  now(): number
  /** Runs `run` once, after `ms` milliseconds. @returns cancels it; harmless when it has run */
  after(ms: number, run: () => void): () => void
}

/** The machine's clock. Its timers don't keep a process alive. */
export const systemClock: Clock = {
  now: () => Date.now(),
  after: (ms, run) => {
    const timer = setTimeout(run, ms).unref()
    return () => clearTimeout(timer)
  },
}
