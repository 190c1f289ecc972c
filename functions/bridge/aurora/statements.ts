import { type RawBuilder, sql } from 'kysely'
import type { Change } from '../change.ts'
import type { Entity } from '../entity.ts'
import { legacyIdOf } from '../key.ts'

/*
 * The guarded statements. Each applies a whole batch, which travels as one JSON parameter `j`:
 *   k  the key          i  the legacy id, for a key that is one
 *   v  the version      u  the time of the write          c0, c1 …  the columns
 *
 * Each is safe by itself, at any time, in any order and any number of times, also when it reaches the server late:
 * it compares versions in its own WHERE. A row is found by its key, or by its id where the row has no key.
 *
 * Update and insert are two statements, because INSERT … ON DUPLICATE KEY UPDATE burns an AUTO_INCREMENT value for each
 * row that it updates, and fires on any unique index.
 */

const KEY_TYPE = 'VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin'

/** The batch as the document that the statements read. Only values that were checked go in as numbers. */
export const toDocument = (entity: Entity, changes: readonly Change[]): string => {
  const attributes = Object.entries(entity.attributes)
  return JSON.stringify(
    changes.map((change) => {
      const id = legacyIdOf(change.key)
      const columns = attributes.flatMap(([name, attribute], at) => {
        const text = change.op === 'upsert' ? attribute.toSql(change.row[name] ?? null) : null
        return text === null ? [] : [[`c${at}`, text]]
      })
      return {
        k: change.key,
        ...(id === undefined ? {} : { i: String(id) }),
        v: String(change.version),
        u: toSqlTime(change.at),
        ...Object.fromEntries(columns),
      }
    }),
  )
}

/** ISO 8601 in UTC to MySQL's form; the connection's time zone is UTC. */
const toSqlTime = (iso: string): string => iso.slice(0, -1).replace('T', ' ')

/** The document as a table. An absent member is NULL. */
const rows = (entity: Entity, document: string): RawBuilder<unknown> => {
  const columns = Object.values(entity.attributes).map(
    ({ jsonTableType }, at) => `c${at} ${jsonTableType} PATH '$.c${at}'`,
  )
  const definitions = [
    `k ${KEY_TYPE} PATH '$.k' ERROR ON ERROR`,
    "i BIGINT PATH '$.i' NULL ON EMPTY ERROR ON ERROR",
    "v BIGINT UNSIGNED PATH '$.v' ERROR ON ERROR",
    "u VARCHAR(32) PATH '$.u' ERROR ON ERROR",
    ...columns.map((column) => `${column} NULL ON EMPTY ERROR ON ERROR`),
  ]
  return sql`JSON_TABLE(${document}, '$[*]' COLUMNS (${sql.raw(definitions.join(', '))})) AS j`
}

const columnsOf = (entity: Entity): { name: string; value: string }[] =>
  Object.values(entity.attributes).map(({ column }, at) => ({ name: column, value: `j.c${at}` }))

const list = (parts: readonly RawBuilder<unknown>[]): RawBuilder<unknown> => sql.join(parts)

const byKey = sql`t.backsync_key = j.k`
const byId = (entity: Entity) => sql`t.${sql.ref(entity.idColumn)} = j.i AND t.backsync_key IS NULL`

const update = (entity: Entity, document: string, found: RawBuilder<unknown>): RawBuilder<unknown> => sql`
  UPDATE ${rows(entity, document)} STRAIGHT_JOIN ${sql.table(entity.table)} AS t ON ${found}
  SET ${list(columnsOf(entity).map(({ name, value }) => sql`t.${sql.ref(name)} = ${sql.raw(value)}`))},
    t.backsync_version = j.v, t.backsync_updated_at = j.u
  WHERE t.backsync_version < j.v`

/** Updates rows with a key that hold an older version. */
export const updateByKey = (entity: Entity, document: string) => update(entity, document, byKey)

/** Updates legacy-born rows that hold an older version. */
export const updateById = (entity: Entity, document: string) => update(entity, document, byId(entity))

/** Inserts rows that don't exist, unless their key was deleted at the same or a later version. */
export const insertMissing = (entity: Entity, document: string): RawBuilder<unknown> => sql`
  INSERT INTO ${sql.table(entity.table)}
    (${sql.ref(entity.idColumn)}, ${list(columnsOf(entity).map(({ name }) => sql.ref(name)))},
     backsync_key, backsync_version, backsync_updated_at)
  SELECT j.i, ${sql.raw(
    columnsOf(entity)
      .map(({ value }) => value)
      .join(', '),
  )},
    IF(j.i IS NULL, j.k, NULL), j.v, j.u
  FROM ${rows(entity, document)}
  LEFT JOIN ${sql.table(entity.table)} AS t ON ${byKey}
  LEFT JOIN ${sql.table(entity.table)} AS legacy ON legacy.${sql.ref(entity.idColumn)} = j.i
  LEFT JOIN backsync_tombstones AS d ON d.entity = ${entity.name} AND d.entity_key = j.k
  WHERE t.${sql.ref(entity.idColumn)} IS NULL AND legacy.${sql.ref(entity.idColumn)} IS NULL
    AND (d.version IS NULL OR d.version < j.v)`

/** Records deletes. It comes before the delete itself: from here on no older write can bring the row back. */
export const bury = (entity: Entity, document: string): RawBuilder<unknown> => sql`
  INSERT INTO backsync_tombstones (entity, entity_key, version, deleted_at)
  SELECT ${entity.name}, j.k, j.v, j.u FROM ${rows(entity, document)}
  ON DUPLICATE KEY UPDATE
    deleted_at = IF(VALUES(version) > backsync_tombstones.version, VALUES(deleted_at), backsync_tombstones.deleted_at),
    version = GREATEST(backsync_tombstones.version, VALUES(version))`

const remove = (entity: Entity, document: string, found: RawBuilder<unknown>): RawBuilder<unknown> => sql`
  DELETE t FROM ${rows(entity, document)} STRAIGHT_JOIN ${sql.table(entity.table)} AS t ON ${found}
  WHERE t.backsync_version < j.v`

/** Deletes rows with a key that hold an older version. */
export const deleteByKey = (entity: Entity, document: string) => remove(entity, document, byKey)

/** Deletes legacy-born rows that hold an older version. */
export const deleteById = (entity: Entity, document: string) => remove(entity, document, byId(entity))

/**
 * Lists the upserts that neither reached their row nor were older than what is there. `taken` tells that the key is a
 * legacy id whose row has a key of its own: that row is somebody else's.
 */
export const selectUnapplied = (
  entity: Entity,
  document: string,
): RawBuilder<{ k: string; taken: number }> => sql`
  SELECT j.k AS k, IF(legacy.backsync_key IS NULL, 0, 1) AS taken
  FROM ${rows(entity, document)}
  LEFT JOIN ${sql.table(entity.table)} AS t ON ${byKey}
  LEFT JOIN ${sql.table(entity.table)} AS legacy ON legacy.${sql.ref(entity.idColumn)} = j.i
  LEFT JOIN backsync_tombstones AS d ON d.entity = ${entity.name} AND d.entity_key = j.k
  WHERE COALESCE(t.backsync_version, IF(legacy.backsync_key IS NULL, legacy.backsync_version, NULL), 0) < j.v
    AND COALESCE(d.version, 0) < j.v`
