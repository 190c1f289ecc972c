import { randomUUID } from 'node:crypto'
import {
  type AttributeValue,
  BatchWriteItemCommand,
  CreateTableCommand,
  DeleteTableCommand,
  DynamoDBClient,
  ScanCommand,
} from '@aws-sdk/client-dynamodb'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import * as z from 'zod'
import { jobsTable } from '../../../functions/bridge/jobs/job-settings.ts'
import { templateOf } from '../fixtures/synthesise.ts'
import { definitionIn, execute } from '../fixtures/workflow.ts'

type Item = Record<string, AttributeValue>

const ITEMS = 400
const callSchema = z.looseObject({
  operation: z.string(),
  step: z.string().optional(),
  segment: z.number().optional(),
})
const answerSchema = z.looseObject({ done: z.boolean().optional() })

describe("the copy's state machine with the function that it invokes, over DynamoDB", () => {
  const id = randomUUID()
  const [source, destination, jobs] = [`from-${id}`, `to-${id}`, `jobs-${id}`]
  const template = templateOf()
  let client: DynamoDBClient
  let handler: typeof import('../../../functions/operations/copy-table.ts').handler

  beforeAll(async () => {
    const endpoint = process.env.TEST_DYNAMODB_ENDPOINT ?? ''
    const credentials = { accessKeyId: 'test', secretAccessKey: 'test' }
    client = new DynamoDBClient({ endpoint, region: 'us-east-1', credentials })
    const create = (TableName: string, ...names: readonly string[]) =>
      client.send(
        new CreateTableCommand({
          TableName,
          AttributeDefinitions: names.map((AttributeName) => ({ AttributeName, AttributeType: 'S' })),
          KeySchema: names.map((AttributeName, at) => ({
            AttributeName,
            KeyType: at === 0 ? 'HASH' : 'RANGE',
          })),
          BillingMode: 'PAY_PER_REQUEST',
        }),
      )
    await create(source, 'id')
    await create(destination, 'id')
    await create(jobs, jobsTable.partition, jobsTable.sort)
    await fill(
      source,
      Array.from({ length: ITEMS }, (_, at) => item(`new ${at}`)),
    )
    // What the template and Lambda give it; it reads them when it loads.
    Object.assign(process.env, {
      JOBS_TABLE: jobs,
      AWS_REGION: 'us-east-1',
      AWS_ACCESS_KEY_ID: credentials.accessKeyId,
      AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey,
      AWS_ENDPOINT_URL_DYNAMODB: endpoint,
      LOG_LEVEL: 'error',
    })
    ;({ handler } = await import('../../../functions/operations/copy-table.ts'))
  })
  afterAll(async () => {
    for (const TableName of [source, destination, jobs])
      await client.send(new DeleteTableCommand({ TableName }))
    client.destroy()
  })

  const item = (key: string): Item => ({
    id: { S: key },
    digits: { N: '-1234567890123456789012345678.9012345678' },
    bytes: { B: Buffer.from(key) },
    tags: { SS: ['b', 'a'] },
  })
  const fill = async (table: string, items: readonly Item[]): Promise<void> => {
    for (let at = 0; at < items.length; at += 25) {
      const puts = items.slice(at, at + 25).map((Item) => ({ PutRequest: { Item } }))
      await client.send(new BatchWriteItemCommand({ RequestItems: { [table]: puts } }))
    }
  }
  const keysOf = async (TableName: string): Promise<string[]> => {
    const { Items = [] } = await client.send(new ScanCommand({ TableName, ConsistentRead: true }))
    return Items.map((one) => one.id?.S ?? '').sort()
  }

  /** Runs an execution whose invocations have so many milliseconds; notes each call and whether it was done. */
  const run = async (options: {
    readonly milliseconds?: number
    readonly maxRate?: number
    readonly segments?: number
    readonly cleanup?: boolean
    readonly fail?: (call: z.infer<typeof callSchema>) => boolean
  }) => {
    const { milliseconds = 60_000, maxRate, segments, cleanup = true, fail = () => false } = options
    const calls: { readonly what: string; readonly done: boolean | undefined }[] = []
    const request = {
      sourceTableName: source,
      destinationTableName: destination,
      cleanupDestinationTable: cleanup,
      migrate: true,
      ...(maxRate !== undefined && { maxRate }),
      ...(segments !== undefined && { segments }),
    }
    const report = execute(definitionIn(template, 'CopyTable'), request, async (payload) => {
      const call = callSchema.parse(payload)
      if (fail(call)) throw Object.assign(new Error('the power went out'), { name: 'PowerError' })
      const ends = performance.now() + milliseconds
      const answer = await handler(payload, {
        awsRequestId: randomUUID(),
        getRemainingTimeInMillis: () => ends - performance.now(),
      })
      calls.push({
        what: [call.operation, call.step, call.segment].join(' ').trim(),
        done: answerSchema.parse(answer).done,
      })
      return answer
    })
    return { report: await report.catch((error: unknown) => error), calls }
  }

  it('empties, copies and compares', async () => {
    await fill(
      destination,
      Array.from({ length: 60 }, (_, at) => item(`old ${at}`)),
    )

    const { report, calls } = await run({})

    expect(report).toMatchObject({
      cleaned: 60,
      copied: ITEMS,
      source: { items: ITEMS },
      destination: { items: ITEMS },
      equal: true,
      refused: [],
      done: true,
    })
    expect(await keysOf(destination)).toEqual(await keysOf(source))
    expect(calls.filter(({ what }) => what.startsWith('segment migrate')).length).toBeGreaterThanOrEqual(8)
  }, 60_000)

  it('goes on with what an invocation has no time for', async () => {
    // Each of two segments takes a second at this rate. An invocation begins no page in its last 5.5 seconds, so that
    // it has half of one for them. (No clean-up: the emulator ends a segment's scan behind a key that has been deleted.)
    const short = { milliseconds: 6_000, segments: 2, maxRate: ITEMS, cleanup: false }
    const { report, calls } = await run(short)

    expect(report).toMatchObject({ copied: ITEMS, destination: { items: ITEMS }, equal: true, done: true })
    expect(calls.filter(({ done }) => done === false).length).toBeGreaterThan(0)
  }, 60_000)

  it('keeps what was done when a segment fails; the same input goes on with the rest', async () => {
    const failed = await run({ fail: ({ step, segment }) => step === 'migrate' && segment === 3 })

    expect(failed.report).toMatchObject({
      name: 'ExecutionError',
      message: expect.stringMatching(/A segment failed: the power went out\./),
    })
    expect(failed.calls.at(-1)?.what).not.toBe('conclude')

    const { report, calls } = await run({})

    expect(report).toMatchObject({ cleaned: ITEMS, copied: ITEMS, equal: true, done: true })
    expect(calls.filter(({ what }) => what.startsWith('segment cleanup'))).toEqual([])
    expect(calls.map(({ what }) => what)).toContain('segment migrate 3')
    expect(await keysOf(destination)).toEqual(await keysOf(source))
  }, 60_000)
})
