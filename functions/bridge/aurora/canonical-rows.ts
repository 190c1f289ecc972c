import { type Kysely, type RawBuilder, sql } from 'kysely'
import { idempotently } from '../drivers/data-api/idempotent.ts'
import type { Entity } from '../model/entity.ts'
import { bucketInSql, keyOfRowInSql, textHashInSql } from './canonical-sql.ts'
import { hasOwnKey } from './part-sql.ts'
import { isBeside, RECORDS, recordNames } from './record-names.ts'
import { source } from './record-place.ts'
import { behindSoMany, inSpan, type RowSpan, rowPosition, selectedKey } from './row-key.ts'
import type { SqlRow } from './selection.ts'

/*
 * Hashes of rows as the server makes them, span by span of the primary key: what leaves it are sums by bucket, or keys and hashes of
 * some buckets. No statement depends on how the server orders texts: a span ends at a row that was looked up before.
 */

/** Rows whose hashes are asked for, and how. */
export type HashedRows = {
  readonly db: Kysely<unknown>
  readonly entity: Entity
  /** The text of a row in SQL: `canonicalSql`. */
  readonly text: string
  /** A power of two. */
  readonly buckets: number
  /** Only the keys that DynamoDB owns: of an entity that isn't mirrored nothing carries the other ones over. */
  readonly onlyDynamos: boolean
}

/** How many rows of a bucket there are, and the exclusive or of their hashes. */
export type BucketSum = { readonly bucket: number; readonly count: number; readonly sum: bigint }

/** A row by its key as SQL has it, which may be none that a key can be, with the hash of its text. */
export type HashedRow = { readonly key: string; readonly hash: bigint }

/**
 * Where a part of a span ends that has so many rows.
 *
 * @returns undefined where the span has fewer
 * @throws DataApiError, InvalidPositionError, as all here
 */
export const endOfPart = async (
  db: Kysely<unknown>,
  entity: Entity,
  span: RowSpan,
  rows: number,
): Promise<string | undefined> => {
  const found = await sql<SqlRow>`
    SELECT ${sql.join(selectedKey(entity))} FROM ${source(entity)} ${behindSoMany(entity, span, rows - 1)}`.execute(
    idempotently(db),
  )
  const [row] = found.rows
  return row === undefined ? undefined : rowPosition(entity, row)
}

/** Sums up the rows of a span by bucket. @param onlyBelow of the buckets only those below this one */
export const sumRows = async (
  { db, entity, text, buckets, onlyDynamos }: HashedRows,
  span: RowSpan,
  onlyBelow: number,
): Promise<readonly BucketSum[]> => {
  const bucket = bucketInSql(keyOfRowInSql(entity), buckets)
  const sampled = onlyBelow < buckets ? sql.raw(` AND ${bucket} < ${onlyBelow}`) : sql``
  // One text for each bucket: in an answer of the Data API three values take three times as much.
  const { rows } = await sql<{ readonly sums: string }>`
    SELECT CAST(CONCAT_WS(',', p.b, COUNT(*), CAST(BIT_XOR(p.h) AS UNSIGNED)) AS CHAR) AS sums
    FROM (SELECT ${sql.raw(bucket)} AS b, ${sql.raw(textHashInSql(text))} AS h
      FROM ${hashed(entity)} WHERE ${inSpan(entity, span)}${owned(entity, onlyDynamos)}${sampled}
      LIMIT ${sql.lit(APART)}) AS p
    GROUP BY p.b`.execute(idempotently(db))
  return rows.map(({ sums }) => {
    const [own = '', count = '', sum = ''] = sums.split(',')
    return { bucket: Number(own), count: Number(count), sum: BigInt(sum) }
  })
}

/** The rows of a span whose buckets are wanted. @param wanted a bit for each bucket: the lowest bit of the first byte is bucket 0 */
export const listRows = async (
  { db, entity, text, buckets, onlyDynamos }: HashedRows,
  span: RowSpan,
  wanted: Uint8Array,
): Promise<readonly HashedRow[]> => {
  const key = keyOfRowInSql(entity)
  const bucket = bucketInSql(key, buckets)
  const bits = sql`UNHEX(${Buffer.from(wanted).toString('hex')})`
  const isWanted = sql`((ASCII(SUBSTRING(${bits}, (${sql.raw(bucket)} >> 3) + 1, 1)) >> (${sql.raw(bucket)} & 7)) & 1) = 1`
  const { rows } = await sql<{ readonly k: string; readonly h: string }>`
    SELECT ${sql.raw(key)} AS k, CAST(${sql.raw(textHashInSql(text))} AS CHAR) AS h
    FROM ${hashed(entity)} WHERE ${inSpan(entity, span)}${owned(entity, onlyDynamos)} AND ${isWanted}`.execute(
    idempotently(db),
  )
  return rows.map(({ k, h }) => ({ key: k, hash: BigInt(h) }))
}

/** By a limit that no span reaches a server keeps the two selects apart: MariaDB takes a subquery of the inner one for the outer one's. */
const APART = 1_000_000_000

const owned = (entity: Entity, onlyDynamos: boolean): RawBuilder<unknown> =>
  onlyDynamos ? sql.raw(` AND ${recordNames(entity).owner} <=> 'dynamo'`) : sql``

/** As `source`, also with the records of natural keys that are beside their rows: these are found by the key's text. */
const hashed = (entity: Entity): RawBuilder<unknown> => {
  if (!isBeside(entity) || !hasOwnKey(entity)) return source(entity)
  const key = sql.raw(`CONVERT(${keyOfRowInSql(entity)} USING utf8mb4) COLLATE utf8mb4_bin`)
  return sql`${sql.table(entity.table)} AS t LEFT JOIN ${sql.table(RECORDS)} AS s
    ON s.entity = ${entity.name} AND s.entity_key = ${key}`
}

/**
 * The keys of the rows of a span that were written since a time, as their records say. Rows that nobody has written since they were
 * adopted say nothing.
 *
 * @param since ISO 8601, UTC
 */
export const keysWrittenSince = async (
  db: Kysely<unknown>,
  entity: Entity,
  span: RowSpan,
  since: string,
): Promise<readonly string[]> => {
  const { rows } = await sql<{ readonly k: string }>`
    SELECT ${sql.raw(keyOfRowInSql(entity))} AS k FROM ${hashed(entity)}
    WHERE ${inSpan(entity, span)} AND ${sql.raw(recordNames(entity).updatedAt)} >= ${toSqlTime(since)}`.execute(
    idempotently(db),
  )
  return rows.map(({ k }) => k)
}

/**
 * The keys of an entity that were deleted since a time, a page of them, in the order of their names.
 *
 * @param behind of the page before
 */
export const keysDeletedSince = async (
  db: Kysely<unknown>,
  { name }: Pick<Entity, 'name'>,
  { since, behind, limit }: { readonly since: string; readonly behind: string; readonly limit: number },
): Promise<readonly string[]> => {
  const { rows } = await sql<{ readonly k: string }>`
    SELECT entity_key AS k FROM backsync_tombstones
    WHERE entity = ${name} AND entity_key > ${behind} AND deleted_at >= ${toSqlTime(since)}
    ORDER BY entity_key LIMIT ${sql.raw(String(limit))}`.execute(idempotently(db))
  return rows.map(({ k }) => k)
}

const toSqlTime = (iso: string): string => new Date(iso).toISOString().slice(0, 23).replace('T', ' ')
