import { fileURLToPath } from 'node:url'
import { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import mysql, { type Connection } from 'mysql2/promise'
import * as z from 'zod'
import { startChild } from '../data-api/child.ts'
import { startWorker, type Worker } from './worker.ts'

/** Everything that is measured: the stack and the handlers, each in a process of its own, and clients in this one. */
export type Stage = {
  readonly engine: string
  readonly worker: Worker
  readonly direct: Connection
  readonly dynamoDb: DynamoDBClient
  readonly chefTable: string
  readonly parkingTable: string
  /** The stack's own process. */
  readonly stackPid: number
  close(): Promise<void>
}

const facts = z.object({
  pid: z.int(),
  endpoints: z.object({
    dynamodb: z.string(),
    rdsData: z.string(),
    secretsManager: z.string(),
    mysql: z.string(),
  }),
  servers: z.object({ mysql: z.string() }),
  tables: z.array(z.object({ logicalId: z.string(), name: z.string(), streamArn: z.string().optional() })),
  clusters: z
    .array(z.object({ resourceArn: z.string(), secretArn: z.string(), database: z.string() }))
    .min(1),
  outputs: z.object({
    ChefTableName: z.string(),
    RecipeTableName: z.string(),
    ParkingTableName: z.string(),
  }),
})

export const openStage = async (): Promise<Stage> => {
  const file = fileURLToPath(new URL('./stack-child.ts', import.meta.url))
  const child = await startChild(file, [])
  const { endpoints, servers, tables, clusters, outputs, pid } = facts.parse(child.ready)
  const [cluster] = clusters
  if (cluster === undefined) throw new Error('the template has no cluster')
  const streamArn = tables.find(({ name }) => name === outputs.ChefTableName)?.streamArn
  const worker = await startWorker({
    CLUSTER_ARN: cluster.resourceArn,
    SECRET_ARN: cluster.secretArn,
    DATABASE_NAME: cluster.database,
    TABLES: JSON.stringify({ chef: outputs.ChefTableName, recipe: outputs.RecipeTableName }),
    PARKING_TABLE: outputs.ParkingTableName,
    STREAM_ARN: streamArn ?? '',
    AWS_REGION: 'us-east-1',
    AWS_ACCESS_KEY_ID: 'local',
    AWS_SECRET_ACCESS_KEY: 'local',
    AWS_ENDPOINT_URL_RDS_DATA: endpoints.rdsData,
    AWS_ENDPOINT_URL_DYNAMODB: endpoints.dynamodb,
  })
  const [host = '', port = ''] = endpoints.mysql.split(':')
  const direct = await mysql.createConnection({
    host,
    port: Number(port),
    user: 'root',
    database: cluster.database,
    supportBigNumbers: true,
  })
  const dynamoDb = new DynamoDBClient({
    endpoint: endpoints.dynamodb,
    region: 'us-east-1',
    credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
  })
  return {
    engine: servers.mysql,
    worker,
    direct,
    dynamoDb,
    chefTable: outputs.ChefTableName,
    parkingTable: outputs.ParkingTableName,
    stackPid: pid,
    close: async () => {
      dynamoDb.destroy()
      await direct.end()
      await worker.stop()
      await child.stop()
    },
  }
}
