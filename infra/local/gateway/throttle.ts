/** Requests per second, and how many may come at once. */
export type ThrottleSettings = { readonly ratePerSecond: number; readonly burst: number }

/** A token bucket, as API Gateway describes its throttling. */
export class Throttle {
  readonly #settings: ThrottleSettings
  readonly #now: () => number
  #tokens: number
  #filledAt: number

  /** @param now milliseconds, from any origin */
  constructor(settings: ThrottleSettings, now: () => number) {
    this.#settings = settings
    this.#now = now
    this.#tokens = settings.burst
    this.#filledAt = now()
  }

  /** Takes a token; false when there is none, and the request is to be refused with 429. */
  admit(): boolean {
    const { ratePerSecond, burst } = this.#settings
    const now = this.#now()
    this.#tokens = Math.min(burst, this.#tokens + ((now - this.#filledAt) / 1000) * ratePerSecond)
    this.#filledAt = now
    if (this.#tokens < 1) return false
    this.#tokens--
    return true
  }
}
