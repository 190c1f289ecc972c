import { type RawBuilder, sql } from 'kysely'
import type { Entity } from '../model/entity.ts'
import { ownersKnown } from './authority.ts'
import { untouched } from './claim-statements.ts'
import { isBeside, recordNames } from './record-names.ts'
import { found, type Lookup, recorded, recordsAlone } from './record-place.ts'
import { keys, raw, type Sql } from './statements.ts'

/*
 * The statements of a takeover, for sets of keys that have items: they say in records from before there were owners that
 * the key is DynamoDB's. What says so itself, or belongs to a move, is left alone, and as soon as the entity's owners are known so
 * is what isn't proved; so each may come at any time, and again.
 */

const saysNothing = (entity: Entity): Sql => {
  const { epoch, owner } = recordNames(entity)
  return raw(`${epoch} = 0 AND ${owner} IS NULL`)
}

/** The row is as the item's own write left it: its time tells, and its version where the item has one. */
const ofItem = (entity: Entity): string => {
  const { version, updatedAt } = recordNames(entity)
  return `${entity.versions === 'counted' ? `${version} = j.v AND ` : ''}${updatedAt} = CAST(j.u AS DATETIME(3))`
}

type Which = 'all' | 'proved'

const isTaken = (entity: Entity, which: Which): Sql =>
  sql`${saysNothing(entity)} AND ${which === 'all' ? sql`NOT ${ownersKnown(entity)}` : raw(ofItem(entity))}`

/**
 * @param unchanged columns that MySQL would set by itself when the row is updated
 * @param which `all` rows of the keys, or only those that are proved to have come from the items: `proved`
 */
export const takeRows = (
  entity: Entity,
  document: string,
  lookup: Lookup,
  { unchanged, which }: { readonly unchanged: readonly string[]; readonly which: Which },
): Sql => sql`
  UPDATE ${keys(entity, document)} ${recorded(entity, lookup)}
  SET ${raw(recordNames(entity).columns.owner)} = 'dynamo'${untouched(isBeside(entity) ? [] : unchanged)}
  WHERE ${isTaken(entity, which)}`

/** As `takeRows`, of records beside rows that plain SQL has taken away: those of others are taken by then. */
export const takeRecords = (entity: Entity, document: string, which: Which): Sql => sql`
  UPDATE ${keys(entity, document)} ${recordsAlone(entity)}
  SET ${raw(recordNames(entity).columns.owner)} = 'dynamo' WHERE ${isTaken(entity, which)}`

export const takeTombstones = (entity: Entity, document: string): Sql => sql`
  UPDATE ${keys(entity, document)}
  STRAIGHT_JOIN backsync_tombstones AS d ON d.entity = ${entity.name} AND d.entity_key = j.k
  SET d.owner = 'dynamo'
  WHERE d.epoch = 0 AND d.owner IS NULL AND NOT ${ownersKnown(entity)}`

/** A row beside an item, with its version in decimal. */
export type RowBeside = { readonly k: string; readonly held: string }

/** Lists the rows that no move has touched and that are at a larger version than the item that was read. */
export const selectAhead = (entity: Entity, document: string, lookup: Lookup): RawBuilder<RowBeside> =>
  sql<RowBeside>`${beside(entity, document, lookup)} WHERE ${raw(recordNames(entity).epoch)} = 0 AND ${raw(recordNames(entity).version)} > j.v`

/** Lists the rows that don't say whose their key is. */
export const selectSilent = (entity: Entity, document: string, lookup: Lookup): RawBuilder<RowBeside> =>
  sql<RowBeside>`${beside(entity, document, lookup)} WHERE ${saysNothing(entity)}`

const beside = (entity: Entity, document: string, lookup: Lookup): Sql => sql`
  SELECT j.k AS k, CAST(${raw(recordNames(entity).version)} AS CHAR) AS held FROM ${keys(entity, document)} ${found(entity, lookup)}`
