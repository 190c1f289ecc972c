import { sql } from 'kysely'
import type { Entity } from '../model/entity.ts'
import type { Batch } from './batch.ts'
import { isBeside } from './record-names.ts'
import { recordsAlone } from './record-place.ts'
import { isWritten, keys, type Sql } from './statements.ts'
import type { Step } from './step.ts'

/*
 * What the bridge itself tells the mirror's log. Where records are in the rows, the triggers on these do; on a table whose records
 * are beside its rows they can't see at which version a marked statement writes.
 */

const COLUMNS = sql`INSERT INTO backsync_changes (entity, entity_key, op, version, owner, epoch)`

const logUpserts = (entity: Entity, document: string): Sql => sql`
  ${COLUMNS}
  SELECT ${entity.name}, j.k, 'upsert', s.version, s.owner, s.epoch
  FROM ${keys(entity, document)} ${recordsAlone(entity)}
  WHERE ${isWritten(entity)} AND NOT (s.owner <=> 'dynamo')`

const logDeletes = (entity: Entity, document: string): Sql => sql`
  ${COLUMNS}
  SELECT ${entity.name}, j.k, 'delete', d.version, d.owner, d.epoch
  FROM ${keys(entity, document)}
    STRAIGHT_JOIN backsync_tombstones AS d ON d.entity = ${entity.name} AND d.entity_key = j.k
  WHERE d.version = j.v AND NOT (d.owner <=> 'dynamo')`

const isTold = ({ entity, by }: Batch): boolean =>
  by === 'aurora' && entity.mirror !== undefined && isBeside(entity)

/** Logs what a batch has written. What is logged twice is carried over once. */
export const tellUpserts = async ({ run }: Step, batch: Batch): Promise<void> => {
  if (isTold(batch)) await run(logUpserts(batch.entity, batch.keys))
}

/** Logs the deletes of rows that stay, and count as deleted. */
export const tellKeptDeletes = async ({ run }: Step, batch: Batch): Promise<void> => {
  if (isTold(batch)) await run(logDeletes(batch.entity, batch.keys))
}
