import * as z from 'zod'
import type { Version } from '../change.ts'
import type { Entity } from '../entity.ts'
import { ConfigurationError, InvalidRecordError } from '../errors.ts'
import { type ReadChange, readRecord } from './record.ts'

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
  readonly error: InvalidRecordError
}

/** A batch of a DynamoDB stream: the good records as changes, the bad ones by name. */
export type StreamBatch = {
  readonly from: 'stream'
  readonly changes: readonly StreamChange[]
  readonly rejected: readonly Rejected[]
  /** How many records of a shared table are no entity's, by the table's name in this project. */
  readonly ignored: ReadonlyMap<string, number>
}

/** Which entities a table keeps, by the table's name in DynamoDB. */
export type TableIndex = ReadonlyMap<string, readonly Entity[]>

/** @param tables table names in DynamoDB by their names in this project */
export const tableIndex = (
  entities: readonly Entity[],
  tables: Readonly<Record<string, string>>,
): TableIndex =>
  new Map(
    Object.entries(tables).map(([name, table]) => [
      table,
      entities.filter(({ item }) => item.table === name),
    ]),
  )

const batchShape = z.object({
  Records: z.array(z.looseObject({ eventSource: z.literal('aws:dynamodb') })).min(1),
})

const envelope = z.object({
  eventSourceARN: z.string(),
  dynamodb: z.looseObject({ SequenceNumber: z.string().min(1) }),
})

/**
 * Turns a DynamoDB stream event into changes: INSERT and MODIFY into upserts of the new image, REMOVE (a client's or
 * TTL's) into a delete one version above the old image. In a table that several entities share, an item that changes
 * its entity is deleted from the one and upserted into the other.
 *
 * @returns undefined when the event is no stream event; a record that can't become a change is rejected by name and
 *   the others go on
 * @throws InvalidRecordError when a record has no sequence number: it couldn't be reported, so the batch must fail
 * @throws ConfigurationError for a table that no entity is kept in
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
    const entities = entitiesOf(named.data.eventSourceARN, tables)
    const read = readRecord(record, entities)
    for (const change of read.changes) changes.push({ sequenceNumber, record, ...change })
    for (const fault of read.faults) rejected.push({ sequenceNumber, record, ...fault })
    const { table } = entities[0].item
    if (read.changes.length + read.faults.length === 0) ignored.set(table, (ignored.get(table) ?? 0) + 1)
  }
  return { from: 'stream', changes, rejected, ignored }
}

/** @param arn `arn:aws:dynamodb:region:account:table/NAME/stream/LABEL` */
const entitiesOf = (arn: string, tables: TableIndex): readonly [Entity, ...Entity[]] => {
  const table = /:table\/([^/]+)\/stream\//.exec(arn)?.[1]
  const [first, ...others] = (table === undefined ? undefined : tables.get(table)) ?? []
  if (first === undefined) throw new ConfigurationError([`no entity is kept in the table of stream ${arn}`])
  return [first, ...others]
}
