import { type RawBuilder, sql } from 'kysely'
import type { ChildRows } from '../model/child-rows.ts'
import type { Entity } from '../model/entity.ts'
import type { Owner } from '../model/owner.ts'
import { bornOf, type Mirrored, mayWrite } from './authority.ts'
import { HEAD_PLACES, placesOf } from './document.ts'
import {
  assignments,
  attributesOf,
  isDangling,
  lacking,
  parents,
  parentsFound,
  referenceColumns,
} from './parents.ts'
import { countedJoins, documentColumn, hasOwnKey, keyedBy, partColumns, placesOfParts } from './part-sql.ts'
import { heldVersion, isBeside, isRecorded, recordNames } from './record-names.ts'
import { against, found, KEY, type Lookup, recorded, standsAgainst } from './record-place.ts'
import { ownColumns } from './row-key.ts'

/*
 * The guarded statements. Each applies a whole batch, which travels as one JSON parameter, read as the table `j`:
 *   k  the key          i  the legacy id, for a key that is one
 *   v  the version      u  the time of the write      e  the epoch at which DynamoDB owned what it wrote
 *   n0, n1 …  the columns that are the key, where there are such: see part-sql.ts
 *   c0, c1 …  the columns' texts; what references name: see parents.ts
 *
 * Each is safe by itself, at any time, in any order and any number of times, also when it reaches the server late:
 * it compares versions, and asks whose the key is, in its own WHERE. A row is found by its key, or by its id where the row has no key.
 *
 * Update and insert are two statements, because INSERT … ON DUPLICATE KEY UPDATE burns an AUTO_INCREMENT value for each
 * row that it updates, and fires on any unique index. What is another statement where an entity's records are beside its
 * rows is in side-statements.ts.
 */

export type Sql = RawBuilder<unknown>

const KEY_TYPE = 'VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin'
/** As wide as a version that is taken from the stream; a counted one compares faster as an integer. */
const VERSION_TYPE = { counted: 'BIGINT UNSIGNED', stream: 'DECIMAL(50, 0)' } as const

export const raw = (text: string): Sql => sql.raw(text)
/** Parts of a statement, one behind the other; nothing where there are none. */
export const list = (parts: readonly Sql[], between: Sql = sql`, `): Sql =>
  parts.length === 0 ? sql`` : sql.join(parts, between)
/** MySQL can't lock a JSON_TABLE (errno 3569), but passes over one inside a derived table; MariaDB takes either. */
export const lockable = (table: Sql): Sql => sql`(SELECT * FROM ${table}) AS j`
/** The document as the table `j`. JSON's null is NULL. */
const table = (entity: Entity, document: string, columns: readonly string[]): Sql => {
  const head = [
    `k ${KEY_TYPE} PATH '$[0]' ERROR ON ERROR`,
    `v ${VERSION_TYPE[entity.versions]} PATH '$[1]' ERROR ON ERROR`,
    "u VARCHAR(32) PATH '$[2]' ERROR ON ERROR",
    documentColumn('i', 'BIGINT', 3),
    "e BIGINT UNSIGNED PATH '$[4]' ERROR ON ERROR",
    ...partColumns(entity.keyParts, KEY, HEAD_PLACES),
  ]
  return sql`JSON_TABLE(${document}, '$[*]' COLUMNS (${raw([...head, ...columns].join(', '))})) AS j`
}

export const keys = (entity: Entity, document: string): Sql => table(entity, document, [])

/** As `keys`, and whether the row was there before. */
export const stampedKeys = (entity: Entity, document: string): Sql =>
  table(entity, document, [documentColumn('fresh', 'INT', HEAD_PLACES + placesOfParts(entity.keyParts))])

export const rows = (entity: Entity, document: string): Sql =>
  table(entity, document, attributeColumns(entity))

const attributeColumns = (entity: Entity): string[] => {
  const places = placesOf(entity).attributes
  const own = attributesOf(entity).flatMap(({ jsonTableType, references }, at) =>
    references ? [] : [documentColumn(`c${at}`, jsonTableType, places[at] ?? Number.NaN)],
  )
  return [...own, ...referenceColumns(entity)]
}

/** With its place in the document, by which what is made of it is put in order. */
const ORDER = 'ord FOR ORDINALITY'

