import { type Kysely, type RawBuilder, sql, type Transaction } from 'kysely'
import { isResultTooLarge } from '../drivers/data-api/errors.ts'
import { idempotently } from '../drivers/data-api/idempotent.ts'
import type { Change } from '../model/change.ts'
import type { Entity } from '../model/entity.ts'
import { BridgeError, InvalidRecordError, kindOf } from '../model/errors.ts'
import type { OwnReading } from '../model/hooks.ts'
import type { Authority } from '../model/owner.ts'
import { OwnersUnknownError } from '../ports/claim-errors.ts'
import type { KeyRecord } from '../ports/key-records.ts'
import { UnreadableRowError } from '../ports/store.ts'
import type { Deadline } from '../runtime/deadline.ts'
import { ownersKnown } from './authority.ts'
import { toBatches } from './batch.ts'
import { isUnderCall } from './called-rows.ts'
import { withKnownIds } from './known-ids.ts'
import { ownRows } from './own-rows.ts'
import { isBeside, recordNames } from './record-names.ts'
import { found } from './record-place.ts'
import { rowPosition, selectedKey, whichAt } from './row-key.ts'
import { readSelected, type SqlRow, selected } from './selection.ts'
import { keys as keyTable } from './statements.ts'
import { readRecord, recordColumns, toIso, toVersion } from './stored-record.ts'
import { measure, readMeasured } from './wide-rows.ts'

/** Bytes of a row's texts beyond which no item could hold it. Binary ones have a third more as text. */
const LARGEST_ROW = 600_000

/** A record as it is now; or why it can't be told, at which version where that is known. */
export type ReadRecord = KeyRecord | Unread | BeingCalled
export type Unread = Authority & {
  readonly key: string
  readonly state: 'unread'
  readonly version: bigint
  readonly error: BridgeError
}

/** What a function of the team's own is writing: what it is can be told only once that has ended. */
export type BeingCalled = Authority & {
  readonly key: string
  readonly state: 'called'
  readonly version: bigint
}

type Parts = { readonly db: Kysely<unknown>; readonly deadline: Deadline }

/**
 * Reads the records of keys as they are now: rows with their lists, or tombstones, with whose the keys are. One statement for all
 * of them, unless they are more than one result may hold: then by halves. What can't be read is named, and takes no other along.
 *
 * @returns one for each key, in that order
 * @throws OwnersUnknownError as long as not every record of the entity says whose its key is; what is no row's fault
 */
export const readRecords = async (
  entity: Entity,
  keys: readonly string[],
  parts: Parts,
): Promise<readonly ReadRecord[]> => {
  if (keys.length === 0) return []
  try {
    return await readAll(entity, keys, parts)
  } catch (error) {
    if (!isOfSome(error)) throw error
    const [only] = keys
    if (only !== undefined && keys.length === 1) return [await readAlone(entity, only, parts, error)]
    const half = Math.ceil(keys.length / 2)
    return [
      ...(await readRecords(entity, keys.slice(0, half), parts)),
      ...(await readRecords(entity, keys.slice(half), parts)),
    ]
  }
}

/**
 * Which of some keys Aurora has a record of: a row or a tombstone, also one that only says whose the key is.
 *
 * @throws OwnersUnknownError; DataApiError
 */
export const keysWithRecords = async (
  entity: Entity,
  keys: readonly string[],
  { db }: Pick<Parts, 'db'>,
): Promise<ReadonlySet<string>> => {
  const read = keys.length === 0 ? [] : await heads(idempotently(db), entity, keys, [])
  return new Set(read.flatMap(({ key, isHeld, gone }) => (isHeld || gone !== undefined ? [key] : [])))
}

/**
 * Whose some keys are, as Aurora's records say it, without what they hold.
 *
 * @returns one for each key, in that order
 * @throws OwnersUnknownError; DataApiError
 */
export const readAuthorities = async (
  entity: Entity,
  keys: readonly string[],
  { db }: Pick<Parts, 'db'>,
): Promise<readonly (Authority & { readonly key: string })[]> =>
  keys.length === 0 ? [] : heads(idempotently(db), entity, keys, [])

/** Whether some row may be to blame. */
const isOfSome = (error: unknown): boolean =>
  isResultTooLarge(error) || ['data', 'unknown'].includes(kindOf(error))

