import { randomUUID } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import { InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda'
import mysql, { type Connection } from 'mysql2/promise'
import { z } from 'zod'
import type { Entity } from '../../functions/bridge/model/entity.ts'
import { SecretStore } from '../../infra/local/secrets-manager/store.ts'
import type { TestLogin } from '../support/direct.ts'
import { makeFolder } from '../support/folder.ts'
import { installMirror } from '../support/mirrored.ts'
import { type RunningStack, runStack } from '../support/stack.ts'

const sdk = { region: 'us-east-1', credentials: { accessKeyId: 'local', secretAccessKey: 'local' } }
const factsSchema = z.object({
  outputs: z.record(z.string(), z.string()),
  endpoints: z.object({ dynamodb: z.string(), lambda: z.string() }),
  functions: z.array(z.object({ name: z.string(), arn: z.string() })),
})

/** A whole stack in a process of its own, and what clients and the legacy application have of it. */
export type World = {
  readonly stack: RunningStack
  /** Its data folder. */
  readonly home: string
  readonly outputs: Readonly<Record<string, string>>
  readonly functions: readonly { readonly name: string; readonly arn: string }[]
  readonly dynamodb: DynamoDBClient
  readonly lambda: LambdaClient
  /** A legacy application's own connection. */
  readonly legacy: Connection
  close(): Promise<void>
}

/**
 * Starts a stack over a database of its own on the test run's server.
 *
 * @param before what the legacy application has done in its database before
 * @param options `app`: the CDK app, default the one of the tests; `mirrored`: entities whose triggers are made; the
 *   relay looks at once then, and again by its schedule, a minute later
 */
export const openWorld = async (
  before: (legacy: Connection) => Promise<void>,
  { app, mirrored = [] }: { readonly app?: string; readonly mirrored?: readonly Entity[] } = {},
): Promise<World> => {
  const server = process.env.TEST_MYSQL_URL ?? ''
  const database = `e2e_${randomUUID().replaceAll('-', '')}`
  const folder = await makeFolder()
  const legacy = await mysql.createConnection({
    uri: server,
    supportBigNumbers: true,
    bigNumberStrings: true,
  })
  let stack: RunningStack | undefined
  const end = async (): Promise<void> => {
    await stack?.stop()
    await legacy.query(`DROP DATABASE IF EXISTS ${database}`)
    await legacy.end()
    await folder.remove()
  }
  try {
    await legacy.query(`CREATE DATABASE ${database} CHARACTER SET utf8mb4`)
    await legacy.query(`USE ${database}`)
    await before(legacy)
    const env = { MYSQL_URL: `${server.replace(/\/$/, '')}/${database}` }
    stack = await runStack(folder.path, env, { ...(app !== undefined && { app }) })
    if (mirrored.length > 0) await installMirror(loginOf(server, database), mirrored)
    const facts = factsSchema.parse(JSON.parse(await readFile(join(folder.path, 'stack.json'), 'utf8')))
    const dynamodb = new DynamoDBClient({ ...sdk, endpoint: facts.endpoints.dynamodb })
    const lambda = new LambdaClient({ ...sdk, endpoint: facts.endpoints.lambda })
    const close = async (): Promise<void> => {
      dynamodb.destroy()
      lambda.destroy()
      await end()
    }
    const { outputs, functions } = facts
    if (mirrored.length > 0)
      await lambda.send(
        new InvokeCommand({
          FunctionName: outputs.RelayFunctionName,
          InvocationType: 'Event',
          Payload: '{}',
        }),
      )
    return { stack, home: folder.path, outputs, functions, dynamodb, lambda, legacy, close }
  } catch (error) {
    await end()
    throw error
  }
}

/** The login of a database on the test run’s server. */
export const loginOf = (server: string, database: string): TestLogin => {
  const { hostname: host, port, username, password } = new URL(server)
  const secrets = new SecretStore()
  const secretArn = 'arn:aws:secretsmanager:us-east-1:000000000000:secret:e2e'
  const login = { username: decodeURIComponent(username), password: decodeURIComponent(password) }
  secrets.put({ arn: secretArn, name: 'e2e', value: JSON.stringify(login) })
  return { host, port: Number(port || 3306), database, secrets, secretArn }
}
