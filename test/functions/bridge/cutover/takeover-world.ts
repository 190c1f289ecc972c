import { randomUUID } from 'node:crypto'
import {
  CreateTableCommand,
  DeleteItemCommand,
  DeleteTableCommand,
  DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
} from '@aws-sdk/client-dynamodb'
import type { RowDataPacket } from 'mysql2'
import { AuroraSink } from '../../../../functions/bridge/aurora/aurora-sink.ts'
import { readOwners } from '../../../../functions/bridge/aurora/owners.ts'
import {
  planTakeover,
  runTakeover,
  type TakeoverParts,
} from '../../../../functions/bridge/cutover/takeover.ts'
import type { Item } from '../../../../functions/bridge/drivers/dynamo/items.ts'
import { RateLimiter } from '../../../../functions/bridge/drivers/dynamo/rate-limiter.ts'
import { entityReaders } from '../../../../functions/bridge/dynamo/entity-reader.ts'
import { EntitySource } from '../../../../functions/bridge/dynamo/entity-source.ts'
import { itemKey } from '../../../../functions/bridge/dynamo/item-key.ts'
import type { Entity } from '../../../../functions/bridge/model/entity.ts'
import { normaliseStreamEvent } from '../../../../functions/bridge/normalise/stream.ts'
import { Deadline } from '../../../../functions/bridge/runtime/deadline.ts'
import { Tables } from '../../../../functions/bridge/runtime/tables.ts'
import { applyStream } from '../../../../functions/bridge/sync/apply-stream.ts'
import type { Mirror } from '../../../../functions/bridge/sync/mirror.ts'
import { openTestAurora } from '../../../support/aurora.ts'
import { silent } from '../../../support/log.ts'
import { streamEvent, streamRecord } from '../../fixtures/stream-events.ts'
import { openJobTables, readAll } from '../jobs/job-tables.ts'
import { openTestParking, settings } from '../parking/harness.ts'

/** What a test's run of a takeover may say. */
export type Manner = {
  readonly again?: boolean
  readonly segments?: number
  /** Small pages: so many items at most. */
  readonly page?: number
  readonly signal?: AbortSignal
  readonly onProgress?: (items: number) => void
  /** Whether it waits before its end, as it has to where a record of the stream comes late. */
  readonly rests?: boolean
  readonly parts?: Partial<TakeoverParts>
}

/**
 * A stack from before there were owners, on real servers: its tables have the columns, and nobody has said anything.
 *
 * @param entities each table of theirs in DynamoDB is made with the primary key that they say
 * @param tables SQL that makes the legacy tables which the tests' migrations don't
 * @param rewrite changes each statement on its way to the server
 */