const readAll = async (entity: Entity, keys: readonly string[], parts: Parts): Promise<ReadRecord[]> => {
  const db = idempotently(parts.db)
  const { read } = entity
  if (read === undefined) {
    const rows = await heads(db, entity, keys, selected(entity))
    return rows.map((head) => toRead(entity, head, () => readSelected(entity, head.row)))
  }
  return db.transaction().execute(async (transaction) => {
    const rows = await heads(transaction, entity, keys, [])
    return readOwn(entity, rows, read, transaction, parts)
  })
}

/** Rows whose content the entity's own code reads. */
const readOwn = async (
  entity: Entity,
  rows: readonly Head[],
  reading: OwnReading,
  transaction: Transaction<unknown>,
  { deadline }: Parts,
): Promise<ReadRecord[]> => {
  const held = rows.filter(({ isHeld }) => isHeld)
  const places = held.map(({ row }) => sql`(${whichAt(entity, rowPosition(entity, row))})`)
  const which = sql`WHERE ${sql.join(places, sql` OR `)}`
  const entries =
    held.length === 0 ? [] : await ownRows(transaction, entity, reading, { what: 'get', which, deadline })
  const contents = new Map(entries.map(({ position, read: content }) => [position, content]))
  return rows.map((head): ReadRecord => {
    if (head.isCalled) return toCalled(head)
    const content = head.isHeld ? contents.get(rowPosition(entity, head.row)) : undefined
    // What the code leaves out is no such thing.
    if (head.isHeld && content === undefined) return toAbsent(head)
    return toRead(entity, head, () => {
      if (content !== undefined && 'error' in content) throw content.error
      return content?.row ?? {}
    })
  })
}

/** A key by itself: a row that is larger than a result, or one that nothing can read. */
const readAlone = async (entity: Entity, key: string, parts: Parts, cause: unknown): Promise<ReadRecord> =>
  idempotently(parts.db)
    .transaction()
    .execute(async (transaction): Promise<ReadRecord> => {
      const [head] = await heads(transaction, entity, [key], [])
      if (head === undefined) throw cause
      if (head.isCalled) return toCalled(head)
      const error = cause instanceof BridgeError && cause.kind === 'data' ? cause : undefined
      if (!isResultTooLarge(cause) || entity.read !== undefined)
        return unread(head, error ?? new UnreadableRowError(entity, { cause }))
      const which = sql`WHERE ${whichAt(entity, rowPosition(entity, head.row))}`
      const [measured] = await measure(transaction, entity, which)
      if (measured === undefined) throw cause
      if (measured.bytes > LARGEST_ROW) return unread(head, tooLarge(entity, measured))
      const [row] = await readMeasured(transaction, entity, [measured])
      return toRead(entity, head, () => readSelected(entity, row ?? {}))
    })

/** What is known of a key without its content. */
type Head = Authority & {
  readonly key: string
  readonly isHeld: boolean
  readonly gone: { readonly version: bigint; readonly at: string | null } | undefined
  readonly isCalled: boolean
  readonly row: SqlRow
}

/** @param more what of the rows is selected beside their keys and records */
const heads = async (
  db: Kysely<unknown>,
  entity: Entity,
  keys: readonly string[],
  more: readonly RawBuilder<unknown>[],
): Promise<readonly Head[]> => {
  const at = new Date(0).toISOString()
  const changes = keys.map(
    (key): Change => ({ entity: entity.name, key, op: 'delete', version: 1n, source: 'log', at }),
  )
  const read: Head[] = []
  for (const batch of toBatches(entity, changes, 'aurora')) {
    const { keys: document, lookup, changes: own } = await withKnownIds(db, batch)
    const { owner, epoch } = recordNames(entity)
    const isHeld = sql`t.${sql.ref(entity.idColumn)} IS NOT NULL`
    // A record without its row is that of one which plain SQL has taken away: a delete that nobody has counted.
    const lost = isBeside(entity)
      ? sql`IF(${isHeld} OR s.version IS NULL, NULL, s.version + 1)`
      : sql.raw('NULL')
    const { rows } = await sql<SqlRow>`
      SELECT j.k AS read_key, IF(${isHeld}, 1, 0) AS is_held, ${sql.raw(owner)} AS row_owner,
        CAST(${sql.raw(epoch)} AS CHAR) AS row_epoch, CAST(${lost} AS CHAR) AS lost,
        CAST(d.version AS CHAR) AS gone, d.deleted_at AS gone_at, d.owner AS gone_owner, CAST(d.epoch AS CHAR) AS gone_epoch,
        IF(${ownersKnown(entity)}, 1, 0) AS known, ${isUnderCall(entity, sql`j.k`)} AS called, ${sql.join([...selectedKey(entity), ...recordColumns(entity), ...more])}
      FROM ${keyTable(entity, document)} ${found(entity, lookup, 'LEFT JOIN')}
        LEFT JOIN backsync_tombstones AS d ON d.entity = ${entity.name} AND d.entity_key = j.k`.execute(db)
    const byKey = new Map(rows.map((row) => [String(row.read_key), row]))
    for (const { key } of own) read.push(toHead(entity, key, byKey.get(key)))
  }
  return read
}

