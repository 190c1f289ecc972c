import { randomUUID } from 'node:crypto'
import {
  CreateTableCommand,
  DeleteTableCommand,
  DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
} from '@aws-sdk/client-dynamodb'
import type { Item } from '../../../../functions/bridge/drivers/dynamo/items.ts'
import {
  type KeySchema,
  keyAttributes,
  keySchema,
} from '../../../../functions/bridge/drivers/dynamo/key-schema.ts'
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
export const openTestTables = async (name: string, key: string | KeySchema) => {
  const client = openDynamo()
  const TableName = `${name}-${randomUUID()}`
  const records = `${TableName}-records`
  const schema = typeof key === 'string' ? keySchema({ partition: key }, name) : key
  const create = (table: string, of: KeySchema) =>
    client.send(
      new CreateTableCommand({
        TableName: table,
        AttributeDefinitions: keyAttributes(of).map((one) => ({
          AttributeName: one.name,
          AttributeType: one.type,
        })),
        KeySchema: keyAttributes(of).map((one, at) => ({
          AttributeName: one.name,
          KeyType: at === 0 ? 'HASH' : 'RANGE',
        })),
        BillingMode: 'PAY_PER_REQUEST',
      }),
    )
  await create(TableName, schema)
  await create(records, keySchema({ partition: recordTable.partition }, records))
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
    /** @param of the primary key, or what is its only attribute, as text */
    item: async (of: string | Item): Promise<Item | undefined> => {
      const Key = typeof of === 'string' ? { [schema.partition.name]: { S: of } } : of
      return (await client.send(new GetItemCommand({ TableName, Key, ConsistentRead: true }))).Item
    },
    close: async (): Promise<void> => {
      for (const table of [TableName, records])
        await client.send(new DeleteTableCommand({ TableName: table }))
      client.destroy()
    },
  }
}
