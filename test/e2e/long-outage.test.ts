import { randomUUID } from 'node:crypto'
import { DynamoDBClient, GetItemCommand } from '@aws-sdk/client-dynamodb'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import mysql, { type Connection, type RowDataPacket } from 'mysql2/promise'
import { type LocalStack, startLocalStack } from '../../infra/local/stack.ts'
import { entities } from '../fixtures/mirrored/entities.ts'
import { mirroredApp, withMirrored } from '../fixtures/mirrored/sources.ts'
import { type Answer, runCli } from '../infra/cli/harness.ts'
import { seedAssembly } from '../support/assemblies.ts'
import { makeFolder, type TemporaryFolder } from '../support/folder.ts'
import { installMirror } from '../support/mirrored.ts'
import { call, send } from '../support/stack.ts'
import { until } from '../support/until.ts'
import { loginOf } from './world.ts'

/** Three days, run as seconds: how long a stream keeps its records, and how long the way back is down. */
const RETENTION = 3
/** As many days as an item keeps what it was deleted by, run as seconds: less than the outage. */
const EXPIRY = 1

/** The whole way, by the synthesised template: what an outage loses that outlasts the stream, and what brings it back. */
describe('an outage that is longer than the stream keeps its records', () => {
  const database = `outage_${randomUUID().replaceAll('-', '')}`
  const lines: string[] = []
  let folder: TemporaryFolder
  let stack: LocalStack
  let legacy: Connection
  let dynamodb: DynamoDBClient

  beforeAll(async () => {
    const server = process.env.TEST_MYSQL_URL ?? ''
    folder = await makeFolder()
    legacy = await mysql.createConnection(server)
    const env = {
      ...process.env,
      MYSQL_URL: `${server.replace(/\/$/, '')}/${database}`,
      BACKSYNC_STREAM_RETENTION: String(RETENTION),
      BACKSYNC_EXPIRY: String(EXPIRY),
    }
    await seedAssembly(folder.path, env.MYSQL_URL, {}, mirroredApp)
    stack = await startLocalStack({
      ...{ home: folder.path, app: mirroredApp, env, consent: async () => {} },
      log: (line) => void lines.push(line),
    })
    await installMirror(loginOf(server, database), entities)
    await legacy.query(`USE ${database}`)
    dynamodb = new DynamoDBClient({
      ...{ endpoint: stack.endpoints.dynamodb, region: 'us-east-1' },
      credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
    })
  }, 150_000)
  afterAll(async () => {
    dynamodb?.destroy()
    await stack?.close()
    await legacy?.query(`DROP DATABASE IF EXISTS ${database}`)
    await legacy?.end()
    await folder?.remove()
  }, 30_000)

  const run = (...args: string[]): Promise<Answer> =>
    runCli(args, { BACKSYNC_HOME: folder.path, NODE_OPTIONS: withMirrored, AWS_PROFILE: 'nobody' })
  const at = (side: string, key: string): string => `${stack.url}/${side}/chefs/${key}`
  const create = async (firstName: string): Promise<string> => {
    const made = await send('POST', `${stack.url}/dynamo/chefs`, { firstName, lastName: 'T' })
    return String(made.json().chefId)
  }
  const rowOf = async (key: string): Promise<unknown> => {
    const [rows] = await legacy.query<RowDataPacket[]>(
      'SELECT cheffirst AS name FROM cheftable WHERE backsync_key = ?',
      [key],
    )
    return rows[0]?.name
  }
  const inAurora = (key: string, name: string): Promise<void> =>
    until(`${name} is in Aurora`, 30_000, async () => (await rowOf(key)) === name)
  /** Records that have left a stream undelivered. */
  const lost = (): number =>
    lines.reduce(
      (sum, line) => sum + Number(/GAP: (\d+) record\(s\) left the stream/.exec(line)?.[1] ?? 0),
      0,
    )

  it('loses writes, deletes and tombstones without a trace, and a resync makes both sides one again', async () => {
    const [changed, deleted] = [await create('Before'), await create('Deleted')]
    await inAurora(changed, 'Before')
    await inAurora(deleted, 'Deleted')
    expect(lost()).toBe(0)

    await legacy.query('RENAME TABLE cheftable TO away')
    const put = await call(at('dynamo', changed), {
      method: 'PUT',
      headers: { 'content-type': 'application/json', 'if-match': '*' },
      body: JSON.stringify({ firstName: 'After', lastName: 'T' }),
    })
    expect(put.status).toBeLessThan(300)
    expect((await call(at('dynamo', deleted), { method: 'DELETE' })).status).toBe(204)
    const born = await create('Born')
    const tombstone = new GetItemCommand({
      TableName: String(stack.outputs.ChefTableName),
      Key: { chefId: { S: deleted } },
      ConsistentRead: true,
    })
    // It expires before anybody is back.
    const isThere = async () => (await dynamodb.send(tombstone)).Item !== undefined
    await until('the tombstone has expired', 30_000, async () => !(await isThere()))
    // That an expired tombstone is gone may be delivered, or be lost as well: nobody has to do anything for it.
    await until('all of it has left the stream', 60_000, () => lost() >= 3)
    await legacy.query('RENAME TABLE away TO cheftable')

    const later = await create('Later')
    await inAurora(later, 'Later')
    expect([await rowOf(changed), await rowOf(deleted), await rowOf(born)]).toEqual([
      'Before',
      'Deleted',
      undefined,
    ])
    expect((await run('verify', 'chef')).code).toBe(3)

    const { code, stdout, stderr } = await run('resync', 'chef', '--yes', '--json')
    expect([code, stderr]).toEqual([0, ''])
    expect(JSON.parse(stdout)).toMatchObject({ written: 2, deleted: 1, parked: 0 })

    expect([await rowOf(changed), await rowOf(deleted), await rowOf(born)]).toEqual([
      'After',
      undefined,
      'Born',
    ])
    expect((await run('verify', 'chef')).code).toBe(0)
  }, 180_000)
})
