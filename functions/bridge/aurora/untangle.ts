import { sql } from 'kysely'
import { isTaken } from '../drivers/sql-errors.ts'
import { type Change, coalesce } from '../model/change.ts'
import type { Entity } from '../model/entity.ts'
import { BridgeError, kindOf } from '../model/errors.ts'
import type { Refused } from '../model/outcome.ts'
import { isInCircle, parentsOf, referencesOf } from '../model/references.ts'
import { type Batch, toBatches } from './batch.ts'
import {
  deleteChildrenOfOlder,
  type ReferringColumns,
  selectDeletable,
  selectKeptByOthers,
} from './delete-statements.ts'
import type { GuardedWriter } from './guarded-writer.ts'
import { judge } from './judge.ts'
import { withKnownIds } from './known-ids.ts'
import { makeRoom, makeRoomForOne, type Yielding, yieldingOf } from './make-room.ts'
import { looseColumns } from './parents.ts'
import { writesOf } from './record-writes.ts'
import { type Standing, selectStanding } from './standing.ts'
import * as statements from './statements.ts'
import type { Step } from './step.ts'

/** Only what is mirrored comes in tangles: a client's request is one change. */
const BY = 'dynamo'
/** Larger tangles are left to an operator. */
const MOST = 200
/** How often a tangle is tried, each time without those that were to blame. */
const ATTEMPTS = 12

/** Some changes of one entity that may be applicable together only. */
type Knot = {
  readonly entity: Entity
  readonly changes: readonly Change[]
  readonly indexes: ReadonlySet<string>
}

/** Some of those that were tried together stand in the way of the others. */
class LeftOverError extends BridgeError {
  override readonly name = 'LeftOverError'
  readonly code = 'untangle.left-over'
  readonly kind = 'data'
  readonly changes: readonly Change[]

  constructor(changes: readonly Change[], options?: ErrorOptions) {
    super(`${changes.length} changes can't be applied with the others`, options)
    this.changes = changes
  }
}

/**
 * Applies changes of which each waits for another one of them, so that none of them can go first:
 *
 * - new rows that name each other, or themselves: they are inserted without the references that may be NULL, which are
 *   set then;
 * - deletes of rows that name each other: those references are taken away first;
 * - values of a unique index that change places: the old ones give way to NULL or, where that can't be, to values that no
 *   row has. One such value is enough; where the column's kind has none left, the changes stay refused.
 *
 * All of it is one transaction, so nobody sees a row at a version without that version's content. The statements are
 * guarded as ever. What can't be applied even so is left out, and the others are tried without it.
 */
export const untangle = async (
  entities: readonly Entity[],
  refused: ReadonlyMap<string, readonly Refused[]>,
  { writer, keptBy }: Around,
): Promise<ReadonlySet<Change>> => {
  let knots = knotsOf(entities, refused)
  let singly = false
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const all = knots.flatMap(({ changes }) => changes)
    if (all.length === 0 || all.length > MOST) break
    try {
      const tangles = await Promise.all(knots.map((knot) => toTangle(knot, { writer, keptBy })))
      await writer.together(
        knots.map(({ entity }) => entity),
        (step) => applyTogether(step, tangles, singly),
      )
      return new Set(all)
    } catch (error) {
      const known = knots
      if (error instanceof LeftOverError) knots = worthwhile(without(knots, error.changes), entities)
      else if (isTaken(error)) knots = withIndex(knots, error)
      else if (kindOf(error) !== 'data' && kindOf(error) !== 'dependency') break
      // A statement of several doesn't say on which of them it failed.
      if (!(error instanceof LeftOverError) && knots === known) {
        if (singly) break
        singly = true
      }
    }
  }
  return new Set()
}

const knotsOf = (entities: readonly Entity[], refused: ReadonlyMap<string, readonly Refused[]>): Knot[] =>
  worthwhile(
    entities
      // What a hook has to do in between nobody can know.
      .filter(({ write }) => write === undefined)
      .map((entity) => {
        const own = refused.get(entity.name) ?? []
        const circular = isInCircle(entity, entities)
        const tangled = own.filter(({ error }) => isTaken(error) || circular)
        const indexes = new Set(own.flatMap(({ error }) => indexOf(error) ?? []))
        return { entity, changes: coalesce(tangled.map(({ change }) => change)), indexes }
      }),
    entities,
  )

