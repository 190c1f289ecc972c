import { sql } from 'kysely'
import type { Entity } from '../model/entity.ts'
import type { Epoch, Owner } from '../model/owner.ts'
import { found, keys, type Lookup, raw, type Sql } from './statements.ts'

/*
 * The statements of claims, for sets of keys: `j.e` is the epoch of the move, `j.v` a version. Each changes a record of an
 * earlier move only, waits for whoever is writing it, and may come at any time, and again.
 */

/** @param unchanged columns that MySQL would set by itself when the row is updated */
export const claimRows = (
  entity: Entity,
  document: string,
  lookup: Lookup,
  {
    owner,
    unchanged,
    raised = false,
    where,
  }: {
    readonly owner: Owner
    readonly unchanged: readonly string[]
    /** Whether the version becomes one above the document's, where it isn't already. */
    readonly raised?: boolean
    readonly where?: Sql
  },
): Sql => sql`
  UPDATE ${keys(entity, document)} ${found(entity, lookup)}
  SET t.backsync_owner = ${owner}, t.backsync_epoch = j.e${raised ? sql`, t.backsync_version = GREATEST(t.backsync_version, j.v) + 1` : sql``}${sql.join(
    unchanged.map((name) => sql`, t.${sql.ref(name)} = t.${sql.ref(name)}`),
    sql``,
  )}
  WHERE ${where ?? sql`t.backsync_epoch < j.e`}`

/** @param how.raised whether the version of a delete becomes one above the document's, where it isn't already */
export const claimTombstones = (
  entity: Entity,
  document: string,
  owner: Owner,
  { where, raised = false }: { readonly where?: Sql; readonly raised?: boolean } = {},
): Sql => sql`
  UPDATE ${keys(entity, document)}
  STRAIGHT_JOIN backsync_tombstones AS d ON d.entity = ${entity.name} AND d.entity_key = j.k
  SET d.owner = ${owner}, d.epoch = j.e${raised ? sql`, d.version = IF(d.version = 0, 0, GREATEST(d.version, j.v) + 1)` : sql``}
  WHERE ${where ?? sql`d.epoch < j.e`}`

/**
 * Makes a record of a key that has none: a tombstone of version 0, by which a later write there is refused.
 *
 * @param was one of a later move than this is left as it is. @default none is
 */
export const claimAbsent = (
  entity: Entity,
  document: string,
  lookup: Lookup,
  owner: Owner,
  was?: Epoch,
): Sql => {
  const epoch = raw('backsync_tombstones.epoch')
  const isEarlier = sql`VALUES(epoch) > ${epoch}${was === undefined ? sql`` : sql` AND ${epoch} <= ${was}`}`
  return sql`
  INSERT INTO backsync_tombstones (entity, entity_key, version, deleted_at, owner, epoch)
  SELECT ${entity.name}, j.k, 0, NULL, ${owner}, j.e
  FROM ${keys(entity, document)} ${found(entity, lookup, 'LEFT JOIN')}
  WHERE t.${sql.ref(entity.idColumn)} IS NULL
  ON DUPLICATE KEY UPDATE
    owner = IF(${isEarlier}, VALUES(owner), backsync_tombstones.owner),
    epoch = IF(${isEarlier}, VALUES(epoch), ${epoch})`
}
