import { setTimeout as delay } from 'node:timers/promises'

/** Time as the poller sees it; tests bring their own. */
export type Clock = {
  /** Milliseconds since 1970. */
  now(): number
  /** Resolves after `ms`, or at once when the signal aborts; never rejects. */
  sleep(ms: number, signal: AbortSignal): Promise<void>
}

export const systemClock: Clock = {
  now: () => Date.now(),
  async sleep(ms, signal) {
    if (signal.aborted) return
    try {
      await delay(ms, undefined, { signal })
    } catch (error) {
      // An abort is the one way in which a timer rejects, and it is what the caller asked for.
      if (!signal.aborted) throw error
    }
  },
}

/**
 * The wait before try number `attempt` (1 is the first repeat): exponential from `base`, at most `cap`, with the upper
 * half of it random, so that mappings which failed together don't return together. AWS does not publish its schedule.
 *
 * @param random from 0 up to, not including, 1
 */
export const backoffMs = (attempt: number, random: number, base = 100, cap = 10_000): number => {
  const full = Math.min(cap, base * 2 ** Math.min(30, Math.max(0, attempt - 1)))
  return Math.round(full / 2 + (full / 2) * random)
}
