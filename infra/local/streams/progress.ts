import type { StreamRecord } from './records.ts'
import { Wake } from './wake.ts'

/** A record on its way from the stream to being done with. */
export type Ticket = {
  readonly record: StreamRecord
  /** Its share of the event's size. */
  readonly bytes: number
}

/** How much of a shard may be under way at once. Reading waits when one of them is reached. */
export type ProgressLimits = {
  /** Records in memory that are not done with. */
  readonly records: number
  /** Their size. A page that has been read is kept whole, so it can be exceeded by one. */
  readonly bytes: number
  /**
   * Records read since the checkpoint, done with or not: what a crash delivers again at most. Larger than `records`,
   * so that the other lanes go on while one stands still.
   */
  readonly sinceCheckpoint: number
}

type Entry = { readonly sequenceNumber: string; done: boolean }

/**
 * Follows the records of one shard in the order of the stream while lanes finish them in another. Its position is the
 * last record before which, and with which, everything is done: what a checkpoint may say.
 */
export class Progress {
  readonly #limits: ProgressLimits
  readonly #entries: Entry[] = []
  readonly #open = new Map<Ticket, Entry>()
  /** Where the first entry that is not done stands in `#entries`: emptied now and then, not at each step. */
  #head = 0
  #bytes = 0
  #position: string | undefined
  /** Woken whenever a record is done with. */
  readonly settled = new Wake()

  constructor(limits: ProgressLimits) {
    this.#limits = limits
  }

  /** The sequence number up to which all is done, once there is one. */
  get position(): string | undefined {
    return this.#position
  }

  /** How many records may be read now; 0: wait until some are done with. */
  get room(): number {
    if (this.#bytes >= this.#limits.bytes) return 0
    const since = this.#entries.length - this.#head
    return Math.max(0, Math.min(this.#limits.records - this.#open.size, this.#limits.sinceCheckpoint - since))
  }

  /** Notes the next record of the stream. */
  read(record: StreamRecord): Ticket {
    const bytes = Buffer.byteLength(JSON.stringify(record)) + 1
    const ticket: Ticket = { record, bytes }
    const entry: Entry = { sequenceNumber: record.dynamodb.SequenceNumber, done: false }
    this.#entries.push(entry)
    this.#open.set(ticket, entry)
    this.#bytes += bytes
    return ticket
  }

  /** Notes the next record of the stream as one that nobody wants: it is done with once all before it are. */
  skip(record: StreamRecord): void {
    this.#entries.push({ sequenceNumber: record.dynamodb.SequenceNumber, done: true })
    this.#advance()
  }

  /** The records are processed, or safe at the failure destination. */
  done(tickets: readonly Ticket[]): void {
    for (const ticket of tickets) {
      const entry = this.#open.get(ticket)
      if (!entry) continue
      this.#open.delete(ticket)
      this.#bytes -= ticket.bytes
      entry.done = true
    }
    this.#advance()
  }

  #advance(): void {
    let entry = this.#entries[this.#head]
    while (entry?.done) {
      this.#position = entry.sequenceNumber
      entry = this.#entries[++this.#head]
    }
    if (this.#head > 1_000 && this.#head * 2 > this.#entries.length) {
      this.#entries.splice(0, this.#head)
      this.#head = 0
    }
    this.settled.wake()
  }
}
