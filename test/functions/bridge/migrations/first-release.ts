import { type Kysely, sql } from 'kysely'
import type { Migration } from '../../../../functions/bridge/migrations/files.ts'
import { MigrationLedger } from '../../../../functions/bridge/migrations/ledger.ts'
import type { MigrationLock } from '../../../../functions/bridge/migrations/lock.ts'

/** A run of the migrations as 0.1.0 had it: one line of numbers, one ledger. What it does is fixed for ever. */
export class FirstRelease {
  readonly #migrations: readonly Migration[]
  readonly #db: Kysely<unknown>
  readonly #lock: MigrationLock
  readonly #ledger: MigrationLedger

  constructor(parts: { migrations: readonly Migration[]; db: Kysely<unknown>; lock: MigrationLock }) {
    this.#migrations = parts.migrations
    this.#db = parts.db
    this.#lock = parts.lock
    this.#ledger = new MigrationLedger(parts.db, 'backsync_migrations')
  }

  /** @returns the names of what it applied */
  async apply(): Promise<string[]> {
    await this.#lock.acquire(0)
    try {
      await this.#ledger.create()
      const applied = await this.#ledger.read()
      const newest = Math.max(0, ...applied.map(({ id }) => id))
      for (const { id, name, checksum } of this.#migrations) {
        const known = applied.find((row) => row.id === id)
        if (known === undefined && id < newest)
          throw new Error(`${name} is pending, but a later one is applied`)
        if (known !== undefined && known.checksum !== checksum && known.begun > 0)
          throw new Error(`${name}.up.sql was changed after it was applied`)
      }
      const finished = new Set(applied.filter((row) => row.finishedAt !== null).map(({ id }) => id))
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
    await this.#ledger.begin(migration, at, '0.1.0')
    await sql.raw(migration.statements[at] ?? '').execute(this.#db)
    await this.#ledger.finish(migration, at)
  }
}
