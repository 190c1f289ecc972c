import { DataApiError } from '../drivers/data-api/errors.ts'
import type { HeldLock } from '../drivers/data-api/held-lock.ts'
import { shapeOf } from '../drivers/data-api/statement-shape.ts'
import { SqlError } from '../drivers/sql-errors.ts'
import { kindOf } from '../model/errors.ts'
import type { Deadline } from '../runtime/deadline.ts'
import type { Log } from '../runtime/log.ts'
import { pause, sleep } from '../runtime/retry.ts'
import { lineOf, type Migration } from './files.ts'
import type { AppliedMigration, MigrationLedger } from './ledger.ts'
import { isRefusedWay, onlineWays } from './online.ts'
import { isDoneAlready, isRefusal } from './refusal.ts'
import { describeRunning, type RunningStatement } from './running.ts'
import { MigrationError, MigrationRunningError, MigrationUnknownError } from './state.ts'
import { kindOfStatement } from './statement-kind.ts'
import { isTheSame, isUndecided, marked, markOf } from './unfinished.ts'
import type { Untransacted } from './untransacted.ts'

export type OneMigrationParts = {
  readonly ledger: MigrationLedger
  readonly lock: HeldLock
  /** Runs one statement alone, over whatever connection fits. */
  readonly run: (statement: string) => Promise<void>
  /** What the server is doing of a statement that carries the mark. */
  readonly running: (mark: string) => Promise<RunningStatement | undefined>
  /** What a statement that changes rows may reach of which no transaction undoes anything. */
  readonly untransacted: (statement: string) => Promise<Untransacted | undefined>
  readonly deadline: Deadline
  readonly log: Log
  readonly by: string
  /** Aborted where no further statement is to be begun. */
  readonly signal?: AbortSignal | undefined
  /** Whether changes of tables get clauses of ALGORITHM and LOCK. */
  readonly online?: boolean | undefined
  readonly onStatement?: ((progress: StatementProgress) => void) | undefined
  readonly onRunning?: ((progress: StatementRunning) => void) | undefined
}

/** A statement that takes longer. */
export type StatementRunning = {
  readonly migration: Migration
  /** Its number in the file, from 1 on. */
  readonly statement: number
  readonly running: RunningStatement
}

/** A statement that is begun, or done. */
export type StatementProgress = {
  readonly migration: Migration
  /** Its number in the file, from 1 on. */
  readonly statement: number
  /** How long it took; undefined where it is begun. */
  readonly milliseconds: number | undefined
}

/** Kept back to say what goes on, in milliseconds. */
const RESERVE = 3_000
/** How often a statement that goes on at the server is looked at, and how often that is told, in milliseconds. */
const LOOK = { first: 250, longest: 5_000 }
const TELL = 5_000
/** How long a statement may take before it is looked at while its call goes on, in milliseconds. */
const FIRST_LOOK = 2_000
const NOT_ONLINE =
  'It can only be done while nobody writes to the table, or by a copy of it: where that may be, write ALGORITHM=COPY, or ' +
  'ALGORITHM=INPLACE, LOCK=SHARED, into the file. '
/** How often a statement is sent again, in one run, whose answer was lost and which the server isn't running. */
const MOST_LOSSES = 3

const TOO_LONG =
  'What changes rows is in one transaction with its record and has the 45 seconds of a call; it was undone. Divide it by ranges of keys. '

const isTimeout = (error: unknown): boolean =>
  error instanceof DataApiError && error.exception === 'StatementTimeoutException'

type Alone = { readonly again: boolean; readonly beyond?: Untransacted | undefined }
type Failed = Pick<Alone, 'beyond'> & { readonly cause: unknown }

/** Whether a refusal may have come after some of the rows: nothing has run that was never sent, or couldn't be prepared. */
const mayBeHalfDone = (cause: unknown): boolean =>
  cause instanceof SqlError && cause.wasRefusedByServer && kindOf(cause) !== 'configuration'

/** Applies one migration from where it stands. Each statement's progress is recorded: DDL can't be rolled back. */
export class OneMigration {
  readonly #migration: Migration
  readonly #parts: OneMigrationParts

  constructor(migration: Migration, parts: OneMigrationParts) {
    this.#migration = migration
    this.#parts = parts
  }

