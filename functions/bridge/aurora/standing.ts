import { type RawBuilder, sql } from 'kysely'
import type { Attribute } from '../model/attributes/attribute.ts'
import type { ChildRows } from '../model/child-rows.ts'
import type { Entity } from '../model/entity.ts'
import { hasOwnLayout } from '../model/hooks.ts'
import { knownAgainstDelete, ownersKnown, standingAuthority } from './authority.ts'
import { assignments, attributesOf, parents, parentsFound } from './parents.ts'
import { recordNames, versionGone, versionOfRow } from './record-names.ts'
import { against, found, type Lookup, standsAgainst } from './record-place.ts'
import { ownColumns } from './row-key.ts'
import { isChild, keys, members, raw, rows, type Sql } from './statements.ts'

/*
 * What stands against changes that did nothing, asked for only once some have: see statements.ts for the table `j`. What
 * the store holds is told by versions and, where they are equal, by content, compared here column by column in bytes: a
 * batch that is delivered again costs this one statement, and one for each list, and none of its rows is read.
 */

/** A key at which the store doesn't hold what the batch has, and what it holds there. */
export type Standing = {
  readonly k: string
  /** 1 when the key is a legacy id whose row has a key of its own, or a row's only by collation: that is somebody else's. */
  readonly taken: Flag
  /** 1 when a row that it refers to is not there. */
  readonly missing: Flag
  /** The version of its row, in decimal; null without one. */
  readonly held: string | null
  /** The version of its tombstone, in decimal; null without one. */
  readonly gone: string | null
  /** 1 when the row bears the time of this very write. */
  readonly own: Flag | null
} & StandingAuthority

/** Whose the record is that stands there. */
export type StandingAuthority = {
  readonly owner: string | null
  /** In decimal; null without a record. */
  readonly epoch: string | null
  /** 1 when each record of the entity says whose its key is. */
  readonly known: Flag
  /** 1 for the tombstone of a key that is nobody's: it is from before they said so. */
  readonly free: Flag
}

type Flag = number | bigint

const inDecimal = (expression: string): Sql => raw(`CAST(${expression} AS CHAR)`)
const isOwn = (entity: Entity): Sql => raw(`${recordNames(entity).updatedAt} = CAST(j.u AS DATETIME(3))`)

/** Lists the upserts of which the store holds something else than they say. */
export const selectStanding = (entity: Entity, document: string, lookup: Lookup): RawBuilder<Standing> => {
  const own = attributesOf(entity)
  // What stands elsewhere can't be compared here: each that is there is listed, and read.
  const isEqual = hasOwnLayout(entity) ? [raw('FALSE')] : [sql`${raw(versionOfRow(entity))} <=> j.v`]
  const compared = hasOwnLayout(entity) ? [] : assignments(entity)
  const same = compared
    // A row that was found by them has them.
    .filter(({ at, isKey }) => !isKey || own[at]?.references === undefined)
    .map(({ column, at, value }) => {
      const attribute = own[at]
      return attribute === undefined || attribute.references
        ? sql`t.${sql.ref(column)} <=> ${value}`
        : raw(sameColumn(attribute, `t.\`${column}\``, `j.c${at}`))
    })
  return sql`
  SELECT j.k AS k, IF(t.${sql.ref(entity.idColumn)} IS NULL AND ${standsAgainst(entity)} IS NOT NULL, 1, 0) AS taken,
    IF(TRUE${parentsFound(entity)}, 0, 1) AS missing,
    ${inDecimal(versionOfRow(entity))} AS held, ${inDecimal(versionGone(entity))} AS gone, IF(${isOwn(entity)}, 1, 0) AS own,
    ${standingAuthority(entity)}
  FROM ${rows(entity, document)} ${found(entity, lookup, 'LEFT JOIN')} ${against(entity)} ${parents(entity)}
  WHERE NOT (${sql.join([...isEqual, ...same], sql` AND `)})`
}

/** Lists the upserts whose row is at their version and has child rows that differ in number, place or content. */
export const selectOtherMembers = (
  entity: Entity,
  [child, at]: readonly [ChildRows, number],
  document: string,
  lookup: Lookup,
): RawBuilder<Standing> => {
  const own = sql.table(child.table)
  const { version, owner, epoch } = recordNames(entity)
  const ids = ownColumns(entity).map((column, place) => ({
    column: sql`t.${sql.ref(column)}`,
    id: sql.ref(`id${place}`),
    parent: sql.ref(child.parentColumns[place] ?? ''),
  }))
  const position = sql.ref(child.positionColumn)
  const same = Object.values(child.attributes).map((attribute, place) =>
    sameColumn(attribute, `c.\`${attribute.column}\``, `j.c${place}`),
  )
  return sql`
  SELECT m.k AS k, 0 AS taken, 0 AS missing, m.held AS held, NULL AS gone, m.own AS own,
    m.owner AS owner, m.epoch AS epoch, IF(${ownersKnown(entity)}, 1, 0) AS known, 0 AS free FROM (
    SELECT j.k AS k, ${sql.join(ids.map(({ column, id }) => sql`${column} AS ${id}`))}, ${inDecimal(`MAX(${version})`)} AS held,
      MAX(${raw(owner)}) AS owner, ${inDecimal(`MAX(${epoch})`)} AS epoch,
      MAX(IF(${isOwn(entity)}, 1, 0)) AS own, COUNT(j.p) AS members,
      SUM(IF(j.p IS NULL OR (c.${position} IS NOT NULL AND ${raw(same.join(' AND '))}), 0, 1)) AS others
    FROM ${members(entity, [child, at], document)} ${found(entity, lookup)}
      LEFT JOIN ${own} AS c ON ${isChild(entity, child)} AND c.${position} = j.p
    WHERE ${raw(version)} = j.v GROUP BY j.k, ${sql.join(ids.map(({ column }) => column))}) AS m
  WHERE m.others > 0 OR m.members <> (SELECT COUNT(*) FROM ${own} AS c WHERE ${sql.join(
    ids.map(({ id, parent }) => sql`c.${parent} = m.${id}`),
    sql` AND `,
  )})`
}

/** Lists the deletes whose row is still there, with its version. */
export const selectUndeleted = (
  entity: Entity,
  document: string,
  lookup: Lookup,
): RawBuilder<Pick<Standing, 'k' | 'held'> & StandingAuthority> => {
  const { version, owner, epoch } = recordNames(entity)
  return sql`
  SELECT j.k AS k, ${inDecimal(version)} AS held, ${raw(owner)} AS owner,
    ${inDecimal(epoch)} AS epoch, ${knownAgainstDelete(entity)}
  FROM ${keys(entity, document)} ${found(entity, lookup)}`
}

/** Lists the keys that have a tombstone. */
export const selectBuried = (entity: Entity, document: string): RawBuilder<Pick<Standing, 'k'>> => sql`
  SELECT j.k AS k FROM ${keys(entity, document)}
  STRAIGHT_JOIN backsync_tombstones AS d ON d.entity = ${entity.name} AND d.entity_key = j.k`

/** In bytes: a column's collation takes more for the same than is. */
const sameColumn = ({ same, stored }: Attribute, column: string, text: string): string => {
  if (same !== undefined) return same(column, text)
  const [ours, theirs] =
    stored === undefined
      ? [`CONVERT(${column} USING utf8mb4)`, `CONVERT(${text} USING utf8mb4)`]
      : [column, stored(text)]
  return `CAST(${ours} AS BINARY) <=> CAST(${theirs} AS BINARY)`
}