const toHead = (entity: Entity, key: string, row: SqlRow | undefined): Head => {
  if (row === undefined) throw new TypeError('Each key has a row of the answer')
  if (Number(row.known) !== 1) throw new OwnersUnknownError(entity)
  const isHeld = Number(row.is_held) === 1
  const gone = [
    ...(typeof row.gone === 'string' ? [{ version: toVersion(row.gone), at: timeOf(row.gone_at) }] : []),
    ...(typeof row.lost === 'string' ? [{ version: toVersion(row.lost), at: null }] : []),
  ].toSorted((a, b) => Number(b.version - a.version))
  // The row's record counts before the tombstone, which is of an earlier life.
  const isOfRow = isHeld || typeof row.lost === 'string'
  const owner = isOfRow ? row.row_owner : row.gone_owner
  const epoch = isOfRow ? row.row_epoch : row.gone_epoch
  return {
    ...{ key, isHeld, row, gone: gone[0], isCalled: Number(row.called) === 1 },
    owner: owner === 'dynamo' ? 'dynamo' : 'aurora',
    epoch: BigInt(String(epoch ?? 0)),
  }
}

const timeOf = (value: unknown): string | null => (typeof value === 'string' ? toIso(value) : null)

const toCalled = ({ key, owner, epoch, isHeld, gone, row }: Head): BeingCalled => ({
  ...{ key, owner, epoch, state: 'called' },
  version: isHeld ? readRecord(row).version : (gone?.version ?? 0n),
})

const toAbsent = ({ key, owner, epoch }: Head): KeyRecord => ({
  ...{ key, owner, epoch },
  ...{ state: 'absent', version: 0n, at: null },
})

const toRead = (
  _: Entity,
  head: Head,
  read: () => Extract<KeyRecord, { state: 'held' }>['row'],
): ReadRecord => {
  const { key, owner, epoch, gone, isHeld } = head
  if (head.isCalled) return toCalled(head)
  if (!isHeld) {
    if (gone === undefined || gone.version === 0n) return toAbsent(head)
    return { key, owner, epoch, state: 'deleted', ...gone }
  }
  const { version, updatedAt: at } = readRecord(head.row)
  try {
    return { key, owner, epoch, state: 'held', version, at, row: read() }
  } catch (error) {
    if (!(error instanceof BridgeError) || kindOf(error) === 'transient') throw error
    return unread(head, error)
  }
}

const unread = (head: Head, error: BridgeError): Unread => {
  const { key, owner, epoch, gone, isHeld, row } = head
  const version = isHeld ? readRecord(row).version : (gone?.version ?? 0n)
  return { key, owner, epoch, state: 'unread', version, error }
}

/** @throws never: it names the attribute that takes most of the row */
const tooLarge = (
  { name, fields, attributes, children }: Entity,
  { bytes, columns }: Awaited<ReturnType<typeof measure>>[number],
): BridgeError => {
  const [largest] = columns.toSorted((one, other) => other.bytes - one.bytes)
  const at = Number(largest?.name.slice(1))
  const own = Object.keys(largest?.name.startsWith('n') ? children : attributes)[at] ?? ''
  return new InvalidRecordError(
    `A ${name} has about ${bytes} bytes, more than an item may have: most of it is ${fields[own]?.as ?? own}`,
  )
}
