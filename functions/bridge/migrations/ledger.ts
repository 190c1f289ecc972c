import { type Kysely, type RawBuilder, sql } from 'kysely'
import { idempotently } from '../drivers/data-api/idempotent.ts'
import { hashOf, type Migration } from './files.ts'
import { isDoneAlready } from './refusal.ts'

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
  /** The checksums of the statements that were begun; undefined in a row of 0.2.0 or before, which kept none. */
  readonly hashes: readonly string[] | undefined
  /** Who applied it, and when it was begun (ISO 8601, UTC). */
  readonly by: string
  readonly startedAt: string | null
}

/** Columns that releases have added. */
const LATER: readonly (readonly [string, RawBuilder<unknown>])[] = [
  ['hashes', sql`MEDIUMTEXT CHARACTER SET ascii COLLATE ascii_bin NULL`],
  ['notes', sql`MEDIUMTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NULL`],
]

/** The lock under which a run writes: what it records of a statement that it begins depends on having it, in the same statement. */
export type LockProof = { held(): RawBuilder<unknown>; lost(): Promise<Error> }

/** What a person has said of a migration, or of a statement of it. */
export type Note = {
  /** ISO 8601, UTC. */
  readonly at: string
  readonly by: string
  readonly statement?: number
  readonly outcome: 'done' | 'not-done' | 'baseline'
  readonly why: string | null
}

const iso = (column: string): RawBuilder<unknown> =>
  sql`DATE_FORMAT(${sql.ref(column)}, '%Y-%m-%dT%H:%i:%s.%f')`

const time = (text: unknown): string | null => (typeof text === 'string' ? `${text.slice(0, 23)}Z` : null)

/**
 * The record of one line of migrations, the bridge's own or the team's. Each statement's progress is recorded, because
 * MySQL's DDL can't be rolled back.
 */
export class MigrationLedger {
  readonly #db: Kysely<unknown>
  readonly #plain: Kysely<unknown>
  readonly #table: RawBuilder<unknown>

