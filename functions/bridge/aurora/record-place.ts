import { type RawBuilder, sql } from 'kysely'
import type { Entity } from '../model/entity.ts'
import { keepsDeleted } from '../model/hooks.ts'
import { countedJoins, equalParts, exactParts, hasOwnKey, keyedBy, quoted } from './part-sql.ts'
import { besideCounted, isBeside, RECORDS } from './record-names.ts'

/*
 * Where an entity's records are, and how statements join them: the one place that knows. In the row `t` itself, in columns that
 * adoption has added; or beside it, as a row of backsync_records: `s` is the record of a key `j.k`, `o` the record of a row `t`,
 * which is the same one, or none, or tells that the row is another key's.
 *
 * A row is locked before its record, everywhere. A legacy writer has locked the row before any trigger of its own could come
 * to the record, and whoever has the row's lock has waited for all who are writing it. Since whoever writes a record of a row
 * has locked the row, that lock holds the record, too, also where there is none yet. What is found by a key must not be found by way
 * of its record then: the ids of counted rows are asked for before, without a lock, and travel in the document; the statement
 * itself compares the key (see known-ids.ts).
 */

type Sql = RawBuilder<unknown>

/** Whether some of a batch's keys may be legacy ids: a lookup that no key needs is left out. */
export type Lookup = 'keys' | 'ids'

const raw = (text: string): Sql => sql.raw(text)
/** What stands before the places of the key's own parts. */
export const KEY = 'n'

/** The record of the key `j.k`, whether its row is there or not. */
const byKey = ({ name }: Pick<Entity, 'name'>): string => `s.entity = '${name}' AND s.entity_key = j.k`

const keyed = ({ keyParts }: Entity): string => keyedBy(keyParts, 't', KEY)

/** A version that says of a row that it counts as deleted; nothing where no row ever does. */
const unlessDeleted = (entity: Entity, version: string): string =>
  keepsDeleted(entity) ? ` AND ${version} <> 0` : ''

/** The same of a row whose record no join has found yet. */
const unlessDeletedBeside = (entity: Entity): string =>
  keepsDeleted(entity)
    ? ` AND NOT EXISTS (SELECT 1 FROM ${RECORDS} AS x WHERE x.entity = '${entity.name}' AND x.entity_key = j.k AND x.version = 0)`
    : ''

/** Joins the rows that the batch's keys name, as `t`, each with its record if there is one. */
export const found = (
  entity: Entity,
  lookup: Lookup,
  join: 'STRAIGHT_JOIN' | 'LEFT JOIN' = 'STRAIGHT_JOIN',
): Sql => {
  const own = sql`${sql.table(entity.table)}`
  const id = sql.ref(entity.idColumn)
  if (isBeside(entity)) return foundBeside(entity, join)
  if (hasOwnKey(entity))
    return sql`${raw(countedJoins(entity.keyParts, KEY))}${raw(join)} ${own} AS t ON ${raw(`${keyed(entity)}${unlessDeleted(entity, 't.backsync_version')}`)}`
  if (lookup === 'keys') return sql`${raw(join)} ${own} AS t ON t.backsync_key = j.k`
  return sql`LEFT JOIN ${own} AS named ON named.backsync_key = j.k
    ${raw(join)} ${own} AS t ON t.${id} = COALESCE(named.${id}, j.i)
      AND (named.${id} IS NOT NULL OR t.backsync_key IS NULL)${raw(unlessDeleted(entity, 't.backsync_version'))}`
}

const foundBeside = (entity: Entity, join: 'STRAIGHT_JOIN' | 'LEFT JOIN'): Sql => {
  const record = `LEFT JOIN ${RECORDS} AS s ON ${byKey(entity)}`
  if (hasOwnKey(entity))
    return raw(
      `${countedJoins(entity.keyParts, KEY)}${join} ${quoted(entity.table)} AS t ON ${keyed(entity)}${unlessDeletedBeside(entity)} ${record}`,
    )
  const { name, table, idColumn } = entity
  const row = besideCounted({ entity: name, table, idColumn, record: 'sideTable' }, 't', 'o')
  return raw(`${join} ${row.joined} ON ${row.has('j.i', 'j.k')} ${record}`)
}