export const orderedKeys = (entity: Entity, document: string): Sql => table(entity, document, [ORDER])

export const orderedRows = (entity: Entity, document: string): Sql =>
  table(entity, document, [...attributeColumns(entity), ORDER])

/** Only what references need: whether their rows are there. */
export const referenceRows = (entity: Entity, document: string): Sql =>
  table(entity, document, referenceColumns(entity))

const identity = (text: string): string => text

/** Updates rows that hold an older version. Columns that are the key are the same already. */
export const updateOlder = (entity: Entity, document: string, lookup: Lookup, by: Owner): Sql => sql`
  UPDATE ${rows(entity, document)} ${recorded(entity, lookup)} ${parents(entity)}
  SET ${list(
    assignments(entity)
      .filter(({ isKey }) => !isKey)
      .map(({ column, value }) => sql`t.${sql.ref(column)} = ${value},`),
    sql` `,
  )}
    ${stamp(entity)}
  WHERE ${older(entity, by)}${parentsFound(entity)}`

/** What an update says of the record. */
const stamp = (entity: Entity): Sql => {
  const { version, updatedAt } = recordNames(entity).columns
  return raw(`${version} = j.v, ${updatedAt} = j.u`)
}

/** The row is of an older version, and the writer's to change. */
export const older = (entity: Entity, by: Owner, op: Mirrored = 'upsert'): Sql =>
  sql`${raw(recordNames(entity).version)} < j.v AND ${mayWrite(entity, by, 't', op)}`

/** The row is at the batch's version. */
const isAtVersion = (entity: Entity): Sql => raw(`${recordNames(entity).version} = j.v`)

/**
 * The id of a new row: the next one, whatever its key looks like, since an id of somebody else's choice would make the
 * counter leap. Only a legacy row that was deleted gets its own again, where a larger one shows that the counter is beyond.
 */
const newId = (entity: Entity, lookup: Lookup): Sql => {
  if (lookup === 'keys') return sql`NULL`
  const id = sql.ref(entity.idColumn)
  const own = sql.table(entity.table)
  return sql`IF(d.version IS NOT NULL AND EXISTS (SELECT 1 FROM ${own} AS above WHERE above.${id} > j.i)
    AND NOT EXISTS (SELECT 1 FROM ${own} AS other WHERE other.${id} = j.i), j.i, NULL)`
}

/** All columns of a new row but those that every row has. */
const inserted = (entity: Entity, lookup: Lookup): readonly Inserted[] =>
  hasOwnKey(entity)
    ? insertedColumns(entity)
    : [
        { name: sql.ref(entity.idColumn), value: newId(entity, lookup) },
        ...insertedColumns(entity),
        { name: sql.ref('backsync_key'), value: sql`j.k` },
      ]

type Inserted = { readonly name: Sql; readonly value: Sql }

/** The legacy table's own columns of a new row, but for the id of one that is counted. */
export const insertedColumns = (entity: Entity): readonly Inserted[] => {
  const own = assignments(entity).map(({ column, value }) => ({ name: sql.ref(column), value }))
  const silent = entity.keyParts.flatMap(({ name, attribute: { column: of, stored = identity } }, at) =>
    name === undefined ? [{ name: sql.ref(of), value: raw(stored(`j.n${at}`)) }] : [],
  )
  return [...silent, ...own]
}

/** Inserts rows that don't exist, unless their key was deleted at the same or a later version, or is the other store's. */
export const insertMissing = (entity: Entity, document: string, lookup: Lookup, by: Owner): Sql => sql`
  INSERT INTO ${sql.table(entity.table)}
    (${list(inserted(entity, lookup).map(({ name }) => name))},
      backsync_version, backsync_updated_at, backsync_owner, backsync_epoch)
  SELECT ${list(inserted(entity, lookup).map(({ value }) => value))}, j.v, j.u, ${bornOf(by)}
  FROM ${rows(entity, document)} ${raw(countedJoins(entity.keyParts, KEY))}LEFT JOIN ${sql.table(entity.table)} AS t
    ON ${hasOwnKey(entity) ? raw(keyedBy(entity.keyParts, 't', KEY)) : sql`t.backsync_key = j.k`}
    ${against(entity)} ${parents(entity)}
  WHERE t.${sql.ref(entity.idColumn)} IS NULL AND legacy.${sql.ref(entity.idColumn)} IS NULL
    AND (d.version IS NULL OR d.version < j.v)
    AND (d.version IS NULL OR ${mayWrite(entity, by, 'd')})${parentsFound(entity)}`

