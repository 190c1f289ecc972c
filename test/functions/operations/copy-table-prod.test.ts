import { CreateTableCommand } from '@aws-sdk/client-dynamodb'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import type { InvocationContext } from '../../../functions/bridge/runtime/deadline.ts'
import { itemsOf, type JobTables, openJobTables, readAll } from '../bridge/jobs/job-tables.ts'

let tables: JobTables
let handler: (event: unknown, context: InvocationContext) => Promise<unknown>
const before = { ...process.env }

beforeAll(async () => {
  tables = await openJobTables()
  Object.assign(process.env, {
    JOBS_TABLE: tables.jobsTable,
    STAGE: 'prod',
    AWS_ENDPOINT_URL_DYNAMODB: process.env.TEST_DYNAMODB_ENDPOINT,
    AWS_REGION: 'us-east-1',
    AWS_ACCESS_KEY_ID: 'test',
    AWS_SECRET_ACCESS_KEY: 'test',
    LOG_LEVEL: 'error',
  })
  handler = (await import('../../../functions/operations/copy-table.ts')).handler
})
afterAll(async () => {
  process.env = before
  await tables.close()
})

const context: InvocationContext = { awsRequestId: 'request', getRemainingTimeInMillis: () => 60_000 }

describe('the function that copies tables, in stage prod', () => {
  /** A request whose destination holds an item, and is followed by a stream. */
  const openRequest = async () => {
    const [sourceTableName, model] = [await tables.create(), await tables.create()]
    const destinationTableName = `${model}-followed`
    await tables.client.send(
      new CreateTableCommand({
        TableName: destinationTableName,
        AttributeDefinitions: [{ AttributeName: 'id', AttributeType: 'S' }],
        KeySchema: [{ AttributeName: 'id', KeyType: 'HASH' }],
        BillingMode: 'PAY_PER_REQUEST',
        StreamSpecification: { StreamEnabled: true, StreamViewType: 'NEW_AND_OLD_IMAGES' },
      }),
    )
    await tables.put(sourceTableName, itemsOf(3))
    await tables.put(destinationTableName, [{ id: { S: 'stranger' } }])
    return { sourceTableName, destinationTableName, cleanupDestinationTable: true, migrate: true }
  }

  it.each([
    ['a request', (request: object) => request],
    ['the state machine', (request: object) => ({ operation: 'plan', request, execution: 'execution' })],
  ])('empties a table that a stream follows only for %s that names it', async (_, eventOf) => {
    const request = await openRequest()
    const { destinationTableName, sourceTableName } = request
    for (const more of [{}, { emptiesFollowedTable: sourceTableName }])
      await expect(handler(eventOf({ ...request, ...more }), context)).rejects.toMatchObject({
        code: 'copy.followed',
        message: expect.stringContaining(`emptiesFollowedTable: "${destinationTableName}"`),
      })
    expect(await readAll(tables.client, destinationTableName)).toEqual([{ id: { S: 'stranger' } }])

    const named = { ...request, emptiesFollowedTable: destinationTableName }
    expect(await handler(eventOf(named), context)).toBeDefined()
  })

  it('asks for no name where nothing is emptied, or no stream follows', async () => {
    const request = await openRequest()
    const { destinationTableName, sourceTableName } = request
    expect(await handler({ ...request, cleanupDestinationTable: false }, context)).toMatchObject({
      copied: 3,
    })

    const back = { ...request, sourceTableName: destinationTableName, destinationTableName: sourceTableName }
    expect(await handler(back, context)).toMatchObject({ cleaned: 3, copied: 4, equal: true })
  })
})
