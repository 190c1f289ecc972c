import { cp, mkdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager'
import { type Connection, createConnection } from 'mysql2/promise'
import * as z from 'zod'
import {
  carryOutTriggers,
  planInstall,
  planRemoval,
} from '../../../functions/bridge/aurora/triggers/install-triggers.ts'
import { openDirect } from '../../../functions/bridge/drivers/direct/open.ts'
import { Faults } from '../../../infra/local/data-api/faults.ts'
import { startDynamoDb } from '../../../infra/local/dynamodb/server.ts'
import { LOCAL_CREDENTIALS } from '../../../infra/local/lambda/variables.ts'
import { type LocalStack, startLocalStack } from '../../../infra/local/stack.ts'
import { REGION } from '../../../infra/local/template/pseudo.ts'
import { movedApp } from '../../fixtures/cutover/sources.ts'
import { sharedAssembly } from '../../support/assemblies.ts'
import { type DynamoProxy, startDynamoProxy } from '../dynamodb-proxy.ts'
import { HASTY } from '../ground.ts'
import { MOVED, type MovedEntity } from './moved.ts'

/** The local stack, and what facades of their own need to work on its stores. */
export type MovedGround = {
  readonly stack: LocalStack
  /** Between the stack's own functions, its streams included, and DynamoDB. */
  readonly proxy: DynamoProxy
  /** Between facades and DynamoDB. */
  readonly facadeProxy: DynamoProxy
  /** Of the Data API endpoint, whoever calls it. */
  readonly faults: Faults
  /** Past both. */
  readonly dynamodb: DynamoDBClient
  readonly tables: Readonly<Record<MovedEntity | 'routes' | 'parking' | 'jobs' | 'idempotency', string>>
  /** The module of the facade's function, as it is deployed. */
  readonly facade: string
  /** The environment of that function, and of whoever works beside it. */
  readonly variables: Readonly<Record<string, string>>
  readonly logs: string
  /** The last lines of the stack's log. */
  readonly logged: readonly string[]
  /** A login of its own on the database. */
  sql(): Promise<Connection>
  /** Makes the triggers of the mirror, or takes them away. */
  triggers(how: 'install' | 'remove'): Promise<void>
  close(): Promise<void>
}

const LOGGED = 300
const FACADE = 'FacadeFunction'

/**
 * Starts private servers and the stack on them.
 *
 * @param home data and logs; everything in it is the soak's
 * @param options.retentionSeconds how long streams keep their records. @default a day
 * @throws what startLocalStack throws; nothing is left running then
 */
export const openMovedGround = async (
  home: string,
  {
    env = process.env,
    retentionSeconds,
  }: { readonly env?: NodeJS.ProcessEnv; readonly retentionSeconds?: number | undefined } = {},
): Promise<MovedGround> => {
  const logged: string[] = []
  const log = (line: string): void => {
    logged.push(line)
    if (logged.length > LOGGED) logged.shift()
  }
  const closers: (() => Promise<void> | void)[] = []
  const close = async (): Promise<void> => {
    for (const one of closers.splice(0).reverse()) await one()
  }
  try {
    // A copy: other runs make the shared one anew, and facades that are killed load theirs again.
    const assembly = join(home, 'assembly')
    const shared = await sharedAssembly({ parallelizationFactor: '2' }, { app: movedApp })
    await cp(shared, assembly, { recursive: true })
    const server = await startDynamoDb({
      home: join(home, 'soak'),
      log,
      env: { ...env, DYNAMODB_ENDPOINT: '' },
    })
    closers.push(() => server.stop())
    const proxy = await startDynamoProxy(server.endpoint)
    closers.push(() => proxy.close())
    const facadeProxy = await startDynamoProxy(server.endpoint)
    closers.push(() => facadeProxy.close())
    const stackEnv = { ...env, MYSQL_URL: '', DYNAMODB_ENDPOINT: proxy.endpoint }
    const faults = new Faults()
    const stack = await startLocalStack({
      home,
      assembly,
      env: stackEnv,
      log,
      dataApi: { faults, clock: HASTY },
      ...(retentionSeconds !== undefined && { mappings: { retentionSeconds } }),
    })
    closers.push(() => stack.close())
    const dynamodb = new DynamoDBClient({
      ...{ endpoint: server.endpoint, region: REGION, credentials: LOCAL_CREDENTIALS },
    })
    closers.push(() => dynamodb.destroy())
    await changeTriggers(stack, 'install')
    const tables = tablesOf(stack)
    const logs = join(home, 'soak', 'logs')
    await mkdir(logs, { recursive: true })
    const [host = '', port = ''] = stack.endpoints.mysql.split(':')
    return {
      ...{ stack, proxy, facadeProxy, faults, dynamodb, tables, logged, close },
      facade: await moduleOf(assembly, FACADE),
      variables: variablesOf(stack, tables, facadeProxy.endpoint),
      logs,
      triggers: (how) => changeTriggers(stack, how),
      sql: () =>
        createConnection({
          ...{ host, port: Number(port), user: 'root', database: String(stack.outputs.DatabaseName) },
          ...{ connectTimeout: 5_000, supportBigNumbers: true, bigNumberStrings: true, dateStrings: true },
        }),
    }
  } catch (error) {
    await close()
    throw error
  }
}

/** Makes the triggers of the mirror, as `backsync mirror install` does, or takes them away. */
const changeTriggers = async (
  { clusters: [cluster], endpoints, outputs }: LocalStack,
  how: 'install' | 'remove',
): Promise<void> => {
  const [host = '', port = ''] = endpoints.mysql.split(':')
  const secretsClient = new SecretsManagerClient({
    ...{ endpoint: endpoints.secretsManager, region: REGION, credentials: LOCAL_CREDENTIALS },
  })
  const direct = openDirect({
    ...{ secretsClient, secretArn: cluster?.secretArn ?? '' },
    ...{ host, port: Number(port), database: String(outputs.DatabaseName) },
  })
  try {
    const plan = how === 'install' ? planInstall : planRemoval
    await carryOutTriggers(direct.db, await plan(direct.db, Object.values(MOVED)))
  } finally {
    await direct.close()
    secretsClient.destroy()
  }
}

const tablesOf = (stack: LocalStack): MovedGround['tables'] => {
  const named = (id: string): string => {
    const found = stack.tables.find(({ logicalId }) => logicalId.startsWith(id))
    if (found === undefined) throw new Error(`the stack has no table ${id}`)
    return found.name
  }
  return {
    ...{ chef: named('ChefTable'), plate: named('PlateTable'), routes: named('FacadeRoutesTable') },
    ...{ parking: named('ParkingTable'), jobs: named('JobsTable'), idempotency: named('IdempotencyTable') },
  }
}

const variablesOf = (
  { clusters: [cluster], endpoints, outputs }: LocalStack,
  { chef, plate, routes, parking, jobs, idempotency }: MovedGround['tables'],
  dynamodb: string,
): Record<string, string> => ({
  STAGE: 'dev',
  LOG_LEVEL: 'warn',
  CLUSTER_ARN: cluster?.resourceArn ?? '',
  SECRET_ARN: cluster?.secretArn ?? '',
  DATABASE_NAME: String(outputs.DatabaseName),
  TABLES: JSON.stringify({ chef, plate }),
  IDEMPOTENCY_TABLE: idempotency,
  PARKING_TABLE: parking,
  ROUTES_TABLE: routes,
  JOBS_TABLE: jobs,
  AWS_REGION: REGION,
  AWS_ACCESS_KEY_ID: LOCAL_CREDENTIALS.accessKeyId,
  AWS_SECRET_ACCESS_KEY: LOCAL_CREDENTIALS.secretAccessKey,
  AWS_ENDPOINT_URL_DYNAMODB: dynamodb,
  AWS_ENDPOINT_URL_RDS_DATA: endpoints.rdsData,
  AWS_ENDPOINT_URL_SECRETS_MANAGER: endpoints.secretsManager,
  AWS_ENDPOINT_URL_LAMBDA: endpoints.lambda,
})

const templateSchema = z.looseObject({
  Resources: z.record(
    z.string(),
    z.looseObject({ Type: z.string(), Properties: z.looseObject({}).optional() }),
  ),
})
const codeSchema = z.looseObject({ Code: z.object({ S3Key: z.string() }).partial() })

/** Where the package of a function lies in an assembly. */
const moduleOf = async (assembly: string, id: string): Promise<string> => {
  const text = await readFile(join(assembly, 'Backsync.template.json'), 'utf8')
  const resources = Object.entries(templateSchema.parse(JSON.parse(text)).Resources)
  const found = resources.find(([name, { Type }]) => Type === 'AWS::Lambda::Function' && name.startsWith(id))
  const key = codeSchema.parse(found?.[1].Properties).Code.S3Key ?? ''
  return join(assembly, `asset.${key.replace(/\.zip$/, '')}`, 'index.mjs')
}
