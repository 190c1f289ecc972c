import { mkdtemp, rm, statfs } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { CreateTableCommand, DeleteTableCommand, DynamoDBClient } from '@aws-sdk/client-dynamodb'
import { withoutLog } from '../../../functions/bridge/runtime/without-log.ts'
import { startDynamoDb } from '../../../infra/local/dynamodb/server.ts'

/** A DynamoDB of the benchmark's own, empty at first, and a client that opens as many connections as it is asked to. */
export type Stage = {
  readonly endpoint: string
  readonly client: DynamoDBClient
  /** Which DynamoDB it is. */
  readonly engine: string
  /** Where its data are: in memory where the system has a folder for that. */
  readonly data: 'memory' | 'disk'
  /** Makes an empty table and returns its name. @param key its partition key, a text; with a sort key where two are named */
  create(key?: readonly [string, string?], stream?: boolean): Promise<string>
  drop(table: string): Promise<void>
  close(): Promise<void>
}

/** Folders whose files are in memory: the sync of a disk, which DynamoDB's clients never see, doesn't bound the run. */
const IN_MEMORY = '/dev/shm'
/** What the largest part needs. */
const ROOM = 6 * 2 ** 30

export const openStage = async (): Promise<Stage> => {
  const data = (await hasRoom(IN_MEMORY)) ? 'memory' : 'disk'
  const home = await mkdtemp(join(data === 'memory' ? IN_MEMORY : tmpdir(), 'backsync-bench-'))
  try {
    const server = await startDynamoDb({ home, log: (line) => process.stderr.write(`${line}\n`) })
    const client = clientOf(server.endpoint)
    return {
      endpoint: server.endpoint,
      client,
      engine: server.kind,
      data,
      ...tablesOf(client),
      close: async () => {
        client.destroy()
        await server.stop()
        await rm(home, { recursive: true, force: true })
      },
    }
  } catch (error) {
    await rm(home, { recursive: true, force: true })
    throw error
  }
}

/** Makes and drops tables, of names that no other process has. */
export const tablesOf = (client: DynamoDBClient): Pick<Stage, 'create' | 'drop'> => {
  let made = 0
  return {
    create: async (key = ['id'], stream = false) => {
      made += 1
      const [partition, sort] = key
      const TableName = `bench-${process.pid}-${made}`
      const names = sort === undefined ? [partition] : [partition, sort]
      await client.send(
        new CreateTableCommand({
          TableName,
          AttributeDefinitions: names.map((AttributeName) => ({ AttributeName, AttributeType: 'S' })),
          KeySchema: names.map((AttributeName, at) => ({
            AttributeName,
            KeyType: at === 0 ? 'HASH' : 'RANGE',
          })),
          BillingMode: 'PAY_PER_REQUEST',
          ...(stream && {
            StreamSpecification: { StreamEnabled: true, StreamViewType: 'NEW_AND_OLD_IMAGES' },
          }),
        }),
      )
      return TableName
    },
    drop: async (TableName) => {
      await client.send(new DeleteTableCommand({ TableName }))
    },
  }
}

export const clientOf = (endpoint: string): DynamoDBClient =>
  new DynamoDBClient({
    endpoint,
    region: 'us-east-1',
    credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
    requestHandler: { httpAgent: { maxSockets: 128 }, requestTimeout: 60_000 },
  })

/** With the settings that the product's clients have. */
export const ownClientOf = (endpoint: string): DynamoDBClient => withoutLog(clientOf(endpoint))

const hasRoom = async (folder: string): Promise<boolean> => {
  try {
    const { bavail, bsize } = await statfs(folder)
    return bavail * bsize > ROOM
  } catch {
    // No such folder here.
    return false
  }
}
