import { type ChildProcess, spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import {
  type AttributeValue,
  CreateTableCommand,
  DeleteTableCommand,
  GetItemCommand,
  PutItemCommand,
  ScanCommand,
} from '@aws-sdk/client-dynamodb'
import { commands } from '../../../infra/cli/commands/index.ts'
import { runProgram } from '../../../infra/cli/conventions/program.ts'
import { startCloudWatch } from '../../../infra/local/cloudwatch/server.ts'
import { RecentMetrics } from '../../../infra/local/metrics/recent-metrics.ts'
import { acquireLock } from '../../../infra/local/processes/lock.ts'
import { withTestLists } from '../../fixtures/team.ts'
import { openTestParking, type TestParking } from '../../functions/bridge/parking/harness.ts'
import { openTestAurora, type TestAurora } from '../../support/aurora.ts'
import { openTestFailures, type TestFailures } from '../../support/failures.ts'
import { makeFolder } from '../../support/folder.ts'
import { fakeTerminal } from './conventions/terminal.ts'

const MAIN = resolve('infra/cli/main.ts')

export const LOCAL = {
  AWS_REGION: 'us-east-1',
  AWS_ACCESS_KEY_ID: 'local',
  AWS_SECRET_ACCESS_KEY: 'local',
} as const

export type Answer = { readonly code: number | null; readonly stdout: string; readonly stderr: string }
export type Running = {
  readonly child: ChildProcess
  stdout(): string
  stderr(): string
  readonly ended: Promise<Answer>
}

/** Starts the command as `npx backsync` does once the packages are there; without a terminal. */
export const startCli = (args: readonly string[], env: NodeJS.ProcessEnv = {}): Running => {
  const child = spawn(process.execPath, [MAIN, ...args], {
    env: { ...process.env, NODE_OPTIONS: withTestLists, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: 60_000,
  })
  let [stdout, stderr] = ['', '']
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text
  })
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text
  })
  const ended = new Promise<Answer>((done, fail) => {
    child.once('error', fail)
    child.once('close', (code) => done({ code, stdout, stderr }))
  })
  return { child, stdout: () => stdout, stderr: () => stderr, ended }
}

export const runCli = (args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<Answer> =>
  startCli(args, env).ended

/**
 * Runs the command in this process, without a terminal: a process of its own for each takes a second of a core.
 *
 * @param home the data folder of a stack that runs
 */
export const runHere = async (home: string, ...args: string[]): Promise<Answer> => {
  const before = { ...process.env }
  process.env.BACKSYNC_HOME = home
  // The SDK's clients look for what a command puts there.
  const terminal = fakeTerminal(false, process.env)
  try {
    const code = await runProgram(args, commands, {
      io: terminal.io,
      interrupt: new AbortController().signal,
    })
    return { code, stdout: terminal.stdout(), stderr: terminal.stderr() }
  } finally {
    for (const name of Object.keys(process.env)) if (!(name in before)) delete process.env[name]
    Object.assign(process.env, before)
  }
}

/** Each line of an output as JSON. */
export const jsonLines = (text: string): unknown[] =>
  text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line))

/** What a command finds of a local stack: its stores, and the files that say where they are. */
export type TestStack = {
  readonly home: string
  readonly aurora: TestAurora
  readonly parking: TestParking
  /** What event sources gave up on. */
  readonly failures: TestFailures
  /** What its functions have measured. */
  readonly metrics: RecentMetrics
  /** The name in DynamoDB of an entity's table. */
  tableOf(entity: 'chef' | 'recipe'): string
  /** In this process, without a terminal: a process of its own for each takes a second of a core. */
  run(...args: string[]): Promise<Answer>
  /** As `run`, with more of the shell's variables, and somebody who may interrupt. */
  runWith(
    manner: { readonly env?: NodeJS.ProcessEnv; readonly interrupt?: AbortSignal },
    ...args: string[]
  ): Promise<Answer>
  /** In a process of its own, as `npx backsync` does it. */
  start(...args: string[]): Running
  /** What the template gives functions that work on both stores, beside what the SDK looks for. */
  readonly functionSettings: Readonly<Record<string, string>>
  /** Puts an item as a modern handler would have written it. */
  put(
    entity: 'chef' | 'recipe',
    key: string,
    version: number,
    row: Record<string, AttributeValue>,
  ): Promise<void>
  item(entity: 'chef' | 'recipe', key: string): Promise<Record<string, AttributeValue> | undefined>
  /** Has the leases of all jobs run out, as they do within a minute after a kill. */
  endLeases(): Promise<void>
  close(): Promise<void>
}

