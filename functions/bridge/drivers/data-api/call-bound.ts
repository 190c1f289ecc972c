import type { Deadline } from '../../runtime/deadline.ts'

/** How far apart the ends of calls may be that share a signal, in milliseconds, where no deadline fixes them. */
const STEP = 1000

/**
 * Bounds calls in time. All calls that must end at the same instant share one signal and one timer: within an
 * invocation that is nearly every call, and a signal of its own would cost a call some percent of its time.
 */
export class CallBound {
  readonly #deadline: Deadline
  readonly #longest: number
  #at = 0
  #signal: AbortSignal | undefined

  /** @param longest milliseconds that a call may take; it may get up to a second more, never more than the deadline */
  constructor(deadline: Deadline, longest: number) {
    this.#deadline = deadline
    this.#longest = longest
  }

  /** A signal that aborts a call which begins now, when the invocation's time is over or the call's own. */
  signal(): AbortSignal {
    const now = performance.now()
    const left = this.#deadline.remaining()
    const at = left < this.#longest ? Math.floor(now + left) : Math.ceil((now + this.#longest) / STEP) * STEP
    if (this.#signal === undefined || at !== this.#at) {
      const controller = new AbortController()
      const end = (): void => controller.abort(new DOMException('The call took too long', 'TimeoutError'))
      setTimeout(end, Math.max(0, at - now)).unref()
      this.#at = at
      this.#signal = controller.signal
    }
    return this.#signal
  }
}
