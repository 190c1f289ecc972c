import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Item } from '../../../../functions/bridge/drivers/dynamo/items.ts'
import { DynamoJobs } from '../../../../functions/bridge/jobs/dynamo-jobs.ts'
import { Deadline } from '../../../../functions/bridge/runtime/deadline.ts'
import type { TableSyncParts } from '../../../../functions/bridge/tables/open-tables.ts'
import { commands } from '../../../../infra/cli/commands/index.ts'
import { runProgram } from '../../../../infra/cli/conventions/program.ts'
import { tableOutput } from '../../../../infra/cli/target/settings.ts'
import { acquireLock } from '../../../../infra/local/processes/lock.ts'
import { startSts } from '../../../../infra/local/sts/server.ts'
import { projections } from '../../../fixtures/tables/index.ts'
import { openTestTables, type TestTables } from '../../../support/dynamo-tables.ts'
import { type FaultProxy, startFaultProxy } from '../../../support/fault-proxy.ts'
import { makeFolder } from '../../../support/folder.ts'
import { openKeptTables } from '../../../support/kept-tables.ts'
import { fakeTerminal } from '../conventions/terminal.ts'
import { LOCAL, type Running, startCli } from '../harness.ts'

export type Answer = { readonly code: number; readonly stdout: string; readonly stderr: string }

/** How a command is run: without a terminal and with nobody to interrupt it, unless told otherwise. */
export type Manner = {
  /** What is typed at a terminal. */
  readonly typed?: string
  readonly isTTY?: boolean
  readonly interrupt?: AbortController
  readonly env?: NodeJS.ProcessEnv
}

/** What commands find of a local stack: this project's tables, and the file that says where they are. */
export type TestTableStack = {
  readonly ground: TestTables
  /** Between the commands and DynamoDB. */
  readonly proxy: FaultProxy
  /** Names in DynamoDB by names in this project. */
  readonly tables: Readonly<Record<string, string>>
  readonly jobs: DynamoJobs
  readonly jobsTable: string
  /** What the template gives functions that keep tables, beside what the SDK looks for. */
  readonly functionSettings: Readonly<Record<string, string>>
  parts(): TableSyncParts
  run(args: readonly string[], manner?: Manner): Promise<Answer>
  /** In a process of its own. */
  start(...args: string[]): Running
  /** Tells the commands of a stack that has these outputs, too; undefined: not this one. */
  setOutputs(
    outputs: Readonly<Record<string, string | undefined>>,
    options?: { readonly sts?: boolean },
  ): Promise<void>
  put(table: string, items: readonly Item[]): Promise<void>
  close(): Promise<void>
}

export const openTestTableStack = async (): Promise<TestTableStack> => {
  const ground = openTestTables()
  const kept = await openKeptTables(ground, projections)
  const proxy = await startFaultProxy(ground.endpoint)
  const endpoint = `http://127.0.0.1:${proxy.port}`
  const sts = await startSts()
  const folder = await makeFolder()
  const lock = await acquireLock(join(folder.path, 'stack.lock'))
  const own = {
    ...Object.fromEntries(Object.entries(kept.tables).map(([name, table]) => [tableOutput(name), table])),
    ParkingTableName: kept.config.PARKING_TABLE,
    TombstonesTableName: kept.config.TOMBSTONES_TABLE,
    JobsTableName: kept.config.JOBS_TABLE,
  }
  const setOutputs: TestTableStack['setOutputs'] = async (outputs, { sts: withSts = true } = {}) => {
    const endpoints = {
      dynamodb: endpoint,
      rdsData: '',
      secretsManager: '',
      ...(withSts && { sts: sts.endpoint }),
    }
    const stack = { url: '', pid: process.pid, endpoints, outputs: { ...own, ...outputs } }
    await writeFile(join(folder.path, 'stack.json'), JSON.stringify(stack))
  }
  await setOutputs({})
  // Where a command puts them, too: it runs in this process, and the SDK looks nowhere else.
  Object.assign(process.env, LOCAL, {
    AWS_ENDPOINT_URL_DYNAMODB: endpoint,
    AWS_ENDPOINT_URL_STS: sts.endpoint,
  })
  return {
    ground,
    proxy,
    tables: kept.tables,
    jobs: new DynamoJobs({ client: ground.client, table: kept.config.JOBS_TABLE, deadline: new Deadline() }),
    jobsTable: kept.config.JOBS_TABLE,
    functionSettings: {
      TABLES: JSON.stringify(kept.tables),
      PARKING_TABLE: kept.config.PARKING_TABLE,
      TOMBSTONES_TABLE: kept.config.TOMBSTONES_TABLE,
      JOBS_TABLE: kept.config.JOBS_TABLE,
    },
    parts: () => kept.parts(),
    run: async (args, { typed, isTTY = typed !== undefined, interrupt, env } = {}) => {
      const terminal = fakeTerminal(isTTY, { BACKSYNC_HOME: folder.path, ...env })
      if (typed !== undefined) terminal.stdin.write(`${typed}\n`)
      const { signal } = interrupt ?? new AbortController()
      const code = await runProgram(args, commands, { io: terminal.io, interrupt: signal })
      return { code, stdout: terminal.stdout(), stderr: terminal.stderr() }
    },
    start: (...args) => startCli(args, { BACKSYNC_HOME: folder.path }),
    setOutputs,
    put: async (table, items) => {
      for (const item of items) await ground.put(table, item)
    },
    close: async () => {
      await lock.release()
      await folder.remove()
      await proxy.close()
      await sts.close()
      await ground.close()
    },
  }
}

/** So many users. */
export const usersOf = (count: number, more: (n: number) => Item = () => ({})): Item[] =>
  Array.from({ length: count }, (_, n) => ({
    email: { S: `user-${String(n).padStart(4, '0')}@example.com` },
    city: { S: `city-${n}` },
    state: { S: 'WA' },
    zipcode: { S: '98101' },
    ...more(n),
  }))

export const preferencesOf = (count: number): Item[] =>
  Array.from({ length: count }, (_, n) => ({
    id: { S: `u${n}` },
    preferenceType: { S: 'theme' },
    value: { S: n % 2 === 0 ? 'dark' : 'off' },
    size: { N: String(n) },
    legacyFlag: { BOOL: true },
  }))
