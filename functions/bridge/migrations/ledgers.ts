import { type Kysely, sql } from 'kysely'
import { idempotently } from '../drivers/data-api/idempotent.ts'
import { SqlError } from '../drivers/sql-errors.ts'
import type { Deadline } from '../runtime/deadline.ts'
import { retry } from '../runtime/retry.ts'
import { alteredTable } from './alter-clauses.ts'
import { type Found, findEvidence } from './evidence.ts'
import { type Expected, expectedOf } from './expected.ts'
import type { Migration } from './files.ts'
import { type AppliedMigration, MigrationLedger } from './ledger.ts'
import { lockTable } from './lock.ts'
import { findRunning, type RunningStatement } from './running.ts'
import type { ServerVersion } from './server-version.ts'
import { findServerVersion, findTableFacts } from './table-facts.ts'
import { FORMERS, joined, type Progress } from './takeover.ts'
import { findUntransacted, type Untransacted } from './untransacted.ts'

const BRIDGE = 'backsync_bridge_migrations'
/** Its name is from a time when there was one ledger for both. */
const TEAM = 'backsync_migrations'
/** Of the team's down files: a row while one of them is being run. */
const DOWN = 'backsync_reverts'
const bridgeTable = sql.table(BRIDGE)
const teamTable = sql.table(TEAM)

/**
 * The ledgers of the bridge's own migrations and of the team's: two lines of numbers, so that neither takes one of the
 * other's.
 *
 * 0.1.0 kept one ledger for both. Its rows of the bridge's own migrations are copied to the bridge's ledger and stay
 * where they are, until the team has a migration of its own by that number. They stay because a deployment that fails
 * later on is rolled back, which runs the migrations of 0.1.0 again: without its rows that one would take ours as
 * pending behind applied ones, refuse, and the rollback would fail with it. So this holds:
 *
 * - What either ledger knows as done is done: `read` joins both, so that a copy that was not made yet, was cut short, or
 *   is being made by somebody else makes no difference to what is pending.
 * - The copy only ever raises what the bridge's ledger says, a row a statement. Repeated, late or twice at once it changes
 *   nothing more.
 * - A run of 0.1.0 holds the same lock while it works. Before us, we copy what it has done, and an unknown outcome as
 *   one. After us it finds its rows and has nothing to do; what it had never begun it may begin, meets the table that is
 *   there, fails in words and changes none of it, and what it wrote of that is below what we know. One that lost the lock
 *   and lives on writes to its own rows alone.
 * - A number that the team has taken since is refused by 0.1.0 as a file that was changed.
 */
export class MigrationLedgers {
  readonly bridge: MigrationLedger
  readonly team: MigrationLedger
  /** Of what undoes the team's. Its table is made when the first is undone. */
  readonly down: MigrationLedger
  /** The tables of the record: the lock's and the two ledgers'. */
  readonly tables: readonly string[] = [lockTable, BRIDGE, TEAM]
  readonly #db: Kysely<unknown>
  readonly #plain: Kysely<unknown>
  #version: ServerVersion | undefined

  constructor(db: Kysely<unknown>) {
    this.bridge = new MigrationLedger(db, BRIDGE)
    this.team = new MigrationLedger(db, TEAM)
    this.down = new MigrationLedger(db, DOWN)
    this.#plain = db
    // Each statement here is harmless to run twice.
    this.#db = idempotently(db)
  }

  /** Makes what is missing of them. */
  async create(): Promise<void> {
    await this.bridge.create()
    await this.team.create()
  }

  /** What is recorded of both lines; nothing where there is no ledger yet. */
  async read(): Promise<Progress> {
    const there = await this.#there()
    const read = async (ledger: MigrationLedger, table: string): Promise<AppliedMigration[]> =>
      there.includes(table) ? ledger.read() : []
    return {
      ...joined(await read(this.bridge, BRIDGE), await read(this.team, TEAM)),
      down: await read(this.down, DOWN),
    }
  }

