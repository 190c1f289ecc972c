import type { Ticket } from './progress.ts'

/** Room for the records in an event of at most 6 MiB, bytes; the rest is for `{"Records":[…]}`. */
export const BATCH_BYTES = 6 * 1024 * 1024 - 64

/** Collects the records of one lane until a batch is due. Records taken out keep their order. */
export class Batcher {
  readonly #batchSize: number
  readonly #windowMs: number
  readonly #tickets: Ticket[] = []
  #bytes = 0
  #since = 0

  constructor(batchSize: number, windowSeconds: number) {
    this.#batchSize = batchSize
    this.#windowMs = windowSeconds * 1000
  }

  get size(): number {
    return this.#tickets.length
  }

  add(ticket: Ticket, now: number): void {
    if (this.#tickets.length === 0) this.#since = now
    this.#tickets.push(ticket)
    this.#bytes += ticket.bytes
  }

  /** Milliseconds until a batch is due, 0 when it is: full by number or size, or older than the window. */
  dueIn(now: number): number {
    if (this.#tickets.length === 0) return Number.POSITIVE_INFINITY
    if (this.#tickets.length >= this.#batchSize || this.#bytes >= BATCH_BYTES) return 0
    return Math.max(0, this.#since + this.#windowMs - now)
  }

  /** The next batch: as many records as fit, at least one. */
  take(now: number): Ticket[] {
    let bytes = 0
    let count = 0
    for (const ticket of this.#tickets) {
      if (count > 0 && (count === this.#batchSize || bytes + ticket.bytes > BATCH_BYTES)) break
      bytes += ticket.bytes
      count++
    }
    this.#bytes -= bytes
    this.#since = now
    return this.#tickets.splice(0, count)
  }
}
