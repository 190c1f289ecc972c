import { randomUUID } from 'node:crypto'
import {
  CreateTableCommand,
  type CreateTableCommandInput,
  DeleteTableCommand,
  DescribeTableCommand,
  DynamoDBClient,
  ScanCommand,
} from '@aws-sdk/client-dynamodb'
import type { Kysely } from 'kysely'
import { BulkWriter } from '../../../../functions/bridge/copy/bulk-writer.ts'
import type { Item } from '../../../../functions/bridge/drivers/dynamo/items.ts'
import {
  type KeySchema,
  keyAttributes,
  keySchema,
} from '../../../../functions/bridge/drivers/dynamo/key-schema.ts'
import { DynamoJobs } from '../../../../functions/bridge/jobs/dynamo-jobs.ts'
import { Deadline } from '../../../../functions/bridge/runtime/deadline.ts'
import { openMarks } from '../../../../functions/bridge/sync/open-marks.ts'
import type { StoreMarks } from '../../../../functions/bridge/sync/store-marks.ts'

/** A client of the test run's DynamoDB, or of an endpoint in front of it. */
export const openClient = (
  endpoint = process.env.TEST_DYNAMODB_ENDPOINT ?? '',
  maxAttempts = 3,
): DynamoDBClient =>
  new DynamoDBClient({
    endpoint,
    maxAttempts,
    region: 'us-east-1',
    credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
  })

export const byId: KeySchema = keySchema({ partition: 'id' }, 'test')

/** An invocation that has so many milliseconds left. */
export const deadlineIn = (milliseconds: number): Deadline => {
  const deadline = new Deadline()
  deadline.begin({ awsRequestId: 'test', getRemainingTimeInMillis: () => milliseconds + 500 })
  return deadline
}

/** Tables of a test, all removed at its end. */
export const openJobTables = async () => {
  const client = openClient()
  const made: string[] = []
  const create = async (
    key: KeySchema = byId,
    more: Partial<CreateTableCommandInput> = {},
  ): Promise<string> => {
    const TableName = `jobs-${randomUUID()}`
    await client.send(
      new CreateTableCommand({
        TableName,
        BillingMode: 'PAY_PER_REQUEST',
        KeySchema: keyAttributes(key).map(({ name }, at) => ({
          AttributeName: name,
          KeyType: at === 0 ? 'HASH' : 'RANGE',
        })),
        ...more,
        AttributeDefinitions: [
          ...keyAttributes(key).map(({ name, type }) => ({ AttributeName: name, AttributeType: type })),
          ...(more.AttributeDefinitions ?? []),
        ],
      }),
    )
    made.push(TableName)
    return TableName
  }
  const jobsTable = await create(keySchema({ partition: 'job', sort: 'part' }, 'jobs'))
  return {
    client,
    jobsTable,
    create,
    /** Deletes a table and makes one of the same name and key. */
    recreate: async (TableName: string): Promise<void> => {
      const { Table } = await client.send(new DescribeTableCommand({ TableName }))
      await client.send(new DeleteTableCommand({ TableName }))
      await client.send(
        new CreateTableCommand({
          TableName,
          BillingMode: 'PAY_PER_REQUEST',
          KeySchema: Table?.KeySchema,
          AttributeDefinitions: Table?.AttributeDefinitions,
        }),
      )
    },
    jobs: (parts: { now?: () => number; client?: DynamoDBClient; deadline?: Deadline } = {}): DynamoJobs =>
      new DynamoJobs({ client, table: jobsTable, deadline: new Deadline(), ...parts }),
    /** The marks of both stores, as one relay knows them. */
    marks: (db: Kysely<unknown>): StoreMarks =>
      openMarks({ db, client, table: jobsTable, deadline: new Deadline() }),
    put: async (table: string, items: readonly Item[], key: KeySchema = byId): Promise<void> => {
      await new BulkWriter({ client, table, key, deadline: new Deadline() }).put(items)
    },
    close: async (): Promise<void> => {
      for (const TableName of made) await client.send(new DeleteTableCommand({ TableName }))
      client.destroy()
    },
  }
}

export type JobTables = Awaited<ReturnType<typeof openJobTables>>

/** Everything in a table, by a plain scan of the test's own, in no order. */
export const readAll = async (client: DynamoDBClient, table: string): Promise<Item[]> => {
  const found: Item[] = []
  let start: Item | undefined
  do {
    const page = await client.send(
      new ScanCommand({ TableName: table, ConsistentRead: true, ...(start && { ExclusiveStartKey: start }) }),
    )
    found.push(...(page.Items ?? []))
    start = page.LastEvaluatedKey
  } while (start !== undefined)
  return found
}

/** So many items that differ. */
export const itemsOf = (count: number, more: Item = {}): Item[] =>
  Array.from({ length: count }, (_, n) => ({
    id: { S: `item-${n}` },
    n: { N: String(n) },
    text: { S: `text of ${n}` },
    ...more,
  }))

/** The ids of items, in order. */
export const idsOf = (items: readonly Item[]): string[] => items.map(({ id }) => id?.S ?? '').sort()
