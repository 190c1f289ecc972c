import { type Kysely, sql } from 'kysely'
import type { Migration } from '../../../../functions/bridge/migrations/files.ts'
import type { MigrationLock } from '../../../../functions/bridge/migrations/lock.ts'

/** A run of the migrations as 0.1.0 had it: one line of numbers, one ledger. What it does is fixed for ever. */
export class FirstRelease {
  readonly #migrations: readonly Migration[]
  readonly #db: Kysely<unknown>
  readonly #lock: MigrationLock

  constructor(parts: { migrations: readonly Migration[]; db: Kysely<unknown>; lock: MigrationLock }) {
    this.#migrations = parts.migrations
    this.#db = parts.db
    this.#lock = parts.lock
  }

  /** @returns the names of what it applied */
  async apply(): Promise<string[]> {
    await this.#lock.acquire(0)
    try {
      await this.#create()
      const applied = await this.#read()
      const newest = Math.max(0, ...applied.map(({ id }) => id))
      for (const { id, name, checksum } of this.#migrations) {
        const known = applied.find((row) => row.id === id)
        if (known === undefined && id < newest)
          throw new Error(`${name} is pending, but a later one is applied`)
        if (known !== undefined && known.checksum !== checksum && known.begun > 0)
          throw new Error(`${name}.up.sql was changed after it was applied`)
      }
      const finished = new Set(applied.filter((row) => row.finished).map(({ id }) => id))
      const pending = this.#migrations.filter(({ id }) => !finished.has(id))
      for (const migration of pending) {
        const known = applied.find(({ id }) => id === migration.id)
        for (const at of migration.statements.keys())
          if (at >= (known?.done ?? 0)) await this.step(migration, at)
      }
      return pending.map(({ name }) => name)
    } finally {
      await this.#lock.release()
    }
  }

  /** One statement with its record, also without the lock: what a run does that has lost it and doesn't know. */
  async step(migration: Migration, at: number): Promise<void> {
    const { id, name, checksum, statements } = migration
    await sql`
      INSERT INTO backsync_migrations (id, name, checksum, statements, begun, done, applied_by, started_at)
      VALUES (${id}, ${name}, ${checksum}, ${statements.length}, ${at + 1}, ${at}, '0.1.0', NOW(3))
      ON DUPLICATE KEY UPDATE begun = ${at + 1}, applied_by = '0.1.0'`.execute(this.#db)
    await sql.raw(statements[at] ?? '').execute(this.#db)
    const last = at + 1 === statements.length
    await sql`
      UPDATE backsync_migrations
      SET done = ${at + 1}, finished_at = ${last ? sql`NOW(3)` : sql`NULL`} WHERE id = ${id}`.execute(
      this.#db,
    )
  }

  async #create(): Promise<void> {
    await sql`
      CREATE TABLE IF NOT EXISTS backsync_migrations (
        id INT UNSIGNED NOT NULL PRIMARY KEY,
        name VARCHAR(255) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
        checksum CHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
        statements INT UNSIGNED NOT NULL,
        begun INT UNSIGNED NOT NULL DEFAULT 0,
        done INT UNSIGNED NOT NULL DEFAULT 0,
        applied_by VARCHAR(255) NOT NULL,
        started_at TIMESTAMP(3) NULL DEFAULT NULL,
        finished_at TIMESTAMP(3) NULL DEFAULT NULL
      )`.execute(this.#db)
  }

  async #read(): Promise<{ id: number; checksum: string; begun: number; done: number; finished: boolean }[]> {
    const { rows } = await sql<Record<string, unknown>>`
      SELECT id, checksum, begun, done, finished_at FROM backsync_migrations ORDER BY id`.execute(this.#db)
    return rows.map((row) => ({
      id: Number(row.id),
      checksum: String(row.checksum),
      begun: Number(row.begun),
      done: Number(row.done),
      finished: row.finished_at !== null,
    }))
  }
}
