import { type RawBuilder, sql } from 'kysely'
import type { Entity } from '../model/entity.ts'
import { ownersKnown } from './authority.ts'
import { found, keys, type Lookup, raw, type Sql } from './statements.ts'

/*
 * The statements of a takeover, for sets of keys that have items: they say in records from before there were owners that
 * the key is DynamoDB's. What says so itself, or belongs to a move, is left alone, and as soon as the entity's owners are known so
 * is what isn't proved; so each may come at any time, and again.
 */

const SAYS_NOTHING = {
  t: 't.backsync_epoch = 0 AND t.backsync_owner IS NULL',
  d: 'd.epoch = 0 AND d.owner IS NULL',
}

/** The row is as the item's own write left it: its time tells, and its version where the item has one. */
const ofItem = ({ versions }: Entity): string =>
  `${versions === 'counted' ? 't.backsync_version = j.v AND ' : ''}t.backsync_updated_at = CAST(j.u AS DATETIME(3))`

/**
 * @param unchanged columns that MySQL would set by itself when the row is updated
 * @param which `all` rows of the keys, or only those that are proved to have come from the items: `proved`
 */
export const takeRows = (
  entity: Entity,
  document: string,
  lookup: Lookup,
  { unchanged, which }: { readonly unchanged: readonly string[]; readonly which: 'all' | 'proved' },
): Sql => sql`
  UPDATE ${keys(entity, document)} ${found(entity, lookup)}
  SET t.backsync_owner = 'dynamo'${sql.join(
    unchanged.map((name) => sql`, t.${sql.ref(name)} = t.${sql.ref(name)}`),
    sql``,
  )}
  WHERE ${raw(SAYS_NOTHING.t)} AND ${which === 'all' ? sql`NOT ${ownersKnown(entity)}` : raw(ofItem(entity))}`

export const takeTombstones = (entity: Entity, document: string): Sql => sql`
  UPDATE ${keys(entity, document)}
  STRAIGHT_JOIN backsync_tombstones AS d ON d.entity = ${entity.name} AND d.entity_key = j.k
  SET d.owner = 'dynamo'
  WHERE ${raw(SAYS_NOTHING.d)} AND NOT ${ownersKnown(entity)}`

/** A row beside an item, with its version in decimal. */
export type RowBeside = { readonly k: string; readonly held: string }

/** Lists the rows that no move has touched and that are at a larger version than the item that was read. */
export const selectAhead = (entity: Entity, document: string, lookup: Lookup): RawBuilder<RowBeside> =>
  sql<RowBeside>`${beside(entity, document, lookup)} WHERE t.backsync_epoch = 0 AND t.backsync_version > j.v`

/** Lists the rows that don't say whose their key is. */
export const selectSilent = (entity: Entity, document: string, lookup: Lookup): RawBuilder<RowBeside> =>
  sql<RowBeside>`${beside(entity, document, lookup)} WHERE ${raw(SAYS_NOTHING.t)}`

const beside = (entity: Entity, document: string, lookup: Lookup): Sql => sql`
  SELECT j.k AS k, CAST(t.backsync_version AS CHAR) AS held FROM ${keys(entity, document)} ${found(entity, lookup)}`
