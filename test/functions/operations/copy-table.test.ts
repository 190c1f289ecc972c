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

let invocations = 0
const context = (milliseconds = 60_000): InvocationContext => {
  invocations += 1
  return { awsRequestId: `request-${invocations}`, getRemainingTimeInMillis: () => milliseconds }
}
const openRequest = async () => {
  const [sourceTableName, destinationTableName] = [await tables.create(), await tables.create()]
  await tables.put(sourceTableName, itemsOf(60))
  await tables.put(destinationTableName, [{ id: { S: 'stranger' } }])
  return { sourceTableName, destinationTableName, cleanupDestinationTable: true, migrate: true }
}

describe('the function that copies tables', () => {
  it('does what the pipeline’s event asks for', async () => {
    const request = await openRequest()

    expect(await handler(request, context())).toMatchObject({
      cleaned: 1,
      copied: 60,
      equal: true,
      done: true,
    })
    expect(await readAll(tables.client, request.destinationTableName)).toHaveLength(60)
  })

  it('fails by name when its time runs out; the same event goes on', async () => {
    const request = await openRequest()
    const failing = handler(request, context(5_000))

    await expect(failing).rejects.toMatchObject({
      name: 'CopyError',
      code: 'copy.unfinished',
      message: expect.stringContaining('the same event goes on'),
    })
    expect(await handler(request, context())).toMatchObject({ cleaned: 1, copied: 60, equal: true })
  })

  it.each([
    ['an event of another kind', { Records: [] }, 'copy.request'],
    ['a table into itself', { sourceTableName: 'same' }, 'copy.same-table'],
  ])('refuses %s', async (_, change, code) => {
    const request = await openRequest()
    const event =
      code === 'copy.request' ? change : { ...request, sourceTableName: request.destinationTableName }

    await expect(handler(event, context())).rejects.toMatchObject({ code, kind: 'configuration' })
    expect(await readAll(tables.client, request.destinationTableName)).toHaveLength(1)
  })

  it('serves the state machine, whose payloads pass through JSON', async () => {
    const request = await openRequest()
    const call = async (event: object) => JSON.parse(JSON.stringify(await handler(event, context())))
    const planned = await call({ operation: 'plan', request, execution: 'execution-1' })
    for (const step of ['cleanup', 'migrate', 'verify'])
      for (const item of planned[step]) {
        let state = { operation: 'segment', request: planned.request, ...item, done: false }
        while (!state.done) state = await call(state)
      }

    expect(await call({ operation: 'conclude', request: planned.request })).toMatchObject({
      cleaned: 1,
      copied: 60,
      equal: true,
    })
  })
})
