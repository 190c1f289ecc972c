import { createHash } from 'node:crypto'
import type { Item } from '../drivers/dynamo/items.ts'
import type { StateTableKeys } from '../drivers/dynamo/state-table.ts'
import type { WaitsFor } from '../ports/sink.ts'

/** The parking table; what has been resolved expires, what is parked never does. */
export const parkingTable = {
  partition: 'pk',
  sort: 'sk',
  expiry: 'expires',
} as const satisfies StateTableKeys

/** The primary key of an item of the parking table. */
export type PrimaryKey = Readonly<
  Record<typeof parkingTable.partition | typeof parkingTable.sort, { readonly S: string }>
>

/** Tells items apart by their primary keys. */
export const primaryKeyText = ({ pk, sk }: Item): string => JSON.stringify([pk?.S, sk?.S])

/** DynamoDB's limit of a sort key, in bytes of UTF-8. A key of 255 characters of 4 bytes just fits. */
const LONGEST_SORT_KEY = 1024
/** Where more than one text shares a primary key, each gets no more than this. */
const SHARE = 300
const HASHED = 'sha256:'

/**
 * A text as it is where it may stand in a primary key, else its hash. Two texts never give the same: whoever looks
 * like a hash is hashed too. The texts themselves are attributes of the items, so none of this is ever read back.
 */
const fitted = (text: string, bytes: number): string =>
  text !== '' && text.isWellFormed() && !text.startsWith(HASHED) && Buffer.byteLength(text) <= bytes
    ? text
    : HASHED + createHash('sha256').update(text, 'utf16le').digest('hex')

/** One of several texts that `#` separates: no `#` in it, and never `*`. */
const part = (text: string): string =>
  fitted(
    text.replaceAll(/[%#*]/g, (sign) => encodeURIComponent(sign).replace('*', '%2A')),
    SHARE,
  )

const key = (pk: string, sk: string): PrimaryKey => ({
  [parkingTable.partition]: { S: pk },
  [parkingTable.sort]: { S: sk },
})

/** A number from 0 up to, not including, `shards`: the same for the same texts. */
const shardOf = (shards: number, ...texts: readonly string[]): number =>
  createHash('sha256').update(JSON.stringify(texts)).digest().readUInt32BE() % shards

const all = (shards: number, name: (shard: number) => string): string[] =>
  Array.from({ length: shards }, (_, shard) => name(shard))

/** So many partitions hold an entity's heads: a partition takes a thousand writes a second. */
const HEAD_SHARDS = 16
/** Likewise what waits for anything of an entity, and what is due to be tried again: all are asked at once. */
const WAIT_SHARDS = 4

const headsAt = (entity: string, shard: number): string => `parked#${part(entity)}#${shard}`
/** The partitions of an entity's heads: together they are the list. */
export const headsOf = (entity: string): readonly string[] =>
  all(HEAD_SHARDS, (shard) => headsAt(entity, shard))
export const headKey = (entity: string, of: string): PrimaryKey =>
  key(headsAt(entity, shardOf(HEAD_SHARDS, of)), fitted(of, LONGEST_SORT_KEY))

/** Where former releases have an entity's heads, in one partition; they are read there until they have been moved. */
export const formerHeadsOf = (entity: string): string => `parked#${part(entity)}`
export const formerHeadKey = (entity: string, of: string): PrimaryKey =>
  key(formerHeadsOf(entity), fitted(of, LONGEST_SORT_KEY))

/** The partition of what waits for one key. */
const waitersFor = (entity: string, of: string): string => `waiting#${part(entity)}#${part(of)}`
const waitersForAnyAt = (entity: string, shard: number): string => `waiting#${part(entity)}#*${shard}`
/** The partitions of what waits for any change of an entity, in each of them the longest waiting first. */
export const waitersForAny = (entity: string): readonly string[] =>
  all(WAIT_SHARDS, (shard) => waitersForAnyAt(entity, shard))
/** @param since when the waiting began: in this order those are tried that wait for any change */
export const waitingKey = (on: WaitsFor, entity: string, of: string, since: string): PrimaryKey => {
  const waiter = `${part(entity)}#${part(of)}`
  return on.key === undefined
    ? key(waitersForAnyAt(on.entity, shardOf(WAIT_SHARDS, entity, of)), `${since}#${waiter}`)
    : key(waitersFor(on.entity, on.key), waiter)
}

/** Where former releases have all that waits for an entity. */
export const formerWaitersFor = (entity: string): string => `waiting#${part(entity)}`
export const formerWaitingKey = (on: WaitsFor, entity: string, of: string): PrimaryKey =>
  key(formerWaitersFor(on.entity), `${on.key === undefined ? '*' : part(on.key)}#${part(entity)}#${part(of)}`)

/** Says that somebody may wait for one key, or for any change of an entity: looked up instead of them, many at once. */
export const awaitedKey = ({ entity, key: of }: WaitsFor): PrimaryKey =>
  key(of === undefined ? `waiting#${part(entity)}#*` : waitersFor(entity, of), AWAITED)
/** Its sort key, which comes before each waiter's. */
export const AWAITED = '!'

const dueAt = (entity: string, shard: number): string => `due#${part(entity)}#${shard}`
/** The partitions of what is to be tried again by itself, in each of them what is due first comes first. */
export const duesOf = (entity: string): readonly string[] => all(WAIT_SHARDS, (shard) => dueAt(entity, shard))
/** @param at ISO 8601 */
export const dueKey = (entity: string, of: string, at: string): PrimaryKey =>
  key(dueAt(entity, shardOf(WAIT_SHARDS, of)), `${at}#${part(of)}`)

/** The partition of a key's payloads; `id` tells one payload from another. */
export const payloadsOf = (entity: string, of: string): string =>
  `payload#${part(entity)}#${fitted(of, LONGEST_SORT_KEY)}`
export const payloadKey = (entity: string, of: string, id: string, at: number): PrimaryKey =>
  key(payloadsOf(entity, of), `${id}#${String(at).padStart(3, '0')}`)

/** The partition of an entity's history; a key's entries start with the same text. */
export const resolvedOf = (entity: string): string => `resolved#${part(entity)}`
export const resolvedStart = (of: string): string => `${part(of)}#`
export const resolvedKey = (entity: string, of: string, lastSeen: string, revision: string): PrimaryKey =>
  key(resolvedOf(entity), `${resolvedStart(of)}${lastSeen}#${revision}`)

/** What a hint is about: which keys of an entity may be parked, or which something may wait for. */
export type HintKind = 'parked' | 'awaited'
export const hintKey = (kind: HintKind, entity: string): PrimaryKey => key(`hint#${part(entity)}`, kind)

/** Up to where a key has been resolved. */
export const markKey = (entity: string, of: string): PrimaryKey =>
  key(`mark#${part(entity)}#${fitted(of, LONGEST_SORT_KEY)}`, 'mark')
