import { type RawBuilder, sql } from 'kysely'
import type { Entity } from '../model/entity.ts'
import type { Owner } from '../model/owner.ts'

/*
 * Whose a key is, asked for in the very statements that write. `t` is a row, `d` a tombstone, `j` the document, whose
 * `e` is the epoch at which DynamoDB owned what it wrote.
 */

type Sql = RawBuilder<unknown>

const COLUMNS = {
  t: { owner: 't.backsync_owner', epoch: 't.backsync_epoch' },
  d: { owner: 'd.owner', epoch: 'd.epoch' },
} as const

/** Whether every record of an entity says whose its key is: until then no write is refused for that. */
export const ownersKnown = ({ name }: Entity): Sql =>
  sql`EXISTS (SELECT 1 FROM backsync_owners AS o WHERE o.entity = ${name})`

/**
 * Whether a record is the writer's to change. A mirrored write was DynamoDB's when it was made: one of an epoch before the
 * record's was made before the key changed hands, and what counts of it has come with that.
 */
export const mayWrite = (entity: Entity, by: Owner, of: 't' | 'd'): Sql => {
  const { owner, epoch } = COLUMNS[of]
  const own = by === 'dynamo' ? `${owner} = 'dynamo' AND ${epoch} <= j.e` : `NOT (${owner} <=> 'dynamo')`
  return sql`((${sql.raw(own)}) OR NOT ${ownersKnown(entity)})`
}

/** What a new record says, in the order of the columns owner and epoch: its key is whose it was, or of whoever makes it. */
export const bornOf = (by: Owner): Sql =>
  by === 'dynamo' ? sql`'dynamo', GREATEST(COALESCE(d.epoch, 0), j.e)` : sql`NULL, COALESCE(d.epoch, 0)`

/** The authority over what stands against a change, as columns: the row's, else the tombstone's. */
export const standingAuthority = (entity: Entity): Sql => {
  const id = sql.ref(`t.${entity.idColumn}`)
  return sql`IF(${id} IS NULL, d.owner, t.backsync_owner) AS owner,
    CAST(IF(${id} IS NULL, d.epoch, t.backsync_epoch) AS CHAR) AS epoch, IF(${ownersKnown(entity)}, 1, 0) AS known`
}
