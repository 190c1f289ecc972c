import { SqlError } from '../drivers/sql-errors.ts'
import { BridgeError, type ErrorKind, kindOf } from '../model/errors.ts'
import type { Log } from '../runtime/log.ts'
import type { Migration } from './files.ts'
import type { Applied, MigrationLedger } from './ledger.ts'
import type { MigrationLock } from './lock.ts'

/** Where one migration stands. `interrupted`: some of its statements are done, or the outcome of one is unknown. */
export type MigrationState = {
  readonly name: string
  readonly state: 'applied' | 'pending' | 'interrupted'
  readonly appliedAt: string | null
}

/** The files and the database's record contradict one another, or a statement failed: which, where, and what is done. */
export class MigrationError extends BridgeError {
  override readonly name = 'MigrationError'
  readonly code = 'migrations.failed'
  readonly kind: ErrorKind

  constructor(message: string, options?: ErrorOptions) {
    super(message, options)
    this.kind =
      options?.cause !== undefined && kindOf(options.cause) === 'transient' ? 'transient' : 'configuration'
  }
}

export type MigratorParts = {
  readonly migrations: readonly Migration[]
  readonly ledger: MigrationLedger
  readonly lock: MigrationLock
  /** Runs one statement of a migration, over whatever connection fits. */
  readonly run: (statement: string) => Promise<void>
  readonly log: Log
  /** Who applies, for the record. */
  readonly by: string
}

/** How long a run waits for another one to end, in milliseconds. */
const PATIENCE = 10_000

/**
 * What a DDL statement answers when its effect is there already: table exists, column exists, key exists, nothing to
 * drop.
 */
const DONE_ALREADY: ReadonlySet<number | undefined> = new Set([1050, 1060, 1061, 1091])

/** Brings the legacy schema up to date: safe to repeat, to run twice at once, and to go on after a crash. */
export class Migrator {
  readonly #parts: MigratorParts

  constructor(parts: MigratorParts) {
    this.#parts = parts
  }

  /** Tells where each migration stands, and touches nothing. */
  async report(): Promise<MigrationState[]> {
    const { ledger, migrations } = this.#parts
    const applied = (await ledger.exists()) ? await ledger.read() : []
    return migrations.map((migration) => stateOf(migration, applied))
  }

  /**
   * Applies what is pending, in order.
   *
   * @returns the names of what it applied
   * @throws MigrationError; what was done before the fault stays done and is recorded
   * @throws MigrationLockedError when somebody else is at it
   */
  async apply(): Promise<string[]> {
    const { ledger, lock, migrations } = this.#parts
    const before = await this.report()
    this.#check((await ledger.exists()) ? await ledger.read() : [])
    if (before.every(({ state }) => state === 'applied')) return []
    await lock.acquire(PATIENCE)
    try {
      await ledger.create()
      const applied = await ledger.read()
      this.#check(applied)
      const pending = migrations.filter((migration) => stateOf(migration, applied).state !== 'applied')
      for (const migration of pending) await this.#applyOne(migration, applied)
      return pending.map(({ name }) => name)
    } finally {
      await lock.release()
    }
  }

  /**
   * Undoes the last applied migration. For a development database: production goes forward.
   *
   * @returns its name; undefined when none is applied
   */
  async revert(): Promise<string | undefined> {
    const { ledger, lock, migrations, run } = this.#parts
    if (!(await ledger.exists())) return undefined
    await lock.acquire(PATIENCE)
    try {
      const last = (await ledger.read()).at(-1)
      const migration = migrations.find(({ id }) => id === last?.id)
      if (migration === undefined) return undefined
      for (const statement of migration.downStatements) await run(statement)
      await ledger.forget(migration)
      return migration.name
    } finally {
      await lock.release()
    }
  }

  /** @throws MigrationError for a changed file, or a pending one numbered before an applied one */
  #check(applied: readonly Applied[]): void {
    const newest = Math.max(0, ...applied.map(({ id }) => id))
    for (const migration of this.#parts.migrations) {
      const known = applied.find(({ id }) => id === migration.id)
      if (known === undefined && migration.id < newest)
        throw new MigrationError(
          `${migration.name} is pending, but a later one is applied: give it a number above ${newest}`,
        )
      if (known !== undefined && known.checksum !== migration.checksum && known.begun > 0)
        throw new MigrationError(
          `${migration.name}.up.sql was changed after it was applied: restore it and add a new migration instead`,
        )
    }
  }

  async #applyOne(migration: Migration, applied: readonly Applied[]): Promise<void> {
    const { ledger, lock, log, run, by } = this.#parts
    const known = applied.find(({ id }) => id === migration.id)
    const unknownOutcome = known !== undefined && known.begun > known.done ? known.done : undefined
    for (const [at, statement] of migration.statements.entries()) {
      if (at < (known?.done ?? 0)) continue
      await lock.renew()
      await ledger.begin(migration, at, by)
      try {
        await run(statement)
      } catch (cause) {
        const doneBefore = at === unknownOutcome && cause instanceof SqlError && DONE_ALREADY.has(cause.errno)
        if (!doneBefore) throw failed(migration, at, cause)
      }
      await ledger.finish(migration, at)
    }
    log.info('migration applied', { migration: migration.name })
  }
}

const stateOf = ({ id, name }: Migration, applied: readonly Applied[]): MigrationState => {
  const known = applied.find((candidate) => candidate.id === id)
  const state = known === undefined ? 'pending' : known.finishedAt === null ? 'interrupted' : 'applied'
  return { name, state, appliedAt: known?.finishedAt ?? null }
}

const failed = (migration: Migration, at: number, cause: unknown): MigrationError => {
  const reason = cause instanceof Error && cause.cause instanceof Error ? cause.cause.message : String(cause)
  return new MigrationError(
    `${migration.name}, statement ${at + 1} of ${migration.statements.length} failed: ${reason}. ` +
      `${at} statements are done and recorded. Repair the cause and apply again: it goes on from there`,
    { cause },
  )
}
