import { DeadlineError } from '../model/errors.ts'

/** The part of Lambda's context that tells how long an invocation may still run. */
export type InvocationContext = { readonly awsRequestId: string; getRemainingTimeInMillis(): number }

/** Kept back for the answer itself, in milliseconds. */
const RESERVE = 500

/** How long the current invocation may still work. One environment serves one invocation at a time. */
export class Deadline {
  #at = Number.POSITIVE_INFINITY

  /** Starts the clock of a new invocation. */
  begin(context: InvocationContext): void {
    this.within(context.getRemainingTimeInMillis() - RESERVE)
  }

  /** Starts the clock of work that is no invocation, and may take so many milliseconds from now on. */
  within(milliseconds: number): void {
    this.#at = performance.now() + milliseconds
  }

  /** Milliseconds left; never negative. Infinite outside an invocation. */
  remaining(): number {
    return Math.max(0, this.#at - performance.now())
  }

  /** A signal that aborts a call when the invocation's time is over, at the latest after `longest` milliseconds. */
  signal(longest: number): AbortSignal {
    return AbortSignal.timeout(Math.floor(Math.min(longest, this.remaining())))
  }

  /** @throws DeadlineError when less than `milliseconds` are left */
  require(milliseconds: number, what: string): void {
    if (this.remaining() < milliseconds)
      throw new DeadlineError(`${what} needs ${milliseconds} ms; ${Math.floor(this.remaining())} ms are left`)
  }
}