/** Leaves out those that have nobody among the others to wait for. */
const worthwhile = (knots: readonly Knot[], entities: readonly Entity[]): Knot[] => {
  const here = new Set(
    knots.flatMap(({ entity, changes }) => changes.map(({ key }) => nameOf(entity.name, key))),
  )
  const isKnown = ({ entity, key }: { entity: string; key: string }) => here.has(nameOf(entity, key))
  const isOfCircle = (entity: Entity) => isInCircle(entity, entities)
  const deletes = knots
    .filter(({ entity }) => isOfCircle(entity))
    .flatMap(({ changes }) => changes.filter(isDelete))
  const kept = knots.map((knot) => {
    const { entity, changes, indexes } = knot
    const wanted = changes.filter((change) => {
      // InnoDB takes a row that names itself for its own child.
      const isAlone = deletes.length === 1 && !referencesOf(entity).includes(entity.name)
      if (isDelete(change)) return isOfCircle(entity) && !isAlone
      return (indexes.size > 0 && changes.length > 1) || parentsOf(entity, change).some(isKnown)
    })
    return wanted.length === changes.length ? knot : { ...knot, changes: wanted }
  })
  const left = kept.filter(({ changes }) => changes.length > 0)
  const count = (some: readonly Knot[]) => some.reduce((total, { changes }) => total + changes.length, 0)
  return count(left) === count(knots) ? left : worthwhile(left, entities)
}

const nameOf = (entity: string, key: string): string => JSON.stringify([entity, key])

const isDelete = ({ op }: Change): boolean => op === 'delete'

const without = (knots: readonly Knot[], gone: readonly Change[]): Knot[] =>
  knots.map((knot) => ({ ...knot, changes: knot.changes.filter((change) => !gone.includes(change)) }))

/** MySQL says it with the table's name before it, MariaDB without. */
const indexOf = (error: unknown): string | undefined =>
  isTaken(error) && error instanceof BridgeError ? error.broken?.index?.split('.').at(-1) : undefined

/** With an index that turned out to be in the way as well; the very same where it is known already. */
const withIndex = (knots: Knot[], error: unknown): Knot[] => {
  const index = indexOf(error)
  if (index === undefined || knots.every(({ indexes }) => indexes.has(index))) return knots
  return knots.map((knot) => ({ ...knot, indexes: new Set([...knot.indexes, index]) }))
}

/** @param keptBy whose rows forbid that one of an entity is deleted, whatever the foreign key makes of them */
type Around = {
  readonly writer: GuardedWriter
  readonly keptBy: (entity: Entity) => Promise<readonly ReferringColumns[]>
}

/** A knot with what the schema says of its columns. */
type Tangle = {
  readonly entity: Entity
  readonly deletes: readonly Batch[]
  readonly upserts: readonly Batch[]
  /** The same without the references that may be NULL. */
  readonly bare: readonly Batch[]
  readonly references: readonly string[]
  /** Rows that keep what is to be deleted, unless they are deleted with it. */
  readonly keptBy: readonly ReferringColumns[]
  /** What gives way for the unique indexes that are known to be in the way. */
  readonly unique: readonly Yielding[]
  /** What gives way for any, by its name in lower case. */
  readonly yielding: ReadonlyMap<string, Yielding>
}

const toTangle = async ({ entity, changes, indexes }: Knot, { writer, keptBy }: Around): Promise<Tangle> => {
  const { catalogue } = writer
  const columns = new Map((await catalogue.columns(entity.table)).map((one) => [one.name.toLowerCase(), one]))
  const loose = Object.keys(entity.attributes).flatMap((name) => {
    const own = looseColumns(entity, name)
    const mayLack = own.length > 0 && own.every((one) => columns.get(one.toLowerCase())?.isNullable === true)
    return mayLack ? [{ name, columns: own }] : []
  })
  const nothing = Object.fromEntries(loose.map(({ name }) => [name, null]))
  const upserts = changes.filter((change) => change.op === 'upsert')
  const yielding = indexes.size === 0 ? new Map<string, Yielding>() : await yieldingOf(entity, catalogue)
  const unique = [...indexes].flatMap((index) => yielding.get(index.toLowerCase()) ?? [])
  return {
    entity,
    deletes: toBatches(entity, changes.filter(isDelete), BY),
    upserts: toBatches(entity, upserts, BY),
    bare: toBatches(
      entity,
      upserts.map((change) => ({ ...change, row: { ...change.row, ...nothing } })),
      BY,
    ),
    references: loose.flatMap((one) => one.columns),
    keptBy: changes.some(isDelete) ? await keptBy(entity) : [],
    unique: [...new Map(unique.map((one) => [one.column.name, one])).values()],
    yielding,
  }
}

