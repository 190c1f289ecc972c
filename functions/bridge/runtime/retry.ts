import { setTimeout as wait } from 'node:timers/promises'
import type { Deadline } from './deadline.ts'

export type RetryPolicy = {
  readonly attempts: number
  /** The pause before the second attempt and its upper bound, in milliseconds; each attempt doubles it. */
  readonly firstPause: number
  readonly longestPause: number
  readonly retryable: (error: unknown) => boolean
  readonly deadline: Deadline
}

/**
 * Repeats what fails with a retryable error: exponential pauses with jitter, bounded by attempts and by the
 * deadline. The last error is thrown as it is.
 */
export const retry = async <T>(policy: RetryPolicy, work: () => Promise<T>): Promise<T> => {
  for (let attempt = 1; ; attempt++) {
    try {
      return await work()
    } catch (error) {
      const before = pauseOf(attempt, policy.firstPause, policy.longestPause)
      if (attempt >= policy.attempts || !policy.retryable(error) || policy.deadline.remaining() <= before)
        throw error
      await sleep(before)
    }
  }
}

/** How long to wait before another attempt: exponential, with jitter, in milliseconds. */
export const pauseOf = (attempt: number, first: number, longest: number): number =>
  Math.min(longest, first * 2 ** (attempt - 1)) * (0.5 + Math.random() / 2)

/** Waits before another attempt: the first pause in milliseconds, doubled by each attempt up to the longest. */
export const pause = (attempt: number, first: number, longest: number): Promise<void> =>
  sleep(pauseOf(attempt, first, longest))

/** Waits so many milliseconds. @throws the signal's reason as soon as it aborts */
export const sleep = async (milliseconds: number, signal?: AbortSignal): Promise<void> => {
  try {
    await wait(milliseconds, undefined, signal === undefined ? {} : { signal })
  } catch (error) {
    // The timer's own AbortError hides why it was aborted.
    signal?.throwIfAborted()
    throw error
  }
}
