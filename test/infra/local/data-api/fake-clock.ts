import type { Clock } from '../../../../infra/local/data-api/clock.ts'

type Timer = { readonly at: number; readonly run: () => void }

/** A clock that stands still until `advance`. */
export class FakeClock implements Clock {
  #now = 1_700_000_000_000
  #timers = new Set<Timer>()

  now(): number {
    return this.#now
  }

  after(ms: number, run: () => void): () => void {
    const timer = { at: this.#now + ms, run }
    this.#timers.add(timer)
    return () => void this.#timers.delete(timer)
  }

  /** How many timers wait for exactly this long from now. */
  waiting(ms: number): number {
    return [...this.#timers].filter(({ at }) => at === this.#now + ms).length
  }

  /** Moves the time on and runs what is due, in order. */
  advance(ms: number): void {
    const end = this.#now + ms
    while (true) {
      const due = [...this.#timers].filter(({ at }) => at <= end).sort((a, b) => a.at - b.at)[0]
      if (!due) break
      this.#timers.delete(due)
      this.#now = due.at
      due.run()
    }
    this.#now = end
  }
}