export const openFormerStack = async (
  entities: readonly Entity[],
  tables: readonly string[] = [],
  rewrite: (sql: string) => string = (text) => text,
) => {
  const [aurora, parking, jobTables] = await Promise.all([
    openTestAurora({ owned: [], rewrite }),
    openTestParking(),
    openJobTables(),
  ])
  for (const statement of tables) await aurora.legacy.query(statement)
  const client = new DynamoDBClient(settings)
  const names: Record<string, string> = {}
  for (const { item, keyPlaces } of entities) {
    if (names[item.table] !== undefined) continue
    const TableName = `${item.table}-${randomUUID()}`
    names[item.table] = TableName
    await client.send(
      new CreateTableCommand({
        TableName,
        BillingMode: 'PAY_PER_REQUEST',
        AttributeDefinitions: keyPlaces.map(({ attribute, type }) => ({
          AttributeName: attribute,
          AttributeType: type,
        })),
        KeySchema: keyPlaces.map(({ attribute }, at) => ({
          AttributeName: attribute,
          KeyType: at === 0 ? 'HASH' : 'RANGE',
        })),
      }),
    )
  }
  const deadline = new Deadline()
  const dynamo = { client, tables: new Tables(names), deadline }
  const mirror: Mirror = {
    sink: new AuroraSink(entities, aurora),
    source: new EntitySource({
      ...dynamo,
      entities,
      holds: async (entity, key) => (await aurora.store.get(entity, key)) !== undefined,
    }),
    parking: parking.parking,
    deadline,
    metrics: { count: () => {}, milliseconds: () => {}, flush: () => {} },
    log: silent,
    now: () => new Date(),
  }
  const parts: TakeoverParts = {
    ...dynamo,
    db: aurora.db,
    parking: parking.parking,
    jobs: jobTables.jobs(),
    database: aurora.database,
  }
  const index = entityReaders(entities, names)
  const read = async (entity: Entity, key: string): Promise<Item | undefined> => {
    const Key = itemKey(entity, key)
    const TableName = names[entity.item.table]
    return (await client.send(new GetItemCommand({ TableName, Key, ConsistentRead: true }))).Item
  }
  /** Does something to a key's item. @returns the record that the stream would have of it */
  const recorded = async (entity: Entity, key: string, next: Item | undefined) => {
    const before = await read(entity, key)
    const Key = itemKey(entity, key)
    const TableName = names[entity.item.table] ?? ''
    if (next === undefined) await client.send(new DeleteItemCommand({ TableName, Key }))
    else await client.send(new PutItemCommand({ TableName, Item: { ...Key, ...next } }))
    const made = streamRecord({
      table: TableName,
      eventName: next === undefined ? 'REMOVE' : before === undefined ? 'INSERT' : 'MODIFY',
      created: Math.floor(Date.now() / 1000),
      ...(before && { oldImage: before }),
      ...(next && { newImage: { ...Key, ...next } }),
    })
    return { ...made, dynamodb: { ...made.dynamodb, Keys: Key } }
  }
  return {
    aurora,
    client,
    parking: parking.parking,
    parts,
    mirror,
    tableOf: ({ item }: Entity): string => names[item.table] ?? '',
    item: read,
    put: (entity: Entity, key: string, item: Item) => recorded(entity, key, item),
    remove: (entity: Entity, key: string) => recorded(entity, key, undefined),
    deliver: async (...records: unknown[]) => {
      const batch = normaliseStreamEvent(streamEvent(...records), index)
      if (batch === undefined) throw new Error('not a stream event')
      return applyStream(batch, mirror)
    },
    take: async (
      entity: Entity,
      { again, segments = 2, page, signal, onProgress, rests = false, parts: own }: Manner = {},
    ) => {
      const all = { ...parts, ...(!rests && { pass: async () => {} }), ...own }
      const plan = await planTakeover(entity, all, { again, segments })
      // Pages have a quarter of what a second allows.
      const limiter =
        page === undefined ? undefined : new RateLimiter({ maxRate: page * 4, sleep: async () => {} })
      return runTakeover(plan, {
        ...all,
        by: 'a test',
        signal,
        limiter,
        concurrency: 1,
        onProgress: onProgress && (({ items }) => onProgress(items)),
      })
    },
    isKnown: async ({ name }: Entity): Promise<boolean> => (await readOwners(aurora.db)).has(name),
    /** Whose each row of an entity's table is, in an order by what tells them apart: `owner epoch version`. */
    rows: async ({ table }: Entity, by: string): Promise<Record<string, string>> => {
      const [found] = await aurora.legacy.query<RowDataPacket[]>(
        `SELECT CAST(${by} AS CHAR) AS k, backsync_owner AS o, backsync_epoch AS e, backsync_version AS v FROM ${table}`,
      )
      return Object.fromEntries(found.map(({ k, o, e, v }) => [k, `${o} ${e} ${v}`]))
    },
    tombstones: async ({ name }: Entity): Promise<Record<string, string>> => {
      const [found] = await aurora.legacy.query<RowDataPacket[]>(
        'SELECT entity_key AS k, owner AS o, epoch AS e, version AS v FROM backsync_tombstones WHERE entity = ?',
        [name],
      )
      return Object.fromEntries(found.map(({ k, o, e, v }) => [k, `${o} ${e} ${v}`]))
    },
    /** What is set aside of an entity, conflicts included: key and code. */
    parked: async ({ name }: Entity): Promise<string[]> => {
      const all = [
        ...(await parking.parking.parkedOf(name)).values(),
        ...(await parking.parking.parkedOf(`${name}.conflicts`)).values(),
      ]
      return all.map(({ key, code }) => `${key} ${code}`).sort()
    },
    /** Nobody has said anything, of nothing. */
    empty: async (): Promise<void> => {
      await aurora.empty()
      await aurora.legacy.query('DELETE FROM backsync_owners')
      for (const { item, keyPlaces } of entities) {
        const TableName = names[item.table] ?? ''
        for (const found of await readAll(client, TableName)) {
          const Key = Object.fromEntries(
            keyPlaces.map(({ attribute }) => [attribute, found[attribute] ?? NONE]),
          )
          await client.send(new DeleteItemCommand({ TableName, Key }))
        }
      }
    },
    close: async (): Promise<void> => {
      for (const TableName of Object.values(names)) await client.send(new DeleteTableCommand({ TableName }))
      client.destroy()
      await Promise.all([aurora.close(), parking.close(), jobTables.close()])
    },
  }
}

const NONE = { NULL: true }

export type FormerStack = Awaited<ReturnType<typeof openFormerStack>>
