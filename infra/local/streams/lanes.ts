import { createHash } from 'node:crypto'
import { itemKeyOf, type StreamRecord } from './records.ts'

/**
 * Splits a batch into at most `factor` parts that may be processed side by side: all records of one item are in one
 * part, in their order.
 */
export const splitByItem = (batch: readonly StreamRecord[], factor: number): StreamRecord[][] => {
  if (factor <= 1) return [[...batch]]
  const lanes: StreamRecord[][] = Array.from({ length: factor }, () => [])
  for (const record of batch) {
    const hash = createHash('sha1').update(itemKeyOf(record)).digest().readUInt32BE(0)
    lanes[hash % factor]?.push(record)
  }
  return lanes.filter((lane) => lane.length > 0)
}
