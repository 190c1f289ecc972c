import type { Change, Version } from '../model/change.ts'
import type { BridgeError } from '../model/errors.ts'

export type ReadChange = {
  readonly change: Change
  /** Attributes of the item that nothing of what is kept knows. */
  readonly unknownAttributes: number
}

/** What could be told of a record before it turned out to be bad, and why it is. */
export type RecordFault = {
  readonly entity: string
  readonly key: string | undefined
  readonly version: Version | undefined
  readonly error: BridgeError
}

/** What a record is; neither a change nor a fault when its item is no entity's. */
export type RecordReading = {
  readonly changes: readonly ReadChange[]
  readonly faults: readonly RecordFault[]
  /** The names of what is kept that leaves this item out: it is counted by them. */
  readonly leftOut?: readonly string[]
}

/** Reads the records of one table's stream. */
export interface RecordReader {
  /** The table's name in this project: records that are nothing to it are counted by it. */
  readonly table: string
  read(record: unknown): RecordReading
}
