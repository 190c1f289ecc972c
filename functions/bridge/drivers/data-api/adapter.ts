import { randomUUID } from 'node:crypto'
import { hostname } from 'node:os'
import { type Kysely, type MigrationLockOptions, MysqlAdapter, sql } from 'kysely'
import type { Deadline } from '../../runtime/deadline.ts'
import { DataApiConnection } from './driver.ts'
import { HeldLock } from './held-lock.ts'
import { LeaseLock } from './lease-lock.ts'

/** As long as Kysely's own waits for another run to end, in milliseconds. */
const PATIENCE = 60 * 60 * 1000

/**
 * Kysely's adapter for MySQL, but for the lock of its `Migrator`: GET_LOCK would end with the call that took it, and the
 * second of two starters would run each migration too. Here it is a row with a lease, in a table beside Kysely's own.
 */
export class DataApiAdapter extends MysqlAdapter {
  readonly #open: () => Kysely<unknown>
  readonly #deadline: Deadline
  readonly #held = new WeakMap<DataApiConnection, HeldLock>()

  /** @param open a database over connections of its own: the lock is renewed while the Migrator's is busy */
  constructor(open: () => Kysely<unknown>, deadline: Deadline) {
    super()
    this.#open = open
    this.#deadline = deadline
  }

  // biome-ignore lint/suspicious/noExplicitAny: the signature is Kysely's.
  override async acquireMigrationLock(db: Kysely<any>, options: MigrationLockOptions): Promise<void> {
    const connection = await connectionOf(db)
    const { lockTable, lockTableSchema } = options
    const name = `${lockTable}_lease`
    const table = sql.table(lockTableSchema === undefined ? name : `${lockTableSchema}.${name}`)
    const lock = new LeaseLock(this.#open(), `Kysely's Migrator on ${hostname()}, ${randomUUID()}`, table)
    await lock.acquire(Math.min(PATIENCE, this.#deadline.remaining()))
    const held = new HeldLock(lock)
    this.#held.set(connection, held)
    connection.sendOnlyWhile(() => held.require())
  }

  /** Kysely also calls it where the lock could not be had. */
  // biome-ignore lint/suspicious/noExplicitAny: the signature is Kysely's.
  override async releaseMigrationLock(db: Kysely<any>, _options: MigrationLockOptions): Promise<void> {
    const connection = await connectionOf(db)
    const held = this.#held.get(connection)
    this.#held.delete(connection)
    connection.sendOnlyWhile(undefined)
    await held?.release()
  }
}

const connectionOf = (db: Kysely<unknown>): Promise<DataApiConnection> =>
  db.getExecutor().provideConnection(async (connection) => {
    if (!(connection instanceof DataApiConnection))
      throw new TypeError('A lock of the Data API was asked for over another connection')
    return connection
  })
