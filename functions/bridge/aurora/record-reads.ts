import { type Kysely, type RawBuilder, sql } from 'kysely'
import type { Entity } from '../model/entity.ts'
import { BridgeError } from '../model/errors.ts'
import { ownersKnown } from './authority.ts'
import { hasOwnKey } from './part-sql.ts'
import { isBeside, RECORDS, recordNames } from './record-names.ts'
import { source } from './record-place.ts'
import { keyOfSelected, whichRow } from './row-key.ts'
import type { SqlRow } from './selection.ts'

/*
 * What is read of records apart from their rows: of natural keys, whose text no statement can make of a row's columns; and of
 * rows that are not there any more.
 */

/** Whether a list of rows is read without their records, so that these have to be read beside them, in the same snapshot. */
export const areReadApart = (entity: Entity): boolean => isBeside(entity) && hasOwnKey(entity)

/** Rows of `selection` with what their records say, where they were read apart; any others as they are. */
export const withRecords = async (
  db: Kysely<unknown>,
  entity: Entity,
  rows: readonly SqlRow[],
): Promise<readonly SqlRow[]> => {
  if (!areReadApart(entity) || rows.length === 0) return rows
  const keys = rows.map((row) => keyOrNone(entity, row))
  const found = await sql<SqlRow>`
    SELECT s.entity_key AS k, s.version AS backsync_version, s.updated_at AS backsync_updated_at
    FROM JSON_TABLE(${JSON.stringify(keys.filter((key) => key !== undefined))}, '$[*]' COLUMNS (
        k VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin PATH '$' ERROR ON ERROR)) AS j
      STRAIGHT_JOIN ${sql.table(RECORDS)} AS s ON s.entity = ${entity.name} AND s.entity_key = j.k`.execute(
    db,
  )
  const records = new Map(found.rows.map(({ k, ...record }) => [k, record]))
  return rows.map((row, at) => ({ ...row, ...records.get(keys[at]) }))
}

/** A row whose key can't be read has no record: nothing could have named it. */
const keyOrNone = (entity: Entity, row: SqlRow): string | undefined => {
  try {
    return keyOfSelected(entity, row)
  } catch (error) {
    if (error instanceof BridgeError) return undefined
    throw error
  }
}

/**
 * What is known of a key without a row: its tombstone; and the record of a row that plain SQL has taken away, which counts as a
 * delete that nobody has counted, one version above.
 */
export const selectGone = (entity: Entity, key: string): RawBuilder<SqlRow> => {
  const known = sql`IF(${ownersKnown(entity)}, 1, 0) AS known`
  const tombstone = sql<SqlRow>`
      SELECT CAST(d.version AS CHAR) AS version, d.deleted_at AS at,
        d.owner AS owner, CAST(d.epoch AS CHAR) AS epoch, ${known}
      FROM backsync_tombstones AS d WHERE d.entity = ${entity.name} AND d.entity_key = ${key}`
  if (!isBeside(entity)) return tombstone
  return sql<SqlRow>`${tombstone} UNION ALL
      SELECT CAST(r.version + 1 AS CHAR) AS version, NULL AS at,
        r.owner AS owner, CAST(r.epoch AS CHAR) AS epoch, ${known}
      FROM ${sql.table(RECORDS)} AS r WHERE r.entity = ${entity.name} AND r.entity_key = ${key}
        AND NOT EXISTS (SELECT 1 FROM ${source(entity, key)} WHERE ${whichRow(entity, key)})`
}

/** The versions of what has a key and of what had it: none where no trace of it is left. */
export const selectTraces = (entity: Entity, key: string): RawBuilder<SqlRow> => sql<SqlRow>`
  SELECT CAST(${sql.raw(recordNames(entity).version)} AS CHAR) AS version
  FROM ${source(entity, key)} WHERE ${whichRow(entity, key)}
  UNION ALL SELECT gone.version FROM (${selectGone(entity, key)}) AS gone`
