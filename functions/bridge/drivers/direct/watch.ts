/** Counts the time in which somebody waits for the server, and tells once when it was too much. */
export class Watch {
  readonly #limit: () => number
  readonly #onExpired: () => void
  #timer: NodeJS.Timeout | undefined
  #expired = false
  #ended = false

  /** @param limit milliseconds, asked for at each start */
  constructor(limit: () => number, onExpired: () => void) {
    this.#limit = limit
    this.#onExpired = onExpired
    this.start()
  }

  get expired(): boolean {
    return this.#expired
  }

  /** Counts from zero, unless it has expired or ended. */
  start(): void {
    this.stop()
    if (this.#expired || this.#ended) return
    this.#timer = setTimeout(() => {
      this.#expired = true
      this.#onExpired()
    }, this.#limit())
  }

  stop(): void {
    clearTimeout(this.#timer)
  }

  /** For good: a reader may ask for more rows of a statement that is over. */
  end(): void {
    this.#ended = true
    this.stop()
  }
}
