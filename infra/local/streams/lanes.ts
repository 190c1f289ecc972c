import { createHash } from 'node:crypto'
import { itemKeyOf, type StreamRecord } from './records.ts'

/** The lane of a record's item, from 0 up to, not including, `factor`: all records of one item are in one lane. */
export const laneOf = (record: StreamRecord, factor: number): number =>
  factor <= 1 ? 0 : createHash('sha1').update(itemKeyOf(record)).digest().readUInt32BE(0) % factor
