import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import mysql, { type Connection, type RowDataPacket } from 'mysql2/promise'
import { readMigrations } from '../../functions/bridge/migrations/files.ts'
import { type LocalStack, startLocalStack } from '../../infra/local/stack.ts'
import { testApp } from '../fixtures/team.ts'
import { seedAssembly } from '../support/assemblies.ts'
import { bridgeSqlFolder, sqlFolder } from '../support/aurora.ts'
import { makeFolder, type TemporaryFolder } from '../support/folder.ts'
import { call } from '../support/stack.ts'

describe('stage prod', () => {
  const database = `prod_${randomUUID().replaceAll('-', '')}`
  const consent = async (): Promise<void> => {}
  let folder: TemporaryFolder
  let stack: LocalStack
  let connection: Connection

  beforeAll(async () => {
    const server = process.env.TEST_MYSQL_URL ?? ''
    folder = await makeFolder()
    connection = await mysql.createConnection(server)
    const env = { ...process.env, MYSQL_URL: `${server.replace(/\/$/, '')}/${database}` }
    const context = { stage: 'prod', auth: 'iam', statementRunner: 'on' }
    await seedAssembly(folder.path, env.MYSQL_URL, context)
    stack = await startLocalStack({ home: folder.path, app: testApp, env, context, consent })
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

  it('makes a trigger by the function that runs statements, which the Data API does not prepare', async () => {
    const sql =
      'CREATE TRIGGER by_runner BEFORE INSERT ON cheftable FOR EACH ROW SET NEW.cheflast = NEW.cheffirst'
    const made = await stack.invoke(String(stack.outputs.StatementRunnerName), { sql })
    expect(made).toMatchObject({ ok: true, payload: JSON.stringify({ done: true }) })
    const [triggers] = await connection.query<RowDataPacket[]>("SHOW TRIGGERS WHERE `Trigger` = 'by_runner'")
    expect(triggers).toHaveLength(1)
    await connection.query('DROP TRIGGER by_runner')
  })

  it('serves nobody without an authorizer', async () => {
    expect((await call(`${stack.url}/aurora/chefs`)).status).toBe(403)
  })

  it('applies the migrations at deployment; GET /aurora then only reports, and applies nothing', async () => {
    const states = async (): Promise<unknown> => {
      const { statusCode, body } = await getAurora()
      const { migrations, bridge } = JSON.parse(body)
      const names = (list: { name: string; state: string }[]) => list.map(({ name, state }) => [name, state])
      return [statusCode, names(migrations), names(bridge.migrations)]
    }
    const applied = (folder: string) => readMigrations(folder).map(({ name }) => [name, 'applied'])
    const ours = applied(bridgeSqlFolder)
    expect(await states()).toEqual([200, applied(sqlFolder), ours])
    const last = readMigrations(sqlFolder).at(-1)?.id
    await connection.query('DELETE FROM backsync_migrations WHERE id = ?', [last])

    const ofTeam = readMigrations(sqlFolder).map(({ id, name }) => [
      name,
      id === last ? 'pending' : 'applied',
    ])
    expect(await states()).toEqual([200, ofTeam, ours])
    const [rows] = await connection.query<RowDataPacket[]>(
      'SELECT id FROM backsync_migrations WHERE id = ?',
      [last],
    )
    expect(rows).toEqual([])
  })
})
