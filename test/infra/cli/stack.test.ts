import { readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { CreateTableCommand, DynamoDBClient, PutItemCommand, ScanCommand } from '@aws-sdk/client-dynamodb'
import { ExecuteStatementCommand, RDSDataClient } from '@aws-sdk/client-rds-data'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import type { Item } from '../../../functions/bridge/drivers/dynamo/items.ts'
import { runCommand } from '../../../infra/local/processes/command.ts'
import { withTestLists } from '../../fixtures/team.ts'
import { makeFolder, type TemporaryFolder } from '../../support/folder.ts'
import { type RunningStack, runStack } from '../../support/stack.ts'
import { until } from '../../support/until.ts'
import { jsonLines } from './harness.ts'
import { preferencesOf, usersOf } from './tables/harness.ts'

const sdk = { region: 'us-east-1', credentials: { accessKeyId: 'local', secretAccessKey: 'local' } }

/** The whole way: this repository's stack as `npm start` runs it, and the commands as `npx backsync` does. */
let folder: TemporaryFolder
let stack: RunningStack
let dynamodb: DynamoDBClient
let dataApi: RDSDataClient
let outputs: Record<string, string>
beforeAll(async () => {
  folder = await makeFolder()
  stack = await runStack(folder.path)
  const facts = JSON.parse(readFileSync(join(folder.path, 'stack.json'), 'utf8'))
  outputs = facts.outputs
  dynamodb = new DynamoDBClient({ ...sdk, endpoint: facts.endpoints.dynamodb })
  dataApi = new RDSDataClient({ ...sdk, endpoint: facts.endpoints.rdsData })
}, 150_000)
afterAll(async () => {
  dynamodb?.destroy()
  dataApi?.destroy()
  await stack?.stop()
  await folder.remove()
}, 30_000)

const backsync = (...args: string[]) =>
  runCommand(process.execPath, [resolve('infra/cli/backsync.mjs'), ...args], {
    withinMs: 60_000,
    env: { ...process.env, NODE_OPTIONS: withTestLists, BACKSYNC_HOME: folder.path },
  })
const put = (TableName: string | undefined, Item: Item) =>
  dynamodb.send(new PutItemCommand({ TableName, Item }))
/** How many items a table has; a command that counts takes a second of a core, and is asked once. */
const countOf = async (TableName: string | undefined): Promise<number | undefined> =>
  (await dynamodb.send(new ScanCommand({ TableName, Select: 'COUNT', ConsistentRead: true }))).Count

describe('the commands for tables, on a running stack', () => {
  /** Behind what it says of its progress, where it takes its time. */
  const json = async (...args: string[]) => {
    const { output } = await backsync(...args, '--json')
    return JSON.parse(output.slice(output.indexOf('{')))
  }

  it('show and compare what the stream keeps, as soon as somebody has written', async () => {
    for (const user of usersOf(1)) await put(outputs.UsersTableName, user)
    await until('the replica has it', 30_000, async () => (await countOf(outputs.UsersByCityTableName)) === 1)
    expect(await json('count', 'users-by-city')).toMatchObject({ items: 1 })

    const shown = await json('replicate', 'status', 'users-by-city', '--verify')
    expect(shown).toMatchObject({ state: 'following', verification: { equal: true, source: 1, target: 1 } })
    expect(shown.lastAppliedAt).toMatch(/^\d{4}-.*Z$/)
  }, 60_000)

  it('bring a restored table back into the live one, and its replica follows', async () => {
    const restored = 'users-restored'
    await dynamodb.send(
      new CreateTableCommand({
        TableName: restored,
        AttributeDefinitions: [{ AttributeName: 'email', AttributeType: 'S' }],
        KeySchema: [{ AttributeName: 'email', KeyType: 'HASH' }],
        BillingMode: 'PAY_PER_REQUEST',
      }),
    )
    await Promise.all(usersOf(500).map((user) => put(restored, user)))
    const copied = await backsync('copy', 'users-restored', 'users', '--cleanup', '--yes')
    expect(copied).toMatchObject({ code: 0, output: expect.stringMatching(/^copied +500$/m) })
    expect(copied.output).toMatch(/^result +equal$/m)

    await until(
      'the replica has all',
      30_000,
      async () => (await countOf(outputs.UsersByCityTableName)) === 500,
    )
    expect((await backsync('replicate', 'status', '--verify')).code).toBe(0)
  }, 120_000)

  it('fill, compare and finish a new table', async () => {
    await Promise.all(preferencesOf(1_000).map((one) => put(outputs.UserPreferencesTableName, one)))
    const started = await json('reshape', 'start', 'user-preferences-v2')
    expect(started).toMatchObject({ todo: 'begin', items: 1_000, parked: 0 })
    const finished = await backsync('reshape', 'finish', 'user-preferences-v2', '--yes')
    expect(finished).toMatchObject({
      code: 0,
      output: expect.stringContaining('1,000 of user-preferences-v2'),
    })
    expect(await json('reshape', 'status')).toMatchObject({ state: 'finished', items: 1_000 })
  }, 120_000)
})

describe('a change that the legacy schema does not take, on a running stack', () => {
  const parked = (...args: string[]) => backsync('parked', ...args)
  const sql = async (text: string): Promise<unknown[]> => {
    const { ClusterArn: resourceArn, SecretArn: secretArn, DatabaseName: database } = outputs
    const command = new ExecuteStatementCommand({ resourceArn, secretArn, database, sql: text })
    return (await dataApi.send(command)).records?.map(([field]) => field?.stringValue) ?? []
  }

  it('is parked with its payload, listed, tried again, and applied once the schema takes it', async () => {
    await sql('ALTER TABLE cheftable MODIFY cheffirst VARCHAR(5)')
    const item = {
      chefId: 'c1',
      firstName: 'Alexander',
      lastName: 'Flay',
      updatedAt: '2026-11-22T10:00:00.000Z',
    }
    const attributes = Object.fromEntries(Object.entries(item).map(([name, text]) => [name, { S: text }]))
    await put(outputs.ChefTableName, { ...attributes, version: { N: '1' } })
    await until('it is parked', 30_000, async () => Number(await countOf(outputs.ParkingTableName)) > 0)

    const [head] = jsonLines((await parked('list', '--json')).output)
    expect(head).toMatchObject({ entity: 'chef', key: 'c1', version: '1', class: 'data', state: 'parked' })
    const shown = await parked('show', 'chef', 'c1', '--json')
    expect(JSON.parse(shown.output).payload.dynamodb.NewImage.firstName).toEqual({ S: 'Alexander' })
    // The reason is for everybody's eyes, the payload only for those who ask for it.
    expect(JSON.stringify(head)).not.toContain('Alexander')

    const tooEarly = await parked('retry', '--yes')
    expect(tooEarly).toMatchObject({ code: 3, output: expect.stringMatching(/chef +c1 +1 +parked/) })

    await sql('ALTER TABLE cheftable MODIFY cheffirst VARCHAR(255)')
    const retried = await parked('retry', 'chef', 'c1', '--yes')
    expect(retried).toMatchObject({ code: 0, output: expect.stringMatching(/chef +c1 +1 +applied/) })
    expect(await sql("SELECT cheffirst FROM cheftable WHERE backsync_key = 'c1'")).toEqual(['Alexander'])
    expect(await parked('list')).toEqual({ code: 0, output: 'nothing is parked' })
  }, 120_000)
})
