import { type RawBuilder, sql } from 'kysely'
import { type Attribute, writable } from '../model/attributes/attribute.ts'
import type { ChildRows } from '../model/child-rows.ts'
import type { Entity } from '../model/entity.ts'
import { placesOf } from './document.ts'

/*
 * The guarded statements. Each applies a whole batch, which travels as one JSON parameter, read as the table `j`:
 *   k  the key          i  the legacy id, for a key that is one
 *   v  the version      u  the time of the write
 *   c0, c1 …  the columns' texts        r0, r1 …  the legacy ids that references name
 *
 * Each is safe by itself, at any time, in any order and any number of times, also when it reaches the server late:
 * it compares versions in its own WHERE. A row is found by its key, or by its id where the row has no key.
 *
 * Update and insert are two statements, because INSERT … ON DUPLICATE KEY UPDATE burns an AUTO_INCREMENT value for each
 * row that it updates, and fires on any unique index.
 */

type Sql = RawBuilder<unknown>

/** What a batch's keys are: a lookup that no key needs is left out. */
export type Lookup = 'keys' | 'ids' | 'both'

const KEY_TYPE = 'VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin'
/** As wide as a version that is taken from the stream; a counted one compares faster as an integer. */
const VERSION_TYPE = { counted: 'BIGINT UNSIGNED', stream: 'DECIMAL(50, 0)' } as const

/** Those that are written. */
const attributesOf = (entity: Entity): Attribute[] => writable(entity.attributes).map(([, one]) => one)
const raw = (text: string): Sql => sql.raw(text)
const list = (parts: readonly Sql[]): Sql => sql.join(parts)
/** MySQL can't lock a JSON_TABLE (errno 3569), but passes over one inside a derived table; MariaDB takes either. */
const lockable = (table: Sql): Sql => sql`(SELECT * FROM ${table}) AS j`
/** Names were checked when the entity was defined. */
const quoted = (name: string): string => `\`${name}\``

const column = (name: string, type: string, place: number | string): string =>
  `${name} ${type} PATH '$[${place}]' NULL ON EMPTY ERROR ON ERROR`

/** The document as the table `j`. JSON's null is NULL. */
const table = (entity: Entity, document: string, columns: readonly string[]): Sql => {
  const head = [
    `k ${KEY_TYPE} PATH '$[0]' ERROR ON ERROR`,
    `v ${VERSION_TYPE[entity.versions]} PATH '$[1]' ERROR ON ERROR`,
    "u VARCHAR(32) PATH '$[2]' ERROR ON ERROR",
    column('i', 'BIGINT', 3),
  ]
  return sql`JSON_TABLE(${document}, '$[*]' COLUMNS (${raw([...head, ...columns].join(', '))})) AS j`
}

const keys = (entity: Entity, document: string): Sql => table(entity, document, [])

const rows = (entity: Entity, document: string): Sql => {
  const places = placesOf(entity).attributes
  return table(
    entity,
    document,
    attributesOf(entity).flatMap(({ jsonTableType, references }, at) => {
      const place = places[at] ?? Number.NaN
      return [
        column(`c${at}`, jsonTableType, place),
        ...(references ? [column(`r${at}`, 'BIGINT', place + 1)] : []),
      ]
    }),
  )
}

/** Only what references need: whether their rows are there. */
const referenceRows = (entity: Entity, document: string): Sql =>
  table(
    entity,
    document,
    referencesOf(entity).flatMap(({ at, place, jsonTableType }) => [
      column(`c${at}`, jsonTableType, place),
      column(`r${at}`, 'BIGINT', place + 1),
    ]),
  )

const referencesOf = (entity: Entity) => {
  const places = placesOf(entity).attributes
  return attributesOf(entity).flatMap(({ references, jsonTableType }, at) =>
    references ? [{ at, place: places[at] ?? Number.NaN, jsonTableType, ...references }] : [],
  )
}

/** Joins the rows that references name, by key as `p0` and by legacy id as `q0`. */
const parents = (entity: Entity): Sql =>
  raw(
    referencesOf(entity)
      .map(
        ({ at, table: parent, idColumn }) =>
          `LEFT JOIN ${quoted(parent)} AS p${at} ON p${at}.backsync_key = j.c${at} ` +
          `LEFT JOIN ${quoted(parent)} AS q${at} ON q${at}.${quoted(idColumn)} = j.r${at} AND q${at}.backsync_key IS NULL`,
      )
      .join(' '),
  )

