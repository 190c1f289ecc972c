import {
  BatchGetItemCommand,
  BatchWriteItemCommand,
  CreateTableCommand,
  DeleteTableCommand,
  DynamoDBClient,
  PutItemCommand,
  ScanCommand,
  TransactionCanceledException,
  TransactWriteItemsCommand,
} from '@aws-sdk/client-dynamodb'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals'
import { uuidv7 } from 'uuidv7'
import { type FaultProxy, startFaultProxy, type Verdict } from './fault-proxy.ts'
import { until } from './until.ts'

const table = `faults-${uuidv7()}`
let proxy: FaultProxy
let client: DynamoDBClient

beforeAll(async () => {
  proxy = await startFaultProxy(process.env.TEST_DYNAMODB_ENDPOINT ?? '')
  client = new DynamoDBClient({
    endpoint: proxy.endpoint,
    region: 'us-east-1',
    credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
    maxAttempts: 1,
  })
})
beforeEach(async () => {
  proxy.use()
  await client.send(
    new CreateTableCommand({
      TableName: table,
      AttributeDefinitions: [{ AttributeName: 'id', AttributeType: 'N' }],
      KeySchema: [{ AttributeName: 'id', KeyType: 'HASH' }],
      BillingMode: 'PAY_PER_REQUEST',
    }),
  )
})
afterEach(async () => {
  proxy.use()
  await client.send(new DeleteTableCommand({ TableName: table }))
})
afterAll(async () => {
  client.destroy()
  await proxy.close()
})

const ids = async (): Promise<number[]> => {
  proxy.use()
  const { Items = [] } = await client.send(new ScanCommand({ TableName: table, ConsistentRead: true }))
  return Items.map(({ id }) => Number(id?.N)).sort((a, b) => a - b)
}
const put = (id: number) =>
  client.send(new PutItemCommand({ TableName: table, Item: { id: { N: String(id) } } }))
const batch = (count: number) =>
  client.send(
    new BatchWriteItemCommand({
      RequestItems: {
        [table]: Array.from({ length: count }, (_, id) => ({
          PutRequest: { Item: { id: { N: String(id) } } },
        })),
      },
    }),
  )
const always = (verdict: Verdict): void => proxy.use(() => verdict)

describe('the fault proxy', () => {
  it.each([
    ['throttle', 'ThrottlingException'],
    ['busy', 'InternalServerError'],
    ['refuse', 'ValidationException'],
    ['conflict', 'TransactionCanceledException'],
  ] as const)('%s is answered as %s, and nothing is done', async (verdict, name) => {
    always(verdict)
    await expect(put(1)).rejects.toMatchObject({ name })
    expect(await ids()).toEqual([])
  })

  it('cuts the socket before or after the work is done', async () => {
    always('drop')
    await expect(put(1)).rejects.toThrow(/socket hang up|ECONNRESET/)
    always('drop-answer')
    await expect(put(2)).rejects.toThrow(/socket hang up|ECONNRESET/)
    expect(await ids()).toEqual([2])
  })

  it('answers as if all were done', async () => {
    always('swallow')
    await put(1)
    expect(await ids()).toEqual([])
  })

  it('leaves a share of a batch unprocessed', async () => {
    always({ partial: 0.3 })
    const { UnprocessedItems = {} } = await batch(10)
    expect(UnprocessedItems[table]?.map(({ PutRequest }) => PutRequest?.Item?.id?.N)).toEqual(['7', '8', '9'])
    expect(await ids()).toEqual([0, 1, 2, 3, 4, 5, 6])
  })

  it('leaves no batch without anything done: AWS throws then', async () => {
    always({ partial: 1 })
    await expect(batch(3)).rejects.toMatchObject({ name: 'ProvisionedThroughputExceededException' })
    expect(await ids()).toEqual([])
  })

  it('leaves a share of the keys of a read unprocessed', async () => {
    await batch(4)
    always({ partial: 0.5 })
    const answer = await client.send(
      new BatchGetItemCommand({
        RequestItems: {
          [table]: {
            Keys: [0, 1, 2, 3].map((id) => ({ id: { N: String(id) } })),
            ConsistentRead: true,
          },
        },
      }),
    )
    expect(answer.Responses?.[table]).toHaveLength(2)
    expect(answer.UnprocessedKeys?.[table]).toEqual({
      Keys: [{ id: { N: '2' } }, { id: { N: '3' } }],
      ConsistentRead: true,
    })
  })

  it('names the reason for each write of a transaction', async () => {
    always('conflict')
    const Put = (id: string) => ({ Put: { TableName: table, Item: { id: { N: id } } } })
    const failed = await client
      .send(new TransactWriteItemsCommand({ TransactItems: [Put('1'), Put('2')] }))
      .catch((error: unknown) => error)
    expect(failed).toBeInstanceOf(TransactionCanceledException)
    expect(failed).toMatchObject({
      CancellationReasons: [{ Code: 'TransactionConflict' }, { Code: 'TransactionConflict' }],
    })
  })

  it('tells the hook what is asked, and counts', async () => {
    const before = proxy.calls('PutItem')
    const faults = proxy.faults()
    const seen: unknown[] = []
    proxy.use(({ operation, tables, writes, place }) => {
      seen.push({ operation, tables, writes, place: place - before })
      return operation === 'PutItem' ? 'throttle' : 'pass'
    })
    await expect(put(1)).rejects.toThrow()
    await batch(2)
    expect(seen).toEqual([
      { operation: 'PutItem', tables: [table], writes: 1, place: 1 },
      { operation: 'BatchWriteItem', tables: [table], writes: 2, place: expect.any(Number) },
    ])
    expect([proxy.calls('PutItem') - before, proxy.faults() - faults]).toEqual([1, 1])
  })

  it('lets a call that was given up reach the server late', async () => {
    const gate = Promise.withResolvers<void>()
    const held = Promise.withResolvers<void>()
    proxy.use(async () => {
      held.resolve()
      await gate.promise
      return 'pass' as const
    })
    const giveUp = new AbortController()
    const zombie = client.send(new PutItemCommand({ TableName: table, Item: { id: { N: '7' } } }), {
      abortSignal: giveUp.signal,
    })
    await held.promise
    giveUp.abort()
    await expect(zombie).rejects.toMatchObject({ name: 'AbortError' })
    expect(await ids()).toEqual([])
    gate.resolve()
    await until('the late call is done', 5_000, async () => (await ids()).includes(7))
  })
  it('cuts the socket now, and lets the call reach the server late', async () => {
    const gate = Promise.withResolvers<void>()
    always({ late: gate.promise })
    await expect(put(8)).rejects.toThrow(/socket hang up|ECONNRESET/)
    expect(await ids()).toEqual([])
    gate.resolve()
    await until('the late call is done', 5_000, async () => (await ids()).includes(8))
  })
})
