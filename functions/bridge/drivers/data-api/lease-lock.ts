import { setTimeout as wait } from 'node:timers/promises'
import { type Kysely, type RawBuilder, sql } from 'kysely'
import { BridgeError } from '../../model/errors.ts'
import { idempotently } from './idempotent.ts'

/** Somebody else is applying migrations. */
export class MigrationLockedError extends BridgeError {
  override readonly name = 'MigrationLockedError'
  readonly code = 'migrations.locked'
  readonly kind = 'transient'
}

/** Seconds for which the lock is held without a renewal: longer than any statement that the service lets run. */
const LEASE = 120

/** Milliseconds between two looks at a lock that somebody else holds. */
const LOOK = 200

/**
 * A lock for migrations: one row with an owner, a fencing number and a lease. The Data API has no session that a GET_LOCK
 * could belong to; and who dies with this lock in hand loses it when the lease ends.
 */
export class LeaseLock {
  readonly #db: Kysely<unknown>
  readonly #owner: string
  readonly #table: RawBuilder<unknown>
  #fence: bigint | undefined

  /**
   * @param owner unique to this run
   * @param table the lock's own, made when it is first asked for
   */
  constructor(db: Kysely<unknown>, owner: string, table: RawBuilder<unknown>) {
    // Each statement here is harmless to run twice.
    this.#db = idempotently(db)
    this.#owner = owner
    this.#table = table
  }

  /**
   * Takes the lock, waiting for another's run to end.
   *
   * @param patience in milliseconds
   * @param onWait told once who is waited for
   * @throws MigrationLockedError naming the owner, when patience ends
   */
  async acquire(patience: number, onWait?: (holder: string) => void): Promise<void> {
    await sql`
      CREATE TABLE IF NOT EXISTS ${this.#table} (
        id TINYINT UNSIGNED NOT NULL PRIMARY KEY,
        owner VARCHAR(255) NOT NULL,
        fence BIGINT UNSIGNED NOT NULL,
        leased_until TIMESTAMP(3) NULL DEFAULT NULL
      )`.execute(this.#db)
    await sql`
      INSERT INTO ${this.#table} (id, owner, fence) VALUES (1, '', 0)
      ON DUPLICATE KEY UPDATE id = id`.execute(this.#db)
    const end = performance.now() + patience
    for (let told = false; !(await this.#take()); told = true) {
      if (!told && patience > 0) onWait?.(await this.#holder())
      if (performance.now() >= end)
        throw new MigrationLockedError(
          `Migrations are being applied by ${await this.#holder()}, so that nothing was done here: wait for its end, or two minutes where it has died, and apply, or deploy, again`,
        )
      await wait(LOOK)
    }
    const { rows } = await sql<{ fence: unknown }>`
      SELECT fence FROM ${this.#table} WHERE id = 1 AND owner = ${this.#owner}`.execute(this.#db)
    this.#fence = BigInt(String(rows[0]?.fence))
  }

  /**
   * Proves that the lock is still ours and begins a new lease.
   *
   * @throws MigrationLockedError when somebody took it because the lease had ended
   */
  async renew(): Promise<void> {
    const { numAffectedRows } = await sql`
      UPDATE ${this.#table} SET leased_until = NOW(3) + INTERVAL ${sql.raw(String(LEASE))} SECOND
      WHERE id = 1 AND owner = ${this.#owner} AND fence = ${this.#fence}`.execute(this.#db)
    if (numAffectedRows !== 1n) throw await this.lost()
  }

  /**
   * Whether the lock is still ours, as a condition for a statement of ours: in it nothing can come between the question and what
   * depends on the answer.
   */
  held(): RawBuilder<unknown> {
    return sql`EXISTS (SELECT 1 FROM ${this.#table} AS held WHERE held.id = 1 AND held.owner = ${this.#owner} AND held.fence = ${this.#fence ?? 0n})`
  }

  /** @returns what says that the lock is another's now */
  async lost(): Promise<MigrationLockedError> {
    return new MigrationLockedError(`The migration lock was taken over by ${await this.#holder()}`)
  }

  async release(): Promise<void> {
    await sql`
      UPDATE ${this.#table} SET leased_until = NULL
      WHERE id = 1 AND owner = ${this.#owner} AND fence = ${this.#fence}`.execute(this.#db)
  }

  /** Also takes what is ours already: the answer to our first attempt was lost. The new fence shuts that one out. */
  async #take(): Promise<boolean> {
    const { numAffectedRows } = await sql`
      UPDATE ${this.#table}
      SET owner = ${this.#owner}, fence = fence + 1, leased_until = NOW(3) + INTERVAL ${sql.raw(String(LEASE))} SECOND
      WHERE id = 1 AND (leased_until IS NULL OR leased_until < NOW(3) OR owner = ${this.#owner})`.execute(
      this.#db,
    )
    return numAffectedRows === 1n
  }

  async #holder(): Promise<string> {
    const { rows } = await sql<{ owner: string }>`
      SELECT owner FROM ${this.#table} WHERE id = 1`.execute(this.#db)
    return rows[0]?.owner ?? 'nobody'
  }
}
