import type { Kysely } from 'kysely'
import { mayHaveWaited } from '../drivers/data-api/errors.ts'
import { idempotently } from '../drivers/data-api/idempotent.ts'
import { ownerSignalOf } from '../drivers/sql-errors.ts'
import { type Change, coalesce, isBirth } from '../model/change.ts'
import type { Entity } from '../model/entity.ts'
import {
  type ApplyOutcome,
  type Filled,
  LockedRowError,
  nothingApplied,
  type Overruled,
  type PartialOutcome,
  type Refused,
  StillReferencedError,
  sum,
  UnsettledError,
} from '../model/outcome.ts'
import type { Owner } from '../model/owner.ts'
import { type EntityWriter, writerFor } from '../ports/entity-writer.ts'
import { NotTheOwnerError } from '../ports/store.ts'
import { Deadline } from '../runtime/deadline.ts'
import { judgedOf, standingOf, undeletedOf } from './against.ts'
import { aroundLocks } from './around-locks.ts'
import { type Batch, toBatches } from './batch.ts'
import { Catalogue } from './catalogue.ts'
import { Contention } from './contention.ts'
import { type ReferringColumns, selectReferenced } from './delete-statements.ts'
import { explained } from './explain.ts'
import { type History, historyOf, type IsNew } from './history.ts'
import { isolate } from './isolate.ts'
import { judge, judgeDelete } from './judge.ts'
import { withKnownIds } from './known-ids.ts'
import { lockedRows } from './locked-rows.ts'
import { outcomeOfSignal } from './signalled.ts'
import { selectBuried } from './standing.ts'
import * as statements from './statements.ts'
import type { Step } from './step.ts'
import { type Manner, StepRunner } from './step-runner.ts'
import {
  addRuns,
  deleteRows,
  type Guess,
  named,
  needsTransaction,
  proveStatements,
  type Rows,
  type Run,
  upsertRows,
} from './steps.ts'

const ROUNDS = 4
/**
 * Applies changes to Aurora as sets: a constant number of calls for a batch, whatever its size and mix. The statements
 * guard themselves, so each is safe alone, and those of a plain entity commit one by one: there is no transaction whose
 * locks an invocation that dies could leave behind for minutes. Child rows and hooks do share a transaction
 * with their parents. What a concurrent writer pushed between two statements is seen by the count, asked for by key,
 * and done again.
 */
export class GuardedWriter {
  readonly #db: Kysely<unknown>
  readonly #deadline: Deadline
  readonly #runner: StepRunner
  readonly #contention = new Contention()
  readonly #patience: number | undefined
  readonly #calling: EntityWriter | undefined
  /** What the schema says beside the definitions. */
  readonly catalogue: Catalogue

  /**
   * @param db its statements are repeated after deadlocks, lock waits and lost answers: the guard makes that harmless
   * @param parts.patience what others hold for so long is left to them, in milliseconds. @default 5 seconds
   * @param parts.calling writes entities whose writes a function makes
   */
  constructor(
    db: Kysely<unknown>,
    deadline: Deadline = new Deadline(),
    {
      patience,
      calling,
    }: { readonly patience?: number | undefined; readonly calling?: EntityWriter | undefined } = {},
  ) {
    this.#patience = patience
    this.#calling = calling
    this.#db = idempotently(db)
    this.#deadline = deadline
    this.#runner = new StepRunner(this.#db, deadline, patience)
    this.catalogue = new Catalogue(db)
  }

