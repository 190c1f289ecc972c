import { type RawBuilder, sql } from 'kysely'
import type { Entity } from '../model/entity.ts'
import type { Owner } from '../model/owner.ts'
import { bornOf, mayWrite } from './authority.ts'
import { parents, parentsFound } from './parents.ts'
import { countedJoins, hasOwnKey, keyedBy, quoted } from './part-sql.ts'
import { RECORDS } from './record-names.ts'
import { against, KEY, recordsAlone } from './record-place.ts'
import {
  insertedColumns,
  isWritten,
  keys,
  orderedKeys,
  orderedRows,
  raw,
  referenceRows,
  type Sql,
} from './statements.ts'

/*
 * What is another statement where records are beside the rows. As those of statements.ts each is safe by itself: it does nothing
 * but where the record that it finds, or finds none, lets it. A new key has its record first, and then its row by that:
 * whoever comes in between with a later version, or a delete, changes the record, and the row is not made. A record without a
 * row is one whose row is to be made, or was taken away by plain SQL.
 *
 * Nothing in them looks for a record that is probably not there, but INSERT IGNORE: a look would lock the gap, and those
 * who make the next keys would wait for each other.
 */

/** Joins the row of each key as `t`, without its record. */
const rowAlone = (entity: Entity, join: 'STRAIGHT_JOIN' | 'LEFT JOIN'): Sql => {
  const { keyParts, table, idColumn } = entity
  const row = hasOwnKey(entity) ? keyedBy(keyParts, 't', KEY) : `t.${quoted(idColumn)} = j.i`
  return raw(`${countedJoins(keyParts, KEY)}${join} ${quoted(table)} AS t ON ${row}`)
}

/** The row has no key of its own, if it has no record: it is known by its id. */
const isNamedById = (entity: Entity): Sql =>
  hasOwnKey(entity) ? sql`TRUE` : raw(`CAST(t.${quoted(entity.idColumn)} AS CHAR) = j.k`)

const idOfRow = (entity: Entity): Sql => raw(hasOwnKey(entity) ? 'NULL' : `t.${quoted(entity.idColumn)}`)

/** Gives records to rows that have none: each says what it counted as without. */
export const enrol = (entity: Entity, document: string): Sql => sql`
  INSERT IGNORE INTO ${sql.table(RECORDS)} (entity, entity_key, legacy_id)
  SELECT ${entity.name}, j.k, ${idOfRow(entity)}
  FROM ${keys(entity, document)} ${rowAlone(entity, 'STRAIGHT_JOIN')} WHERE ${isNamedById(entity)}`

/** What its record is to lose its row by, of a counted row: another one may be under the same id by now. */
const isOfSameRow = (entity: Entity): Sql =>
  hasOwnKey(entity) ? sql`TRUE` : sql`(s.legacy_id IS NULL OR s.legacy_id = j.i)`

/**
 * Lets rows that plain SQL has taken away be made again, by what was there or by something later: their records say what is
 * to be made.
 */
export const revive = (entity: Entity, document: string, by: Owner): Sql => sql`
  UPDATE ${keys(entity, document)} ${rowAlone(entity, 'LEFT JOIN')} ${recordsAlone(entity)}
    LEFT JOIN backsync_tombstones AS d ON d.entity = ${entity.name} AND d.entity_key = j.k
  SET s.version = j.v, s.updated_at = j.u, s.legacy_id = NULL
  WHERE ${sql.ref(`t.${entity.idColumn}`)} IS NULL AND ${isOfSameRow(entity)}
    AND s.version <= j.v AND ${mayWrite(entity, by, 't')} AND (d.version IS NULL OR d.version < j.v)`

/** Makes the records of rows that are to be made, unless their key was deleted later, or is the other store's. */
export const insertRecords = (entity: Entity, document: string, by: Owner): Sql => sql`
  INSERT IGNORE INTO ${sql.table(RECORDS)} (entity, entity_key, version, updated_at, owner, epoch)
  SELECT ${entity.name}, j.k, j.v, j.u, ${bornOf(by)}
  FROM ${referenceRows(entity, document)} ${rowAlone(entity, 'LEFT JOIN')} ${against(entity)} ${parents(entity)}
  WHERE ${sql.ref(`t.${entity.idColumn}`)} IS NULL AND ${sql.ref(`legacy.${entity.idColumn}`)} IS NULL
    AND (d.version IS NULL OR d.version < j.v)
    AND (d.version IS NULL OR ${mayWrite(entity, by, 'd')})${parentsFound(entity)}`

/** The record is as this very change has made it, and its row is not there. */
const isToBeMade = (entity: Entity): Sql =>
  hasOwnKey(entity)
    ? sql`${isWritten(entity)} AND ${sql.ref(`t.${entity.idColumn}`)} IS NULL`
    : sql`${isWritten(entity)} AND s.legacy_id IS NULL`

