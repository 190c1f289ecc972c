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
      const ceiling = Math.min(policy.longestPause, policy.firstPause * 2 ** (attempt - 1))
      const pause = ceiling * (0.5 + Math.random() / 2)
      if (attempt >= policy.attempts || !policy.retryable(error) || policy.deadline.remaining() <= pause)
        throw error
      await wait(pause)
    }
  }
}