/**
 * Records deletes. It comes before the delete itself: from here on no older write can bring the row back. The record of a
 * key stays whose it is: the row's under the row's own condition, else the tombstone's.
 *
 * @param which `known`: only of keys that have a row or a tombstone
 */
export const bury = (
  entity: Entity,
  document: string,
  lookup: Lookup,
  by: Owner,
  which: 'all' | 'known' = 'all',
): Sql => {
  const stands = isRecorded(entity)
  const { owner, epoch } = recordNames(entity)
  const born = by === 'dynamo' ? sql`'dynamo'` : sql`NULL`
  return sql`
  INSERT INTO backsync_tombstones (entity, entity_key, version, deleted_at, owner, epoch)
  SELECT ${entity.name}, j.k, j.v, j.u,
    IF(${stands}, ${raw(owner)}, IF(d.version IS NOT NULL, d.owner, ${born})),
    IF(${stands}, ${raw(epoch)}, COALESCE(d.epoch, j.e))
  FROM ${keys(entity, document)} ${found(entity, lookup, 'LEFT JOIN')}
    LEFT JOIN backsync_tombstones AS d ON d.entity = ${entity.name} AND d.entity_key = j.k
  WHERE IF(${stands}, ${older(entity, by, 'delete')},
    ${which === 'all' ? sql`d.version IS NULL OR` : sql`d.version IS NOT NULL AND`} ${mayWrite(entity, by, 'd')})
  ON DUPLICATE KEY UPDATE
    deleted_at = IF(VALUES(version) > backsync_tombstones.version, VALUES(deleted_at), backsync_tombstones.deleted_at),
    version = GREATEST(backsync_tombstones.version, VALUES(version)),
    owner = IF(VALUES(epoch) >= backsync_tombstones.epoch, VALUES(owner), backsync_tombstones.owner),
    epoch = GREATEST(backsync_tombstones.epoch, VALUES(epoch))`
}

/**
 * Whether the row is as this very change wrote it. At the same version another writer may have left other content: then
 * its child rows are its own, too.
 */
export const isWritten = (entity: Entity): Sql => {
  const { version, updatedAt } = recordNames(entity).columns
  return raw(`${version} = j.v AND ${updatedAt} = CAST(j.u AS DATETIME(3))`)
}

/**
 * The row is as this very change wrote it, and still the writer's: whoever has the key by now may have changed its lists, of which
 * the version says nothing.
 */
const isStillOurs = (entity: Entity, by: Owner): Sql =>
  sql`${isWritten(entity)} AND ${mayWrite(entity, by, 't')}`

/** Deletes the child rows of rows that have been updated to the batch's version. */
export const deleteChildrenOfUpdated = (
  entity: Entity,
  child: ChildRows,
  document: string,
  lookup: Lookup,
  by: Owner,
): Sql => sql`
  DELETE c FROM ${keys(entity, document)} ${recorded(entity, lookup)} ${childrenOf(entity, child)}
  WHERE ${isStillOurs(entity, by)}`

export const childrenOf = (entity: Entity, child: ChildRows): Sql =>
  sql`STRAIGHT_JOIN ${sql.table(child.table)} AS c ON ${isChild(entity, child)}`

/** The row `c` of a list is the row `t`'s. */
export const isChild = (entity: Entity, { parentColumns }: ChildRows): Sql =>
  list(
    ownColumns(entity).map((own, at) => sql`c.${sql.ref(parentColumns[at] ?? '')} = t.${sql.ref(own)}`),
    sql` AND `,
  )

/** Inserts the child rows of rows that are at the batch's version. Their old ones have been deleted. */
export const insertChildren = (
  entity: Entity,
  [child, at]: readonly [ChildRows, number],
  document: string,
  lookup: Lookup,
  by: Owner,
): Sql => {
  const columns = Object.values(child.attributes)
  return sql`
  INSERT INTO ${sql.table(child.table)}
    (${list([...child.parentColumns, child.positionColumn, ...columns.map(({ column }) => column)].map((name) => sql.ref(name)))})
  SELECT ${list(ownColumns(entity).map((own) => sql`t.${sql.ref(own)}`))}, j.p, ${list(columns.map(({ stored = identity }, place) => raw(stored(`j.c${place}`))))}
  FROM ${members(entity, [child, at], document)} ${recorded(entity, lookup)}
  WHERE ${isStillOurs(entity, by)} AND j.p IS NOT NULL`
}