/**
 * As `found`, where a statement writes records: only rows that have one. The order of the join is the order of the locks, which the
 * optimiser must not turn around.
 */
export const recorded = (entity: Entity, lookup: Lookup): Sql => {
  if (!isBeside(entity)) return found(entity, lookup)
  const isSame = hasOwnKey(entity) ? '' : ` AND s.legacy_id = t.${quoted(entity.idColumn)}`
  const row = hasOwnKey(entity) ? keyed(entity) : `t.${quoted(entity.idColumn)} = j.i`
  return raw(`${hasOwnKey(entity) ? countedJoins(entity.keyParts, KEY) : ''}STRAIGHT_JOIN ${quoted(entity.table)} AS t ON ${row}
    STRAIGHT_JOIN ${RECORDS} AS s ON ${byKey(entity)}${isSame}${unlessDeleted(entity, 's.version')}`)
}

/** Joins the records of the batch's keys alone, whether their rows are there or not. */
export const recordsAlone = (entity: Pick<Entity, 'name'>): Sql =>
  raw(`STRAIGHT_JOIN ${RECORDS} AS s ON ${byKey(entity)}`)

/**
 * Joins what may stand against a key: a row with the same id as `legacy`, and the key's tombstone as `d`. A row whose own
 * key is made of digits is known by that, and its id stands for nothing. Where the key is the primary key's columns,
 * `legacy` is a row whose key is another one that they take for the same.
 */
export const against = (entity: Entity): Sql => {
  const own = sql`${sql.table(entity.table)}`
  if (hasOwnKey(entity)) {
    const exact = exactParts(entity.keyParts, 'legacy', KEY)
    const equal = equalParts(entity.keyParts, 'legacy', KEY)
    const other = exact === undefined ? 'FALSE' : `${equal} AND NOT (${exact})`
    return sql`LEFT JOIN ${own} AS legacy ON ${raw(other)}
    LEFT JOIN backsync_tombstones AS d ON d.entity = ${entity.name} AND d.entity_key = j.k`
  }
  if (isBeside(entity)) {
    const { name, table, idColumn } = entity
    const { joined } = besideCounted({ entity: name, table, idColumn, record: 'sideTable' }, 'legacy', 'l')
    const id = `legacy.${quoted(idColumn)}`
    return sql`LEFT JOIN ${raw(joined)} ON ${raw(`${id} = j.i AND CAST(${id} AS CHAR) = j.k`)}
      AND (l.entity_key IS NULL OR l.entity_key NOT REGEXP '^[1-9][0-9]*$')${raw(unlessDeleted(entity, 'COALESCE(l.version, 1)'))}
    LEFT JOIN backsync_tombstones AS d ON d.entity = ${name} AND d.entity_key = j.k`
  }
  return sql`LEFT JOIN ${own} AS legacy ON legacy.${sql.ref(entity.idColumn)} = j.i
      AND (legacy.backsync_key IS NULL OR legacy.backsync_key NOT REGEXP '^[1-9][0-9]*$')${raw(unlessDeleted(entity, 'legacy.backsync_version'))}
    LEFT JOIN backsync_tombstones AS d ON d.entity = ${entity.name} AND d.entity_key = j.k`
}

/** What of `legacy` is NULL unless it stands against the key. */
export const standsAgainst = (entity: Entity): Sql => {
  if (hasOwnKey(entity)) return sql`legacy.${sql.ref(entity.idColumn)}`
  return isBeside(entity) ? sql`l.entity_key` : sql`legacy.${sql.ref('backsync_key')}`
}

/** What is read of an entity's rows `t`, with their records; of natural keys beside their rows that of one key, or of none. */
export const source = (entity: Entity, key?: string): Sql => {
  const own = sql`${sql.table(entity.table)} AS t`
  if (!isBeside(entity)) return own
  if (!hasOwnKey(entity))
    return sql`${own} LEFT JOIN ${sql.table(RECORDS)} AS s
      ON s.entity = ${entity.name} AND s.legacy_id = t.${sql.ref(entity.idColumn)}`
  const which = key === undefined ? sql`FALSE` : sql`s.entity = ${entity.name} AND s.entity_key = ${key}`
  return sql`${own} LEFT JOIN ${sql.table(RECORDS)} AS s ON ${which}`
}