  /** Those of `tables` that the database hasn't got. */
  async missing(): Promise<string[]> {
    const there = await this.#there()
    return this.tables.filter((table) => !there.includes(table))
  }

  async #there(): Promise<string[]> {
    const { rows } = await sql<{ name: unknown }>`
      SELECT table_name AS name FROM information_schema.tables
      WHERE table_schema = DATABASE() AND table_name IN (${lockTable}, ${BRIDGE}, ${TEAM}, ${DOWN})`.execute(
      this.#db,
    )
    return rows.map(({ name }) => String(name))
  }

  /** What the server is doing of a statement that carries a mark; undefined when it isn't running it. */
  async running(mark: string, deadline: Deadline): Promise<RunningStatement | undefined> {
    this.#version ??= await findServerVersion(this.#db)
    const isMariaDb = this.#version.flavour === 'MariaDB'
    return await retry(
      { attempts: 60, firstPause: 50, longestPause: 1_000, retryable: isUntellable, deadline },
      () => findRunning(this.#db, mark, isMariaDb),
    )
  }

  /** What a statement that changes rows may reach of which its record's transaction undoes nothing. */
  untransacted(statement: string): Promise<Untransacted | undefined> {
    return findUntransacted(this.#db, statement)
  }

  /** How a statement is expected to change a table that is there. */
  async expected(statement: string): Promise<Expected | undefined> {
    const altered = alteredTable(statement)
    const facts = altered && (await findTableFacts(this.#db, altered.table))
    return facts && expectedOf(statement, facts, await findServerVersion(this.#db))
  }

  /** What there is in the database of the names in a statement. */
  evidence(statement: string): Promise<readonly Found[]> {
    return findEvidence(this.#db, statement)
  }

  /** Copies what 0.1.0 recorded of the bridge's own. */
  async takeOver(): Promise<void> {
    for (const { id, name, now } of FORMERS)
      await sql`
        INSERT INTO ${bridgeTable}
          (id, name, checksum, statements, begun, done, applied_by, started_at, finished_at)
        SELECT ${now.id}, ${now.name}, o.checksum, o.statements, o.begun, o.done, o.applied_by, o.started_at, o.finished_at
        FROM ${teamTable} AS o WHERE o.id = ${id} AND o.name = ${name}
        ON DUPLICATE KEY UPDATE
          finished_at = COALESCE(${bridgeTable}.finished_at, o.finished_at),
          begun = GREATEST(${bridgeTable}.begun, o.begun),
          done = GREATEST(${bridgeTable}.done, o.done)`.execute(this.#db)
  }

  /** Takes rows of 0.1.0, which are copied, out of the way of the team's own by the same numbers. */
  async makeRoom(migrations: readonly Migration[]): Promise<void> {
    for (const { id, name } of FORMERS)
      if (migrations.some((migration) => migration.id === id))
        await sql`DELETE FROM ${teamTable} WHERE id = ${id} AND name = ${name}`.execute(this.#db)
  }

  /** Forgets one of the team's that was undone, and what is recorded of the undoing, in one transaction. */
  async forgetUndone({ id }: Migration): Promise<void> {
    await this.#plain.transaction().execute(async (trx) => {
      await sql`DELETE FROM ${teamTable} WHERE id = ${id}`.execute(trx)
      await sql`DELETE FROM ${sql.table(DOWN)} WHERE id = ${id}`.execute(trx)
    })
  }

  /** Forgets one of the bridge's own that was undone, also where 0.1.0 recorded it. */
  async forgetBridge({ id }: Migration): Promise<void> {
    for (const former of FORMERS)
      if (former.now.id === id)
        await sql`DELETE FROM ${teamTable} WHERE id = ${former.id} AND name = ${former.name}`.execute(
          this.#db,
        )
    await this.bridge.forget({ id })
  }
}

/**
 * MySQL 9 can't list its statements while anybody's holds characters beyond utf8mb3 (error 3854): these come and go.
 */
const isUntellable = (error: unknown): boolean => error instanceof SqlError && error.errno === 3854
