import { type Kysely, type RawBuilder, sql } from 'kysely'
import type { Change } from '../model/change.ts'
import type { Entity } from '../model/entity.ts'
import type { Addressed, DeleteToWrite, UpsertToWrite, WrittenUpsert } from '../model/hooks.ts'
import type { Batch } from './batch.ts'
import { selectDeletable } from './delete-statements.ts'
import { withKnownIds } from './known-ids.ts'
import { assignments, attributesOf } from './parents.ts'
import { hasOwnKey } from './part-sql.ts'
import { ownColumns } from './row-key.ts'
import * as statements from './statements.ts'

/*
 * The changes of a batch that an entity's hooks get: those that the guard lets pass, with what addresses their rows. Their rows stay
 * locked until the transaction ends.
 */

type Sql = RawBuilder<unknown>
type SqlRow = Readonly<Record<string, unknown>>

/** What is selected of the row `t`, to address it. */
export const address = (entity: Entity): readonly Sql[] =>
  ownColumns(entity).map((column, at) => sql`t.${sql.ref(column)} AS ${sql.ref(`p${at}`)}`)

/** The columns of references, and what the change has them hold. */
const referring = (entity: Entity) => {
  const own = attributesOf(entity)
  return assignments(entity).filter(({ at }) => own[at]?.references !== undefined)
}

const listed = (parts: readonly Sql[]): Sql =>
  sql.join(
    parts.map((part) => sql`, ${part}`),
    sql``,
  )

/** What addresses the row that `address` was selected of; undefined where there was none. */
export const addressOf = (entity: Entity, key: string, row: SqlRow): Addressed | undefined => {
  const columns = ownColumns(entity)
  const values = columns.map((_, at) => row[`p${at}`] ?? null)
  if (values[0] === null) return undefined
  return {
    legacyId: hasOwnKey(entity) ? key : String(values[0]),
    primaryKey: Object.fromEntries(columns.map((column, at) => [column, values[at]])),
  }
}

/** Each change with the row of a result that is its key's. */
const beside = (batch: Batch, rows: readonly SqlRow[]): readonly (readonly [Change, SqlRow])[] => {
  const byKey = new Map(rows.map((row) => [row.k, row]))
  return batch.changes.flatMap((change) => {
    const row = byKey.get(change.key)
    return row === undefined ? [] : [[change, row] as const]
  })
}

/** The upserts that the guard will let pass. */
export const upsertsToWrite = async (db: Kysely<unknown>, batch: Batch): Promise<UpsertToWrite[]> => {
  const { entity, document, lookup, by } = batch
  const columns = referring(entity)
  const more = [...address(entity), ...columns.map(({ value }, at) => sql`${value} AS ${sql.ref(`r${at}`)}`)]
  const { rows } = await statements.selectWinners(entity, document, lookup, by, listed(more)).execute(db)
  return beside(batch, rows).flatMap(([change, row]): UpsertToWrite[] => {
    if (change.op !== 'upsert') return []
    const references = Object.fromEntries(columns.map(({ column }, at) => [column, row[`r${at}`] ?? null]))
    const known = addressOf(entity, change.key, row) ?? { legacyId: undefined, primaryKey: undefined }
    return [{ ...change, references, ...known }]
  })
}

/** The deletes whose rows are there, and older. */
export const deletesToWrite = async (db: Kysely<unknown>, batch: Batch): Promise<DeleteToWrite[]> => {
  const { entity, keys, lookup, by } = batch
  const query = selectDeletable(entity, keys, lookup, by, listed(address(entity)))
  return beside(batch, (await query.execute(db)).rows).flatMap(([change, row]): DeleteToWrite[] => {
    const known = addressOf(entity, change.key, row)
    return change.op !== 'delete' || known === undefined ? [] : [{ ...change, ...known }]
  })
}

/**
 * The upserts among some whose rows are as they say.
 *
 * @param made how many of them may be rows that were not there before: of the others all is known
 */
export const written = async (
  db: Kysely<unknown>,
  batch: Batch,
  winners: readonly UpsertToWrite[],
  made: number,
): Promise<WrittenUpsert[]> => {
  const known = winners.filter((one) => one.legacyId !== undefined)
  if (made === 0) return known
  const keys = new Set(winners.filter(({ legacyId }) => legacyId === undefined).map(({ key }) => key))
  const fresh = await withKnownIds(
    db,
    batch.only(({ key }) => keys.has(key)),
  )
  const { entity, lookup } = fresh
  const query = statements.selectWritten(entity, fresh.keys, lookup, listed(address(entity)))
  const rows = new Map((await query.execute(db)).rows.map((row) => [row.k, row]))
  return winners.flatMap((one): WrittenUpsert[] => {
    if (one.legacyId !== undefined) return [one]
    const row = rows.get(one.key)
    const itsAddress = row && addressOf(entity, one.key, row)
    return itsAddress === undefined ? [] : [{ ...one, ...itsAddress }]
  })
}
