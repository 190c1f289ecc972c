import { randomUUID } from 'node:crypto'
import {
  type AttributeValue,
  CreateTableCommand,
  DeleteTableCommand,
  DynamoDBClient,
  ScanCommand,
} from '@aws-sdk/client-dynamodb'
import { DynamoParking } from '../../../../functions/bridge/parking/dynamo-parking.ts'
import type { Parked, Parking } from '../../../../functions/bridge/ports/parking.ts'
import { Deadline } from '../../../../functions/bridge/runtime/deadline.ts'

export const settings = {
  endpoint: process.env.TEST_DYNAMODB_ENDPOINT ?? '',
  region: 'us-east-1',
  credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
}

/** A parking table of its own. */
export type TestParking = {
  readonly table: string
  readonly client: DynamoDBClient
  readonly parking: DynamoParking
  /** Another one over the same table, as another invocation has it. */
  open(client?: DynamoDBClient, deadline?: Deadline): DynamoParking
  /** Everything in the table, by partition key and sort key. */
  items(): Promise<Map<string, Record<string, AttributeValue>>>
  close(): Promise<void>
}

export const openTestParking = async (): Promise<TestParking> => {
  const table = `Parking-${randomUUID()}`
  const client = new DynamoDBClient(settings)
  await client.send(
    new CreateTableCommand({
      TableName: table,
      AttributeDefinitions: [
        { AttributeName: 'pk', AttributeType: 'S' },
        { AttributeName: 'sk', AttributeType: 'S' },
      ],
      KeySchema: [
        { AttributeName: 'pk', KeyType: 'HASH' },
        { AttributeName: 'sk', KeyType: 'RANGE' },
      ],
      BillingMode: 'PAY_PER_REQUEST',
    }),
  )
  const open = (other = client, deadline = new Deadline()): DynamoParking =>
    new DynamoParking({ client: other, table, deadline })
  const items = async (): Promise<Map<string, Record<string, AttributeValue>>> => {
    const found = new Map<string, Record<string, AttributeValue>>()
    let start: Record<string, AttributeValue> | undefined
    do {
      const page = await client.send(
        new ScanCommand({
          TableName: table,
          ConsistentRead: true,
          ...(start && { ExclusiveStartKey: start }),
        }),
      )
      for (const item of page.Items ?? []) found.set(`${item.pk?.S} ${item.sk?.S}`, item)
      start = page.LastEvaluatedKey
    } while (start !== undefined)
    return found
  }
  const close = async (): Promise<void> => {
    await client.send(new DeleteTableCommand({ TableName: table }))
    client.destroy()
  }
  return { table, client, parking: open(), open, items, close }
}

export const T1 = new Date('2026-11-22T10:00:00.000Z')
export const T2 = new Date('2026-11-22T10:00:01.000Z')
export const T3 = new Date('2026-11-22T10:00:02.000Z')

/** A change of a chef that can't be applied. */
export const bad = (key: string, version: bigint, more: Partial<Parked> = {}): Parked => ({
  entity: 'chef',
  key,
  version,
  op: 'upsert',
  class: 'data',
  code: 'sql.1406',
  message: 'firstName is too long for its column',
  sequenceNumber: String(1_000_000_000_000_000_000_000n + version),
  payload: JSON.stringify({ key, version: String(version) }),
  ...more,
})

/** An entry with a wait: a recipe whose chef isn't there. */
export const orphan = (key: string, version: bigint, chef?: string): Parked =>
  bad(key, version, {
    entity: 'recipe',
    class: 'dependency',
    code: 'sql.1452',
    message: 'a row that it refers to is missing',
    waitsFor: [{ entity: 'chef', ...(chef !== undefined && { key: chef }) }],
  })

/** A parking to change: each of its members goes to another one. */
export const passedOn = (parking: Parking): Parking => ({
  park: (...given) => parking.park(...given),
  parkedOf: (...given) => parking.parkedOf(...given),
  parkedAmong: (...given) => parking.parkedAmong(...given),
  waitingFor: (...given) => parking.waitingFor(...given),
  due: (...given) => parking.due(...given),
  tidy: (...given) => parking.tidy(...given),
  resolve: (...given) => parking.resolve(...given),
})
