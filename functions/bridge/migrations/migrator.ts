import { HeldLock } from '../drivers/data-api/held-lock.ts'
import { SqlError } from '../drivers/sql-errors.ts'
import type { Deadline } from '../runtime/deadline.ts'
import type { Log } from '../runtime/log.ts'
import { downOf, requireNoneUndone, undoingOf } from './down.ts'
import type { Found } from './evidence.ts'
import type { Migration } from './files.ts'
import type { MigrationLedger } from './ledger.ts'
import type { MigrationLedgers } from './ledgers.ts'
import { openOf, type Recorded, recordedOf } from './lines.ts'
import type { MigrationLock } from './lock.ts'
import { OneMigration, type StatementProgress, type StatementRunning } from './one-migration.ts'
import { changesOf } from './plan.ts'
import { baselineOf, type NextStatement, nextStatement, recordBaseline, recordRepair } from './repair.ts'
import { type OfBoth, reportMigrations } from './report.ts'
import { type MigrationStanding, migrationStanding, missingStanding } from './standing.ts'
import {
  checkLine,
  checkPlaces,
  MigrationNeedsDirectError,
  type MigrationState,
  newestOf,
  pendingOf,
  type Repair,
} from './state.ts'
import { type LookAt, type Looking, type MigrationStep, migrationSteps } from './steps.ts'
import type { Progress } from './takeover.ts'
import { markOf } from './unfinished.ts'
import { isUnpreparable } from './unpreparable.ts'

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
  /** Runs what MySQL doesn't prepare: past the Data API. Without it such a statement is refused before anything is done. */
  readonly runDirect?: ((statement: string) => Promise<void>) | undefined
  /** Whether changes of tables are sent so that others go on writing, or not at all. @default false: as the file has them */
  readonly online?: boolean | undefined
  /** How long a run waits for another one to end, in milliseconds. @default 10 s */
  readonly patience?: number
  /** How old the lock's lease may be when a statement is sent, in milliseconds. @default 20 s */
  readonly fresh?: number
  /** Told once, where another run is waited for. */
  readonly onWait?: (holder: string) => void
  /** Aborted where no further statement is to be begun. */
  readonly signal?: AbortSignal
  readonly onStatement?: (progress: StatementProgress) => void
  /** Told every some seconds of a statement that takes longer. */
  readonly onRunning?: (progress: StatementRunning) => void
}

const PATIENCE = 10_000

/** MySQL's number for a database that there isn't. */
const NO_DATABASE = 1049