/** The members of a list with their place `p`, which is NULL for an empty one. */
export const members = (entity: Entity, [child, at]: readonly [ChildRows, number], document: string): Sql => {
  const nested = [
    'p FOR ORDINALITY',
    ...Object.values(child.attributes).map(({ jsonTableType }, place) =>
      documentColumn(`c${place}`, jsonTableType, place),
    ),
  ]
  return table(entity, document, [
    `NESTED PATH '$[${placesOf(entity).children[at]}][*]' COLUMNS (${nested.join(', ')})`,
  ])
}

/** A key, and what else was selected with it. */
export type Keyed = { readonly k: string } & Readonly<Record<string, unknown>>

/**
 * Lists the upserts that the guard will let pass, and keeps their rows locked until the transaction ends.
 *
 * @param more what else is selected, each behind a comma
 */
export const selectWinners = (
  entity: Entity,
  document: string,
  lookup: Lookup,
  by: Owner,
  more: Sql,
): RawBuilder<Keyed> => sql`
  SELECT j.k AS k${more}
  FROM ${lockable(referenceRows(entity, document))} ${found(entity, lookup, 'LEFT JOIN')} ${against(entity)} ${parents(entity)}
  WHERE COALESCE(${heldVersion(entity)}, IF(${standsAgainst(entity)} IS NULL, 0, j.v)) < j.v
    AND COALESCE(d.version, 0) < j.v
    AND IF(${isRecorded(entity)}, ${mayWrite(entity, by, 't')},
      d.version IS NULL OR ${mayWrite(entity, by, 'd')})${parentsFound(entity)} FOR UPDATE`

/** Lists the keys whose rows are as this very batch says. */
export const selectWritten = (
  entity: Entity,
  document: string,
  lookup: Lookup,
  more: Sql = sql``,
): RawBuilder<Keyed> => sql`
  SELECT j.k AS k${more} FROM ${keys(entity, document)} ${recorded(entity, lookup)}
  WHERE ${isWritten(entity)}`

/**
 * Gives columns of rows that hold an older version other values, for as long as the transaction lasts.
 *
 * @param joined what else the values are made of
 */
export const loosen = (
  entity: Entity,
  document: string,
  lookup: Lookup,
  values: readonly { readonly column: string; readonly value: Sql }[],
  by: Owner,
  joined: Sql = sql``,
): Sql => sql`
  UPDATE ${keys(entity, document)} ${found(entity, lookup)} ${joined}
  SET ${list(values.map(({ column, value }) => sql`t.${sql.ref(column)} = ${value}`))}
  WHERE ${older(entity, by)}`

/** The time of the write stands in the row's own record, which each update of the row would set otherwise. */
const keptTime = (entity: Entity): Sql =>
  isBeside(entity) ? sql`` : raw(`, ${recordNames(entity).updatedAt} = j.u`)

/** Sets references of rows at the batch's version that were inserted without them. */
export const setReferences = (
  entity: Entity,
  document: string,
  lookup: Lookup,
  columns: readonly string[],
): Sql => {
  const { set, isLacking } = lacking(entity, columns)
  return sql`
  UPDATE ${rows(entity, document)} ${found(entity, lookup)} ${parents(entity)}
  SET ${list(set.map(({ column, value }) => sql`t.${sql.ref(column)} = ${value}`))}${keptTime(entity)}
  WHERE ${isAtVersion(entity)} AND (${list(isLacking, sql` OR `)})${parentsFound(entity)}`
}

/** Lists the rows at the batch's version that lack a reference which the batch names. */
export const selectDangling = (
  entity: Entity,
  document: string,
  lookup: Lookup,
): RawBuilder<{ readonly k: string }> => sql`
  SELECT j.k AS k FROM ${referenceRows(entity, document)} ${found(entity, lookup)}
  WHERE ${isAtVersion(entity)} AND (${list(isDangling(entity), sql` OR `)})`
