import { readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { CreateTableCommand, DynamoDBClient, PutItemCommand } from '@aws-sdk/client-dynamodb'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import type { Item } from '../../../../functions/bridge/drivers/dynamo/items.ts'
import { runCommand } from '../../../../infra/local/processes/command.ts'
import { withTestLists } from '../../../fixtures/team.ts'
import { makeFolder, type TemporaryFolder } from '../../../support/folder.ts'
import { type RunningStack, runStack } from '../../../support/stack.ts'
import { until } from '../../../support/until.ts'
import { preferencesOf, usersOf } from './harness.ts'

/** The whole way: this repository's stack as `npm start` runs it, and the commands as `npx backsync` does. */
describe('the commands for tables, on a running stack', () => {
  let folder: TemporaryFolder
  let stack: RunningStack
  let client: DynamoDBClient
  let outputs: Record<string, string>

  beforeAll(async () => {
    folder = await makeFolder()
    stack = await runStack(folder.path)
    const facts = JSON.parse(readFileSync(join(folder.path, 'stack.json'), 'utf8'))
    outputs = facts.outputs
    const credentials = { accessKeyId: 'local', secretAccessKey: 'local' }
    client = new DynamoDBClient({ region: 'us-east-1', credentials, endpoint: facts.endpoints.dynamodb })
  }, 150_000)
  afterAll(async () => {
    client?.destroy()
    await stack?.stop()
    await folder.remove()
  }, 30_000)

  const put = (TableName: string | undefined, Item: Item) =>
    client.send(new PutItemCommand({ TableName, Item }))
  const backsync = (...args: string[]) =>
    runCommand(process.execPath, [resolve('infra/cli/backsync.mjs'), ...args], {
      withinMs: 60_000,
      env: { ...process.env, NODE_OPTIONS: withTestLists, BACKSYNC_HOME: folder.path },
    })
  /** Behind what it says of its progress, where it takes its time. */
  const json = async (...args: string[]) => {
    const { output } = await backsync(...args, '--json')
    return JSON.parse(output.slice(output.indexOf('{')))
  }

  it('show and compare what the stream keeps, as soon as somebody has written', async () => {
    for (const user of usersOf(1)) await put(outputs.UsersTableName, user)
    await until('the replica has it', 30_000, async () => (await json('count', 'users-by-city')).items === 1)

    const shown = await json('replicate', 'status', 'users-by-city', '--verify')
    expect(shown).toMatchObject({ state: 'following', verification: { equal: true, source: 1, target: 1 } })
    expect(shown.lastAppliedAt).toMatch(/^\d{4}-.*Z$/)
  }, 60_000)

  it('bring a restored table back into the live one, and its replica follows', async () => {
    const restored = 'users-restored'
    await client.send(
      new CreateTableCommand({
        TableName: restored,
        AttributeDefinitions: [{ AttributeName: 'email', AttributeType: 'S' }],
        KeySchema: [{ AttributeName: 'email', KeyType: 'HASH' }],
        BillingMode: 'PAY_PER_REQUEST',
      }),
    )
    for (const user of usersOf(500)) await put(restored, user)
    const copied = await backsync('copy', 'users-restored', 'users', '--cleanup', '--yes')
    expect(copied).toMatchObject({ code: 0, output: expect.stringMatching(/^copied +500$/m) })
    expect(copied.output).toMatch(/^result +equal$/m)

    await until(
      'the replica has all',
      30_000,
      async () => (await json('count', 'users-by-city')).items === 500,
    )
    expect((await backsync('replicate', 'status', '--verify')).code).toBe(0)
  }, 120_000)

  it('fill, compare and finish a new table', async () => {
    for (const preference of preferencesOf(1_000)) await put(outputs.UserPreferencesTableName, preference)
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