  /**
   * Applies changes of one entity; of several for one key the last counts.
   *
   * @param by the store whose writes they are: a record that is the other one's is left as it is
   * @throws NotTheOwnerError for a change of Aurora's own whose key is DynamoDB's; it may have been applied before that, where
   *   the error says so
   * @throws BridgeError also for a single change that can't be applied; the others may have been applied then, and
   *   repeating all of them is harmless
   */
  async apply(entity: Entity, changes: readonly Change[], by: Owner = 'aurora'): Promise<ApplyOutcome> {
    if (entity.legacyFunction !== undefined)
      return writerFor(entity, this.#calling).apply(entity, changes, by)
    const outcomes: PartialOutcome[] = []
    const known = { ...historyOf(changes), keptBy: [] }
    try {
      for (const batch of toBatches(entity, coalesce(changes), by))
        outcomes.push(await this.#applyBatch(batch, known, 'patient'))
    } catch (error) {
      throw explained(entity, error)
    }
    const { refused, applied, skipped, repeated } = sum(outcomes)
    if (refused[0]) throw repeated ? afterRepeat(entity, refused[0].error) : refused[0].error
    return { applied, skipped, repeated }
  }

  /**
   * Applies what DynamoDB has accepted and can be applied, and names the rest; see `isolate`, and `aroundLocks` for what others
   * hold for longer than a batch can wait.
   *
   * @param keptBy whose rows forbid that a row they refer to is deleted, whatever the foreign key makes of them
   * @throws BridgeError for what is no single change's fault
   */
  async applyIsolating(
    entity: Entity,
    changes: readonly Change[],
    keptBy: readonly ReferringColumns[] = [],
  ): Promise<PartialOutcome> {
    if (entity.legacyFunction !== undefined)
      return writerFor(entity, this.#calling).applyIsolating(entity, changes)
    const outcomes: PartialOutcome[] = []
    const known = { ...historyOf(changes), keptBy }
    for (const batch of toBatches(entity, coalesce(changes), 'dynamo'))
      outcomes.push(await this.#applyBesideOthers(batch, known))
    const { refused, ...outcome } = sum(outcomes)
    return {
      ...outcome,
      refused: refused.map(({ change, error }) => ({ change, error: explained(entity, error) })),
    }
  }

  async #applyBesideOthers(batch: Batch, known: Known): Promise<PartialOutcome> {
    const { name } = batch.entity
    const isolated = (manner: Manner) => (piece: Batch) =>
      isolate(piece, {
        apply: (part) => this.#applyBatch(part, known, manner),
        probe: (part) => this.#runner.together(part.entity, (step) => proveStatements(step, part), manner),
        deadline: this.#deadline,
      })
    try {
      if (!this.#contention.isLikely(name, batch.changes)) return await isolated('patient')(batch)
    } catch (error) {
      if (!mayHaveWaited(error)) throw error
      this.#contention.note(name)
    }
    const outcome = await aroundLocks(batch, {
      apply: isolated('wary'),
      look: (piece) => lockedRows(this.#db, piece),
      isKnown: (change) => this.#contention.isKnown(change),
      deadline: this.#deadline,
      patience: this.#patience,
    })
    const locked = outcome.refused.filter(({ error }) => error instanceof LockedRowError)
    if (locked.length > 0)
      this.#contention.note(
        name,
        locked.map(({ change }) => change),
      )
    return outcome
  }

  /**
   * Of some deletes, those whose rows are still referred to, so that trying them would fail.
   *
   * @param from the columns that may refer to them
   */
  async referenced(
    entity: Entity,
    deletes: readonly Change[],
    from: readonly ReferringColumns[],
  ): Promise<ReadonlySet<Change>> {
    if (from.length === 0 || deletes.length === 0) return new Set()
    const blocked: Change[] = []
    for (const unknown of toBatches(entity, deletes, 'dynamo')) {
      const batch = await withKnownIds(this.#db, unknown)
      const query = selectReferenced(entity, batch.keys, batch.lookup, from, { by: batch.by })
      const { rows } = await query.execute(this.#db)
      blocked.push(
        ...named(
          batch,
          rows.map(({ k }) => k),
        ),
      )
    }
    return new Set(blocked)
  }

  async #applyBatch(batch: Batch, known: Known, manner: Manner): Promise<PartialOutcome> {
    try {
      return await this.#applyGuarded(batch, known, manner)
    } catch (error) {
      const [change] = batch.changes
      const signal = ownerSignalOf(error)
      // Of several it doesn't say which.
      if (signal === undefined || change === undefined || batch.changes.length > 1) throw error
      const judged = await judgedOf(this.#db, batch, change)
      return outcomeOfSignal(batch.entity, change, judged, batch.by, { signal, cause: error })
    }
  }

  async #applyGuarded(batch: Batch, known: Known, manner: Manner): Promise<PartialOutcome> {
    const deletes = batch.only(({ op }) => op === 'delete')
    const upserts = batch.only(({ op }) => op === 'upsert')
    const outcomes: PartialOutcome[] = []
    if (deletes.changes.length > 0) outcomes.push(await this.#delete(deletes, known, manner))
    if (upserts.changes.length > 0) {
      // With deletes there is no call to spare for a wrong guess, and children must not be inserted twice by one.
      const mayGuess = deletes.changes.length === 0 && !needsTransaction(batch.entity)
      const outcome = await this.#upsert(upserts, manner, mayGuess ? known.isNew : undefined)
      // Of Aurora's own writes nobody asks.
      const filled =
        batch.by === 'dynamo' ? await this.#filled(upserts, outcome, known.isNew) : outcome.filled
      outcomes.push({ ...outcome, filled })
    }
    return sum(outcomes)
  }

  /** @param isNew a guess that spares each change one of the two statements; without it each goes through both */
  async #upsert(batch: Batch, manner: Manner, isNew?: IsNew): Promise<PartialOutcome & Inserted> {
    const { entity } = batch
    const refused: Refused[] = []
    const overruled: Overruled[] = []
    const tried = new Set<Change>()
    let run: Run = { affected: 0, inserted: 0, repeated: false }
    let rest = batch
    let guess: Guess = isNew
      ? { older: batch.only((change) => !isNew(change)), missing: batch.only(isNew) }
      : bothWays(batch)
    for (let round = 1; round <= ROUNDS; round++) {
      if (round > 1 || entity.write !== undefined) await this.#runner.prepare(rest, manner)
      const done = await this.#runner.together(entity, (step) => upsertRows(step, rest, guess), manner)
      run = addRuns(run, done)
      for (const change of guess.missing.changes) tried.add(change)
      const { affected: applied, repeated, inserted } = run
      const outcome = () => ({
        ...nothingApplied,
        applied,
        skipped: batch.changes.length - applied - refused.length,
        repeated,
        refused,
        overruled,
        inserted,
        tried,
      })
      if (done.affected >= rest.changes.length) return outcome()
      const standing = await standingOf(this.#db, rest)
      const open = new Set<Change>()
      for (const change of rest.changes) {
        const row = standing.get(change.key)
        if (row === undefined) continue
        const judged = judge(entity, change, row, batch.by)
        if (judged.is === 'overruled') overruled.push(judged.overruled)
        else if (judged.is === 'refused') refused.push({ change, error: judged.error })
        else open.add(change)
      }
      rest = rest.only((change) => open.has(change))
      if (rest.changes.length === 0) return outcome()
      guess = bothWays(rest)
    }
    throw new UnsettledError(`Changes of ${entity.name} did not settle in ${ROUNDS} rounds`)
  }

  /** Of some upserts, one for each key, those that the store doesn't hold with their version and content, in bytes. */
  async unheld(entity: Entity, upserts: readonly Change[]): Promise<ReadonlySet<Change>> {
    const unheld: Change[] = []
    for (const batch of toBatches(entity, upserts, 'dynamo'))
      unheld.push(...named(batch, [...(await standingOf(this.#db, batch)).keys()]))
    return new Set(unheld)
  }

  /** @param round of at most ROUNDS: a row that came back meanwhile is deleted as well */
  async #delete(batch: Batch, known: Known, manner: Manner, round = 1): Promise<PartialOutcome> {
    const { entity, changes } = batch
    const { keptBy } = known
    const work = (step: Step) => deleteRows(step, batch, keptBy)
    const { affected, repeated } = await this.#runner.removing(entity, work, manner)
    const outcome = { ...nothingApplied, applied: affected, skipped: changes.length - affected, repeated }
    if (outcome.skipped === 0) return outcome
    // Of Aurora's own deletes nobody asks, and all are buried.
    const unburied = batch.by === 'dynamo' ? await this.#buryRest(batch, manner) : []
    const standing = await undeletedOf(this.#db, batch)
    const refused: Refused[] = []
    const overruled: Overruled[] = []
    const back = new Set<Change>()
    for (const change of changes) {
      const row = standing.get(change.key)
      if (row === undefined) continue
      const judged = judgeDelete(entity, change, row, batch.by)
      if (judged.is === 'overruled') overruled.push(judged.overruled)
      else if (judged.is === 'refused') refused.push({ change, error: judged.error })
      else back.add(change)
    }
    for (const change of await this.referenced(entity, [...back], keptBy)) {
      back.delete(change)
      refused.push({
        change,
        error: new StillReferencedError(`Something still refers to the ${entity.name}`),
      })
    }
    // What its source has made in the same batch need never have come.
    const lost = unburied.filter((change) => !standing.has(change.key) && !known.isWritten(change))
    const filled = { rows: lost.length, keys: lost.map(({ key }) => key) }
    const first = { ...outcome, skipped: outcome.skipped - refused.length, overruled, refused, filled }
    if (back.size === 0) return first
    if (round === ROUNDS)
      throw new UnsettledError(`Rows of ${entity.name} came back while they were deleted, ${ROUNDS} times`)
    const again = await this.#delete(
      batch.only((change) => back.has(change)),
      known,
      manner,
      round + 1,
    )
    return sum([{ ...first, skipped: first.skipped - back.size }, again])
  }

  /** Buries the keys that have no tombstone yet, for want of a row. @returns their deletes */
  async #buryRest(unknown: Batch, manner: Manner): Promise<readonly Change[]> {
    const batch = await withKnownIds(this.#db, unknown)
    const { entity, by, lookup } = batch
    const { rows } = await selectBuried(entity, batch.keys).execute(this.#db)
    const buried = new Set(rows.map(({ k }) => k))
    const rest = batch.only(({ key }) => !buried.has(key))
    if (rest.changes.length === 0) return []
    const work = async ({ run }: Step): Promise<Rows> => ({
      affected: await run(statements.bury(entity, rest.keys, lookup, by)),
      inserted: 0,
    })
    await this.#runner.removing(entity, work, manner)
    return rest.changes
  }

  /**
   * Of what a batch has inserted, the changes of keys that were written before: at least so many as the numbers prove.
   * A row of such a key was there, and has lost its key since; or it never came, having been refused or made before
   * anything followed the table.
   */
  async #filled(batch: Batch, { inserted, tried }: Inserted, isNew: IsNew): Promise<Filled> {
    const later = batch.only((change) => tried.has(change) && !isNew(change))
    const unexpected = inserted - (tried.size - later.changes.length)
    if (unexpected <= 0) return nothingApplied.filled
    const { rows } = await selectBuried(batch.entity, later.keys).execute(this.#db)
    const buried = new Set(rows.map(({ k }) => k))
    const candidates = later.changes.filter(({ key }) => !buried.has(key)).map(({ key }) => key)
    const count = Math.max(0, unexpected - buried.size)
    return { rows: count, keys: count === candidates.length ? candidates : [] }
  }

  /** How long the invocation may still work. */
  get deadline(): Deadline {
    return this.#deadline
  }

  /**
   * Works on changes that can only be applied together, of one entity or of several, in one transaction.
   *
   * @param work may run more than once, as a whole
   */
  async together(entities: readonly Entity[], work: (step: Step) => Promise<void>): Promise<void> {
    const run = (step: Step): Promise<Rows> => work(step).then(() => ({ affected: 0, inserted: 0 }))
    await this.#runner.inTransaction(run, 'patient', entities)
  }
}

/** What refuses a repeat says nothing of the first attempt, where the key may have been moved in between. */
const afterRepeat = (entity: Entity, error: Error): Error =>
  error instanceof NotTheOwnerError && error.beside === undefined
    ? new NotTheOwnerError(entity, error.key, error.owner, { mayHaveRun: true, cause: error })
    : error

/** Each change may find a row or none; but a birth leaves the row that it finds. */
const bothWays = (batch: Batch): Guess => ({
  older: batch.only((change) => !isBirth(change)),
  missing: batch,
})

/** What is known of changes beside themselves. */
type Known = History & { readonly keptBy: readonly ReferringColumns[] }

/** How many rows were made anew, of those changes for which it was tried. */
type Inserted = Pick<Rows, 'inserted'> & { readonly tried: ReadonlySet<Change> }
