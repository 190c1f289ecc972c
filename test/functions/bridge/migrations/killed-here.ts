import { createHash } from 'node:crypto'
import { RDSDataClient } from '@aws-sdk/client-rds-data'
import { Kysely, sql } from 'kysely'
import { DataApiClient } from '../../../../functions/bridge/drivers/data-api/client.ts'
import { DataApiDialect } from '../../../../functions/bridge/drivers/data-api/dialect.ts'
import type { Migration } from '../../../../functions/bridge/migrations/files.ts'
import { MigrationLedgers } from '../../../../functions/bridge/migrations/ledgers.ts'
import { MigrationLock } from '../../../../functions/bridge/migrations/lock.ts'
import { Migrator } from '../../../../functions/bridge/migrations/migrator.ts'
import { splitStatements } from '../../../../functions/bridge/migrations/split.ts'
import { FakeClock } from '../../../infra/local/data-api/fake-clock.ts'
import { openTestAurora } from '../../../support/aurora.ts'
import { openTestDirect } from '../../../support/direct.ts'
import { silent } from '../../../support/log.ts'
import { processes } from '../../../support/processes.ts'
import { until } from '../../../support/until.ts'
import { clearForty, FORTY } from './forty.ts'

/** As the file is read, without one. */
const forty: Migration = {
  id: 100,
  name: '0100_forty',
  statements: splitStatements(FORTY).map(({ text }) => text),
  downStatements: [],
  checksum: createHash('sha256').update(FORTY).digest('hex'),
}

/** Milliseconds after which the service ends a transaction that nobody goes on with. */
const ABANDONED = 180_001

/**
 * A process as its stores see it: all that it can do goes through the two ways to the database. Of a killed one the last
 * call is done and its answer seen by nobody, and nothing comes after it.
 *
 * @param calls after which it is killed. @default never
 */
class Life {
  made = 0
  readonly #calls: number

  constructor(calls = Number.POSITIVE_INFINITY) {
    this.#calls = calls
  }

  get isOver(): boolean {
    return this.made > this.#calls
  }

  async call<T>(work: () => Promise<T>): Promise<T> {
    if (this.made >= this.#calls) throw this.#over()
    this.made += 1
    const result = await work()
    if (this.made >= this.#calls) throw this.#over()
    return result
  }

  /** By a name with which nothing is sent again: who is dead makes no pauses. */
  #over(): Error {
    this.made = this.#calls + 1
    return Object.assign(new Error('this process was killed'), { name: 'AccessDeniedException' })
  }
}

/** Runs of forty statements that are killed behind any of their calls, and the runs after them, all in this process. */
export const openKilledHere = async () => {
  const clock = new FakeClock()
  const aurora = await openTestAurora({ clock })
  const direct = await openTestDirect(aurora)
  const { legacy, database } = aurora
  let runs = 0
  const apply = async (life: Life): Promise<void> => {
    const sdk = new RDSDataClient({
      endpoint: aurora.api.endpoint,
      maxAttempts: 1,
      region: 'us-east-1',
      credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
    })
    sdk.middlewareStack.add((next) => (args) => life.call(() => next(args)), { step: 'initialize' })
    const config = { ...aurora.config, client: sdk }
    const db = new Kysely<unknown>({ dialect: new DataApiDialect(config) })
    const client = new DataApiClient(config)
    runs += 1
    try {
      await new Migrator({
        bridge: [],
        team: [forty],
        ledgers: new MigrationLedgers(db),
        lock: new MigrationLock(db, `run ${runs}`),
        requireSettings: async () => undefined,
        run: async (text) => {
          await client.execute({ sql: text, continueAfterTimeout: true })
        },
        runDirect: async (text) => {
          await life.call(() => sql.raw(text).execute(direct.db))
        },
        deadline: aurora.config.deadline,
        log: silent,
        by: `run ${runs}`,
        patience: 0,
      }).apply()
    } finally {
      sdk.destroy()
    }
  }
  const isQuiet = async (): Promise<boolean> => {
    const [open] = await legacy.query<[]>(
      'SELECT trx_mysql_thread_id AS id FROM information_schema.INNODB_TRX',
    )
    const ids = new Set(open.map((row) => Number(Object(row).id)))
    return !(await processes(legacy)).some((one) => one.database === database && ids.has(one.id))
  }
  return {
    aurora,
    clear: () => clearForty(aurora),
    /** Kills a run once so many calls of it have been done. @returns how many it made */
    killAfter: async (calls: number): Promise<'killed' | 'ended'> => {
      const life = new Life(calls)
      const error = await apply(life).then(
        () => undefined,
        (thrown: unknown) => thrown,
      )
      if (error !== undefined && !life.isOver) throw error
      return life.isOver ? 'killed' : 'ended'
    },
    /** The next run, as some minutes later: the lease is over, and the service has ended the transaction that was left. */
    goOn: async (): Promise<void> => {
      await until('no transaction is open', 20_000, async () => {
        clock.advance(ABANDONED)
        return await isQuiet()
      })
      await legacy.query(
        'UPDATE backsync_migration_lock SET leased_until = NOW(3) - INTERVAL 1 SECOND WHERE leased_until IS NOT NULL',
      )
      await apply(new Life())
    },
    close: async (): Promise<void> => {
      await direct.close()
      await aurora.close()
    },
  }
}
