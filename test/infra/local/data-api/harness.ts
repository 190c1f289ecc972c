import { randomBytes } from 'node:crypto'
import {
  BatchExecuteStatementCommand,
  BeginTransactionCommand,
  CommitTransactionCommand,
  ExecuteStatementCommand,
  type ExecuteStatementCommandInput,
  type Field,
  RDSDataClient,
  RollbackTransactionCommand,
  type SqlParameter,
} from '@aws-sdk/client-rds-data'
import mysql, { type Connection, type RowDataPacket } from 'mysql2/promise'
import {
  type DataApiOptions,
  type DataApiServer,
  startDataApi,
} from '../../../../infra/local/data-api/server.ts'
import { SecretStore } from '../../../../infra/local/secrets-manager/store.ts'

export const resourceArn = 'arn:aws:rds:us-east-1:000000000000:cluster:orders'
export const secretArn = 'arn:aws:secretsmanager:us-east-1:000000000000:secret:orders-abcdef'

/** The server under test, from TEST_MYSQL_URL. */
export const server = (() => {
  const url = new URL(process.env.TEST_MYSQL_URL ?? 'mysql://missing-TEST_MYSQL_URL')
  return {
    host: url.hostname,
    port: Number(url.port || 3306),
    user: decodeURIComponent(url.username),
    password: decodeURIComponent(url.password),
  }
})()

export type Options = Partial<DataApiOptions> & {
  /** where the endpoint finds MySQL; default: the server under test */
  readonly mysql?: { readonly host: string; readonly port: number }
  readonly maxAttempts?: number
}

export type StatementOptions = Partial<ExecuteStatementCommandInput>

/** What a failed call looked like to the client. */
export type Failure = {
  readonly name: string
  readonly message: string
  readonly status: number | undefined
  readonly requestId: string | undefined
  readonly error: object
}

/** A running endpoint with a database of its own, an SDK client for it, and a direct connection beside it. */
export class Harness {
  readonly api: DataApiServer
  readonly client: RDSDataClient
  readonly database: string
  readonly direct: Connection
  readonly secrets: SecretStore

  private constructor(
    api: DataApiServer,
    client: RDSDataClient,
    database: string,
    direct: Connection,
    secrets: SecretStore,
  ) {
    this.api = api
    this.client = client
    this.database = database
    this.direct = direct
    this.secrets = secrets
  }

  static async start({ mysql: at = server, maxAttempts = 1, ...options }: Options = {}): Promise<Harness> {
    const database = `data_api_${randomBytes(6).toString('hex')}`
    const direct = await mysql.createConnection({ ...server, dateStrings: true, supportBigNumbers: true })
    await direct.query(`CREATE DATABASE ${database} CHARACTER SET utf8mb4`)
    await direct.query(`USE ${database}`)
    const secrets = new SecretStore()
    const value = JSON.stringify({ username: server.user, password: server.password })
    secrets.put({ arn: secretArn, name: 'orders', value })
    const api = await startDataApi({
      clusters: [{ arn: resourceArn, host: at.host, port: at.port, defaultDatabase: database }],
      secrets,
      ...options,
    })
    const client = new RDSDataClient({
      endpoint: api.endpoint,
      region: 'us-east-1',
      credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
      maxAttempts,
    })
    return new Harness(api, client, database, direct, secrets)
  }

  async stop(): Promise<void> {
    this.client.destroy()
    await this.api.close()
    await this.direct.query(`DROP DATABASE IF EXISTS ${this.database}`)
    await this.direct.end()
  }

  async execute(sql: string, options: StatementOptions = {}) {
    const { $metadata: _, ...answer } = await this.client.send(
      new ExecuteStatementCommand({ resourceArn, secretArn, sql, ...options }),
    )
    return answer
  }

  /** The one Field of a one-row, one-column result. */
  async value(sql: string, options: StatementOptions = {}): Promise<Field | undefined> {
    return (await this.execute(sql, options)).records?.[0]?.[0]
  }

  async batch(sql: string, parameterSets?: SqlParameter[][], transactionId?: string) {
    const { $metadata: _, ...answer } = await this.client.send(
      new BatchExecuteStatementCommand({ resourceArn, secretArn, sql, parameterSets, transactionId }),
    )
    return answer
  }

  async begin(): Promise<string> {
    const { transactionId } = await this.client.send(new BeginTransactionCommand({ resourceArn, secretArn }))
    return transactionId ?? ''
  }

  async commit(transactionId: string): Promise<string | undefined> {
    const answer = await this.client.send(
      new CommitTransactionCommand({ resourceArn, secretArn, transactionId }),
    )
    return answer.transactionStatus
  }

  async rollback(transactionId: string): Promise<string | undefined> {
    const answer = await this.client.send(
      new RollbackTransactionCommand({ resourceArn, secretArn, transactionId }),
    )
    return answer.transactionStatus
  }

  /** Rows as the direct connection sees them. */
  async rows(sql: string): Promise<Record<string, unknown>[]> {
    const [rows] = await this.direct.query<RowDataPacket[]>(sql)
    return rows.map((row) => ({ ...row }))
  }

  async isMariaDb(): Promise<boolean> {
    const [row] = await this.rows('SELECT VERSION() AS version')
    return String(row?.version).includes('MariaDB')
  }

  /** A raw request, for what the SDK would not send. */
  post(path: string, body: string | Buffer, headers: Record<string, string> = {}): Promise<Response> {
    return fetch(`${this.api.endpoint}${path}`, {
      method: 'POST',
      body,
      headers: { 'content-type': 'application/json', ...headers },
      signal: AbortSignal.timeout(20_000),
    })
  }
}

/** The error that a call ends with. @throws when the call succeeds */
export const failure = async (call: Promise<unknown>): Promise<Failure> => {
  try {
    await call
  } catch (error) {
    if (!(error instanceof Error)) throw error
    const metadata: unknown = Reflect.get(error, '$metadata')
    const read = (key: string): unknown =>
      typeof metadata === 'object' && metadata !== null ? Reflect.get(metadata, key) : undefined
    const status = read('httpStatusCode')
    const requestId = read('requestId')
    return {
      name: error.name,
      message: error.message,
      status: typeof status === 'number' ? status : undefined,
      requestId: typeof requestId === 'string' ? requestId : undefined,
      error,
    }
  }
  throw new Error('the call should have failed')
}

/** Waits until a condition holds, ten seconds at most. */
export const until = async (condition: () => Promise<boolean> | boolean): Promise<void> => {
  for (let tries = 0; tries < 400; tries += 1) {
    if (await condition()) return
    await new Promise((resolve) => setTimeout(resolve, 25))
  }
  throw new Error(`never came true: ${condition}`)
}

export const text = (name: string, stringValue: string): SqlParameter => ({ name, value: { stringValue } })
export const long = (name: string, longValue: number): SqlParameter => ({ name, value: { longValue } })
