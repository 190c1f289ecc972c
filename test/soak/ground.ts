import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import { DynamoDBStreamsClient } from '@aws-sdk/client-dynamodb-streams'
import { type Connection, createConnection } from 'mysql2/promise'
import * as z from 'zod'
import { type Clock, systemClock } from '../../infra/local/data-api/clock.ts'
import { Faults } from '../../infra/local/data-api/faults.ts'
import { limits } from '../../infra/local/data-api/limits.ts'
import { startDynamoDb } from '../../infra/local/dynamodb/server.ts'
import { LOCAL_CREDENTIALS } from '../../infra/local/lambda/variables.ts'
import type { Log } from '../../infra/local/processes/log.ts'
import { type LocalStack, startLocalStack } from '../../infra/local/stack.ts'
import { REGION } from '../../infra/local/template/pseudo.ts'
import { IMPATIENT, soakAssembly } from './assembly.ts'
import { type DynamoProxy, startDynamoProxy } from './dynamodb-proxy.ts'
import { withoutGuards } from './guards.ts'

/** The stack of the soak, with a hand on everything that can go wrong in it. */
export type Ground = {
  readonly stack: LocalStack
  /** Between the functions and DynamoDB. */
  readonly proxy: DynamoProxy
  /** Of the Data API endpoint. */
  readonly faults: Faults
  /** Past the proxy: what the soak itself asks never fails on purpose. */
  readonly dynamodb: DynamoDBClient
  readonly streams: DynamoDBStreamsClient
  readonly backSync: string
  /** The same code with a short timeout. */
  readonly impatient: string
  readonly tables: Readonly<Record<SoakEntity, { readonly name: string; readonly streamArn: string }>>
  readonly parkingTable: string
  /** Tables that others are kept by, and those; and the function that keeps them. */
  readonly kept: Readonly<Record<'users' | 'usersByCity' | 'preferences' | 'preferencesV2', string>>
  readonly tableSync: string
  /** Lines that the stack has logged so far, the latest last. */
  readonly logged: readonly string[]
  /** Adds a line of the soak's own. */
  note(line: string): void
  /** Takes the guards out of every statement, or puts them back. */
  guard(on: boolean): void
  /** A login of its own on the database, past the Data API. */
  sql(): Promise<Connection>
  /** Kills the database server; its supervisor starts it again. */
  killMysql(): Promise<void>
  close(): Promise<void>
}

export type SoakEntity = 'chef' | 'recipe'

export type GroundOptions = {
  /** Data, logs, checkpoints. Everything in it is the soak's. */
  readonly home: string
  /** `BACKSYNC_MYSQLD` and `PATH` count; a server of MYSQL_URL is not ours to kill, so it is not used. */
  readonly env?: NodeJS.ProcessEnv
  /** Concurrent batches per shard. @default 1 */
  readonly parallelizationFactor?: number
  /** The CDK app of the stack. @default that of the tests */
  readonly app?: string
  readonly signal?: AbortSignal
  readonly log?: Log
}

const pidFile = z.object({ pid: z.number() })
const LOGGED = 500
/**
 * The service ends a transaction three minutes after its last call; until then what a crashed function had locked stays
 * locked. Here it is some seconds, or a soak with many crashes would mostly wait.
 */
const ABANDONED_MS = 5_000
export const HASTY: Clock = {
  now: () => systemClock.now(),
  after: (ms, run) => systemClock.after(ms === limits.transactionIdleMs ? ABANDONED_MS : ms, run),
}

/**
 * Starts private servers and the stack on them.
 *
 * @throws what startLocalStack throws; nothing is left running then
 */
export const openGround = async (options: GroundOptions): Promise<Ground> => {
  const { home, env = process.env, parallelizationFactor = 1, app, signal, log: listener } = options
  const logged: string[] = []
  const log = (line: string): void => {
    logged.push(line)
    if (logged.length > LOGGED) logged.shift()
    listener?.(line)
  }
  const closers: (() => Promise<void> | void)[] = []
  const close = async (): Promise<void> => {
    for (const one of closers.splice(0).reverse()) await one()
  }
  try {
    const context = { parallelizationFactor: String(parallelizationFactor) }
    const assembly = await soakAssembly(home, context, { app, signal })
    const server = await startDynamoDb({
      home: join(home, 'soak'),
      log,
      env: { ...env, DYNAMODB_ENDPOINT: '' },
    })
    closers.push(() => server.stop())
    const proxy = await startDynamoProxy(server.endpoint)
    closers.push(() => proxy.close())
    const faults = new Faults()
    let guarded = true
    const stack = await startLocalStack({
      home,
      assembly,
      env: { ...env, MYSQL_URL: '', DYNAMODB_ENDPOINT: proxy.endpoint },
      log,
      dataApi: { faults, clock: HASTY, rewrite: (sql) => (guarded ? sql : withoutGuards(sql)) },
      ...(signal && { signal }),
    })
    closers.push(() => stack.close())
    const sdk = { endpoint: server.endpoint, region: REGION, credentials: LOCAL_CREDENTIALS }
    const dynamodb = new DynamoDBClient(sdk)
    const streams = new DynamoDBStreamsClient(sdk)
    closers.push(() => {
      dynamodb.destroy()
      streams.destroy()
    })
    const [host = '', port = ''] = stack.endpoints.mysql.split(':')
    return {
      stack,
      proxy,
      faults,
      dynamodb,
      streams,
      backSync: functionNamed(stack, 'BackSyncFunction'),
      impatient: functionNamed(stack, IMPATIENT),
      tables: { chef: tableOf(stack, 'ChefTable'), recipe: tableOf(stack, 'RecipeTable') },
      parkingTable: String(stack.outputs.ParkingTableName),
      kept: {
        users: String(stack.outputs.UsersTableName),
        usersByCity: String(stack.outputs.UsersByCityTableName),
        preferences: String(stack.outputs.UserPreferencesTableName),
        preferencesV2: String(stack.outputs.UserPreferencesV2TableName),
      },
      tableSync: functionNamed(stack, 'TableSyncFunction'),
      logged,
      note: log,
      guard: (on) => {
        guarded = on
      },
      sql: () =>
        createConnection({
          host,
          port: Number(port),
          user: 'root',
          database: String(stack.outputs.DatabaseName),
          connectTimeout: 2_000,
          supportBigNumbers: true,
          bigNumberStrings: true,
          dateStrings: true,
        }),
      killMysql: async () => {
        const { pid } = pidFile.parse(JSON.parse(await readFile(join(home, 'mysql.pid'), 'utf8')))
        process.kill(pid, 'SIGKILL')
      },
      close,
    }
  } catch (error) {
    await close()
    throw error
  }
}

const functionNamed = (stack: LocalStack, id: string): string => {
  const found = stack.functions.find(({ name }) => name.includes(id))
  if (found === undefined) throw new Error(`the stack has no function ${id}`)
  return found.name
}

const tableOf = (stack: LocalStack, id: string): { name: string; streamArn: string } => {
  const found = stack.tables.find(({ logicalId }) => logicalId.startsWith(id))
  if (found?.streamArn === undefined) throw new Error(`the stack has no table ${id} with a stream`)
  return { name: found.name, streamArn: found.streamArn }
}
