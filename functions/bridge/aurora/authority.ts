import { type RawBuilder, sql } from 'kysely'
import type { Entity } from '../model/entity.ts'
import type { Owner } from '../model/owner.ts'
import { isUnrecorded, recordNames } from './record-names.ts'

/*
 * Whose a key is, asked for in the very statements that write. `t` is a row, `d` a tombstone, `j` the document, whose
 * `e` is the epoch at which DynamoDB owned what it wrote.
 */

type Sql = RawBuilder<unknown>

/** The record of a row, or a tombstone. */
const columnsOf = (entity: Entity, of: 't' | 'd'): { readonly owner: string; readonly epoch: string } =>
  of === 't' ? recordNames(entity) : { owner: 'd.owner', epoch: 'd.epoch' }

/** Whether every record of an entity says whose its key is: until then no write is refused for that. */
export const ownersKnown = ({ name }: Pick<Entity, 'name'>): Sql =>
  sql`EXISTS (SELECT 1 FROM backsync_owners AS o WHERE o.entity = ${name})`

/**
 * So many seconds before the owners of an entity are known no item is given to DynamoDB any more: records of the stream tell
 * their time in whole seconds, by another clock.
 */
export const QUIET = 2

/** What says nothing, and is from before: a tombstone has its own time, a delete that comes to a row that of its record. */
const former = (entity: Entity, of: 't' | 'd'): string => {
  const { owner, epoch } = columnsOf(entity, of)
  const before =
    of === 't'
      ? `CAST(j.u AS DATETIME(3)) + INTERVAL ${QUIET} SECOND < o.since`
      : 'COALESCE(d.deleted_at < o.since, FALSE)'
  return `${owner} IS NULL AND ${epoch} = 0 AND ${before}`
}

/**
 * As `ownersKnown`, but not against what is from before: a delete that DynamoDB had accepted by then may come later, when the
 * takeover has found no item any more, and a tombstone from then doesn't say whose delete it was.
 */
const knownThen = (entity: Entity, of: 't' | 'd'): Sql =>
  sql`EXISTS (SELECT 1 FROM backsync_owners AS o WHERE o.entity = ${entity.name} AND NOT (${sql.raw(former(entity, of))}))`

/** What a mirrored write is, where it matters. */
export type Mirrored = 'upsert' | 'delete'

/**
 * Whether a record is the writer's to change. A mirrored write was DynamoDB's when it was made: one of an epoch before the
 * record's was made before the key changed hands, and what counts of it has come with that.
 */
export const mayWrite = (entity: Entity, by: Owner, of: 't' | 'd', op: Mirrored = 'upsert'): Sql => {
  const { owner, epoch } = columnsOf(entity, of)
  const own = by === 'dynamo' ? `${owner} = 'dynamo' AND ${epoch} <= j.e` : `NOT (${owner} <=> 'dynamo')`
  const mayBeFormer = by === 'dynamo' && (of === 'd' || op === 'delete')
  return sql`((${sql.raw(own)}) OR NOT ${mayBeFormer ? knownThen(entity, of) : ownersKnown(entity)})`
}

/**
 * What a new record says, in the order of the columns owner and epoch: its key is whose it was, or of whoever makes it, and of the
 * move that its maker knew. By that nobody who knows an earlier one takes it for one that is still to be moved.
 */
export const bornOf = (by: Owner): Sql => {
  const owner = by === 'dynamo' ? sql`'dynamo'` : sql`NULL`
  return sql`${owner}, GREATEST(COALESCE(d.epoch, 0), j.e)`
}

/**
 * The authority over what stands against an upsert, as columns: the row's, else the tombstone's. That is `free` where it is
 * from before: its key is whose next write it is.
 */
export const standingAuthority = (entity: Entity): Sql => {
  const none = isUnrecorded(entity)
  const { owner, epoch } = recordNames(entity)
  const known = ownersKnown(entity)
  return sql`IF(${none}, d.owner, ${sql.raw(owner)}) AS owner,
    CAST(IF(${none}, d.epoch, ${sql.raw(epoch)}) AS CHAR) AS epoch, IF(${known}, 1, 0) AS known,
    IF(${none} AND ${known} AND NOT ${knownThen(entity, 'd')}, 1, 0) AS free`
}

/** Whether the authority of a row counts against a delete, as 1 or 0. */
export const isKnownAgainstDelete = (entity: Entity): Sql => sql`IF(${knownThen(entity, 't')}, 1, 0)`

/** The same as columns. */
export const knownAgainstDelete = (entity: Entity): Sql =>
  sql`${isKnownAgainstDelete(entity)} AS known, 0 AS free`
