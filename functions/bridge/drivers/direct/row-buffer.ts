import type { FieldPacket } from 'mysql2'
import { type RowDecoder, rowDecoder } from './values.ts'

/** Receives a statement's first result set. */
export type RowSink = {
  /** A throw ends the collecting; the rest of the rows is read and dropped. */
  fields(fields: readonly FieldPacket[]): void
  row(row: readonly unknown[]): void
}

export type RawRow = Record<string, unknown>

/** Keeps all rows. */
export class RowList implements RowSink {
  rows: RawRow[] | undefined
  #decode: RowDecoder | undefined

  fields(fields: readonly FieldPacket[]): void {
    this.#decode = rowDecoder(fields)
    this.rows = []
  }

  row(row: readonly unknown[]): void {
    if (this.#decode) this.rows?.push(this.#decode(row))
  }
}

export type RowFlow = {
  /** Stop and go on reading from the server. */
  pause(): void
  resume(): void
  /** The reader begins and ceases to wait for the server. */
  waits(): void
  served(): void
}

/** Keeps at most two chunks of rows between the server and a reader: the server waits for a slow reader. */
export class RowBuffer implements RowSink {
  readonly #size: number
  readonly #flow: RowFlow
  #rows: RawRow[] = []
  #decode: RowDecoder | undefined
  #ended = false
  #failure: { readonly error: unknown } | undefined
  #discarding = false
  #paused = false
  #wake: (() => void) | undefined

  /** @param size rows in a chunk */
  constructor(size: number, flow: RowFlow) {
    this.#size = size
    this.#flow = flow
  }

  fields(fields: readonly FieldPacket[]): void {
    this.#decode = rowDecoder(fields)
  }

  row(row: readonly unknown[]): void {
    if (this.#discarding || !this.#decode) return
    this.#rows.push(this.#decode(row))
    if (this.#rows.length >= this.#size) this.#wake?.()
    if (this.#rows.length >= 2 * this.#size && !this.#paused) {
      this.#paused = true
      this.#flow.pause()
    }
  }

  end(): void {
    this.#ended = true
    this.#wake?.()
  }

  fail(error: unknown): void {
    this.#failure = { error }
    this.#wake?.()
  }

  /** Drops what is there and what still comes. */
  discard(): void {
    this.#discarding = true
    this.#rows = []
    this.#goOn()
  }

  /** The next chunk; shorter ones only at the end, undefined after it. @throws what the statement failed with */
  async next(): Promise<readonly RawRow[] | undefined> {
    if (!this.#ready()) {
      this.#flow.waits()
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
      this.#wake = undefined
      this.#flow.served()
    }
    if (this.#failure) throw this.#failure.error
    if (this.#rows.length === 0) return undefined
    const chunk = this.#rows.slice(0, this.#size)
    this.#rows = this.#rows.slice(this.#size)
    if (this.#rows.length < this.#size) this.#goOn()
    return chunk
  }

  #ready(): boolean {
    return this.#ended || this.#failure !== undefined || this.#rows.length >= this.#size
  }

  #goOn(): void {
    if (!this.#paused) return
    this.#paused = false
    this.#flow.resume()
  }
}
