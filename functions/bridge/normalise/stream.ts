import * as z from 'zod'
import { type Change, LARGEST_VERSION, type Row, type Version } from '../change.ts'
import type { Entity } from '../entity.ts'
import { ConfigurationError, InvalidRecordError } from '../errors.ts'
import { faultOfKey } from '../key.ts'
import { DecimalText, decodeItem, type Value } from '../values.ts'

/** A change with the stream record that it came from. */
export type StreamChange = { readonly sequenceNumber: string; readonly change: Change }
/** A record that can't become a change. */
export type Rejected = {
  readonly sequenceNumber: string
  readonly key: string | undefined
  readonly error: Error
}

/** A batch of a DynamoDB stream: the good records as changes, the bad ones by name. */
export type StreamBatch = {
  readonly from: 'stream'
  readonly changes: readonly StreamChange[]
  readonly rejected: readonly Rejected[]
}

/** Which entity a table keeps, by table name. */
export type TableIndex = ReadonlyMap<string, Entity>

/** @param tables table names by entity name */
export const tableIndex = (
  entities: readonly Entity[],
  tables: Readonly<Record<string, string>>,
): TableIndex =>
  new Map(
    entities.flatMap((entity): [string, Entity][] => {
      const table = tables[entity.name]
      return table === undefined ? [] : [[table, entity]]
    }),
  )

const batchShape = z.object({
  Records: z.array(z.looseObject({ eventSource: z.literal('aws:dynamodb') })).min(1),
})

const envelope = z.object({
  eventSourceARN: z.string(),
  dynamodb: z.looseObject({ SequenceNumber: z.string().min(1) }),
})

const item = z.record(z.string(), z.unknown())

const recordShape = z.object({
  eventName: z.enum(['INSERT', 'MODIFY', 'REMOVE']),
  dynamodb: z.object({
    ApproximateCreationDateTime: z.number().optional(),
    Keys: item,
    NewImage: item.optional(),
    OldImage: item.optional(),
  }),
})

/**
 * Turns a DynamoDB stream event into changes: INSERT and MODIFY into upserts of the new image, REMOVE (a client's or
 * TTL's) into a delete one version above the old image.
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
  for (const record of batch.data.Records) {
    const named = envelope.safeParse(record)
    if (!named.success)
      throw new InvalidRecordError('A stream record has no sequence number or no source', {
        cause: named.error,
      })
    const { SequenceNumber: sequenceNumber } = named.data.dynamodb
    const entity = entityOf(named.data.eventSourceARN, tables)
    let key: string | undefined
    try {
      const parsed = recordShape.safeParse(record)
      if (!parsed.success)
        throw new InvalidRecordError('The stream record is malformed', { cause: parsed.error })
      key = keyOf(decodeItem(parsed.data.dynamodb.Keys, 'Keys'), entity)
      changes.push({ sequenceNumber, change: toChange(parsed.data, entity, key) })
    } catch (error) {
      if (!(error instanceof InvalidRecordError)) throw error
      rejected.push({ sequenceNumber, key, error })
    }
  }
  return { from: 'stream', changes, rejected }
}

/** @param arn `arn:aws:dynamodb:region:account:table/NAME/stream/LABEL` */
const entityOf = (arn: string, tables: TableIndex): Entity => {
  const table = /:table\/([^/]+)\/stream\//.exec(arn)?.[1]
  const entity = table === undefined ? undefined : tables.get(table)
  if (entity === undefined) throw new ConfigurationError([`no entity is kept in the table of stream ${arn}`])
  return entity
}

const keyOf = (keys: Record<string, Value>, entity: Entity): string => {
  const key = keys[entity.keyName]
  if (typeof key !== 'string') throw new InvalidRecordError(`${entity.keyName} is not a string key`)
  const fault = faultOfKey(key)
  if (fault !== undefined) throw new InvalidRecordError(`${entity.keyName} ${fault}`)
  return key
}

const toChange = (record: z.infer<typeof recordShape>, entity: Entity, key: string): Change => {
  const { ApproximateCreationDateTime: created, NewImage, OldImage } = record.dynamodb
  const identified = { entity: entity.name, key, source: 'stream' } as const
  const createdAt = () => isoTime((created ?? 0) * 1000)
  if (record.eventName === 'REMOVE') {
    if (OldImage === undefined) throw new InvalidRecordError('REMOVE without OldImage')
    return {
      ...identified,
      op: 'delete',
      version: versionOf(decodeItem(OldImage, 'OldImage')) + 1n,
      at: createdAt(),
    }
  }
  if (NewImage === undefined) throw new InvalidRecordError(`${record.eventName} without NewImage`)
  const image = decodeItem(NewImage, 'NewImage')
  const { updatedAt } = image
  // A time that no column could hold is the writer's fault; the record's own stands in, so that the row isn't lost to it.
  const written = typeof updatedAt === 'string' && ISO.test(updatedAt) ? Date.parse(updatedAt) : Number.NaN
  const at = isStorable(written) ? isoTime(written) : createdAt()
  return { ...identified, op: 'upsert', version: versionOf(image), row: rowOf(image, entity), at }
}

const ISO = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?Z$/
/** The last second that MySQL's TIMESTAMP holds is 2038-01-19T03:14:07Z. */
const LATEST = 2 ** 31 * 1000 - 1

const isStorable = (milliseconds: number): boolean => milliseconds >= 1000 && milliseconds <= LATEST

const isoTime = (milliseconds: number): string => {
  if (!isStorable(milliseconds)) throw new InvalidRecordError('The time of the write is outside 1970 to 2038')
  return new Date(milliseconds).toISOString()
}

const versionOf = (image: Record<string, Value>): Version => {
  const { version } = image
  if (!(version instanceof DecimalText)) throw new InvalidRecordError('version is missing or not a number')
  if (!/^[1-9]\d*$/.test(version.text)) throw new InvalidRecordError('version is not a positive integer')
  const parsed = BigInt(version.text)
  if (parsed >= LARGEST_VERSION) throw new InvalidRecordError(`version is not below ${LARGEST_VERSION}`)
  return parsed
}

const rowOf = (image: Record<string, Value>, entity: Entity): Row => {
  const parsed = entity.image.safeParse(image)
  if (parsed.success) return parsed.data
  const where = parsed.error.issues.map((issue) => `${issue.path.join('.')} ${issue.message}`)
  throw new InvalidRecordError(`The image is not a ${entity.name}: ${where.join('; ')}`)
}
