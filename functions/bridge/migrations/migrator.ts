import { SqlError } from '../drivers/sql-errors.ts'
import type { Deadline } from '../runtime/deadline.ts'
import type { Log } from '../runtime/log.ts'
import type { Migration } from './files.ts'
import type { MigrationLedger } from './ledger.ts'
import type { MigrationLedgers } from './ledgers.ts'
import type { MigrationLock } from './lock.ts'
import { OneMigration } from './one-migration.ts'
import { changesOf } from './plan.ts'
import { type OfBoth, reportMigrations } from './report.ts'
import {
  checkLine,
  checkPlaces,
  MigrationError,
  type MigrationState,
  pendingOf,
  type Repair,
} from './state.ts'
import type { Progress } from './takeover.ts'

export type MigratorParts = {
  /** Those of Backsync's own tables, which come first. */
  readonly bridge: readonly Migration[]
  readonly team: readonly Migration[]
  readonly ledgers: MigrationLedgers
  readonly lock: MigrationLock
  /** Refuses a server whose settings would change data without a word. */
  readonly requireSettings: () => Promise<void>
  /** Runs behind the bridge's own migrations and before the team's: what is to be known of tables that these change. */
  readonly beforeTeam?: () => Promise<void>
  /** Refuses a schema that the code can't work with, once all is applied: at each start, too. */
  readonly requireSchema?: () => Promise<void>
  /** Runs one statement of a migration, over whatever connection fits. */
  readonly run: (statement: string) => Promise<void>
  /** How long a statement that goes on at the server may be waited for. */
  readonly deadline: Deadline
  readonly log: Log
  /** Who applies, for the record. */
  readonly by: string
}

/** How long a run waits for another one to end, in milliseconds. */
const PATIENCE = 10_000

/** MySQL's number for a database that there isn't. */
const NO_DATABASE = 1049

/** Brings the schema up to date: safe to repeat, to run twice at once, and to go on after a crash. */
export class Migrator {
  readonly #parts: MigratorParts

  constructor(parts: MigratorParts) {
    this.#parts = parts
  }

  /** Tells where each migration stands, and touches nothing. */
  async report(): Promise<OfBoth<MigrationState>> {
    return reportMigrations(this.#parts, this.#parts.ledgers)
  }

  /**
   * Tells what `apply` would change, and touches nothing.
   *
   * @returns sentences for a person; none when there is nothing to do. A database that isn't there is an empty one
   * @throws MigrationError as `apply` would before its first change
   */
  async plan(): Promise<string[]> {
    const { bridge, team, ledgers, requireSettings } = this.#parts
    try {
      await requireSettings()
      const progress = await ledgers.read()
      this.#check(progress)
      return this.#isDone(progress) ? [] : changesOf({ bridge, team }, progress, await ledgers.missing())
    } catch (error) {
      if (!(error instanceof SqlError && error.errno === NO_DATABASE)) throw error
      const nothing = { bridge: [], team: [], formers: [], behind: false }
      return this.#isDone(nothing) ? [] : changesOf({ bridge, team }, nothing, ledgers.tables)
    }
  }

  /**
   * Applies what is pending: the bridge's own in order, then the team's.
   *
   * @returns the names of what it applied
   * @throws MigrationError; what was done before the fault stays done and is recorded
   * @throws MigrationLockedError when somebody else is at it
   * @throws ServerSettingsError before anything is done, at each start: with nothing to apply too
   * @throws what `requireSchema` does, when all is applied
   */
  async apply(): Promise<OfBoth<string>> {
    const { ledgers, lock, requireSettings, beforeTeam, requireSchema, ...lines } = this.#parts
    await requireSettings()
    const before = await ledgers.read()
    this.#check(before)
    if (this.#isDone(before)) {
      await requireSchema?.()
      return { bridge: [], team: [] }
    }
    await lock.acquire(PATIENCE)
    try {
      await ledgers.create()
      const progress = await ledgers.read()
      this.#check(progress)
      if (progress.behind) await ledgers.takeOver()
      const bridge = pendingOf(lines.bridge, progress.bridge)
      for (const migration of bridge)
        await this.#one(migration, ledgers.bridge).apply(
          progress.bridge.find(({ id }) => id === migration.id),
        )
      const team = pendingOf(lines.team, progress.team)
      if (progress.formers.length > 0) await ledgers.makeRoom(team)
      if (team.length > 0) await beforeTeam?.()
      for (const migration of team)
        await this.#one(migration, ledgers.team).apply(progress.team.find(({ id }) => id === migration.id))
      await requireSchema?.()
      return { bridge: bridge.map(({ name }) => name), team: team.map(({ name }) => name) }
    } finally {
      await lock.release()
    }
  }

  /**
   * Undoes the last applied migration of the team's, or the bridge's last one where none of the team's is left. For a
   * development database: production goes forward.
   *
   * @returns its name; undefined when none is applied
   */
  async revert(): Promise<string | undefined> {
    const { bridge, team, ledgers, lock, run } = this.#parts
    if (isEmpty(await ledgers.read())) return undefined
    await lock.acquire(PATIENCE)
    try {
      const progress = await ledgers.read()
      const line = progress.team.length > 0 ? 'team' : 'bridge'
      const last = progress[line].at(-1)
      const migration = { bridge, team }[line].find(({ id }) => id === last?.id)
      if (migration === undefined) return undefined
      for (const statement of migration.downStatements) await run(statement)
      await (line === 'team' ? ledgers.team.forget(migration) : ledgers.forgetBridge(migration))
      return migration.name
    } finally {
      await lock.release()
    }
  }

  /**
   * Records what a person has found out about a statement whose outcome was unknown. `apply` then goes on behind it, or
   * runs it.
   *
   * @throws MigrationError when that statement's outcome is not unknown
   */
  async repair({ migration: name, statement, outcome }: Repair): Promise<void> {
    const { bridge, team, ledgers, lock } = this.#parts
    await lock.acquire(PATIENCE)
    try {
      await ledgers.create()
      const progress = await ledgers.read()
      const line = bridge.some((one) => one.name === name) ? 'bridge' : 'team'
      const migration = { bridge, team }[line].find((one) => one.name === name)
      const known = progress[line].find(({ id }) => id === migration?.id)
      const at = statement - 1
      if (migration === undefined || known === undefined || known.done !== at || known.begun !== statement)
        throw new MigrationError(
          `The outcome of ${name}, statement ${statement}, is not unknown: there is nothing to repair`,
        )
      if (outcome === 'done') await ledgers[line].finish(migration, at)
      else await ledgers[line].withdraw(migration)
    } finally {
      await lock.release()
    }
  }

  /** @throws MigrationError */
  #check(progress: Progress): void {
    const { bridge, team } = this.#parts
    checkPlaces(team)
    checkLine(bridge, progress.bridge)
    checkLine(team, progress.team)
  }

  #isDone(progress: Progress): boolean {
    const { bridge, team } = this.#parts
    const pending = [...pendingOf(bridge, progress.bridge), ...pendingOf(team, progress.team)]
    return pending.length === 0 && !progress.behind
  }

  #one(migration: Migration, ledger: MigrationLedger): OneMigration {
    const { ledgers, lock, run, deadline, log, by } = this.#parts
    const runningFor = (mark: string): Promise<number | undefined> => ledgers.runningFor(mark, deadline)
    const untransacted = (statement: string) => ledgers.untransacted(statement)
    return new OneMigration(migration, { ledger, lock, run, runningFor, untransacted, deadline, log, by })
  }
}

const isEmpty = ({ bridge, team }: Progress): boolean => bridge.length === 0 && team.length === 0
