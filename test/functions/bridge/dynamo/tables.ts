import { randomUUID } from 'node:crypto'
import {
  CreateTableCommand,
  DeleteTableCommand,
  DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
} from '@aws-sdk/client-dynamodb'
import type { Item } from '../../../../functions/bridge/drivers/dynamo/items.ts'
import { DynamoStore } from '../../../../functions/bridge/dynamo/dynamo-store.ts'
import { recordTable } from '../../../../functions/bridge/dynamo/idempotency-table.ts'
import { Deadline } from '../../../../functions/bridge/runtime/deadline.ts'
import { Tables } from '../../../../functions/bridge/runtime/tables.ts'
import { silent } from '../../../support/log.ts'

/** A client of the test run's DynamoDB. */
export const openDynamo = (): DynamoDBClient =>
  new DynamoDBClient({
    endpoint: process.env.TEST_DYNAMODB_ENDPOINT ?? '',
    region: 'us-east-1',
    credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
  })

/** One table of its own for entities, and one for records of idempotency keys. */
export const openTestTables = async (name: string, keyAttribute: string) => {
  const client = openDynamo()
  const TableName = `${name}-${randomUUID()}`
  const records = `${TableName}-records`
  const create = (table: string, key: string) =>
    client.send(
      new CreateTableCommand({
        TableName: table,
        AttributeDefinitions: [{ AttributeName: key, AttributeType: 'S' }],
        KeySchema: [{ AttributeName: key, KeyType: 'HASH' }],
        BillingMode: 'PAY_PER_REQUEST',
      }),
    )
  await create(TableName, keyAttribute)
  await create(records, recordTable.partition)
  const storeOver = (other: DynamoDBClient, deadline = new Deadline()): DynamoStore =>
    new DynamoStore({
      client: other,
      tables: new Tables({ [name]: TableName }),
      idempotencyTable: records,
      deadline,
      log: silent,
    })
  return {
    client,
    TableName,
    records,
    store: storeOver(client),
    storeOver,
    put: (Item: Item): Promise<unknown> => client.send(new PutItemCommand({ TableName, Item })),
    item: async (key: string): Promise<Item | undefined> => {
      const Key = { [keyAttribute]: { S: key } }
      return (await client.send(new GetItemCommand({ TableName, Key, ConsistentRead: true }))).Item
    },
    close: async (): Promise<void> => {
      for (const table of [TableName, records])
        await client.send(new DeleteTableCommand({ TableName: table }))
      client.destroy()
    },
  }
}