const parentId = (at: number, idColumn: string): string =>
  `COALESCE(p${at}.${quoted(idColumn)}, q${at}.${quoted(idColumn)})`

/** Every row that is referred to is there. */
const parentsFound = (entity: Entity): Sql =>
  raw(
    referencesOf(entity)
      .map(({ at, idColumn }) => ` AND (j.c${at} IS NULL OR ${parentId(at, idColumn)} IS NOT NULL)`)
      .join(''),
  )

/** The legacy table's columns, and what is stored in each. */
const assignments = (entity: Entity): { readonly name: Sql; readonly value: Sql }[] =>
  attributesOf(entity).map(({ column: name, references, stored = identity }, at) => ({
    name: sql.ref(name),
    value: raw(references ? parentId(at, references.idColumn) : stored(`j.c${at}`)),
  }))

const identity = (text: string): string => text

/** Joins the rows that the batch's keys name, as `t`. */
const found = (entity: Entity, lookup: Lookup): Sql => {
  const own = sql`${sql.table(entity.table)}`
  const id = sql.ref(entity.idColumn)
  switch (lookup) {
    case 'keys':
      return sql`STRAIGHT_JOIN ${own} AS t ON t.backsync_key = j.k`
    case 'ids':
      return sql`STRAIGHT_JOIN ${own} AS t ON t.${id} = j.i AND t.backsync_key IS NULL`
    case 'both':
      return sql`LEFT JOIN ${own} AS named ON named.backsync_key = j.k
        STRAIGHT_JOIN ${own} AS t ON t.${id} = COALESCE(named.${id}, j.i)
          AND (named.${id} IS NOT NULL OR t.backsync_key IS NULL)`
  }
}

/** Joins what may stand against a key as `t`, a row with the same id as `legacy`, and the key's tombstone as `d`. */
const against = (entity: Entity): Sql => {
  const own = sql`${sql.table(entity.table)}`
  return sql`LEFT JOIN ${own} AS t ON t.backsync_key = j.k
    LEFT JOIN ${own} AS legacy ON legacy.${sql.ref(entity.idColumn)} = j.i
    LEFT JOIN backsync_tombstones AS d ON d.entity = ${entity.name} AND d.entity_key = j.k`
}

/** Updates rows that hold an older version. */
export const updateOlder = (entity: Entity, document: string, lookup: Lookup): Sql => sql`
  UPDATE ${rows(entity, document)} ${found(entity, lookup)} ${parents(entity)}
  SET ${list(assignments(entity).map(({ name, value }) => sql`t.${name} = ${value}`))},
    t.backsync_version = j.v, t.backsync_updated_at = j.u
  WHERE t.backsync_version < j.v${parentsFound(entity)}`

/** Inserts rows that don't exist, unless their key was deleted at the same or a later version. */
export const insertMissing = (entity: Entity, document: string): Sql => sql`
  INSERT INTO ${sql.table(entity.table)}
    (${sql.ref(entity.idColumn)}, ${list(assignments(entity).map(({ name }) => name))},
     backsync_key, backsync_version, backsync_updated_at)
  SELECT j.i, ${list(assignments(entity).map(({ value }) => value))}, IF(j.i IS NULL, j.k, NULL), j.v, j.u
  FROM ${rows(entity, document)} ${against(entity)} ${parents(entity)}
  WHERE t.${sql.ref(entity.idColumn)} IS NULL AND legacy.${sql.ref(entity.idColumn)} IS NULL
    AND (d.version IS NULL OR d.version < j.v)${parentsFound(entity)}`

/** Records deletes. It comes before the delete itself: from here on no older write can bring the row back. */
export const bury = (entity: Entity, document: string): Sql => sql`
  INSERT INTO backsync_tombstones (entity, entity_key, version, deleted_at)
  SELECT ${entity.name}, j.k, j.v, j.u FROM ${keys(entity, document)}
  ON DUPLICATE KEY UPDATE
    deleted_at = IF(VALUES(version) > backsync_tombstones.version, VALUES(deleted_at), backsync_tombstones.deleted_at),
    version = GREATEST(backsync_tombstones.version, VALUES(version))`

/** Deletes rows that hold an older version. */
export const deleteOlder = (entity: Entity, document: string, lookup: Lookup): Sql => sql`
  DELETE t FROM ${keys(entity, document)} ${found(entity, lookup)}
  WHERE t.backsync_version < j.v`