/** What can be told of a statement. */
export type StatementEvidence = NextStatement & {
  readonly sql: string
  /** For how many seconds the server has been running it; null where it isn't. */
  readonly runningFor: number | null
  readonly found: readonly Found[]
}

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
      const nothing = { bridge: [], team: [], down: [], formers: [], behind: false }
      return this.#isDone(nothing) ? [] : changesOf({ bridge, team }, nothing, ledgers.tables)
    }
  }

  /** Tells of each migration and statement where it stands, also of what `apply` would refuse, and touches nothing. */
  async standings(): Promise<readonly MigrationStanding[]> {
    const { bridge, team, ledgers } = this.#parts
    const progress = await ledgers.read()
    const untransacted: LookAt = (statement) => ledgers.untransacted(statement)
    const standings: MigrationStanding[] = []
    for (const recorded of recordedOf({ bridge, team }, progress)) {
      const newest = newestOf(progress[recorded.line])
      standings.push(await migrationStanding(recorded, newest, untransacted))
    }
    const files = { bridge, team }
    for (const line of ['bridge', 'team'] as const)
      for (const row of progress[line])
        if (!files[line].some(({ id }) => id === row.id)) standings.push(missingStanding(line, row))
    for (const known of progress.down) {
      const migration = team.find(({ id }) => id === known.id)
      if (migration !== undefined)
        standings.push(
          await migrationStanding({ line: 'team', migration: downOf(migration), known }, 0, untransacted),
        )
    }
    return standings
  }

  /**
   * The statements that `apply` would send, in their order, and touches nothing.
   *
   * @param to of the team's none with a higher number. @default all
   * @throws MigrationError, ServerSettingsError as `apply` would before its first change
   */
  async steps(to?: number): Promise<readonly MigrationStep[]> {
    const { bridge, team, ledgers, requireSettings } = this.#parts
    await requireSettings()
    const progress = await ledgers.read()
    this.#check(progress)
    const steps: MigrationStep[] = []
    for (const recorded of openOf({ bridge, team }, progress, to))
      steps.push(...(await migrationSteps(recorded, this.#looking())))
    return steps
  }

  /**
   * Applies what is pending: the bridge's own in order, then the team's.
   *
   * @param to of the team's none with a higher number. @default all
   * @returns the names of what it applied
   * @throws MigrationError; what was done before the fault stays done and is recorded
   * @throws MigrationLockedError when somebody else is at it
   * @throws ServerSettingsError before anything is done, at each start: with nothing to apply too
   * @throws what `requireSchema` does, when all is applied
   */
  async apply(to = Number.POSITIVE_INFINITY): Promise<OfBoth<string>> {
    const { ledgers, lock, requireSettings, beforeTeam, requireSchema, ...lines } = this.#parts
    await requireSettings()
    const before = await ledgers.read()
    this.#check(before)
    if (this.#isDone(before)) {
      await requireSchema?.()
      return { bridge: [], team: [] }
    }
    this.#requireWays(openOf(lines, before, to))
    await lock.acquire(this.#parts.patience ?? PATIENCE, this.#parts.onWait)
    const held = new HeldLock(lock, this.#parts.fresh)
    try {
      await ledgers.create()
      const progress = await ledgers.read()
      this.#check(progress)
      if (progress.behind) await ledgers.takeOver()
      const open = openOf(lines, progress, to)
      const bridge = open.filter(({ line }) => line === 'bridge')
      const team = open.filter(({ line }) => line === 'team')
      for (const { migration, known } of bridge) await this.#one(migration, ledgers.bridge, held).apply(known)
      if (progress.formers.length > 0) await ledgers.makeRoom(team.map(({ migration }) => migration))
      if (team.length > 0) await beforeTeam?.()
      for (const { migration, known } of team) await this.#one(migration, ledgers.team, held).apply(known)
      // What is left for another run may be what makes it fit.
      if (to === Number.POSITIVE_INFINITY) await requireSchema?.()
      return { bridge: namesOf(bridge), team: namesOf(team) }
    } finally {
      await held.release()
    }
  }

  /**
   * The statements that `down` would send, in their order, and touches nothing.
   *
   * @throws MigrationError as `down` would before its first change
   */
  async stepsDown(to?: number): Promise<readonly MigrationStep[]> {
    const { team, ledgers } = this.#parts
    const steps: MigrationStep[] = []
    for (const { down, known } of undoingOf(team, await ledgers.read(), to))
      steps.push(...(await migrationSteps({ line: 'team', migration: down, known }, this.#looking())))
    return steps
  }

  /**
   * Undoes migrations of the team's by their down files, the last first; each statement is recorded as those of `apply` are, and a run
   * that ended in between goes on. No deployment does it.
   *
   * @param to those with a higher number. @default the last one alone
   * @returns the names of what it undid
   * @throws MigrationError where one of them can't be undone: then none is
   */
  async down(to?: number): Promise<readonly string[]> {
    const { team, ledgers, lock, requireSettings } = this.#parts
    await requireSettings()
    const open = undoingOf(team, await ledgers.read(), to)
    if (open.length === 0) return []
    this.#requireWays(open.map(({ down, known }) => ({ line: 'team', migration: down, known })))
    await lock.acquire(this.#parts.patience ?? PATIENCE, this.#parts.onWait)
    const held = new HeldLock(lock, this.#parts.fresh)
    try {
      await ledgers.create()
      await ledgers.down.create()
      const undoing = undoingOf(team, await ledgers.read(), to)
      for (const { migration, down, known } of undoing) {
        await this.#one(down, ledgers.down, held).apply(known)
        await held.require()
        await ledgers.forgetUndone(migration)
      }
      return undoing.map(({ migration }) => migration.name)
    } finally {
      await held.release()
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
    await lock.acquire(this.#parts.patience ?? PATIENCE, this.#parts.onWait)
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
   * What can be told of a statement that is next in its migration: whether it was begun and is running still, and what there is in the
   * database of the names in it. Touches nothing.
   *
   * @throws MigrationError where it isn't the next one
   */
  async evidence(of: Pick<Repair, 'migration' | 'statement'>): Promise<StatementEvidence> {
    const { bridge, team, ledgers, deadline } = this.#parts
    const next = nextStatement({ bridge, team }, await ledgers.read(), of)
    const sql = next.migration.statements[next.at] ?? ''
    const running = await ledgers.running(markOf(next.migration, next.at), deadline)
    return { ...next, sql, runningFor: running?.seconds ?? null, found: await ledgers.evidence(sql) }
  }

  /**
   * Records what a person has found out about a statement whose outcome was unknown, or that was done past us. `apply` then goes on
   * behind it, or runs it.
   *
   * @throws MigrationError where it isn't the next one of its migration
   */
  async repair(repair: Repair): Promise<void> {
    await this.#locked(() => recordRepair(this.#parts, repair))
  }

  /** @returns the names of what a baseline would record. @throws MigrationError as it would */
  async baselinePlan(to: number): Promise<readonly string[]> {
    const { team, ledgers } = this.#parts
    return baselineOf(team, await ledgers.read(), to).map(({ name }) => name)
  }

  /**
   * Records migrations of the team's as applied that a database had before Backsync came, and sends none of them.
   *
   * @returns their names
   * @throws MigrationError where one of them is half done
   */
  async baseline(upTo: { readonly to: number; readonly why: string }): Promise<readonly string[]> {
    return this.#locked(() => recordBaseline(this.#parts, upTo))
  }

  async #locked<T>(work: () => Promise<T>): Promise<T> {
    const { ledgers, lock, patience = PATIENCE, onWait } = this.#parts
    await lock.acquire(patience, onWait)
    try {
      await ledgers.create()
      return await work()
    } finally {
      await lock.release()
    }
  }

  /** @throws MigrationError */
  #check(progress: Progress): void {
    const { bridge, team } = this.#parts
    checkPlaces(team)
    requireNoneUndone(progress)
    checkLine(bridge, progress.bridge)
    checkLine(team, progress.team)
  }

  /** @throws MigrationError for a statement that nothing here can run, before anything is done */
  #requireWays(open: readonly Recorded[]): void {
    if (this.#parts.runDirect !== undefined) return
    for (const { migration, known } of open)
      for (const [at, statement] of migration.statements.entries())
        if (at >= (known?.done ?? 0) && isUnpreparable(statement))
          throw new MigrationNeedsDirectError(migration, at)
  }

  #looking(): Looking {
    const { ledgers, online } = this.#parts
    return {
      untransacted: (statement) => ledgers.untransacted(statement),
      expected: (statement) => ledgers.expected(statement),
      online,
    }
  }

  #isDone(progress: Progress): boolean {
    const { bridge, team } = this.#parts
    const pending = [...pendingOf(bridge, progress.bridge), ...pendingOf(team, progress.team)]
    return pending.length === 0 && !progress.behind
  }

  #one(migration: Migration, ledger: MigrationLedger, lock: HeldLock): OneMigration {
    const {
      ledgers,
      run,
      runDirect = run,
      deadline,
      log,
      by,
      signal,
      onStatement,
      onRunning,
      online,
    } = this.#parts
    const running = (mark: string) => ledgers.running(mark, deadline)
    const untransacted = (statement: string) => ledgers.untransacted(statement)
    return new OneMigration(migration, {
      ...{ ledger, lock, running, untransacted, deadline, log, by, signal, onStatement, onRunning, online },
      run: async (statement) => (isUnpreparable(statement) ? runDirect(statement) : run(statement)),
    })
  }
}

const isEmpty = ({ bridge, team }: Progress): boolean => bridge.length === 0 && team.length === 0

const namesOf = (open: readonly Recorded[]): string[] => open.map(({ migration }) => migration.name)
