import type { StreamRecord } from './records.ts'

/** Room for the records in an event of at most 6 MiB, bytes; the rest is for `{"Records":[…]}`. */
export const BATCH_BYTES = 6 * 1024 * 1024 - 64

/** Collects the records of one shard until a batch is due. Records taken out keep their order. */
export class Batcher {
  readonly #batchSize: number
  readonly #windowMs: number
  readonly #records: { readonly record: StreamRecord; readonly bytes: number }[] = []
  #bytes = 0
  #since = 0

  constructor(batchSize: number, windowSeconds: number) {
    this.#batchSize = batchSize
    this.#windowMs = windowSeconds * 1000
  }

  get size(): number {
    return this.#records.length
  }

  /** Records that still fit into the next batch. */
  get room(): number {
    return Math.max(0, this.#batchSize - this.#records.length)
  }

  add(record: StreamRecord, now: number): void {
    if (this.#records.length === 0) this.#since = now
    const bytes = Buffer.byteLength(JSON.stringify(record)) + 1
    this.#records.push({ record, bytes })
    this.#bytes += bytes
  }

  /** Full by number or size, or older than the window. Never when empty. */
  due(now: number): boolean {
    if (this.#records.length === 0) return false
    return this.room === 0 || this.#bytes >= BATCH_BYTES || now - this.#since >= this.#windowMs
  }

  /** The next batch: as many records as fit, at least one. */
  take(now: number): StreamRecord[] {
    let bytes = 0
    let count = 0
    for (const entry of this.#records) {
      if (count > 0 && (count === this.#batchSize || bytes + entry.bytes > BATCH_BYTES)) break
      bytes += entry.bytes
      count++
    }
    this.#bytes -= bytes
    this.#since = now
    return this.#records.splice(0, count).map((entry) => entry.record)
  }
}