const insertRows = (entity: Entity, document: string, id: Sql, which: Sql): Sql => {
  const columns = insertedColumns(entity)
  const named = hasOwnKey(entity) ? columns : [{ name: sql.ref(entity.idColumn), value: id }, ...columns]
  const row = hasOwnKey(entity) ? rowAlone(entity, 'LEFT JOIN') : sql``
  return sql`
  INSERT INTO ${sql.table(entity.table)} (${sql.join(named.map(({ name }) => name))})
  SELECT ${sql.join(named.map(({ value }) => value))}
  FROM ${orderedRows(entity, document)} ${recordsAlone(entity)} ${row}
    LEFT JOIN backsync_tombstones AS d ON d.entity = ${entity.name} AND d.entity_key = j.k ${parents(entity)}
  WHERE ${isToBeMade(entity)}${which}${parentsFound(entity)}${hasOwnKey(entity) ? sql`` : sql` ORDER BY j.ord`}`
}

/** Makes the rows of records that have none. Counted ones get the next ids, in the order of the document. */
export const insertRecorded = (entity: Entity, document: string): Sql =>
  insertRows(entity, document, sql`NULL`, sql``)

/** Makes counted rows that were deleted, under their own ids, where a larger one shows that the counter is beyond. */
export const insertUnderOwnId = (entity: Entity, document: string): Sql => {
  const [own, id] = [sql.table(entity.table), sql.ref(entity.idColumn)]
  return insertRows(
    entity,
    document,
    sql`j.i`,
    sql` AND d.version IS NOT NULL AND CAST(j.i AS CHAR) = j.k
      AND EXISTS (SELECT 1 FROM ${own} AS above WHERE above.${id} > j.i)
      AND NOT EXISTS (SELECT 1 FROM ${own} AS other WHERE other.${id} = j.i)`,
  )
}

/** Says in the records of rows that were made under their own ids which these are. */
export const nameOwnIds = (entity: Entity, document: string): Sql => sql`
  UPDATE ${keys(entity, document)} ${rowAlone(entity, 'STRAIGHT_JOIN')} ${recordsAlone(entity)}
  SET s.legacy_id = j.i
  WHERE ${isWritten(entity)} AND s.legacy_id IS NULL AND ${isNamedById(entity)}`

/** Lists the keys whose counted rows were made just now, in the order in which they were. */
export const selectUnnamed = (entity: Entity, document: string): RawBuilder<{ readonly k: string }> => sql`
  SELECT j.k AS k FROM ${orderedKeys(entity, document)} ${recordsAlone(entity)}
  WHERE ${isToBeMade(entity)} ORDER BY j.ord`

/** An id, and whether a record says that it is another row's: one that was there before. */
type GivenId = { readonly id: string; readonly former: number | bigint }

/** Lists the ids that the connection's last INSERT was given, and one more if there is any beyond. */
export const selectGivenIds = ({ name, table, idColumn }: Entity, count: number): RawBuilder<GivenId> => sql`
  SELECT CAST(t.${sql.ref(idColumn)} AS CHAR) AS id, IF(s.entity_key IS NULL, 0, 1) AS former
  FROM ${sql.table(table)} AS t LEFT JOIN ${sql.table(RECORDS)} AS s
    ON s.entity = ${name} AND s.legacy_id = t.${sql.ref(idColumn)}
  WHERE t.${sql.ref(idColumn)} >= LAST_INSERT_ID() ORDER BY t.${sql.ref(idColumn)} LIMIT ${raw(String(count + 1))}`

/** Lists the table's engine, if that takes no part in transactions. */
export const selectUntransacted = (table: string): RawBuilder<{ readonly engine: string }> => sql`
  SELECT ENGINE AS engine FROM information_schema.TABLES
  WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = ${table} AND ENGINE <> 'InnoDB'`

const pairsOf = (pairs: string): Sql => sql`JSON_TABLE(${pairs}, '$[*]' COLUMNS (
      k VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin PATH '$[0]' ERROR ON ERROR,
      i BIGINT PATH '$[1]' ERROR ON ERROR)) AS j`

/** Says in records which rows are theirs. @param pairs of keys and ids, as JSON */
export const nameIds = ({ name }: Entity, pairs: string): Sql => sql`
  UPDATE ${pairsOf(pairs)} ${recordsAlone({ name })}
  SET s.legacy_id = j.i WHERE s.legacy_id IS NULL`

/**
 * Takes the ids of rows that were made just now from records whose rows are gone: a TRUNCATE has the counter begin anew, and
 * tells nobody.
 */
export const forgetIds = ({ name }: Entity, pairs: string): Sql => sql`
  UPDATE ${pairsOf(pairs)} STRAIGHT_JOIN ${sql.table(RECORDS)} AS s ON s.entity = ${name} AND s.legacy_id = j.i
  SET s.legacy_id = NULL WHERE s.entity_key <> j.k`

/** Deletes the records of rows that are deleted, also of those that were before. */
export const deleteRecords = (entity: Entity, document: string, by: Owner): Sql => sql`
  DELETE s FROM ${keys(entity, document)} ${rowAlone(entity, 'LEFT JOIN')} ${recordsAlone(entity)}
  WHERE ${sql.ref(`t.${entity.idColumn}`)} IS NULL AND ${isOfSameRow(entity)}
    AND s.version < j.v AND ${mayWrite(entity, by, 't', 'delete')}`
