import { isTaken } from '../drivers/sql-errors.ts'
import type { Entity } from '../model/entity.ts'
import type { DeleteToWrite, Hooks, MadeIds, UpsertToWrite } from '../model/hooks.ts'
import { legacyIdOf } from '../model/key.ts'
import { UnsettledError } from '../model/outcome.ts'
import { Batch } from './batch.ts'
import { joinRows, toKeyRow } from './document.ts'
import { InsteadError } from './hook-errors.ts'
import { runHook } from './hooks.ts'
import { withKnownIds } from './known-ids.ts'
import { hasOwnKey } from './part-sql.ts'
import { isBeside } from './record-names.ts'
import { deleteRecords, enrol } from './side-statements.ts'
import * as stamps from './stamp-statements.ts'
import { selectUndeleted } from './standing.ts'
import * as statements from './statements.ts'
import type { Step } from './step.ts'

/*
 * Rows that are written, or deleted, in place of the bridge's own statements. What stays the bridge's is the record: the guard has
 * picked the changes and locked their rows before, and what the hook has made is stamped behind it.
 */

type Upsert = NonNullable<NonNullable<Hooks['instead']>['upsert']>
type Delete = NonNullable<NonNullable<Hooks['instead']>['delete']>

/** Has the hook write rows, and stamps them. @returns how many of them were not there before */
export const upsertInstead = async (
  step: Step,
  batch: Batch,
  winners: readonly UpsertToWrite[],
  upsert: Upsert,
): Promise<number> => {
  const { entity } = batch
  const fresh = winners.filter(({ legacyId }) => legacyId === undefined)
  const made = await runHook(
    step,
    entity,
    'write.instead.upsert',
    { changes: winners, by: batch.by },
    (transaction) => upsert({ changes: winners, transaction }),
  )
  const ids = hasOwnKey(entity) ? new Map<string, string>() : idsOf(entity, winners, made)
  try {
    if (!hasOwnKey(entity) && fresh.length > 0) await requireNobodys(step, entity, fresh, ids)
    await stamp(step, known(batch, winners, ids), fresh)
  } catch (error) {
    const isNew = new Set(fresh.map(({ key }) => key))
    const blamed = error instanceof InsteadError ? [error.key] : isTaken(error) ? [...isNew] : []
    const suspects = blamed.filter((key) => isNew.has(key))
    if (await areHeld(step, batch, suspects))
      throw new UnsettledError(`A row of ${entity.name} was made in between`, { cause: error })
    throw error
  }
  return fresh.length
}

/**
 * The ids of all winners, by their keys.
 *
 * @throws InsteadError naming the first key whose id is missing, or can't be one
 */
const idsOf = (
  entity: Entity,
  winners: readonly UpsertToWrite[],
  made: MadeIds | undefined,
): ReadonlyMap<string, string> => {
  const returned = entriesOf(made)
  const ids = new Map<string, string>()
  const taken = new Set<string>()
  const keys = new Set(winners.map(({ key }) => key))
  for (const key of returned.keys()) if (!keys.has(key)) throw new InsteadError(entity, key, 'id-invalid')
  for (const { key, legacyId } of winners) {
    const own = returned.get(key) ?? legacyId
    if (own === undefined) throw new InsteadError(entity, key, 'id-missing')
    const id = idText(own)
    if (id === undefined) throw new InsteadError(entity, key, 'id-invalid')
    if (legacyId !== undefined && legacyId !== id) throw new InsteadError(entity, key, 'id-moved')
    if (taken.has(id)) throw new InsteadError(entity, key, 'id-twice')
    taken.add(id)
    ids.set(key, id)
  }
  return ids
}

/** What came from code that may not have been checked for types. */
const entriesOf = (made: unknown): ReadonlyMap<string, unknown> => {
  if (made instanceof Map) return new Map([...made].map(([key, id]) => [String(key), id]))
  return new Map(typeof made === 'object' && made !== null ? Object.entries(made) : [])
}

const idText = (id: unknown): string | undefined => {
  const text = typeof id === 'number' || typeof id === 'bigint' ? String(id) : id
  return typeof text === 'string' && legacyIdOf(text) !== undefined ? text : undefined
}

/**
 * Seen from outside, what this transaction has made is not there: what is, was there before, under a key of its own.
 *
 * @throws InsteadError
 */
