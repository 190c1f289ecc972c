import { type Kysely, type RawBuilder, sql } from 'kysely'
import { idempotently } from '../drivers/data-api/idempotent.ts'
import type { Migration } from './files.ts'

/** What the database remembers of one migration. */
export type AppliedMigration = {
  readonly id: number
  readonly name: string
  readonly checksum: string
  /** Statements that are known to be done. */
  readonly done: number
  /** Statements that were begun: one more than `done` when the outcome of the last is unknown. */
  readonly begun: number
  /** ISO 8601, UTC; null while it isn't finished. */
  readonly finishedAt: string | null
}

/**
 * The record of one line of migrations, the bridge's own or the team's. Each statement's progress is recorded, because
 * MySQL's DDL can't be rolled back.
 */
export class MigrationLedger {
  readonly #db: Kysely<unknown>
  readonly #table: RawBuilder<unknown>

  constructor(db: Kysely<unknown>, table: string) {
    this.#table = sql.table(table)
    // Each statement here is harmless to run twice.
    this.#db = idempotently(db)
  }

  async create(): Promise<void> {
    await sql`
      CREATE TABLE IF NOT EXISTS ${this.#table} (
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

  async read(): Promise<AppliedMigration[]> {
    const { rows } = await sql<Record<string, unknown>>`
      SELECT id, name, checksum, begun, done, DATE_FORMAT(finished_at, '%Y-%m-%dT%H:%i:%s.%f') AS finished
      FROM ${this.#table} ORDER BY id`.execute(this.#db)
    return rows.map((row) => ({
      id: Number(row.id),
      name: String(row.name),
      checksum: String(row.checksum),
      begun: Number(row.begun),
      done: Number(row.done),
      finishedAt: typeof row.finished === 'string' ? `${row.finished.slice(0, 23)}Z` : null,
    }))
  }

  /** Records that a statement is about to run. */
  async begin({ id, name, checksum, statements }: Migration, statement: number, by: string): Promise<void> {
    await sql`
      INSERT INTO ${this.#table} (id, name, checksum, statements, begun, done, applied_by, started_at)
      VALUES (${id}, ${name}, ${checksum}, ${statements.length}, ${statement + 1}, ${statement}, ${by}, NOW(3))
      ON DUPLICATE KEY UPDATE begun = ${statement + 1}, applied_by = ${by}`.execute(this.#db)
  }

  /** Records that a statement is done; after the last one, that the migration is. */
  async finish({ id, statements }: Migration, statement: number): Promise<void> {
    const last = statement + 1 === statements.length
    await sql`
      UPDATE ${this.#table}
      SET done = ${statement + 1}, finished_at = ${last ? sql`NOW(3)` : sql`NULL`} WHERE id = ${id}`.execute(
      this.#db,
    )
  }

  /** Forgets a migration that was undone. */
  async forget({ id }: Pick<Migration, 'id'>): Promise<void> {
    await sql`DELETE FROM ${this.#table} WHERE id = ${id}`.execute(this.#db)
  }
}
