import type { Log } from '../http/server.ts'
import { InvokeError } from './errors.ts'
import type { LocalFunction } from './function.ts'

/** Pauses before the second and the third attempt of an event whose function failed, in milliseconds: Lambda's own. */
const AFTER_FAILURE: readonly number[] = [60_000, 120_000]
/** The pause before an event is tried again that met too many others, and the longest it grows to, in milliseconds. */
const AFTER_THROTTLE = { first: 1_000, longest: 5 * 60_000 }

/**
 * Events that nobody waits for. A function's error has one tried two times more, under the same request id; one that was
 * throttled is tried until it runs. What is still waiting when the runtime stops is lost: here no queue outlives it.
 *
 * @see https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html
 */
export class AsyncInvocations {
  readonly #log: Log
  readonly #waiting = new Set<NodeJS.Timeout>()
  #closed = false

  constructor(log: Log) {
    this.#log = log
  }

  /** @param event as JSON text */
  take(fn: LocalFunction, event: string, requestId: string): void {
    void this.#attempt(fn, event, requestId, { failed: 0, throttled: 0 })
  }

  close(): void {
    this.#closed = true
    for (const timer of this.#waiting) clearTimeout(timer)
    this.#waiting.clear()
  }

  async #attempt(
    fn: LocalFunction,
    event: string,
    requestId: string,
    { failed, throttled }: { failed: number; throttled: number },
  ): Promise<void> {
    const { name } = fn.definition
    try {
      const outcome = await fn.invokeJson(event, requestId)
      if (outcome.ok) return
      const pause = AFTER_FAILURE[failed]
      if (pause !== undefined)
        return this.#later(pause, () =>
          this.#attempt(fn, event, requestId, { failed: failed + 1, throttled }),
        )
      this.#log(`${name}: gave up the event of request ${requestId} after ${failed + 1} attempts`)
    } catch (error) {
      if (!(error instanceof InvokeError)) throw error
      if (error.code !== 'lambda.throttled') return
      const pause = Math.min(AFTER_THROTTLE.longest, AFTER_THROTTLE.first * 2 ** throttled)
      this.#later(pause, () => this.#attempt(fn, event, requestId, { failed, throttled: throttled + 1 }))
    }
  }

  #later(milliseconds: number, work: () => Promise<void>): void {
    if (this.#closed) return
    const timer = setTimeout(() => {
      this.#waiting.delete(timer)
      void work()
    }, milliseconds)
    this.#waiting.add(timer)
  }
}
