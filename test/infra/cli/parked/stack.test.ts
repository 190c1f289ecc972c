import { readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { DynamoDBClient, PutItemCommand } from '@aws-sdk/client-dynamodb'
import { ExecuteStatementCommand, RDSDataClient } from '@aws-sdk/client-rds-data'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { runCommand } from '../../../../infra/local/processes/command.ts'
import { withTestLists } from '../../../fixtures/team.ts'
import { makeFolder, type TemporaryFolder } from '../../../support/folder.ts'
import { type RunningStack, runStack } from '../../../support/stack.ts'
import { until } from '../../../support/until.ts'
import { jsonLines } from '../harness.ts'

const sdk = { region: 'us-east-1', credentials: { accessKeyId: 'local', secretAccessKey: 'local' } }

/** The whole way: this repository's stack as `npm start` runs it, and the command as `npx backsync` does. */
describe('a change that the legacy schema does not take', () => {
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

  const backsync = async (...args: string[]) => {
    const env = { ...process.env, NODE_OPTIONS: withTestLists, BACKSYNC_HOME: folder.path }
    const launcher = resolve('infra/cli/backsync.mjs')
    return runCommand(process.execPath, [launcher, 'parked', ...args], { withinMs: 60_000, env })
  }
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
    await dynamodb.send(
      new PutItemCommand({ TableName: outputs.ChefTableName, Item: { ...attributes, version: { N: '1' } } }),
    )
    await until('it is parked', 30_000, async () => (await backsync('list', '--json')).output !== '')

    const [parked] = jsonLines((await backsync('list', '--json')).output)
    expect(parked).toMatchObject({ entity: 'chef', key: 'c1', version: '1', class: 'data', state: 'parked' })
    const shown = await backsync('show', 'chef', 'c1', '--json')
    expect(JSON.parse(shown.output).payload.dynamodb.NewImage.firstName).toEqual({ S: 'Alexander' })
    // The reason is for everybody's eyes, the payload only for those who ask for it.
    expect(JSON.stringify(parked)).not.toContain('Alexander')

    const tooEarly = await backsync('retry', '--yes')
    expect(tooEarly).toMatchObject({ code: 3, output: expect.stringMatching(/chef +c1 +1 +parked/) })

    await sql('ALTER TABLE cheftable MODIFY cheffirst VARCHAR(255)')
    const retried = await backsync('retry', 'chef', 'c1', '--yes')
    expect(retried).toMatchObject({ code: 0, output: expect.stringMatching(/chef +c1 +1 +applied/) })
    expect(await sql("SELECT cheffirst FROM cheftable WHERE backsync_key = 'c1'")).toEqual(['Alexander'])
    expect(await backsync('list')).toEqual({ code: 0, output: 'nothing is parked' })
  }, 120_000)
})
