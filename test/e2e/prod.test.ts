import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import mysql, { type Connection, type RowDataPacket } from 'mysql2/promise'
import { readMigrations } from '../../functions/bridge/migrations/files.ts'
import { type LocalStack, startLocalStack } from '../../infra/local/stack.ts'
import { seedAssembly } from '../support/assemblies.ts'
import { sqlFolder } from '../support/aurora.ts'
import { makeFolder, type TemporaryFolder } from '../support/folder.ts'
import { call } from '../support/stack.ts'

describe('stage prod', () => {
  const database = `prod_${randomUUID().replaceAll('-', '')}`
  let folder: TemporaryFolder
  let stack: LocalStack
  let connection: Connection

  beforeAll(async () => {
    const server = process.env.TEST_MYSQL_URL ?? ''
    folder = await makeFolder()
    connection = await mysql.createConnection(server)
    const env = { ...process.env, MYSQL_URL: `${server.replace(/\/$/, '')}/${database}` }
    const context = { stage: 'prod', auth: 'iam' }
    await seedAssembly(folder.path, env.MYSQL_URL, context)
    stack = await startLocalStack({ home: folder.path, env, context })
    await connection.query(`USE ${database}`)
  }, 150_000)
  afterAll(async () => {
    await stack?.close()
    await connection?.query(`DROP DATABASE IF EXISTS ${database}`)
    await connection?.end()
    await folder?.remove()
  }, 30_000)

  /** The event of a client's call, past the gateway, which checks signatures on AWS and refuses all here. */
  const getAurora = async (): Promise<{ statusCode: number; body: string }> => {
    const migrate = stack.functions.find(({ name }) => name.includes('Migrate'))
    const event = { version: '2.0', rawPath: '/aurora', requestContext: { http: { method: 'GET' } } }
    const outcome = await stack.invoke(migrate?.name ?? '', event)
    if (!outcome.ok) throw new Error(JSON.stringify(outcome.error))
    return JSON.parse(outcome.payload)
  }

  it('serves nobody without an authorizer', async () => {
    expect((await call(`${stack.url}/aurora/chefs`)).status).toBe(403)
  })

  it('applies the migrations at deployment; GET /aurora then only reports, and applies nothing', async () => {
    const states = async (): Promise<unknown> => {
      const { statusCode, body } = await getAurora()
      return [statusCode, JSON.parse(body).migrations.map(({ state }: { state: string }) => state)]
    }
    const ids = readMigrations(sqlFolder).map(({ id }) => id)
    expect(await states()).toEqual([200, ids.map(() => 'applied')])
    const last = ids.at(-1)
    await connection.query('DELETE FROM backsync_migrations WHERE id = ?', [last])

    expect(await states()).toEqual([200, ids.map((id) => (id === last ? 'pending' : 'applied'))])
    const [rows] = await connection.query<RowDataPacket[]>(
      'SELECT id FROM backsync_migrations WHERE id = ?',
      [last],
    )
    expect(rows).toEqual([])
  })
})
