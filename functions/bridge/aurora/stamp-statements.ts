import { type RawBuilder, sql } from 'kysely'
import type { Entity } from '../model/entity.ts'
import type { Owner } from '../model/owner.ts'
import { bornOf, mayWrite } from './authority.ts'
import { countedJoins, hasOwnKey, keyedBy, quoted } from './part-sql.ts'
import { isBeside, RECORDS, recordNames } from './record-names.ts'
import { found, KEY, type Lookup, recordsAlone } from './record-place.ts'
import { keys, older, raw, type Sql, stampedKeys } from './statements.ts'

/*
 * What says of rows that were written in place of the bridge's own statements whose they are, at which version. In the document a
 * row has its id, and `fresh`: 1 where it was not there before. Like all that writes records these statements compare
 * versions and owners themselves.
 */

/** The row `t` of each key, by its id or by the columns that are the key: also one that counts as deleted. */
const rowMade = ({ keyParts, table, idColumn }: Entity): Sql =>
  raw(
    `${countedJoins(keyParts, KEY)}STRAIGHT_JOIN ${quoted(table)} AS t ON ` +
      (keyParts.length > 0 ? keyedBy(keyParts, 't', KEY) : `t.${quoted(idColumn)} = j.i`),
  )

const tombstone = ({ name }: Entity): Sql =>
  sql`LEFT JOIN backsync_tombstones AS d ON d.entity = ${name} AND d.entity_key = j.k`

/** A new row may be made: its key was not deleted at the same or a later version, and is the writer's. */
const mayBeBorn = (entity: Entity, by: Owner): Sql =>
  sql`(d.version IS NULL OR d.version < j.v) AND (d.version IS NULL OR ${mayWrite(entity, by, 'd')})`

/** A counted row that the bridge has never written, or that counts as deleted, has no other key. */
const isNobodys = (entity: Entity): Sql =>
  hasOwnKey(entity) ? sql`TRUE` : raw('t.backsync_key IS NULL AND t.backsync_version <= 1')

/** Stamps rows whose records are in them. */
export const stampRows = (entity: Entity, document: string, by: Owner): Sql => {
  const { owner, epoch } = born(by)
  const key = hasOwnKey(entity) ? sql`` : raw('t.backsync_key = IF(j.fresh = 1, j.k, t.backsync_key),')
  return sql`
  UPDATE ${stampedKeys(entity, document)} ${rowMade(entity)} ${tombstone(entity)}
  SET ${key}
    t.backsync_owner = IF(j.fresh = 1, ${owner}, t.backsync_owner),
    t.backsync_epoch = IF(j.fresh = 1, ${epoch}, t.backsync_epoch),
    t.backsync_version = j.v, t.backsync_updated_at = j.u
  WHERE IF(j.fresh = 1, ${mayBeBorn(entity, by)} AND ${isNobodys(entity)}, ${older(entity, by)})`
}

/** As `bornOf`, one by one. */
const born = (by: Owner): { readonly owner: Sql; readonly epoch: Sql } => ({
  owner: raw(by === 'dynamo' ? "'dynamo'" : 'NULL'),
  epoch: raw('GREATEST(COALESCE(d.epoch, 0), j.e)'),
})