const requireNobodys = async (
  { outside }: Step,
  entity: Entity,
  fresh: readonly UpsertToWrite[],
  ids: ReadonlyMap<string, string>,
): Promise<void> => {
  const asked = fresh.flatMap(({ key }) => ids.get(key) ?? [])
  const named = new Set((await stamps.selectNamed(entity, asked).execute(outside)).rows.map(({ id }) => id))
  const wrong = fresh.find(({ key }) => named.has(ids.get(key) ?? ''))
  if (wrong !== undefined) throw new InsteadError(entity, wrong.key, 'id-taken')
}

/** Whether others have made the row of one of some new keys: nothing is locked where there is none yet. */
const areHeld = async ({ outside }: Step, batch: Batch, keys: readonly string[]): Promise<boolean> => {
  if (keys.length === 0) return false
  const {
    entity,
    keys: document,
    lookup,
  } = await withKnownIds(
    outside,
    batch.only(({ key }) => keys.includes(key)),
  )
  return (await selectUndeleted(entity, document, lookup).execute(outside)).rows.length > 0
}

/** The winners of a batch, with the ids of their rows. */
const known = (batch: Batch, winners: readonly UpsertToWrite[], ids: ReadonlyMap<string, string>): Batch => {
  const keys = new Set(winners.map(({ key }) => key))
  return batch
    .only(({ key }) => keys.has(key))
    .knowing((entity, key) => (entity === batch.entity.name ? ids.get(key) : undefined))
}

/** @throws InsteadError naming the first key whose row is not there, or another one's */
const stamp = async (step: Step, batch: Batch, fresh: readonly UpsertToWrite[]): Promise<void> => {
  const { entity, by, changes } = batch
  const document = stampDocument(batch, new Set(fresh.map(({ key }) => key)))
  if (isBeside(entity)) {
    if (fresh.length > 0 && !hasOwnKey(entity)) await step.run(stamps.releaseRecords(entity, batch.keys))
    await step.run(stamps.stampRecords(entity, document, by))
  } else if ((await step.run(stamps.stampRows(entity, document, by))) === changes.length) return
  const { rows } = await statements.selectWritten(entity, batch.keys, batch.lookup).execute(step.db)
  const stamped = new Set(rows.map(({ k }) => k))
  const left = changes.find(({ key }) => !stamped.has(key))
  if (left === undefined) return
  const there = await stamps.selectMade(entity, batch.keys).execute(step.db)
  if (!there.rows.some(({ k }) => k === left.key)) throw new InsteadError(entity, left.key, 'no-row')
  if (fresh.some(({ key }) => key === left.key)) throw new InsteadError(entity, left.key, 'id-taken')
  throw new UnsettledError(`A row of ${entity.name} has changed under the lock of ${left.key}`)
}

const stampDocument = (batch: Batch, fresh: ReadonlySet<string>): string =>
  joinRows(
    batch.changes.map((change) => {
      const row = toKeyRow(batch.entity, change, batch.idOf)
      return `${row.slice(0, -1)},${fresh.has(change.key) ? 1 : 0}]`
    }),
  )

/** The statements of a stamp, for none: to be proved. */
export const proveStamps = async ({ run }: Step, { entity, by }: Batch): Promise<void> => {
  const nothing = new Batch(entity, [], by).keys
  await run(
    isBeside(entity) ? stamps.stampRecords(entity, nothing, by) : stamps.stampRows(entity, nothing, by),
  )
}

/** Has the hook delete rows; those that stay count as deleted. */
export const deleteInstead = async (
  step: Step,
  batch: Batch,
  winners: readonly DeleteToWrite[],
  remove: Delete,
): Promise<void> => {
  const { entity, keys, lookup, by } = batch
  if (winners.length > 0)
    await runHook(step, entity, 'write.instead.delete', { changes: winners, by }, (transaction) =>
      remove({ changes: winners, transaction }),
    )
  if (!isBeside(entity)) {
    if (winners.length > 0) await step.run(stamps.keepDeletedRows(entity, keys, lookup, by))
    return
  }
  // Of rows that the hook has removed, or plain SQL had, and then of those that stay.
  await step.run(deleteRecords(entity, keys, by))
  if (winners.length > 0) await step.run(stamps.keepDeletedRecords(entity, keys, by))
}

/** Gives records to rows that are deleted without having had any: they have to say so. */
export const enrolDeleted = async ({ run }: Step, { entity, keys }: Batch): Promise<void> => {
  if (isBeside(entity)) await run(enrol(entity, keys))
}
