import { randomUUID } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { RDSDataClient } from '@aws-sdk/client-rds-data'
import { Kysely } from 'kysely'
import mysql, { type Connection } from 'mysql2/promise'
import * as z from 'zod'
import { DataApiDialect } from '../../../functions/bridge/drivers/data-api/dialect.ts'
import { readMigrations } from '../../../functions/bridge/migrations/files.ts'
import { Deadline } from '../../../functions/bridge/runtime/deadline.ts'
import { describeServer } from '../../../infra/local/mysql/flavour.ts'
import { startMysql } from '../../../infra/local/mysql/server.ts'
import { Closers } from '../../../infra/local/template/closers.ts'
import { startChild } from './child.ts'
import { type Http, openHttp } from './http.ts'

/** Everything that the benchmark talks to: three processes, and the clients in this one. */
export type Parts = {
  /** such as `MariaDB 10.11.14` */
  readonly engine: string
  readonly target: { readonly resourceArn: string; readonly secretArn: string; readonly database: string }
  /** where the endpoint and the server of constant answers listen */
  readonly endpoint: string
  readonly constant: string
  readonly dialect: Kysely<unknown>
  readonly sdk: RDSDataClient
  /** The SDK before an answer that was stored under this name. */
  constantSdk(name: string): RDSDataClient
  readonly http: Http
  readonly direct: Connection
}

const path = (relative: string): string => fileURLToPath(new URL(relative, import.meta.url))

const endpointReady = z.object({
  endpoint: z.url(),
  resourceArn: z.string(),
  secretArn: z.string(),
  database: z.string(),
})
const constantReady = z.object({ endpoint: z.url() })

const openSdk = (endpoint: string): RDSDataClient =>
  new RDSDataClient({
    endpoint,
    region: 'us-east-1',
    credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
    maxAttempts: 1,
  })

/** The legacy schema with all migrations, made without the Data API. */
const createSchema = async (direct: Connection, database: string): Promise<void> => {
  await direct.query('CREATE DATABASE ?? CHARACTER SET utf8mb4', [database])
  await direct.query('USE ??', [database])
  const folders = ['../../../sql/bridge', '../../../sql']
  for (const { statements } of folders.flatMap((folder) => readMigrations(path(folder))))
    for (const statement of statements) await direct.query(statement)
}

/** MySQL flushes its tables when it ends. */
const CLOSE_MS = 20_000

const log = (line: string): void => console.error(line)

/**
 * Starts MySQL (of MYSQL_URL or BACKSYNC_MYSQLD, where set), the endpoint and the server of constant answers, works
 * with them, and ends all of it, whatever happens.
 */
export const withParts = async <T>(work: (parts: Parts) => Promise<T>): Promise<T> => {
  const closers = new Closers(log)
  // The work under way then fails, for its connections are gone.
  const interrupt = (): void => void closers.close(CLOSE_MS)
  process.once('SIGINT', interrupt).once('SIGTERM', interrupt)
  try {
    return await work(await open(closers))
  } finally {
    await closers.close(CLOSE_MS)
    process.off('SIGINT', interrupt).off('SIGTERM', interrupt)
  }
}

const open = async (closers: Closers): Promise<Parts> => {
  const home = await mkdtemp(join(tmpdir(), 'backsync-bench-'))
  closers.add('the folder', () => rm(home, { recursive: true, force: true }))
  const server = await startMysql({ home, log })
  closers.add('MySQL', () => server.stop())

  const database = `bench_${randomUUID().replaceAll('-', '')}`
  const { host, port, user, password } = server
  const direct = await mysql.createConnection({ host, port, user, password, connectTimeout: 10_000 })
  closers.add('the connection', () => direct.end())
  closers.add('the database', async () => void (await direct.query('DROP DATABASE IF EXISTS ??', [database])))
  await createSchema(direct, database)

  const main = path('../../../infra/local/data-api/main.ts')
  const api = await startChild(main, ['--mysql-url', server.url, '--database', database])
  closers.add('the endpoint', () => api.stop())
  const { endpoint, ...target } = endpointReady.parse(api.ready)
  const answers = await startChild(path('./constant.ts'), [])
  closers.add('the constant answers', () => answers.stop())
  const { endpoint: constant } = constantReady.parse(answers.ready)

  const newSdk = (at: string): RDSDataClient => {
    const client = openSdk(at)
    closers.add('an SDK client', async () => client.destroy())
    return client
  }
  const sdk = newSdk(endpoint)
  const http = openHttp()
  closers.add('the HTTP client', async () => http.close())
  const dialect = new Kysely<unknown>({
    dialect: new DataApiDialect({ client: sdk, ...target, deadline: new Deadline() }),
  })
  const constantSdk = (name: string): RDSDataClient => newSdk(`${constant}/${name}`)
  return {
    engine: describeServer(server),
    target,
    endpoint,
    constant,
    dialect,
    sdk,
    constantSdk,
    http,
    direct,
  }
}
