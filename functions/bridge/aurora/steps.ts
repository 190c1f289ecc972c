import type { Kysely, QueryResult } from 'kysely'
import { wasRepeated } from '../drivers/data-api/driver.ts'
import type { Change } from '../model/change.ts'
import type { Entity } from '../model/entity.ts'
import type { Batch } from './batch.ts'
import { withKnownIds } from './known-ids.ts'
import { writesOf } from './record-writes.ts'
import * as statements from './statements.ts'
import type { Step } from './step.ts'

/** How many rows statements have written, and how many of them anew. */
export type Rows = { readonly affected: number; readonly inserted: number }

/** What statements did so far. */
export type Run = Rows & { readonly repeated: boolean }

export const addRuns = (a: Run, b: Run): Run => ({
  affected: a.affected + b.affected,
  inserted: a.inserted + b.inserted,
  repeated: a.repeated || b.repeated,
})

/** Runs statements, and knows of each whether it was sent more than once. @param before each of them */
export const runStatements = async (
  db: Kysely<unknown>,
  work: (step: Step) => Promise<Rows>,
  before: () => void = () => undefined,
): Promise<Run> => {
  let repeated = false
  const written = await work({
    db,
    run: async (statement) => {
      before()
      const result: QueryResult<unknown> = await statement.execute(db)
      repeated ||= wasRepeated(result)
      return Number(result.numAffectedRows ?? 0n)
    },
  })
  return { ...written, repeated }
}

/** Which changes may find a row, and which may find none: a change that is in both goes through both statements. */
export type Guess = { readonly older: Batch; readonly missing: Batch }

/**
 * Children of updated rows go before rows are inserted: a delete that finds nothing would lock the gap for others.
 *
 * @param older the changes that may find a row, and `missing` those that may find none; together the whole batch
 */
export const upsertRows = async (step: Step, unknown: Batch, guess: Guess): Promise<Rows> => {
  const { db, run } = step
  const batch = await withKnownIds(db, unknown)
  const { entity } = batch
  const writes = writesOf(entity)
  const part = (of: Batch): Batch => (batch === unknown ? of : batch.only((change) => of.has(change)))
  const [older, missing] = [part(guess.older), part(guess.missing)]
  const lists = Object.values(entity.children)
  const winners = entity.write && (await upsertsToApply(db, batch))
  let updated = 0
  let inserted = 0
  if (older.changes.length > 0) updated = await writes.update(step, older)
  for (const list of lists)
    await run(statements.deleteChildrenOfUpdated(entity, list, batch.keys, batch.lookup))
  if (missing.changes.length > 0) inserted = await writes.insert(step, missing)
  // Of rows that were made just now the ids are known only by now.
  const { document, lookup } = lists.length > 0 && inserted > 0 ? await withKnownIds(db, unknown) : batch
  for (const [at, list] of lists.entries())
    await run(statements.insertChildren(entity, [list, at], document, lookup))
  if (winners !== undefined && winners.length > 0) await entity.write?.({ changes: winners, transaction: db })
  return { affected: updated + inserted, inserted }
}

/**
 * Buries the keys first: from then on no older write brings a row back. Of mirrored deletes those that find nothing at all are
 * left to whoever tells why: see `GuardedWriter`.
 */
export const deleteRows = async (step: Step, unknown: Batch): Promise<Rows> => {
  const { db, run } = step
  const batch = await withKnownIds(db, unknown)
  const { entity, keys, lookup, by } = batch
  const writes = writesOf(entity)
  if (needsTransaction(entity)) await writes.lockRemoved(step, batch)
  await run(statements.bury(entity, keys, lookup, by, by === 'dynamo' ? 'known' : 'all'))
  if (entity.write !== undefined) {
    const { rows } = await statements.selectDeletable(entity, keys, lookup, by).execute(db)
    const winners = named(
      batch,
      rows.map(({ k }) => k),
    )
    if (winners.length > 0) await entity.write({ changes: winners, transaction: db })
  }
  for (const list of Object.values(entity.children))
    await run(statements.deleteChildrenOfOlder(entity, list, keys, lookup, by))
  return { affected: await writes.remove(step, batch), inserted: 0 }
}

/** Whether an entity has more than its own row. */
export const needsTransaction = ({ children, write }: Entity): boolean =>
  Object.keys(children).length > 0 || write !== undefined

/** The upserts that the guard will let pass; their rows stay locked. */
const upsertsToApply = async (db: Kysely<unknown>, batch: Batch): Promise<readonly Change[]> => {
  const { rows } = await statements
    .selectWinners(batch.entity, batch.document, batch.lookup, batch.by)
    .execute(db)
  return named(
    batch,
    rows.map(({ k }) => k),
  )
}

/** The changes of a batch with these keys. */
export const named = ({ changes }: Batch, keys: readonly string[]): Change[] => {
  const wanted = new Set(keys)
  return changes.filter(({ key }) => wanted.has(key))
}
