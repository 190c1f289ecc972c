import type { Entity } from '../model/entity.ts'
import { UnsettledError } from '../model/outcome.ts'
import type { Batch } from './batch.ts'
import { deleteOlder, type ReferringColumns, selectDeletable } from './delete-statements.ts'
import { assignments } from './parents.ts'
import { hasOwnKey } from './part-sql.ts'
import { isBeside } from './record-names.ts'
import * as beside from './side-statements.ts'
import * as statements from './statements.ts'
import type { Step } from './step.ts'

/** How rows are written together with their records: by one statement each, or by several where records are beside the rows. */
export type RecordWrites = {
  /** Updates rows that hold an older version. @returns how many rows */
  update(step: Step, batch: Batch): Promise<number>
  /** Inserts rows that are not there. @returns how many rows */
  insert(step: Step, batch: Batch): Promise<number>
  /**
   * Deletes rows that hold an older version; their keys have been buried.
   *
   * @param keptBy rows that refer to one keep it
   * @returns how many rows
   */
  remove(step: Step, batch: Batch, keptBy?: readonly ReferringColumns[]): Promise<number>
  /** What has to be locked first in a transaction that deletes, so that no lock has to grow. */
  lockRemoved(step: Step, batch: Batch): Promise<void>
  /**
   * Gives records to rows that have none, and lets lost rows be made again: what the other two need, and hardly ever do. It
   * may commit by itself.
   */
  prepare(step: Step, batch: Batch): Promise<void>
}

export const writesOf = (entity: Entity): RecordWrites => (isBeside(entity) ? BESIDE : IN_ROW)

const IN_ROW: RecordWrites = {
  update: ({ run }, { entity, document, lookup, by }) =>
    run(statements.updateOlder(entity, document, lookup, by)),
  insert: ({ run }, { entity, document, lookup, by }) =>
    run(statements.insertMissing(entity, document, lookup, by)),
  remove: ({ run }, { entity, keys, lookup, by }, keptBy) =>
    run(deleteOlder(entity, keys, lookup, by, keptBy)),
  lockRemoved: async () => undefined,
  prepare: async () => undefined,
}

const BESIDE: RecordWrites = {
  update: async ({ run }, { entity, document, lookup, by }) => {
    const affected = await run(statements.updateOlder(entity, document, lookup, by))
    // One of two tables counts as much as the other.
    return assignments(entity).some(({ isKey }) => !isKey) ? affected / 2 : affected
  },
  insert: async (step, batch) => {
    const { entity, document, keys, lookup, by } = batch
    await step.run(beside.insertRecords(entity, document, by))
    if (hasOwnKey(entity)) return step.run(beside.insertRecorded(entity, document))
    const again = lookup === 'ids' ? await step.run(beside.insertUnderOwnId(entity, document)) : 0
    if (again > 0) await step.run(beside.nameOwnIds(entity, keys))
    const made = await step.run(beside.insertRecorded(entity, document))
    if (made > 0) await nameIds(step, batch, made)
    return again + made
  },
  remove: async ({ run }, { entity, keys, lookup, by }, keptBy) => {
    const affected = await run(deleteOlder(entity, keys, lookup, by, keptBy))
    await run(beside.deleteRecords(entity, keys, by))
    return affected
  },
  lockRemoved: async ({ db }, { entity, keys, lookup, by }) => {
    await selectDeletable(entity, keys, lookup, by).execute(db)
  },
  prepare: async ({ run }, { entity, keys, by }) => {
    await run(beside.enrol(entity, keys))
    await run(beside.revive(entity, keys, by))
  },
}

/**
 * Says in the records of counted rows which rows were made for them. The transaction sees its own rows beyond the first id that it
 * was given, and nobody else's: their ids rise in the order of the document, as the statement made them.
 *
 * @throws UnsettledError where others' rows are seen among them, in another isolation: all of it has to be done again
 */
const nameIds = async ({ db, run }: Step, { entity, keys }: Batch, made: number): Promise<void> => {
  const named = (await beside.selectUnnamed(entity, keys).execute(db)).rows
  const ids = (await beside.selectGivenIds(entity, made).execute(db)).rows
  if (named.length !== made || ids.length < made || (ids.length > made && !(await areTogether(db, entity))))
    throw new UnsettledError(`The ids of new rows of ${entity.name} can't be told from others'`)
  const pairs = JSON.stringify(named.map(({ k }, at) => [k, ids[at]?.id]))
  if (ids.some(({ former }) => Number(former) === 1)) await run(beside.forgetIds(entity, pairs))
  await run(beside.nameIds(entity, pairs))
}

/** Whether a statement's ids follow each other, whoever else inserts: it has locked the table. */
const areTogether = async (db: Step['db'], { table }: Entity): Promise<boolean> =>
  (await beside.selectUntransacted(table).execute(db)).rows.length > 0