/** @param owned entities whose records say whose their keys are; default: all, as in a new stack */
export const openTestStack = async ({
  owned,
}: {
  readonly owned?: readonly string[]
} = {}): Promise<TestStack> => {
  const aurora = await openTestAurora({ ...(owned && { owned }) })
  const parking = await openTestParking()
  const failures = await openTestFailures()
  const { client } = parking
  const tables = { chef: `Chef-${randomUUID()}`, recipe: `Recipe-${randomUUID()}` }
  for (const [entity, TableName] of Object.entries(tables))
    await client.send(
      new CreateTableCommand({
        TableName,
        AttributeDefinitions: [{ AttributeName: `${entity}Id`, AttributeType: 'S' }],
        KeySchema: [{ AttributeName: `${entity}Id`, KeyType: 'HASH' }],
        BillingMode: 'PAY_PER_REQUEST',
      }),
    )
  const jobs = `Jobs-${randomUUID()}`
  await client.send(
    new CreateTableCommand({
      TableName: jobs,
      AttributeDefinitions: [
        { AttributeName: 'job', AttributeType: 'S' },
        { AttributeName: 'part', AttributeType: 'S' },
      ],
      KeySchema: [
        { AttributeName: 'job', KeyType: 'HASH' },
        { AttributeName: 'part', KeyType: 'RANGE' },
      ],
      BillingMode: 'PAY_PER_REQUEST',
    }),
  )
  const metrics = new RecentMetrics(() => Date.now())
  const cloudWatch = await startCloudWatch({ metrics })
  const routes = `Routes-${randomUUID()}`
  await client.send(
    new CreateTableCommand({
      TableName: routes,
      AttributeDefinitions: [{ AttributeName: 'entity', AttributeType: 'S' }],
      KeySchema: [{ AttributeName: 'entity', KeyType: 'HASH' }],
      BillingMode: 'PAY_PER_REQUEST',
    }),
  )
  const folder = await makeFolder()
  const lock = await acquireLock(join(folder.path, 'stack.lock'))
  const stack = {
    url: 'http://127.0.0.1:1',
    pid: process.pid,
    endpoints: {
      dynamodb: process.env.TEST_DYNAMODB_ENDPOINT,
      rdsData: aurora.api.endpoint,
      secretsManager: 'http://127.0.0.1:1',
      s3: failures.endpoint,
      cloudWatch: cloudWatch.endpoint,
    },
    outputs: {
      ChefTableName: tables.chef,
      RecipeTableName: tables.recipe,
      ParkingTableName: parking.table,
      JobsTableName: jobs,
      RoutesTableName: routes,
      FailureBucketName: failures.name,
      BackSyncFunctionName: 'BackSync',
      ClusterArn: `arn:aws:rds:us-east-1:000000000000:cluster:${aurora.database}`,
      SecretArn: aurora.secretArn,
      DatabaseName: aurora.database,
      BackfillStateMachineArn: 'arn:aws:states:us-east-1:000000000000:stateMachine:Backfill',
      SweepStateMachineArn: 'arn:aws:states:us-east-1:000000000000:stateMachine:Sweep',
    },
  }
  await writeFile(join(folder.path, 'stack.json'), JSON.stringify(stack))
  const start = (...args: string[]): Running =>
    // A profile that isn't there: the local stack must not ask for it.
    startCli(args, { BACKSYNC_HOME: folder.path, AWS_PROFILE: 'nobody' })
  // Where a command puts them, too: it runs in this process, and the SDK looks nowhere else.
  Object.assign(process.env, {
    ...LOCAL,
    AWS_ENDPOINT_URL_DYNAMODB: stack.endpoints.dynamodb,
    AWS_ENDPOINT_URL_RDS_DATA: stack.endpoints.rdsData,
    AWS_ENDPOINT_URL_SECRETS_MANAGER: stack.endpoints.secretsManager,
    AWS_ENDPOINT_URL_S3: stack.endpoints.s3,
    AWS_ENDPOINT_URL_CLOUDWATCH: stack.endpoints.cloudWatch,
  })
  const keyOf = (entity: string, key: string) => ({ [`${entity}Id`]: { S: key } })
  const runWith: TestStack['runWith'] = async ({ env, interrupt }, ...args) => {
    const terminal = fakeTerminal(false, { BACKSYNC_HOME: folder.path, ...env })
    const signal = interrupt ?? new AbortController().signal
    const code = await runProgram(args, commands, { io: terminal.io, interrupt: signal })
    return { code, stdout: terminal.stdout(), stderr: terminal.stderr() }
  }
  return {
    home: folder.path,
    aurora,
    parking,
    failures,
    metrics,
    tableOf: (entity) => tables[entity],
    start,
    run: (...args) => runWith({}, ...args),
    runWith,
    functionSettings: {
      CLUSTER_ARN: stack.outputs.ClusterArn,
      SECRET_ARN: aurora.secretArn,
      DATABASE_NAME: aurora.database,
      TABLES: JSON.stringify(tables),
      PARKING_TABLE: parking.table,
      JOBS_TABLE: jobs,
      ROUTES_TABLE: routes,
    },
    put: async (entity, key, version, row) => {
      const Item = { ...keyOf(entity, key), ...row, version: { N: String(version) }, updatedAt: { S: AT } }
      await client.send(new PutItemCommand({ TableName: tables[entity], Item }))
    },
    item: async (entity, key) =>
      (await client.send(new GetItemCommand({ TableName: tables[entity], Key: keyOf(entity, key) }))).Item,
    endLeases: async () => {
      const { Items = [] } = await client.send(new ScanCommand({ TableName: jobs, ConsistentRead: true }))
      for (const item of Items)
        if (item.leasedUntil !== undefined)
          await client.send(
            new PutItemCommand({ TableName: jobs, Item: { ...item, leasedUntil: { N: '0' } } }),
          )
    },
    close: async () => {
      await lock.release()
      await folder.remove()
      for (const TableName of [...Object.values(tables), jobs, routes])
        await client.send(new DeleteTableCommand({ TableName }))
      await parking.close()
      await failures.close()
      await cloudWatch.close()
      await aurora.close()
    },
  }
}

const AT = '2026-11-22T10:00:00.000Z'
