import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import mysql, { type Connection } from 'mysql2/promise'
import { type LocalStack, startLocalStack } from '../../infra/local/stack.ts'
import { testApp } from '../fixtures/team.ts'
import { runHere } from '../infra/cli/harness.ts'
import { seedAssembly } from '../support/assemblies.ts'
import { makeFolder, type TemporaryFolder } from '../support/folder.ts'
import { call, send } from '../support/stack.ts'
import { until } from '../support/until.ts'

/** The whole way, by the synthesised template, whose event sources give up after two invocations and not after hours. */
describe('batches that the event source gives up on', () => {
  const database = `given_up_${randomUUID().replaceAll('-', '')}`
  let folder: TemporaryFolder
  let stack: LocalStack
  let legacy: Connection

  beforeAll(async () => {
    const server = process.env.TEST_MYSQL_URL ?? ''
    folder = await makeFolder()
    legacy = await mysql.createConnection(server)
    const env = { ...process.env, MYSQL_URL: `${server.replace(/\/$/, '')}/${database}` }
    await seedAssembly(folder.path, env.MYSQL_URL)
    stack = await startLocalStack({
      home: folder.path,
      app: testApp,
      env,
      consent: async () => {},
      mappings: { maximumRetryAttempts: 1 },
    })
    await legacy.query(`USE ${database}`)
  }, 150_000)
  afterAll(async () => {
    await stack?.close()
    await legacy?.query(`DROP DATABASE IF EXISTS ${database}`)
    await legacy?.end()
    await folder?.remove()
  }, 30_000)

  const undelivered = (...args: string[]) => runHere(folder.path, 'undelivered', ...args)
  /** How many batches are listed, and how many records they have together. */
  const listed = async (): Promise<readonly [batches: number, records: number]> => {
    const { stdout } = await undelivered('list', '--json')
    const batches = stdout
      .split('\n')
      .filter(Boolean)
      .map((line): { records?: number } => JSON.parse(line))
    return [batches.length, batches.reduce((sum, { records = 0 }) => sum + records, 0)]
  }
  /** What the function that watches says, as its schedule has it run. */
  const gauge = async (): Promise<unknown> => {
    const watch = stack.functions.find(({ name }) => name.includes('Watch'))
    const outcome = await stack.invoke(watch?.name ?? '', {})
    if (!outcome.ok) throw new Error(JSON.stringify(outcome.error))
    return JSON.parse(outcome.payload)
  }
  const inAurora = async (key: string): Promise<Record<string, unknown> | number> => {
    const reply = await call(`${stack.url}/aurora/chefs/${key}`)
    return reply.status === 200 ? reply.json() : reply.status
  }

  it('are counted and listed, and redriven they arrive, but for what was overtaken', async () => {
    expect(await gauge()).toMatchObject({ undelivered: 0 })
    await legacy.query('RENAME TABLE cheftable TO elsewhere')
    const keys: string[] = []
    for (const firstName of ['a', 'b', 'c']) {
      const made = await send('POST', `${stack.url}/dynamo/chefs`, { firstName, lastName: 'x' })
      expect(made.status).toBe(201)
      keys.push(String(made.json().chefId))
    }
    await until('all are given up', 60_000, async () => (await listed())[1] === 3)
    const [batches] = await listed()
    expect(await gauge()).toMatchObject({ undelivered: batches })
    expect((await undelivered('list')).stdout).toContain('RetryAttemptsExhausted')

    await legacy.query('RENAME TABLE elsewhere TO cheftable')
    const [first = '', ...others] = keys
    const later = { firstName: 'later', lastName: 'x' }
    expect((await send('PUT', `${stack.url}/dynamo/chefs/${first}`, later)).status).toBe(200)
    await until('what came later arrives', 60_000, async () => typeof (await inAurora(first)) === 'object')
    expect(await Promise.all(others.map(inAurora))).toEqual([404, 404])

    const { code, stderr } = await undelivered('redrive', '--yes')
    expect([code, stderr]).toEqual([0, expect.not.stringContaining('kept')])
    expect(await Promise.all(keys.map(inAurora))).toMatchObject([
      { ...later, version: 2 },
      { firstName: 'b', version: 1 },
      { firstName: 'c', version: 1 },
    ])
    expect(await listed()).toEqual([0, 0])
    expect((await undelivered('list')).stdout).toContain('nothing is undelivered')
    expect(await gauge()).toMatchObject({ undelivered: 0 })
    expect((await runHere(folder.path, 'parked', 'list')).stdout).toContain('nothing is parked')
  }, 150_000)
})
