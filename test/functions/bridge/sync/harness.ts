import { randomUUID } from 'node:crypto'
import {
  type AttributeValue,
  CreateTableCommand,
  DeleteItemCommand,
  DeleteTableCommand,
  DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
} from '@aws-sdk/client-dynamodb'
import { AuroraSink } from '../../../../functions/bridge/aurora/aurora-sink.ts'
import type { Item } from '../../../../functions/bridge/drivers/dynamo/items.ts'
import { keyAttributes, keySchema } from '../../../../functions/bridge/drivers/dynamo/key-schema.ts'
import { DynamoRecords } from '../../../../functions/bridge/dynamo/dynamo-records.ts'
import { entityReaders } from '../../../../functions/bridge/dynamo/entity-reader.ts'
import { EntitySource } from '../../../../functions/bridge/dynamo/entity-source.ts'
import { getItem } from '../../../../functions/bridge/dynamo/get-item.ts'
import { itemKey } from '../../../../functions/bridge/dynamo/item-key.ts'
import type { Entity } from '../../../../functions/bridge/model/entity.ts'
import { normaliseStreamEvent, type StreamBatch } from '../../../../functions/bridge/normalise/stream.ts'
import { DynamoParking } from '../../../../functions/bridge/parking/dynamo-parking.ts'
import type { Stored } from '../../../../functions/bridge/ports/stored.ts'
import { Deadline } from '../../../../functions/bridge/runtime/deadline.ts'
import type { CountName } from '../../../../functions/bridge/runtime/metrics.ts'
import { Tables } from '../../../../functions/bridge/runtime/tables.ts'
import { applyStream, type StreamAnswer } from '../../../../functions/bridge/sync/apply-stream.ts'
import type { Mirror } from '../../../../functions/bridge/sync/mirror.ts'
import { openTestAurora, type TestAurora } from '../../../support/aurora.ts'
import { schemaOf } from '../../fixtures/layouts.ts'
import { streamEvent } from '../../fixtures/stream-events.ts'
import { openTestParking, settings, type TestParking } from '../parking/harness.ts'

export type LogEntry = readonly [level: string, message: string, fields: unknown]

/** The way back on real servers: Aurora behind the Data API, parking, and a table for each entity. */
export type TestSync = {
  readonly aurora: TestAurora
  readonly parking: TestParking
  readonly parts: Mirror
  /** Names of the entities' tables in DynamoDB, and what they have under a key. */
  readonly tables: Tables
  readonly dynamo: Pick<DynamoRecords, 'authority'> & {
    get(entity: Entity, key: string): Promise<Stored | undefined>
  }
  readonly entries: LogEntry[]
  readonly client: DynamoDBClient
  counts(): Record<string, number>
  read(...records: unknown[]): StreamBatch
  deliver(...records: unknown[]): Promise<StreamAnswer>
  /** As `deliver`, with other parts. */
  deliverWith(parts: Partial<Mirror>, ...records: unknown[]): Promise<StreamAnswer>
  put(entity: Entity, item: Record<string, AttributeValue>): Promise<void>
  /** @param key or the primary key of an item */
  remove(entity: Entity, key: string | Item): Promise<void>
  /** What an entity's table has under a key. */
  item(entity: Entity, key: string): Promise<Record<string, AttributeValue> | undefined>
  /** Takes the items that were lifted since the last time, as they were then, in that order: what the stream would bring. */
  takeLifted(): { readonly entity: string; readonly item: Record<string, AttributeValue> }[]
  /** What is parked of an entity: key, class, code. */
  parked(entity: string): Promise<unknown[]>
  close(): Promise<void>
}

/**
 * @param tables stream table names by the tables' names in this project
 * @param clock of the Data API's limits; default: the system's
 * @param patience with what others hold, in milliseconds; default: as deployed
 * @param calling makes what writes entities that functions write; default: nothing does
 */