const applyTogether = async (step: Step, tangles: readonly Tangle[], singly: boolean): Promise<void> => {
  const run: Run = async (batches, work) => {
    let affected = 0
    for (const batch of batches.flatMap((one) => (singly ? one.each() : [one]))) {
      try {
        affected += await work(await withKnownIds(step.db, batch))
      } catch (error) {
        const kind = kindOf(error)
        const isBlamed = singly && (kind === 'data' || kind === 'dependency')
        throw isBlamed ? new LeftOverError(originals(tangles, batch), { cause: error }) : error
      }
    }
    return affected
  }
  for (const { entity, upserts } of tangles)
    await run(upserts, async (batch) => {
      await writesOf(entity).prepare(step, batch)
      return 0
    })
  for (const tangle of tangles) await loosen(step, tangle, run)
  await requireUnkept(step, tangles)
  for (const { entity, deletes } of tangles.toReversed()) {
    for (const child of Object.values(entity.children))
      await run(deletes, ({ keys, lookup }) =>
        step.run(deleteChildrenOfOlder(entity, child, keys, lookup, BY)),
      )
    await run(deletes, (batch) => writesOf(entity).remove(step, batch))
  }
  await writeInPasses(step, tangles, run, singly)
  for (const { entity, upserts, references } of tangles) {
    if (references.length > 0)
      await run(upserts, ({ document, lookup }) =>
        step.run(statements.setReferences(entity, document, lookup, references)),
      )
    for (const [at, child] of Object.values(entity.children).entries()) {
      await run(upserts, ({ keys, lookup }) =>
        step.run(statements.deleteChildrenOfUpdated(entity, child, keys, lookup, BY)),
      )
      await run(upserts, ({ document, lookup }) =>
        step.run(statements.insertChildren(entity, [child, at], document, lookup, BY)),
      )
    }
  }
  const left = (await Promise.all(tangles.map((tangle) => leftOf(step, tangle)))).flat()
  if (left.length > 0) throw new LeftOverError(left)
}

type Run = (batches: readonly Batch[], work: (batch: Batch) => Promise<number>) => Promise<number>

/**
 * A foreign key that cascades would take along whoever refers to a row and is not deleted with it. From here on nobody comes to.
 *
 * @throws LeftOverError with what is kept
 */
const requireUnkept = async ({ db }: Step, tangles: readonly Tangle[]): Promise<void> => {
  const of = (table: string) =>
    tangles
      .filter(({ entity }) => entity.table.toLowerCase() === table.toLowerCase())
      .flatMap(({ deletes }) => deletes)
  const kept: Change[] = []
  for (const { deletes, keptBy } of tangles)
    for (const unknown of deletes)
      for (const from of keptBy) {
        const batch = await withKnownIds(db, unknown)
        const beside = await Promise.all(of(from.table).map((one) => withKnownIds(db, one)))
        const { rows } = await selectKeptByOthers(batch, from, beside).execute(db)
        const keys = new Set(rows.map(({ k }) => k))
        kept.push(...batch.changes.filter(({ key }) => keys.has(key)))
      }
  if (kept.length > 0) throw new LeftOverError(kept)
}

/** Takes away what the rows hold fast by. */
const loosen = async (
  step: Step,
  { entity, deletes, upserts, references, unique }: Tangle,
  run: Run,
): Promise<void> => {
  await run(deletes, ({ keys, lookup }) => step.run(statements.bury(entity, keys, lookup, BY)))
  const nothing = references.map((column) => ({ column, value: sql`NULL` }))
  if (nothing.length > 0)
    await run(deletes, ({ keys, lookup }) => step.run(statements.loosen(entity, keys, lookup, nothing, BY)))
  for (const one of unique) await run(upserts, (batch) => makeRoom(step, batch, one))
}

