import type { QueryResult } from 'kysely'
import { wasRepeated } from '../drivers/data-api/driver.ts'
import { type Change, isBirth } from '../model/change.ts'
import type { Entity } from '../model/entity.ts'
import type { Hooks, UpsertToWrite } from '../model/hooks.ts'
import { Batch } from './batch.ts'
import {
  deleteChildrenOfOlder,
  type ReferringColumns,
  selectDeletable,
  selectReferenced,
} from './delete-statements.ts'
import type { HookName } from './hook-errors.ts'
import { runHook } from './hooks.ts'
import { deleteInstead, enrolDeleted, proveStamps, upsertInstead } from './instead.ts'
import { withKnownIds } from './known-ids.ts'
import { tellKeptDeletes, tellUpserts } from './mirror-log.ts'
import { writesOf } from './record-writes.ts'
import * as statements from './statements.ts'
import type { Step } from './step.ts'
import { deletesToWrite, upsertsToWrite, written } from './winners.ts'
import { marksDeletes } from './writer-mark.ts'

/** How many rows statements have written, and how many of them anew. */
export type Rows = { readonly affected: number; readonly inserted: number }

/** What statements did so far. */
export type Run = Rows & { readonly repeated: boolean }

export const addRuns = (a: Run, b: Run): Run => ({
  affected: a.affected + b.affected,
  inserted: a.inserted + b.inserted,
  repeated: a.repeated || b.repeated,
})

/**
 * Runs statements, and knows of each whether it was sent more than once.
 *
 * @param where.db the transaction that they run in, if there is one; `outside` the same database without it
 * @param before each of them
 */
export const runStatements = async (
  where: Pick<Step, 'db' | 'outside' | 'deadline'>,
  work: (step: Step) => Promise<Rows>,
  before: () => void = () => undefined,
): Promise<Run> => {
  let repeated = false
  const written = await work({
    ...where,
    run: async (statement) => {
      before()
      const result: QueryResult<unknown> = await statement.execute(where.db)
      repeated ||= wasRepeated(result)
      return Number(result.numAffectedRows ?? 0n)
    },
  })
  return { ...written, repeated }
}

/** Which changes may find a row, and which may find none: a change that is in both goes through both statements. */
export type Guess = { readonly older: Batch; readonly missing: Batch }

/** @param guess its `older` changes may find a row, its `missing` ones none; together they are the whole batch */
export const upsertRows = async (step: Step, batch: Batch, guess: Guess): Promise<Rows> => {
  const rows = await upsertGuarded(step, batch, guess)
  await tellUpserts(step, batch)
  return rows
}

const upsertGuarded = async (step: Step, unknown: Batch, guess: Guess): Promise<Rows> => {
  const { db } = step
  const batch = await withKnownIds(db, unknown)
  const { entity } = batch
  const { before, after, instead } = entity.write ?? {}
  if (entity.write === undefined) return writeRows(step, unknown, batch, guess)
  // Their rows are locked by now: those that are there stay there.
  const winners = (await upsertsToWrite(db, batch)).filter(
    (one) => !(isBirth(one) && one.legacyId !== undefined),
  )
  if (before !== undefined && winners.length > 0)
    await runHook(step, entity, 'write.before', { changes: winners, by: batch.by }, (transaction) =>
      before({ changes: winners, transaction }),
    )
  const { upsert } = instead ?? {}
  if (upsert === undefined || winners.length === 0) {
    const rows = upsert === undefined ? await writeRows(step, unknown, batch, guess) : NOTHING
    await runAfter(step, unknown, winners, { after, inserted: rows.inserted })
    return rows
  }
  const inserted = await upsertInstead(step, batch, winners, upsert)
  await runAfter(step, unknown, winners, { after, inserted })
  return { affected: winners.length, inserted }
}

const NOTHING: Rows = { affected: 0, inserted: 0 }

const runAfter = async (
  step: Step,
  unknown: Batch,
  winners: readonly UpsertToWrite[],
  { after, inserted }: { readonly after: Hooks['after']; readonly inserted: number },
): Promise<void> => {
  if (after === undefined || winners.length === 0) return
  // One that somebody else has made in between is not this batch's.
  const changes = await written(step.db, unknown, winners, inserted)
  if (changes.length > 0)
    await runHook(step, unknown.entity, 'write.after', { changes, by: unknown.by }, (transaction) =>
      after({ changes, transaction }),
    )
}