/** Makes records beside rows, and stamps those that are there. A record without its row is one whose row was to be made. */
export const stampRecords = (entity: Entity, document: string, by: Owner): Sql => {
  const records = sql.table(RECORDS)
  const id = quoted(entity.idColumn)
  const isOneRow = hasOwnKey(entity)
    ? sql`TRUE`
    : sql`(s.legacy_id IS NULL OR s.legacy_id = t.${raw(id)}) AND NOT EXISTS (
      SELECT 1 FROM ${records} AS o WHERE o.entity = ${entity.name} AND o.legacy_id = t.${raw(id)} AND o.entity_key <> j.k)`
  return sql`
  INSERT INTO ${records} (entity, entity_key, legacy_id, version, updated_at, owner, epoch)
  SELECT ${entity.name}, j.k, ${hasOwnKey(entity) ? sql`NULL` : raw(`t.${id}`)}, j.v, j.u, ${bornOf(by)}
  FROM ${stampedKeys(entity, document)} ${rowMade(entity)}
    LEFT JOIN ${records} AS s ON s.entity = ${entity.name} AND s.entity_key = j.k ${tombstone(entity)}
  WHERE IF(s.version IS NULL, ${mayBeBorn(entity, by)},
      (s.version < j.v OR (j.fresh = 1 AND s.version = j.v)) AND ${mayWrite(entity, by, 't')}
      AND (j.fresh = 0 OR ${mayBeBorn(entity, by)}))
    AND ${isOneRow}
  ON DUPLICATE KEY UPDATE version = VALUES(version), updated_at = VALUES(updated_at),
    legacy_id = COALESCE(VALUES(legacy_id), backsync_records.legacy_id)`
}

/** Lists the keys whose rows are there, by their ids or by the columns that are the key. */
export const selectMade = (entity: Entity, document: string): RawBuilder<{ readonly k: string }> =>
  sql`SELECT j.k AS k FROM ${keys(entity, document)} ${rowMade(entity)}`

/** What a counted row's record is called that counts as deleted: no key is. */
const DELETED = '!'

/** Gives free rows that count as deleted, by their ids, and that were made anew. */
export const releaseRecords = (entity: Entity, document: string): Sql => sql`
  DELETE s FROM ${keys(entity, document)}
    STRAIGHT_JOIN ${sql.table(RECORDS)} AS s ON s.entity = ${entity.name} AND s.legacy_id = j.i
  WHERE s.version = 0 AND s.entity_key <> j.k`

/** Lists ids, of some, of rows that others know by keys: seen from outside the transaction that may have made the others. */
export const selectNamed = (
  { name, table, idColumn, record }: Entity,
  ids: readonly string[],
): RawBuilder<{ readonly id: string }> => {
  const column = sql`t.${sql.ref(idColumn)}`
  const [joined, version] = isBeside({ record })
    ? [
        sql`LEFT JOIN ${sql.table(RECORDS)} AS s ON s.entity = ${name} AND s.legacy_id = ${column}`,
        sql`COALESCE(s.version, 1)`,
      ]
    : [sql``, sql`t.backsync_version`]
  return sql`
  SELECT CAST(${column} AS CHAR) AS id
  FROM JSON_TABLE(${JSON.stringify(ids)}, '$[*]' COLUMNS (i BIGINT PATH '$' ERROR ON ERROR)) AS j
    STRAIGHT_JOIN ${sql.table(table)} AS t ON ${column} = j.i ${joined}
  WHERE ${version} <> 0`
}

/**
 * Has rows that are there still count as deleted: version 0, and of counted ones no key. Their tombstones say the rest.
 */
export const keepDeletedRows = (entity: Entity, document: string, lookup: Lookup, by: Owner): Sql => {
  const key = hasOwnKey(entity) ? sql`` : raw('t.backsync_key = NULL, ')
  const { version, updatedAt } = recordNames(entity).columns
  return sql`
  UPDATE ${keys(entity, document)} ${found(entity, lookup)}
  SET ${key}${raw(version)} = 0, ${raw(updatedAt)} = j.u
  WHERE ${older(entity, by, 'delete')}`
}

/** The same of records beside rows. */
export const keepDeletedRecords = (entity: Entity, document: string, by: Owner): Sql => {
  const key = hasOwnKey(entity) ? sql`` : sql`s.entity_key = CONCAT(${DELETED}, s.legacy_id), `
  return sql`
  UPDATE ${keys(entity, document)} ${recordsAlone(entity)}
  SET ${key}s.version = 0, s.updated_at = j.u
  WHERE s.version < j.v AND ${mayWrite(entity, by, 't', 'delete')}`
}
