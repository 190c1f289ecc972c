import * as z from 'zod'
import type { Version } from '../model/change.ts'
import { ConfigurationError, InvalidRecordError } from '../model/errors.ts'
import type { ReadChange, RecordFault, RecordReader } from '../ports/record-reader.ts'

/** A change with the stream record that it came from. */
export type StreamChange = ReadChange & {
  readonly sequenceNumber: string
  readonly record: unknown
}

/** A record that can't become a change. */
export type Rejected = {
  readonly sequenceNumber: string
  /** In a table that several entities share, and where the record doesn't tell: the first of them. */
  readonly entity: string
  readonly key: string | undefined
  readonly version: Version | undefined
  readonly record: unknown
  readonly error: RecordFault['error']
}

/** A batch of a DynamoDB stream: the good records as changes, the bad ones by name. */
export type StreamBatch = {
  readonly from: 'stream'
  readonly changes: readonly StreamChange[]
  readonly rejected: readonly Rejected[]
  /** How many records of a shared table are no entity's, or left out of a kept table, by that table's name in this project. */
  readonly ignored: ReadonlyMap<string, number>
}

/** Who reads the records of which table, by the table's name in DynamoDB. */
export type TableIndex = ReadonlyMap<string, RecordReader>

/** What stands in the event is told, not copied: a schema of objects would copy each record twice. */
const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const batchShape = z.object({
  Records: z
    .array(
      z.custom<Readonly<Record<string, unknown>>>(
        (value) => isObject(value) && value.eventSource === 'aws:dynamodb',
      ),
    )
    .min(1),
})

const envelope = z.object({
  eventSourceARN: z.string(),
  dynamodb: z.custom<{ readonly SequenceNumber: string }>(
    (value) => isObject(value) && typeof value.SequenceNumber === 'string' && value.SequenceNumber.length > 0,
    'has no SequenceNumber',
  ),
})

/**
 * Turns a DynamoDB stream event into changes: INSERT and MODIFY into upserts of the new image, REMOVE (a client's or
 * TTL's) into a delete one version above the old image. In a table that several entities share, an item that changes
 * its entity is deleted from the one and upserted into the other.
 *
 * @returns undefined when the event is no stream event; a record that can't become a change is rejected by name and
 *   the others go on
 * @throws InvalidRecordError when a record has no sequence number: it couldn't be reported, so the batch must fail
 * @throws ConfigurationError for a table that nothing is kept of
 */
export const normaliseStreamEvent = (event: unknown, tables: TableIndex): StreamBatch | undefined => {
  const batch = batchShape.safeParse(event)
  if (!batch.success) return undefined
  const changes: StreamChange[] = []
  const rejected: Rejected[] = []
  const ignored = new Map<string, number>()
  for (const record of batch.data.Records) {
    const named = envelope.safeParse(record)
    if (!named.success)
      throw new InvalidRecordError('A stream record has no sequence number or no source', {
        cause: named.error,
      })
    const { SequenceNumber: sequenceNumber } = named.data.dynamodb
    const reader = readerOf(named.data.eventSourceARN, tables)
    const read = reader.read(record)
    for (const change of read.changes) changes.push({ sequenceNumber, record, ...change })
    for (const fault of read.faults) rejected.push({ sequenceNumber, record, ...fault })
    const { leftOut = [] } = read
    const isNothing = read.changes.length + read.faults.length + leftOut.length === 0
    for (const name of isNothing ? [reader.table] : leftOut) ignored.set(name, (ignored.get(name) ?? 0) + 1)
  }
  return { from: 'stream', changes, rejected, ignored }
}

/** @param arn `arn:aws:dynamodb:region:account:table/NAME/stream/LABEL` */
const readerOf = (arn: string, tables: TableIndex): RecordReader => {
  const table = /:table\/([^/]+)\/stream\//.exec(arn)?.[1]
  const reader = table === undefined ? undefined : tables.get(table)
  if (reader === undefined) throw new ConfigurationError([`nothing is kept of the table of stream ${arn}`])
  return reader
}
