import { type Kysely, sql } from 'kysely'
import { DataApiError } from '../drivers/data-api/errors.ts'
import { isLockWait } from '../drivers/sql-errors.ts'
import type { Entity } from '../model/entity.ts'
import { DeadlineError, kindOf } from '../model/errors.ts'
import type { Deadline } from '../runtime/deadline.ts'
import { retry } from '../runtime/retry.ts'
import type { Batch } from './batch.ts'
import { HookTimeoutError, TransactionEndedError } from './hook-errors.ts'
import { withKnownIds } from './known-ids.ts'
import { isBeside } from './record-names.ts'
import { writesOf } from './record-writes.ts'
import type { Step } from './step.ts'
import { needsTransaction, type Rows, type Run, runStatements } from './steps.ts'
import { marksDeletes, WriterMark } from './writer-mark.ts'

/**
 * How to meet what others hold: `patient`, as long as may be, again and again; or `wary`, which waits once and shortly. There is
 * no such bound outside a transaction, so a wary statement is always in one.
 */
export type Manner = 'patient' | 'wary'

/**
 * How long a statement in a transaction waits for a row that others hold, in seconds. MySQL's own 50 outlast the
 * invocation, whose transaction would then be left open, with all its locks, for the service's three minutes.
 */
const LOCK_WAIT: Readonly<Record<Manner, number>> = { patient: 5, wary: 1 }
/** What a statement needs beside that, and then the rollback, in milliseconds. */
const STEP_TIME = 1_500

/** Whether each of an entity's statements is safe alone. */
const mayCommitAlone = (entity: Entity, manner: Manner): boolean =>
  manner === 'patient' && !needsTransaction(entity)

/** How long a rollback is waited for whose hook was given up, in milliseconds. */
const ROLLBACK_TIME = 1_000
/** How often a transaction is tried again that was rolled back under a hook which has kept that to itself. */
const UNDONE_REPEATS = 2

/** Runs the statements of a batch, and repeats them: their guards make that harmless. */
export class StepRunner {
  readonly #db: Kysely<unknown>
  readonly #deadline: Deadline
  readonly #lockWait: Readonly<Record<Manner, number>>

  /** @param patience what others hold for so long is waited for no longer by one statement, in milliseconds; up to 5 seconds */
  constructor(db: Kysely<unknown>, deadline: Deadline, patience?: number) {
    this.#db = db
    this.#deadline = deadline
    const longest = patience === undefined ? LOCK_WAIT.patient : Math.ceil(patience / 1_000)
    this.#lockWait = { ...LOCK_WAIT, patient: Math.min(LOCK_WAIT.patient, longest) }
  }

  /** Statements that commit one by one. */
  get #alone(): Pick<Step, 'db' | 'outside' | 'deadline'> {
    return { db: this.#db, outside: this.#db, deadline: this.#deadline }
  }

  /**
   * Runs statements one by one, or in one transaction where an entity has more than its own row. A record beside a new row is
   * more: without a row that is refused it must not stay, and only the connection that made a counted row knows its id.
   */
  async together(entity: Entity, work: (step: Step) => Promise<Rows>, manner: Manner): Promise<Run> {
    if (!isBeside(entity) && mayCommitAlone(entity, manner)) return runStatements(this.#alone, work)
    return this.inTransaction(work, manner, [entity])
  }

  /** As `together`, where records beside rows come one by one, too: a delete has buried the key. */
  async removing(entity: Entity, work: (step: Step) => Promise<Rows>, manner: Manner): Promise<Run> {
    if (mayCommitAlone(entity, manner) && !marksDeletes(entity)) return runStatements(this.#alone, work)
    return this.inTransaction(work, manner, [entity])
  }

  /** What the statements of a batch need only now and then, and commits by itself: so that no lock has to grow in theirs. */
  async prepare(unknown: Batch, manner: Manner): Promise<void> {
    const { entity } = unknown
    if (!isBeside(entity)) return
    const batch = await withKnownIds(this.#db, unknown)
    const work = async (step: Step): Promise<Rows> => {
      await writesOf(entity).prepare(step, batch)
      return { affected: 0, inserted: 0 }
    }
    await (manner === 'wary' ? this.inTransaction(work, manner, []) : runStatements(this.#alone, work))
  }

  /**
   * @param work may run more than once, as a whole
   * @param entities whose rows it writes: their triggers have to know that
   */
  async inTransaction(
    work: (step: Step) => Promise<Rows>,
    manner: Manner,
    entities: readonly Entity[],
  ): Promise<Run> {
    const mark = new WriterMark(entities)
    const wait = this.#lockWait[manner]
    const needed = wait * 1_000 + STEP_TIME
    let mayHaveRun = false
    let undone = 0
    const run = await retry(
      {
        attempts: 8,
        firstPause: 20,
        longestPause: 1_000,
        // Also when nothing is known of what the server did: the guard makes a repeat harmless.
        retryable: (error) => {
          const isUnknown = error instanceof DataApiError && error.outcome === 'unknown'
          mayHaveRun ||= isUnknown
          // One that doesn't end once would hardly end now, and has taken the time.
          if (error instanceof HookTimeoutError) return false
          // A deadlock that a procedure has kept to itself looks as its own ROLLBACK does: that comes back, the other one passes.
          if (error instanceof TransactionEndedError && error.isUndone) return ++undone <= UNDONE_REPEATS
          if (manner === 'wary' && isLockWait(error)) return false
          return kindOf(error) === 'transient' || isUnknown
        },
        deadline: this.#deadline,
      },
      () => {
        this.#deadline.require(needed, 'a transaction')
        return this.#begin(async (transaction) => {
          await sql`SET innodb_lock_wait_timeout = ${sql.raw(String(wait))}${mark.variables}`.execute(
            transaction,
          )
          await mark.enter(transaction)
          const run = await runStatements({ ...this.#alone, db: transaction }, work, () =>
            this.#deadline.require(needed, 'a step of a transaction'),
          )
          await mark.leave(transaction)
          return run
        })
      },
    )
    return { ...run, repeated: run.repeated || mayHaveRun }
  }

  /**
   * A statement of a hook that is given up may be at work still, and the rollback wait for it: whoever is to go on doesn't wait
   * with it. Nothing more is sent in that transaction, and the server undoes it when the statement has ended.
   */
  async #begin<T>(work: (transaction: Kysely<unknown>) => Promise<T>): Promise<T> {
    const givenUp = Promise.withResolvers<HookTimeoutError | DeadlineError>()
    const all = this.#db.transaction().execute((transaction) =>
      work(transaction).catch((error: unknown) => {
        if (error instanceof HookTimeoutError || error instanceof DeadlineError) givenUp.resolve(error)
        throw error
      }),
    )
    let timer: NodeJS.Timeout | undefined
    const abandoned = givenUp.promise.then(async (error) => {
      const late = Promise.withResolvers<void>()
      timer = setTimeout(late.resolve, ROLLBACK_TIME)
      // What the rollback says is nobody's: the hook is why.
      await Promise.race([late.promise, all.catch(() => undefined)])
      throw error
    })
    try {
      return await Promise.race([all, abandoned])
    } finally {
      clearTimeout(timer)
    }
  }
}