/** Deletes the child rows of rows that hold an older version and are about to be deleted. */
export const deleteChildrenOfOlder = (
  entity: Entity,
  child: ChildRows,
  document: string,
  lookup: Lookup,
): Sql => sql`
  DELETE c FROM ${keys(entity, document)} ${found(entity, lookup)} ${childrenOf(entity, child)}
  WHERE t.backsync_version < j.v`

/** Deletes the child rows of rows that have been updated to the batch's version. */
export const deleteChildrenOfUpdated = (
  entity: Entity,
  child: ChildRows,
  document: string,
  lookup: Lookup,
): Sql => sql`
  DELETE c FROM ${keys(entity, document)} ${found(entity, lookup)} ${childrenOf(entity, child)}
  WHERE t.backsync_version = j.v`

const childrenOf = (entity: Entity, child: ChildRows): Sql =>
  sql`STRAIGHT_JOIN ${sql.table(child.table)} AS c ON c.${sql.ref(child.parentColumn)} = t.${sql.ref(entity.idColumn)}`

/** Inserts the child rows of rows that are at the batch's version. Their old ones have been deleted. */
export const insertChildren = (
  entity: Entity,
  [child, at]: readonly [ChildRows, number],
  document: string,
  lookup: Lookup,
): Sql => {
  const columns = Object.values(child.attributes)
  const nested = [
    'p FOR ORDINALITY',
    ...columns.map(({ jsonTableType }, place) => column(`c${place}`, jsonTableType, place)),
  ]
  const members = `NESTED PATH '$[${placesOf(entity).children[at]}][*]' COLUMNS (${nested.join(', ')})`
  return sql`
  INSERT INTO ${sql.table(child.table)}
    (${list([child.parentColumn, child.positionColumn, ...columns.map(({ column: name }) => name)].map((name) => sql.ref(name)))})
  SELECT t.${sql.ref(entity.idColumn)}, j.p, ${list(columns.map(({ stored = identity }, place) => raw(stored(`j.c${place}`))))}
  FROM ${table(entity, document, [members])} ${found(entity, lookup)}
  WHERE t.backsync_version = j.v AND j.p IS NOT NULL`
}

/** A key that the store doesn't hold at this version or a later one, and why. */
export type Unapplied = {
  readonly k: string
  /** 1 when the key is a legacy id whose row has a key of its own: that row is somebody else's. */
  readonly taken: number | bigint
  /** 1 when a row that it refers to is not there. */
  readonly missing: number | bigint
}

/**
 * Lists the upserts that neither reached their row nor were older than what is there.
 *
 * @param locking whether the rows stay locked until the transaction ends
 */
export const selectUnapplied = (
  entity: Entity,
  document: string,
  locking = false,
): RawBuilder<Unapplied> => sql`
  SELECT j.k AS k, IF(legacy.backsync_key IS NULL, 0, 1) AS taken, IF(TRUE${parentsFound(entity)}, 0, 1) AS missing
  FROM ${locking ? lockable(referenceRows(entity, document)) : referenceRows(entity, document)} ${against(entity)} ${parents(entity)}
  WHERE COALESCE(t.backsync_version, IF(legacy.backsync_key IS NULL, legacy.backsync_version, NULL), 0) < j.v
    AND COALESCE(d.version, 0) < j.v ${raw(locking ? 'FOR UPDATE' : '')}`

/** Lists the deletes whose row holds an older version, and keeps those rows locked until the transaction ends. */
export const selectDeletable = (
  entity: Entity,
  document: string,
  lookup: Lookup,
): RawBuilder<{ readonly k: string }> => sql`
  SELECT j.k AS k FROM ${lockable(keys(entity, document))} ${found(entity, lookup)}
  WHERE t.backsync_version < j.v FOR UPDATE`

/** A column of another entity's table that holds the ids of this one's rows. */
export type ReferringColumn = { readonly table: string; readonly column: string }

/** Lists the keys whose rows hold an older version and are referred to. */
export const selectReferenced = (
  entity: Entity,
  document: string,
  lookup: Lookup,
  by: readonly ReferringColumn[],
): RawBuilder<{ readonly k: string }> => {
  const id = sql`t.${sql.ref(entity.idColumn)}`
  const referring = by.map(
    ({ table: name, column: own }) =>
      sql`EXISTS (SELECT 1 FROM ${sql.table(name)} AS r WHERE r.${sql.ref(own)} = ${id})`,
  )
  return sql`
  SELECT j.k AS k FROM ${keys(entity, document)} ${found(entity, lookup)}
  WHERE t.backsync_version < j.v AND (${sql.join(referring, sql` OR `)})`
}
