import { randomUUID } from 'node:crypto'
import { fileURLToPath } from 'node:url'
import { RDSDataClient } from '@aws-sdk/client-rds-data'
import { Kysely, type QueryCompiler } from 'kysely'
import mysql, { type Connection } from 'mysql2/promise'
import { AuroraStore } from '../../functions/bridge/aurora/aurora-store.ts'
import { GuardedWriter } from '../../functions/bridge/aurora/guarded-writer.ts'
import { recordOwners } from '../../functions/bridge/aurora/owners.ts'
import { DataApiClient, type DataApiConfig } from '../../functions/bridge/drivers/data-api/client.ts'
import { DataApiDialect } from '../../functions/bridge/drivers/data-api/dialect.ts'
import { type Migration, readMigrations } from '../../functions/bridge/migrations/files.ts'
import { MigrationLedgers } from '../../functions/bridge/migrations/ledgers.ts'
import { MigrationLock } from '../../functions/bridge/migrations/lock.ts'
import { Migrator, type MigratorParts } from '../../functions/bridge/migrations/migrator.ts'
import { requireServerSettings } from '../../functions/bridge/migrations/server-settings.ts'
import type { EntityWriter } from '../../functions/bridge/ports/entity-writer.ts'
import { Deadline } from '../../functions/bridge/runtime/deadline.ts'
import { type Clock, type DataApiServer, startDataApi } from '../../infra/local/data-api/server.ts'
import { SecretStore } from '../../infra/local/secrets-manager/store.ts'
import { copyDatabase, type DatabaseCopy, pasteDatabase } from './database-copy.ts'
import { silent } from './log.ts'

/** The legacy tables of the tests, and what adopts them. */
export const sqlFolder = fileURLToPath(new URL('../fixtures/sql', import.meta.url))
export const bridgeSqlFolder = fileURLToPath(new URL('../../sql/bridge', import.meta.url))

/** One database of its own on the test run's server, behind a Data API endpoint of its own. */
export type TestAurora = {
  readonly host: string
  readonly port: number
  readonly database: string
  /** The database's login, as Secrets Manager would hold it. */
  readonly secrets: SecretStore
  readonly secretArn: string
  /** What a dialect of a test's own is made from. */
  readonly config: DataApiConfig
  readonly db: Kysely<unknown>
  readonly writer: GuardedWriter
  readonly store: AuroraStore
  readonly api: DataApiServer
  readonly client: DataApiClient
  /** A legacy application's own connection. */
  readonly legacy: Connection
  /** How many calls to the Data API were made so far. */
  calls(): number
  /** How many statements were sent so far. */
  sent(): number
  /** How many statements with this text were sent so far. */
  statements(text: string): number
  /** A writer over the same database whose invocation has another deadline. */
  writerUntil(deadline: Deadline): GuardedWriter
  /** The writer with its guards made always true: what it proves is that a test needs them. */
  writerWithoutGuard(): GuardedWriter
  /** A migrator of its own owner. @param until how long it may wait for a statement; default: for ever */
  migrator(
    team?: readonly Migration[],
    bridge?: readonly Migration[],
    until?: Deadline,
    parts?: Partial<MigratorParts>,
  ): Migrator
  /** Empties the legacy tables and the tombstones; ids begin at 1 again. */
  empty(): Promise<void>
  close(): Promise<void>
}

/** What all migrations together have made, of the first database of this process that had them: of each server. */
const migrated = new Map<string, DatabaseCopy>()

/** The statements' guards as their text has them. */
const GUARDS = [
  't.backsync_version < j.v',
  '(d.version IS NULL OR d.version < j.v)',
  'COALESCE(s.version, 1) < j.v',
  's.version < j.v',
  's.version <= j.v',
]

class UnguardedDialect extends DataApiDialect {
  override createQueryCompiler(): QueryCompiler {
    const compiler = super.createQueryCompiler()
    return {
      compileQuery: (...args) => {
        const query = compiler.compileQuery(...args)
        return { ...query, sql: GUARDS.reduce((sql, guard) => sql.replaceAll(guard, 'TRUE'), query.sql) }
      },
    }
  }
}

/**
 * @param migrate whether the schema is brought up to date; default true. A process makes the migrations once, and copies
 *   what they have made
 * @param clock of the Data API's limits; default: the system's
 * @param owned as a new stack has it; none: as an older one does that has not been taken over
 * @param rewrite changes each statement on its way to the server; default: none
 * @param patience with what others hold, in milliseconds; default: as deployed
 */