  /**
   * @param known what the ledger says of it
   * @throws MigrationError naming the statement that failed; MigrationRunningError, MigrationUnknownError
   */
  async apply(known: AppliedMigration | undefined): Promise<void> {
    const { log } = this.#parts
    const done = known?.done ?? 0
    for (const at of this.#migration.statements.keys()) {
      if (at < done) continue
      this.#parts.signal?.throwIfAborted()
      const unfinished = at === done && known !== undefined && known.begun > done ? known : undefined
      const began = performance.now()
      this.#parts.onStatement?.({ ...this.#progress(at), milliseconds: undefined })
      await this.#statement(at, unfinished)
      this.#parts.onStatement?.({ ...this.#progress(at), milliseconds: performance.now() - began })
    }
    log.info('migration applied', { migration: this.#migration.name })
  }

  /** @param unfinished the record, where the statement was begun before and nobody saw its end */
  async #statement(at: number, unfinished: AppliedMigration | undefined): Promise<void> {
    const { ledger, lock, by } = this.#parts
    const statement = this.#migration.statements[at] ?? ''
    const written = kindOfStatement(statement)
    // Asked now: a statement before it may have made the table.
    const beyond = written === 'rows' ? await this.#parts.untransacted(statement) : undefined
    const kind = beyond === undefined ? written : 'other'
    const again = unfinished !== undefined && isTheSame(this.#migration, at, unfinished)
    if (unfinished !== undefined) {
      if (kind !== 'rows') await this.#untilThrough(at)
      if (isUndecided(this.#migration, at, { unfinished, kind }))
        throw new MigrationUnknownError(this.#migration, at, { record: unfinished, beyond })
    }
    await ledger.begin(this.#migration, at, { by, lock })
    // Who was frozen behind that record learns here that another run has taken over.
    await lock.require()
    if (kind === 'rows') return await this.#rows(at)
    await this.#alone(at, { again, beyond })
  }

  async #rows(at: number): Promise<void> {
    const { ledger, lock } = this.#parts
    try {
      await ledger.together(this.#migration, at)
    } catch (cause) {
      if (isRefusal(cause)) await ledger.withdraw(this.#migration, lock)
      throw this.#failed(at, cause, isTimeout(cause) ? TOO_LONG : '')
    }
  }

  /**
   * @param how.again whether it may be done already: then the server's refusal proves it
   * @param how.beyond a table that keeps what a refused statement has done to it
   */
  async #alone(at: number, how: Alone, losses = 0): Promise<void> {
    const { ledger, lock } = this.#parts
    try {
      await this.#watched(at, () => this.#send(at))
    } catch (cause) {
      if (!isRefusal(cause)) return await this.#afterLoss(at, { ...how, cause }, losses + 1)
      if (how.beyond !== undefined && mayBeHalfDone(cause)) throw this.#unknown(at, { ...how, cause })
      if (!how.again || !isDoneAlready(cause)) {
        await ledger.withdraw(this.#migration, lock)
        throw this.#failed(at, cause, this.#parts.online && isRefusedWay(cause) ? NOT_ONLINE : '')
      }
    }
    await ledger.finish(this.#migration, at)
  }

  /** Tells meanwhile what the server does of it. It only tells: what it can't find out is no fault. */
  async #watched(at: number, work: () => Promise<void>): Promise<void> {
    const { running, log } = this.#parts
    const over = new AbortController()
    const telling = (async () => {
      for (let pauses = FIRST_LOOK; ; pauses = TELL) {
        await sleep(pauses, over.signal)
        const seen = await running(markOf(this.#migration, at))
        if (seen !== undefined && !over.signal.aborted) this.#tell(at, seen)
      }
    })().catch((error: unknown) => {
      if (!over.signal.aborted) log.info('a statement could not be watched', { error })
    })
    try {
      await work()
    } finally {
      over.abort()
      await telling
    }
  }

  #tell(at: number, running: RunningStatement): void {
    const { log, onRunning } = this.#parts
    const { migration, statement } = this.#progress(at)
    log.info('a statement goes on at the server', {
      ...{ migration: migration.name, statement, what: describeRunning(running) },
    })
    onRunning?.({ migration, statement, running })
  }

  /** In the first way that the server takes: one that it refuses for its ALGORITHM or LOCK has done nothing. */
  async #send(at: number): Promise<void> {
    const text = this.#migration.statements[at] ?? ''
    const ways = this.#parts.online ? onlineWays(text) : [text]
    for (const [n, way] of ways.entries()) {
      try {
        return await this.#parts.run(marked(this.#migration, at, way))
      } catch (error) {
        if (!isRefusedWay(error) || n === ways.length - 1) throw error
      }
    }
  }

  /** The call ended and maybe not the statement: waits for that one, and finds out what became of it where it can be. */
  async #afterLoss(at: number, how: Failed, losses: number): Promise<void> {
    const statement = this.#migration.statements[at] ?? ''
    this.#parts.log.warn('no answer came for a statement', {
      migration: this.#migration.name,
      statement: at + 1,
    })
    await this.#untilThrough(at)
    await this.#parts.lock.require()
    if (kindOfStatement(statement) !== 'schema') throw this.#unknown(at, how)
    if (losses > MOST_LOSSES) throw this.#failed(at, how.cause)
    await this.#alone(at, { again: true }, losses)
  }

  #unknown(at: number, { cause, beyond }: Failed): MigrationUnknownError {
    const record = { by: this.#parts.by, startedAt: null }
    return new MigrationUnknownError(this.#migration, at, { record, beyond }, { cause })
  }

  /** @throws MigrationRunningError when the time ends first */
  async #untilThrough(at: number): Promise<void> {
    const { running, lock, deadline } = this.#parts
    let told = Number.NEGATIVE_INFINITY
    for (let look = 1; ; look += 1) {
      const seen = await running(markOf(this.#migration, at))
      if (seen === undefined) return
      if (deadline.remaining() < RESERVE + LOOK.longest)
        throw new MigrationRunningError(this.#migration, at, describeRunning(seen))
      if (performance.now() - told > TELL) {
        told = performance.now()
        this.#tell(at, seen)
      }
      await lock.require()
      await pause(look, LOOK.first, LOOK.longest)
    }
  }

  #progress(at: number): Pick<StatementProgress, 'migration' | 'statement'> {
    return { migration: this.#migration, statement: at + 1 }
  }

  #failed(at: number, cause: unknown, hint = ''): MigrationError {
    const { name, statements } = this.#migration
    const reason =
      cause instanceof Error && cause.cause instanceof Error ? cause.cause.message : String(cause)
    return new MigrationError(
      `${name}, statement ${at + 1} of ${statements.length}${lineOf(this.#migration, at)} failed: ${reason}. ${hint}` +
        `${at} statements are done and recorded. Repair the cause and apply again: it goes on from there ` +
        `(${shapeOf(statements[at] ?? '')})`,
      { cause },
    )
  }
}
