import { type RawBuilder, sql } from 'kysely'
import type { Entity } from '../model/entity.ts'
import type { Epoch, Owner } from '../model/owner.ts'
import { isBeside, recordNames } from './record-names.ts'
import { found, type Lookup, recorded, recordsAlone } from './record-place.ts'
import { keys, raw, type Sql } from './statements.ts'

/*
 * The statements of claims, for sets of keys: `j.e` is the epoch of the move, `j.v` a version. Each changes a record of an
 * earlier move only, waits for whoever is writing it, and may come at any time, and again.
 */

/** How the records of rows are claimed. */
export type RowClaim = {
  readonly owner: Owner
  /** Columns of the row that MySQL would set by itself where it is updated. */
  readonly unchanged: readonly string[]
  /** Whether the version becomes one above the document's, where it isn't already. */
  readonly raised?: boolean
  /** Whether the version becomes a larger one where something of the key is still to be carried over: see `mayBeUntold`. */
  readonly tells?: boolean
  /** Which of them, by more than their epoch; by the names that `recordNames` has. */
  readonly where?: Sql
}

export const claimRows = (entity: Entity, document: string, lookup: Lookup, claim: RowClaim): Sql => sql`
  UPDATE ${keys(entity, document)} ${recorded(entity, lookup)}
  SET ${claimed(entity, claim)}${isBeside(entity) ? sql`` : untouched(claim.unchanged)}
  WHERE ${claim.where ?? raw(`${recordNames(entity).epoch} < j.e`)}`

/** As `claimRows`, of records beside rows that plain SQL has taken away: those of others are claimed by then. */
export const claimRecords = (entity: Entity, document: string, claim: RowClaim): Sql => sql`
  UPDATE ${keys(entity, document)} ${recordsAlone(entity)}
  SET ${claimed(entity, claim)}
  WHERE ${claim.where ?? raw(`${recordNames(entity).epoch} < j.e`)}`

const claimed = (entity: Entity, { owner: to, raised = false, tells = false }: RowClaim): Sql => {
  const { owner, epoch, version } = recordNames(entity).columns
  const above = raised ? raw(`, ${version} = GREATEST(${version}, j.v) + 1`) : sql``
  const told = tells ? sql`, ${raw(version)} = ${raw(version)} + ${isLogged(entity, sql`j.k`)}` : sql``
  return sql`${raw(owner)} = ${to}, ${raw(epoch)} = j.e${above}${told}`
}

/** Whether the log has something of a key: 1 or 0. */
export const isLogged = ({ name }: Entity, key: Sql): Sql =>
  sql`EXISTS (SELECT 1 FROM backsync_changes AS c WHERE c.entity = ${name} AND c.entity_key = ${key})`

/** Lists the keys of which the log has something. */
export const selectLogged = (
  { name }: Entity,
  keys: readonly string[],
): RawBuilder<{ readonly k: string }> => sql`
  SELECT DISTINCT c.entity_key AS k FROM backsync_changes AS c
  WHERE c.entity = ${name} AND c.entity_key IN (SELECT j.k FROM JSON_TABLE(${JSON.stringify(keys)}, '$[*]' COLUMNS (
    k VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin PATH '$' ERROR ON ERROR)) AS j)`

/**
 * Whether a row may have other content than its version says: plain SQL writes lists, and their triggers can't write the row that
 * a statement of its own may be using. The relay raises it before it carries that over; whoever takes a key away before has to.
 */
export const mayBeUntold = ({ mirror, children }: Entity): boolean =>
  mirror !== undefined && Object.keys(children).length > 0

/** Sets columns of the row to themselves, behind others. */
export const untouched = (columns: readonly string[]): Sql =>
  sql.join(
    columns.map((name) => sql`, t.${sql.ref(name)} = t.${sql.ref(name)}`),
    sql``,
  )

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
