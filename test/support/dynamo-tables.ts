import { randomUUID } from 'node:crypto'
import {
  CreateTableCommand,
  DeleteItemCommand,
  DeleteTableCommand,
  DescribeTableCommand,
  DynamoDBClient,
  PutItemCommand,
  ScanCommand,
} from '@aws-sdk/client-dynamodb'
import { DynamoDBStreamsClient } from '@aws-sdk/client-dynamodb-streams'
import type { Item } from '../../functions/bridge/drivers/dynamo/items.ts'
import { type KeySchema, keyAttributes } from '../../functions/bridge/drivers/dynamo/key-schema.ts'
import type { StreamRecord } from '../../infra/local/streams/records.ts'
import { sdkSource } from '../../infra/local/streams/sdk-source.ts'

/** Tables of a test's own in a real DynamoDB. */
export type TestTables = {
  readonly endpoint: string
  readonly client: DynamoDBClient
  /** A client by way of another endpoint, such as a fault proxy's, that repeats nothing. Closed with the tables. */
  through(endpoint: string): DynamoDBClient
  /** Makes an empty table. @returns its name in DynamoDB */
  create(name: string, key: KeySchema, options?: { readonly stream?: boolean }): Promise<string>
  put(table: string, item: Item): Promise<void>
  remove(table: string, key: Item): Promise<void>
  /** Every item, by one plain scan that knows nothing of the code under test. */
  all(table: string): Promise<readonly Item[]>
  /** Every record of the table's stream so far, as Lambda delivers them. */
  records(table: string): Promise<readonly StreamRecord[]>
  /** Drops the tables. */
  close(): Promise<void>
}

const credentials = { accessKeyId: 'test', secretAccessKey: 'test' }
const region = 'us-east-1'

export const openTestTables = (endpoint = process.env.TEST_DYNAMODB_ENDPOINT ?? ''): TestTables => {
  const client = new DynamoDBClient({ endpoint, region, credentials })
  const streams = new DynamoDBStreamsClient({ endpoint, region, credentials })
  const others: DynamoDBClient[] = []
  const made: string[] = []
  return {
    endpoint,
    client,
    through: (other) => {
      const next = new DynamoDBClient({ endpoint: other, region, credentials, maxAttempts: 1 })
      withOwnErrors(next)
      others.push(next)
      return next
    },
    create: async (name, key, { stream = false } = {}) => {
      const TableName = `${name}-${randomUUID()}`
      const attributes = keyAttributes(key)
      await client.send(
        new CreateTableCommand({
          TableName,
          AttributeDefinitions: attributes.map(({ name: AttributeName, type }) => ({
            AttributeName,
            AttributeType: type,
          })),
          KeySchema: attributes.map(({ name: AttributeName }, at) => ({
            AttributeName,
            KeyType: at === 0 ? 'HASH' : 'RANGE',
          })),
          BillingMode: 'PAY_PER_REQUEST',
          ...(stream && {
            StreamSpecification: { StreamEnabled: true, StreamViewType: 'NEW_AND_OLD_IMAGES' },
          }),
        }),
      )
      made.push(TableName)
      return TableName
    },
    put: async (TableName, item) => {
      await client.send(new PutItemCommand({ TableName, Item: item }))
    },
    remove: async (TableName, Key) => {
      await client.send(new DeleteItemCommand({ TableName, Key }))
    },
    all: async (TableName) => {
      const items: Item[] = []
      let start: Item | undefined
      do {
        const page = await client.send(
          new ScanCommand({ TableName, ConsistentRead: true, ...(start && { ExclusiveStartKey: start }) }),
        )
        items.push(...(page.Items ?? []))
        start = page.LastEvaluatedKey
      } while (start !== undefined)
      return items
    },
    records: async (TableName) => {
      const { Table } = await client.send(new DescribeTableCommand({ TableName }))
      if (Table?.LatestStreamArn === undefined) throw new Error(`${TableName} has no stream`)
      return readStream(streams, Table.LatestStreamArn)
    },
    close: async () => {
      for (const TableName of made) await client.send(new DeleteTableCommand({ TableName }))
      for (const other of [client, streams, ...others]) other.destroy()
    },
  }
}

/** From the beginning; both emulators have one shard, and an open one's end is an empty page. */
const readStream = async (streams: DynamoDBStreamsClient, arn: string): Promise<StreamRecord[]> => {
  const source = sdkSource(streams)
  const records: StreamRecord[] = []
  for (const { id } of await source.shards(arn)) {
    let iterator: string | undefined = await source.iterator(arn, id, { type: 'TRIM_HORIZON' })
    while (iterator !== undefined) {
      const page = await source.read(arn, iterator, 1_000)
      records.push(...page.records)
      iterator = page.records.length === 0 ? undefined : page.next
    }
  }
  return records
}

/**
 * Inside jest the errors of Node's own modules belong to another realm, are no `Error` to the SDK, and lose their name
 * and code there, which tell a lost connection from an unknown failure.
 */
const withOwnErrors = (client: DynamoDBClient): void =>
  client.middlewareStack.add(
    (next) => async (args) => {
      try {
        return await next(args)
      } catch (error) {
        if (error instanceof Error || typeof error !== 'object' || error === null) throw error
        const own = new Error(String(Reflect.get(error, 'message')), { cause: error })
        own.name = String(Reflect.get(error, 'name'))
        throw Object.assign(own, { code: Reflect.get(error, 'code') })
      }
    },
    { step: 'finalizeRequest', priority: 'low' },
  )