/** A row whose new value another one still holds, and what gives way for the index. */
type Stuck = { readonly batch: Batch; readonly yielding: Yielding }

/**
 * Updates and inserts the rows: each pass finds the parents that the one before has made, and the values that it has let go.
 * Where the rows of a circle had no room to give way all at once, one does that goes with each, and is enough to turn it.
 */
const writeInPasses = async (
  step: Step,
  tangles: readonly Tangle[],
  run: Run,
  singly: boolean,
): Promise<void> => {
  const moved = new Map<Change, number>()
  let moves = singly ? tangles.flatMap(({ upserts }) => upserts.flatMap(({ changes }) => changes)).length : 0
  for (;;) {
    const stuck: Stuck[] = []
    let affected = 0
    for (const { entity, upserts, bare, yielding } of tangles) {
      const write = (work: (batch: Batch) => Promise<number>) => async (batch: Batch) => {
        try {
          return await work(batch)
        } catch (error) {
          // Of a statement that failed nothing is left, and the transaction goes on.
          const one = singly ? yielding.get(indexOf(error)?.toLowerCase() ?? '') : undefined
          if (one === undefined) throw error
          stuck.push({ batch, yielding: one })
          return 0
        }
      }
      affected += await run(
        upserts,
        write((batch) => writesOf(entity).update(step, batch)),
      )
      affected += await run(
        bare,
        write((batch) => writesOf(entity).insert(step, batch)),
      )
    }
    if (affected > 0) continue
    moves -= 1
    if (moves < 0 || !(await moveOne(step, stuck, moved))) return
  }
}

/** Lets one of some rows give way: of those that can, the one that has done so least. @param moved how often each has */
const moveOne = async (step: Step, stuck: readonly Stuck[], moved: Map<Change, number>): Promise<boolean> => {
  const times = ({ batch }: Stuck): number => Math.max(0, ...batch.changes.map((one) => moved.get(one) ?? 0))
  for (const one of stuck.toSorted((a, b) => times(a) - times(b)))
    if (await makeRoomForOne(step, one.batch, one.yielding)) {
      const next = times(one) + 1
      for (const change of one.batch.changes) moved.set(change, next)
      return true
    }
  return false
}

/** Those that did not come to hold what their version says. */
const leftOf = async ({ db }: Step, tangle: Tangle): Promise<Change[]> => {
  const { entity, deletes, upserts, references } = tangle
  const left: Change[] = []
  const note = ({ changes }: Batch, rows: readonly { readonly k: string }[]): void => {
    const keys = new Set(rows.map(({ k }) => k))
    left.push(...changes.filter(({ key }) => keys.has(key)))
  }
  for (const unknown of upserts) {
    const batch = await withKnownIds(db, unknown)
    const { rows } = await selectStanding(entity, batch.document, batch.lookup).execute(db)
    const byKey = new Map(batch.changes.map((change) => [change.key, change]))
    const isOpen = (row: Standing): boolean => {
      const change = byKey.get(row.k)
      return change !== undefined && judge(entity, change, row, BY).is !== 'overruled'
    }
    note(batch, rows.filter(isOpen))
    if (references.length > 0)
      note(batch, (await statements.selectDangling(entity, batch.document, batch.lookup).execute(db)).rows)
  }
  for (const unknown of deletes) {
    const batch = await withKnownIds(db, unknown)
    note(batch, (await selectDeletable(entity, batch.keys, batch.lookup, BY).execute(db)).rows)
  }
  return left
}

/** The changes as they were given, by those of a batch that was made of them. */
const originals = (tangles: readonly Tangle[], { entity, changes }: Batch): Change[] => {
  const keys = new Set(changes.map(({ key }) => key))
  return tangles
    .filter((tangle) => tangle.entity === entity)
    .flatMap(({ deletes, upserts }) => [...deletes, ...upserts].flatMap((batch) => batch.changes))
    .filter(({ key }) => keys.has(key))
}
