import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import mysql from 'mysql2/promise'
import type { Log } from '../http/server.ts'
import { startMysql } from '../mysql/server.ts'
import { SecretStore } from '../secrets-manager/store.ts'
import { startDataApi } from './server.ts'

const RESOURCE_ARN = 'arn:aws:rds:us-east-1:000000000000:cluster:local'
const SECRET_ARN = 'arn:aws:secretsmanager:us-east-1:000000000000:secret:local'
const CONNECT_TIMEOUT_MS = 10_000

const USAGE = `npm run data-api -- [--mysql-url URL] [--port N] [--database NAME] [--control-port N] [--no-limit-rows]

Serves the RDS Data API until it is stopped, and prints one JSON line when it is ready:
{"endpoint","resourceArn","secretArn","database"}, and "control" when a control port was asked for.

  --mysql-url URL     mysql://user:password@host:port[/database]; default: a private server, removed at the end
  --port N            default: any free port
  --database NAME     created when missing; default: the one in the URL, else data_api
  --control-port N    where faults can be set: PUT /_faults; 0 for any free port
  --no-limit-rows     returns rows of more than 64 KiB, which AWS documents as refused and has been seen to return
`

/** A server that stands for the cluster, and how it is let go. */
type Server = {
  readonly host: string
  readonly port: number
  readonly user: string
  readonly password: string
  readonly database?: string
  stop(): Promise<void>
}

const existing = (text: string): Server => {
  const url = new URL(text)
  if (url.protocol !== 'mysql:') throw new TypeError('--mysql-url must begin with mysql://')
  const database = decodeURIComponent(url.pathname.slice(1))
  return {
    host: url.hostname,
    port: Number(url.port || 3306),
    user: decodeURIComponent(url.username) || 'root',
    password: decodeURIComponent(url.password),
    ...(database ? { database } : {}),
    stop: async () => undefined,
  }
}

const privateServer = async (log: Log): Promise<Server> => {
  const home = await mkdtemp(join(tmpdir(), 'data-api-'))
  const server = await startMysql({ home, log })
  return {
    host: server.host,
    port: server.port,
    user: server.user,
    password: server.password,
    stop: async () => {
      await server.stop()
      await rm(home, { recursive: true, force: true })
    },
  }
}

const portOf = (text: string | undefined, option: string): number | undefined => {
  if (text === undefined) return undefined
  const port = Number(text)
  if (!Number.isInteger(port) || port < 0 || port > 65_535)
    throw new TypeError(`${option} must be a port number`)
  return port
}

const createDatabase = async ({ host, port, user, password }: Server, name: string): Promise<void> => {
  const connection = await mysql.createConnection({
    host,
    port,
    user,
    password,
    connectTimeout: CONNECT_TIMEOUT_MS,
  })
  try {
    await connection.query('CREATE DATABASE IF NOT EXISTS ??', [name])
  } finally {
    await connection.end()
  }
}

const stopSignal = (): Promise<void> =>
  new Promise((resolve) => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => resolve())
  })

const main = async (): Promise<void> => {
  const { values } = parseArgs({
    allowNegative: true,
    options: {
      'mysql-url': { type: 'string' },
      port: { type: 'string' },
      database: { type: 'string' },
      'control-port': { type: 'string' },
      'limit-rows': { type: 'boolean', default: true },
      help: { type: 'boolean' },
    },
  })
  if (values.help) {
    process.stdout.write(USAGE)
    return
  }
  const stopped = stopSignal()
  const log: Log = (line) => void process.stderr.write(`${line}\n`)
  const port = portOf(values.port, '--port')
  const controlPort = portOf(values['control-port'], '--control-port')
  const server = values['mysql-url'] ? existing(values['mysql-url']) : await privateServer(log)
  try {
    const database = values.database ?? server.database ?? 'data_api'
    await createDatabase(server, database)
    const secrets = new SecretStore()
    const value = JSON.stringify({ username: server.user, password: server.password })
    secrets.put({ arn: SECRET_ARN, name: 'local', value })
    const api = await startDataApi({
      clusters: [
        {
          arn: RESOURCE_ARN,
          host: server.host,
          port: server.port,
          defaultDatabase: database,
          settings: values['mysql-url'] ? 'server' : 'aurora',
        },
      ],
      secrets,
      log,
      limitRows: values['limit-rows'],
      ...(port === undefined ? {} : { port }),
      ...(controlPort === undefined ? {} : { controlPort }),
    })
    const ready = { endpoint: api.endpoint, resourceArn: RESOURCE_ARN, secretArn: SECRET_ARN, database }
    process.stdout.write(`${JSON.stringify(api.control ? { ...ready, control: api.control } : ready)}\n`)
    await stopped
    await api.close()
  } finally {
    await server.stop()
  }
}

main().catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n\n${USAGE}`)
  process.exitCode = 1
})