export const openTestAurora = async ({
  migrate = true,
  clock,
  rewrite = (text) => text,
  owned = ['chef', 'recipe'],
  patience,
  calling,
}: {
  readonly migrate?: boolean
  readonly clock?: Clock
  readonly rewrite?: (sql: string) => string
  /** Entities whose records all say whose their keys are. */
  readonly owned?: readonly string[]
  readonly patience?: number
  /** Makes what writes entities that functions write; default: nothing does. */
  readonly calling?: (db: Kysely<unknown>) => EntityWriter
} = {}): Promise<TestAurora> => {
  const url = new URL(process.env.TEST_MYSQL_URL ?? '')
  const database = `t_${randomUUID().replaceAll('-', '')}`
  const login = {
    host: url.hostname,
    port: Number(url.port || 3306),
    user: decodeURIComponent(url.username),
    password: decodeURIComponent(url.password),
  }
  const legacy = await mysql.createConnection({
    ...login,
    supportBigNumbers: true,
    bigNumberStrings: true,
    dateStrings: true,
    timezone: 'Z',
  })
  await legacy.query(`CREATE DATABASE ${database} CHARACTER SET utf8mb4`)
  await legacy.query(`USE ${database}`)

  const secrets = new SecretStore()
  const secretArn = `arn:aws:secretsmanager:us-east-1:000000000000:secret:${database}`
  const resourceArn = `arn:aws:rds:us-east-1:000000000000:cluster:${database}`
  secrets.put({
    arn: secretArn,
    name: database,
    value: JSON.stringify({ username: login.user, password: login.password }),
  })
  const statements: string[] = []
  const api = await startDataApi({
    clusters: [{ arn: resourceArn, host: login.host, port: login.port }],
    secrets,
    rewrite: (text) => {
      statements.push(text)
      return rewrite(text)
    },
    ...(clock && { clock }),
  })
  const sdk = new RDSDataClient({
    endpoint: api.endpoint,
    maxAttempts: 1,
    region: 'us-east-1',
    credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
  })
  let calls = 0
  sdk.middlewareStack.add(
    (next) => (args) => {
      calls += 1
      return next(args)
    },
    { step: 'initialize', name: 'countCalls' },
  )
  const deadline = new Deadline()
  const config = { client: sdk, resourceArn, secretArn, database, deadline }
  const db = new Kysely<unknown>({ dialect: new DataApiDialect(config) })
  const client = new DataApiClient(config)
  const writer = new GuardedWriter(db, deadline, { patience, calling: calling?.(db) })
  const migrator = (
    team: readonly Migration[] = readMigrations(sqlFolder),
    bridge: readonly Migration[] = readMigrations(bridgeSqlFolder),
    until = deadline,
    parts: Partial<MigratorParts> = {},
  ): Migrator =>
    new Migrator({
      bridge,
      team,
      ledgers: new MigrationLedgers(db),
      lock: new MigrationLock(db, randomUUID()),
      requireSettings: () => requireServerSettings(db),
      run: async (sql) => {
        await client.execute({ sql, continueAfterTimeout: true })
      },
      deadline: until,
      log: silent,
      by: 'test',
      ...parts,
    })
  const empty = async (): Promise<void> => {
    await legacy.query('DELETE FROM recipe_ingredients')
    for (const table of ['recipetable', 'cheftable']) {
      await legacy.query(`DELETE FROM ${table}`)
      await legacy.query(`ALTER TABLE ${table} AUTO_INCREMENT = 1`)
    }
    await legacy.query('DELETE FROM backsync_tombstones')
  }
  const close = async (): Promise<void> => {
    sdk.destroy()
    await api.close()
    await legacy.query(`DROP DATABASE ${database}`)
    await legacy.end()
  }
  if (migrate) {
    const copy = migrated.get(url.host)
    if (copy === undefined) {
      await migrator().apply()
      migrated.set(url.host, await copyDatabase(legacy))
    } else await pasteDatabase(legacy, copy)
    for (const name of owned) await recordOwners(db, { name })
  }
  const store = new AuroraStore(db, writer)
  const writerUntil = (other: Deadline): GuardedWriter =>
    new GuardedWriter(new Kysely({ dialect: new DataApiDialect({ ...config, deadline: other }) }), other)
  const writerWithoutGuard = (): GuardedWriter =>
    new GuardedWriter(new Kysely({ dialect: new UnguardedDialect(config) }))
  const { host, port } = login
  const count = (text: string): number => statements.filter((sent) => sent.includes(text)).length
  const opened = { host, port, database, secrets, secretArn, config, db, writer, store, api, client, legacy }
  return {
    ...opened,
    calls: () => calls,
    sent: () => statements.length,
    statements: count,
    writerUntil,
    writerWithoutGuard,
    migrator,
    empty,
    close,
  }
}
