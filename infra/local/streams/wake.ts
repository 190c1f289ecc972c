import type { Clock } from './clock.ts'

/**
 * Lets one part of a consumer wait until another has done something. Look first, then wait, with no `await` between:
 * then nothing that happens is missed.
 */
export class Wake {
  #next = Promise.withResolvers<void>()

  /** Ends every wait that is under way. */
  wake(): void {
    this.#next.resolve()
    this.#next = Promise.withResolvers()
  }

  wait(): Promise<void> {
    return this.#next.promise
  }

  /** Waits at most `ms`. */
  async waitAtMost(ms: number, clock: Clock): Promise<void> {
    const woken = new AbortController()
    await Promise.race([this.#next.promise, clock.sleep(ms, woken.signal)])
    woken.abort()
  }
}