  constructor(db: Kysely<unknown>, table: string) {
    this.#table = sql.table(table)
    // Each statement here is harmless to run twice.
    this.#db = idempotently(db)
    this.#plain = db
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
        finished_at TIMESTAMP(3) NULL DEFAULT NULL,
        hashes MEDIUMTEXT CHARACTER SET ascii COLLATE ascii_bin NULL,
        notes MEDIUMTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NULL
      )`.execute(this.#db)
    for (const [column, type] of LATER) await this.#add(column, type)
  }

  /** Adds a column that an older release made the table without. */
  async #add(column: string, type: RawBuilder<unknown>): Promise<void> {
    const { rows } = await sql`SHOW COLUMNS FROM ${this.#table} LIKE ${sql.lit(column)}`.execute(this.#db)
    if (rows.length > 0) return
    try {
      await sql`ALTER TABLE ${this.#table} ADD COLUMN ${sql.ref(column)} ${type}`.execute(this.#db)
    } catch (error) {
      // Sent twice because an answer was lost, or by a run that has lost the lock.
      if (!isDoneAlready(error)) throw error
    }
  }

  async read(): Promise<AppliedMigration[]> {
    const { rows } = await sql<Record<string, unknown>>`
      SELECT l.*, ${iso('finished_at')} AS finished, ${iso('started_at')} AS started
      FROM ${this.#table} AS l ORDER BY id`.execute(this.#db)
    return rows.map((row) => ({
      id: Number(row.id),
      name: String(row.name),
      checksum: String(row.checksum),
      begun: Number(row.begun),
      done: Number(row.done),
      finishedAt: time(row.finished),
      // A ledger of 0.2.0 hasn't got the column.
      hashes: typeof row.hashes === 'string' ? row.hashes.split(' ').filter(Boolean) : undefined,
      by: String(row.applied_by),
      startedAt: time(row.started),
    }))
  }

  /**
   * Records that a statement is about to run. Of what is not done the file may have changed, and its name. Where it is done
   * it stays done: this run has lost the lock and doesn't know.
   *
   * @throws MigrationLockedError where the lock is another's now
   */
  async begin(
    { id, name, checksum, statements }: Migration,
    statement: number,
    { by, lock }: { readonly by: string; readonly lock: LockProof },
  ): Promise<void> {
    const hashes = statements
      .slice(0, statement + 1)
      .map(hashOf)
      .join(' ')
    const { numAffectedRows } = await sql`
      INSERT INTO ${this.#table} (id, name, checksum, statements, begun, done, applied_by, started_at, hashes)
      SELECT ${id}, ${name}, ${checksum}, ${statements.length}, ${statement + 1}, ${statement}, ${by}, NOW(3), ${hashes}
      FROM (SELECT 1 AS one) AS here WHERE ${lock.held()}
      ON DUPLICATE KEY UPDATE
        begun = IF(done > ${statement}, begun, ${statement + 1}),
        applied_by = IF(done > ${statement}, applied_by, ${by}),
        name = IF(done > ${statement}, name, ${name}),
        checksum = IF(done > ${statement}, checksum, ${checksum}),
        statements = IF(done > ${statement}, statements, ${statements.length}),
        hashes = IF(done > ${statement}, hashes, ${hashes})`.execute(this.#db)
    if (numAffectedRows === 0n) throw await lock.lost()
  }

  /** Records that a statement is done; after the last one, that the migration is. It is true whoever has the lock meanwhile. */
  async finish(migration: Migration, statement: number): Promise<void> {
    await this.#done(this.#db, migration, statement)
  }

  /**
   * Runs a statement that changes rows in one transaction with its record. The record comes first: it waits for a
   * transaction of an earlier attempt whose end nobody saw, and tells whether that one was committed.
   *
   * @throws what the statement or the commit throws; the next attempt then finds out by the record
   */
  async together(migration: Migration, statement: number): Promise<void> {
    await this.#plain.transaction().execute(async (trx) => {
      const isNew = await this.#done(trx, migration, statement)
      if (isNew) await sql.raw(migration.statements[statement] ?? '').execute(trx)
    })
  }

  /** Records that the statement that was begun did not run, and left nothing; of a run that has lost the lock it records nothing. */
  async withdraw({ id }: Pick<Migration, 'id'>, lock: LockProof): Promise<void> {
    await sql`UPDATE ${this.#table} SET begun = done WHERE id = ${id} AND ${lock.held()}`.execute(this.#db)
  }

  /** Adds what a person has said, one JSON a line. Repeated it changes nothing: no two are of the same moment. */
  async note({ id }: Pick<Migration, 'id'>, note: Note): Promise<void> {
    const line = JSON.stringify(note)
    await sql`
      UPDATE ${this.#table} SET notes = CONCAT(COALESCE(CONCAT(notes, '\n'), ''), ${line})
      WHERE id = ${id} AND LOCATE(${line}, COALESCE(notes, '')) = 0`.execute(this.#db)
  }

  /** Records a migration as applied without a statement of it, where nothing of it is recorded. */
  async adopt({ id, name, checksum, statements }: Migration, by: string): Promise<void> {
    const n = statements.length
    const hashes = statements.map(hashOf).join(' ')
    await sql`
      INSERT INTO ${this.#table} (id, name, checksum, statements, begun, done, applied_by, started_at, finished_at, hashes)
      VALUES (${id}, ${name}, ${checksum}, ${n}, ${n}, ${n}, ${by}, NOW(3), NOW(3), ${hashes})
      ON DUPLICATE KEY UPDATE id = id`.execute(this.#db)
  }

  /** @returns whether it wasn't recorded before */
  async #done(db: Kysely<unknown>, { id, statements }: Migration, statement: number): Promise<boolean> {
    const last = statement + 1 === statements.length
    const hashes = statements
      .slice(0, statement + 1)
      .map(hashOf)
      .join(' ')
    const { numAffectedRows } = await sql`
      UPDATE ${this.#table}
      SET done = ${statement + 1}, finished_at = ${last ? sql`NOW(3)` : sql`NULL`}, hashes = ${hashes}
      WHERE id = ${id} AND done < ${statement + 1}`.execute(db)
    return numAffectedRows === 1n
  }

  /** Forgets a migration that was undone. */
  async forget({ id }: Pick<Migration, 'id'>): Promise<void> {
    await sql`DELETE FROM ${this.#table} WHERE id = ${id}`.execute(this.#db)
  }
}