export const openTestSync = async (
  entities: readonly Entity[],
  tables: Readonly<Record<string, string>>,
  {
    clock,
    patience,
    calling,
  }: Pick<NonNullable<Parameters<typeof openTestAurora>[0]>, 'clock' | 'patience' | 'calling'> = {},
): Promise<TestSync> => {
  const [aurora, parking] = await Promise.all([
    openTestAurora({
      owned: entities.map(({ name }) => name),
      ...(clock && { clock }),
      ...(patience !== undefined && { patience }),
      ...(calling && { calling }),
    }),
    openTestParking(),
  ])
  const client = new DynamoDBClient(settings)
  const suffix = randomUUID()
  const real = Object.fromEntries(Object.keys(tables).map((name) => [name, `${name}-${suffix}`]))
  for (const [name, table] of Object.entries(real)) {
    const entity = entities.find(({ item }) => item.table === name)
    const key = keyAttributes(entity ? schemaOf(entity) : keySchema({ partition: 'id' }, name))
    await client.send(
      new CreateTableCommand({
        TableName: table,
        AttributeDefinitions: key.map((one) => ({ AttributeName: one.name, AttributeType: one.type })),
        KeySchema: key.map((one, at) => ({ AttributeName: one.name, KeyType: at === 0 ? 'HASH' : 'RANGE' })),
        BillingMode: 'PAY_PER_REQUEST',
      }),
    )
  }
  const names = new Tables(real)
  const source = new EntitySource({
    client,
    entities,
    tables: names,
    deadline: new Deadline(),
    holds: async (entity, key) => (await aurora.store.get(entity, key)) !== undefined,
  })
  const item: TestSync['item'] = async (entity, key) => {
    const TableName = real[entity.item.table]
    const command = new GetItemCommand({ TableName, Key: itemKey(entity, key), ConsistentRead: true })
    return (await client.send(command)).Item
  }
  const lifted: ReturnType<TestSync['takeLifted']> = []
  const entries: LogEntry[] = []
  const keep =
    (level: string) =>
    (message: string, fields: unknown): void =>
      void entries.push([level, message, fields])
  const counted = new Map<string, number>()
  const deadline = new Deadline()
  const parts: Mirror = {
    sink: new AuroraSink(entities, aurora),
    source: {
      current: (...of) => source.current(...of),
      outward: (...of) => source.outward(...of),
      lift: async (change, above, under) => {
        const lifting = await source.lift(change, above, under)
        const entity = entities.find(({ name }) => name === change.entity)
        const now = lifting === 'lifted' && entity && (await item(entity, change.key))
        if (now) lifted.push({ entity: change.entity, item: now })
        return lifting
      },
    },
    parking: new DynamoParking({ client, table: parking.table, deadline }),
    deadline,
    metrics: {
      count: (name: CountName, entity, n) =>
        void counted.set(`${entity} ${name}`, (counted.get(`${entity} ${name}`) ?? 0) + n),
      milliseconds: () => {},
      flush: () => {},
    },
    log: { info: keep('info'), warn: keep('warn'), error: keep('error') },
    now: () => new Date(),
    // Nothing comes here while one waits, but what a test sends itself.
    patience: [0, 5, 15],
  }
  const index = entityReaders(entities, tables)
  const read = (...records: unknown[]): StreamBatch => {
    const batch = normaliseStreamEvent(streamEvent(...records), index)
    if (batch === undefined) throw new Error('not a stream event')
    return batch
  }
  const deliverWith = (other: Partial<Mirror>, ...records: unknown[]): Promise<StreamAnswer> =>
    applyStream(read(...records), { ...parts, ...other })
  const records = new DynamoRecords({ client, tables: names, deadline })
  return {
    aurora,
    parking,
    parts,
    tables: names,
    dynamo: {
      get: (entity, key) => getItem({ client, tables: names, deadline }, entity, key),
      authority: (entity, key) => records.authority(entity, key),
    },
    entries,
    client,
    counts: () => Object.fromEntries([...counted].filter(([, n]) => n > 0)),
    read,
    deliver: (...records) => deliverWith({}, ...records),
    deliverWith,
    put: async ({ item }, attributes) => {
      await client.send(new PutItemCommand({ TableName: real[item.table], Item: attributes }))
    },
    remove: async (entity, key) => {
      const TableName = real[entity.item.table]
      const Key = typeof key === 'string' ? itemKey(entity, key) : key
      await client.send(new DeleteItemCommand({ TableName, Key }))
    },
    item,
    takeLifted: () => lifted.splice(0),
    parked: async (entity) =>
      [...(await parts.parking.parkedOf(entity)).values()]
        .map((head): [string, string, string] => [head.key, head.class, head.code])
        .toSorted(([a], [b]) => (a < b ? -1 : 1)),
    close: async () => {
      for (const table of Object.values(real)) await client.send(new DeleteTableCommand({ TableName: table }))
      client.destroy()
      await Promise.all([aurora.close(), parking.close()])
    },
  }
}
