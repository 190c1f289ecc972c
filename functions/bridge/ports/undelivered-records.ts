import type { Version } from '../model/change.ts'

/** A record of a key in a batch that was given up. */
export type UndeliveredRecord = {
  /** The batch, by what it is called by. */
  readonly batch: string
  /** When it was given up: ISO 8601. */
  readonly at: string
  readonly sequenceNumber: string
  /** Of a record that makes no change neither is known. */
  readonly op?: 'upsert' | 'delete'
  readonly version?: Version
}

/** What was found of a key in the batches that were looked at, and how many there are. */
export type UndeliveredOfKey = {
  readonly records: readonly UndeliveredRecord[]
  readonly looked: number
  readonly batches: number
}
