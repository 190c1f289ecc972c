import type { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import type { Kysely } from 'kysely'
import { type ReadRecord, readRecords } from '../aurora/many-records.ts'
import { batchGet } from '../drivers/dynamo/batch-get.ts'
import type { Item } from '../drivers/dynamo/items.ts'
import type { RateLimiter } from '../drivers/dynamo/rate-limiter.ts'
import { findItemKey } from '../dynamo/item-key.ts'
import { canonicalRecord, textHash } from '../model/canonical.ts'
import type { Entity } from '../model/entity.ts'
import type { Deadline } from '../runtime/deadline.ts'
import type { Tables } from '../runtime/tables.ts'
import { recordOfItem } from './compared.ts'
import { type KeyRelation, relate } from './relation.ts'
import type { LookedAt } from './settle.ts'

/** Both stores, to be asked about keys. */
export type LookParts = {
  readonly db: Kysely<unknown>
  readonly client: DynamoDBClient
  readonly tables: Tables
  readonly deadline: Deadline
  readonly signal?: AbortSignal | undefined
  readonly limiter?: RateLimiter | undefined
}

/** What both stores hold of a key, as it was read at one time. */
export type Looked = LookedAt & {
  readonly relation: KeyRelation
  readonly aurora: ReadRecord
  readonly dynamo: ReadRecord
}

/** How keys stand to each other of which the versions say how far each side is. */
const OF_VERSIONS: ReadonlySet<string> = new Set([
  'onlyAurora',
  'onlyDynamo',
  'auroraBehind',
  'dynamoBehind',
  'conflict',
])

/** Rows that are read with one statement. */
const AT_ONCE = 250

/**
 * Reads keys at both sides, strongly consistent.
 *
 * @param keys each once, in the form of the entity's keys
 * @returns one for each, in that order
 * @throws DataApiError, DynamoError, DeadlineError, OwnersUnknownError; the signal's reason
 */
export const lookAt = async (
  entity: Entity,
  keys: readonly string[],
  parts: LookParts,
): Promise<readonly Looked[]> => {
  const [rows, items] = await Promise.all([readRows(entity, keys, parts), itemsOf(entity, keys, parts)])
  return rows.map((aurora) => {
    const { key } = aurora
    const item = items.get(key)
    const dynamo = (item && recordOfItem(entity, item)) ?? absent(key)
    const relation = relate(entity, aurora, dynamo, item)
    return {
      ...{ key, aurora, dynamo, relation },
      versions: OF_VERSIONS.has(relation.is) ? [aurora.version, dynamo.version] : undefined,
      print: `${printOf(entity, aurora)} ${printOf(entity, dynamo)}`,
    }
  })
}

const absent = (key: string): ReadRecord => ({
  ...{ key, state: 'absent', version: 0n, at: null },
  ...{ owner: 'dynamo', epoch: 0n },
})

/** Reads the rows of keys. @throws as `lookAt` */
export const readRows = async (
  entity: Entity,
  keys: readonly string[],
  { db, deadline, signal }: LookParts,
): Promise<readonly ReadRecord[]> => {
  const read: ReadRecord[] = []
  for (let from = 0; from < keys.length; from += AT_ONCE) {
    signal?.throwIfAborted()
    read.push(...(await readRecords(entity, keys.slice(from, from + AT_ONCE), { db, deadline })))
  }
  return read
}

/** The items of keys, by their keys; another entity's are none. */
export const itemsOf = async (
  entity: Entity,
  keys: readonly string[],
  { client, tables, deadline, signal, limiter }: Omit<LookParts, 'db'>,
): Promise<ReadonlyMap<string, Item>> => {
  const primary = keys.map((key) => findItemKey(entity, key)).filter((one) => one !== undefined)
  const table = tables.of(entity.item.table)
  const items = await batchGet(primary, { client, table, deadline, signal, limiter })
  return new Map(
    items.flatMap((item) => {
      const record = recordOfItem(entity, item)
      return record === undefined ? [] : [[record.key, item] as const]
    }),
  )
}

const printOf = (entity: Entity, record: ReadRecord): string => {
  const { state, version, owner, epoch } = record
  const content =
    record.state === 'held'
      ? textHash(canonicalRecord(entity, record))
      : record.state === 'unread'
        ? textHash(record.error.message)
        : 0n
  return [state, version, owner, epoch, content].join(':')
}