/** Children of updated rows go before rows are inserted: a delete that finds nothing would lock the gap for others. */
const writeRows = async (step: Step, unknown: Batch, batch: Batch, guess: Guess): Promise<Rows> => {
  const { db, run } = step
  const { entity } = batch
  const writes = writesOf(entity)
  const part = (of: Batch): Batch => (batch === unknown ? of : batch.only((change) => of.has(change)))
  const [older, missing] = [part(guess.older), part(guess.missing)]
  const lists = Object.values(entity.children)
  let updated = 0
  let inserted = 0
  if (older.changes.length > 0) updated = await writes.update(step, older)
  for (const list of lists)
    await run(statements.deleteChildrenOfUpdated(entity, list, batch.keys, batch.lookup, batch.by))
  if (missing.changes.length > 0) inserted = await writes.insert(step, missing)
  // Of rows that were made just now the ids are known only by now.
  const { document, lookup } = lists.length > 0 && inserted > 0 ? await withKnownIds(db, unknown) : batch
  for (const [at, list] of lists.entries())
    await run(statements.insertChildren(entity, [list, at], document, lookup, batch.by))
  return { affected: updated + inserted, inserted }
}

/**
 * Buries the keys first: from then on no older write brings a row back. Of mirrored deletes those that find nothing at all are
 * left to whoever tells why: see `GuardedWriter`.
 *
 * @param keptBy rows that refer to one keep it, and all that is its own
 */
export const deleteRows = async (
  step: Step,
  unknown: Batch,
  keptBy: readonly ReferringColumns[] = [],
): Promise<Rows> => {
  const { db, run } = step
  const whole = await withKnownIds(db, unknown)
  const { entity } = whole
  const writes = writesOf(entity)
  const { before, after, instead } = entity.write ?? {}
  const isTogether = needsTransaction(entity)
  if (isTogether || marksDeletes(entity)) await writes.lockRemoved(step, whole)
  // One statement asks by itself; several have to know beforehand, and hold the rows until they are through.
  const batch = isTogether ? await withoutKept(db, whole, keptBy) : whole
  const { keys, lookup, by } = batch
  if (instead?.delete !== undefined) await enrolDeleted(step, batch)
  await run(statements.bury(entity, keys, lookup, by, by === 'dynamo' ? 'known' : 'all'))
  const winners = entity.write === undefined ? [] : await deletesToWrite(db, batch)
  const hook = async (name: HookName, code: Hooks['after']): Promise<void> => {
    if (code !== undefined && winners.length > 0)
      await runHook(step, entity, name, { changes: winners, by }, (transaction) =>
        code({ changes: winners, transaction }),
      )
  }
  await hook('write.before', before)
  if (instead?.delete !== undefined) {
    await deleteInstead(step, batch, winners, instead.delete)
    await tellKeptDeletes(step, batch)
    await hook('write.after', after)
    return { affected: winners.length, inserted: 0 }
  }
  await hook('write.after', after)
  for (const list of Object.values(entity.children))
    await run(deleteChildrenOfOlder(entity, list, keys, lookup, by))
  return { affected: await writes.remove(step, batch, keptBy), inserted: 0 }
}

/** Locks the rows that are to be deleted: from then on nobody comes to refer to one. */
const withoutKept = async (
  db: Step['db'],
  batch: Batch,
  keptBy: readonly ReferringColumns[],
): Promise<Batch> => {
  if (keptBy.length === 0) return batch
  const { entity, keys, lookup, by } = batch
  await selectDeletable(entity, keys, lookup, by).execute(db)
  const query = selectReferenced(entity, keys, lookup, keptBy, { by, how: 'locked' })
  const kept = new Set((await query.execute(db)).rows.map(({ k }) => k))
  return kept.size === 0 ? batch : batch.only(({ key }) => !kept.has(key))
}

/** The statements of a batch without any change in it: they fail only on what is not a change's fault. */
export const proveStatements = async (step: Step, { entity, by }: Batch): Promise<Rows> => {
  const { run } = step
  const batch = new Batch(entity, [], by)
  const { document: nothing, lookup } = batch
  const writes = writesOf(entity)
  const { instead } = entity.write ?? {}
  const lists = [...Object.values(entity.children).entries()]
  await run(statements.bury(entity, nothing, lookup, by))
  // What a hook does in place of a statement, that is never sent.
  if (instead?.delete === undefined) {
    for (const [, list] of lists) await run(deleteChildrenOfOlder(entity, list, nothing, lookup, by))
    await writes.remove(step, batch)
  }
  if (instead?.upsert !== undefined) {
    await proveStamps(step, batch)
    return NOTHING
  }
  await writes.update(step, batch)
  await writes.insert(step, batch)
  for (const list of lists)
    await run(statements.insertChildren(entity, [list[1], list[0]], nothing, lookup, by))
  return NOTHING
}

/** Whether an entity has more than its own row. */
export const needsTransaction = ({ children, write }: Entity): boolean =>
  Object.keys(children).length > 0 || write !== undefined

/** The changes of a batch with these keys. */
export const named = ({ changes }: Batch, keys: readonly string[]): Change[] => {
  const wanted = new Set(keys)
  return changes.filter(({ key }) => wanted.has(key))
}
