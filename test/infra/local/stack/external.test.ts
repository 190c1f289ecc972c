import { spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { join, resolve } from 'node:path'
import { PassThrough } from 'node:stream'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import mysql, { type Connection, type RowDataPacket } from 'mysql2/promise'
import { askConsent, type Consent } from '../../../../infra/local/mysql/consent.ts'
import { type LocalStack, startLocalStack } from '../../../../infra/local/stack.ts'
import { testApp } from '../../../fixtures/team.ts'
import { seedAssembly } from '../../../support/assemblies.ts'
import { makeFolder, type TemporaryFolder } from '../../../support/folder.ts'
import { bridge } from './bridge.fixture.ts'
import { writeAssembly } from './fixture.ts'

describe('a start on the server of MYSQL_URL', () => {
  const server = new URL(process.env.TEST_MYSQL_URL ?? '')
  const id = randomUUID().replaceAll('-', '').slice(0, 20)
  const database = `external_${id}`
  const user = `u_${id}`
  const password = `secret-${id}`
  // One who may do everything in that database, and nothing elsewhere.
  const url = `mysql://${user}:${password}@${server.host}/${database}`
  let folder: TemporaryFolder
  let root: Connection
  let stack: LocalStack | undefined

  beforeAll(async () => {
    folder = await makeFolder()
    await seedAssembly(folder.path, url)
    root = await mysql.createConnection(server.href)
    for (const from of ['%', 'localhost']) {
      await root.query('CREATE USER ?@? IDENTIFIED BY ?', [user, from, password])
      await root.query(`GRANT ALL PRIVILEGES ON \`${database.replaceAll('_', '\\_')}\`.* TO ?@?`, [
        user,
        from,
      ])
    }
  }, 200_000)
  afterAll(async () => {
    await stack?.close()
    await root.query(`DROP DATABASE IF EXISTS ${database}`)
    for (const from of ['%', 'localhost']) await root.query('DROP USER IF EXISTS ?@?', [user, from])
    await root.end()
    await folder.remove()
  }, 30_000)

  const environment = (MYSQL_URL: string) => ({ ...process.env, MYSQL_URL, DYNAMODB_ENDPOINT: '' })
  const start = (consent?: Consent): Promise<LocalStack> =>
    startLocalStack({ home: folder.path, app: testApp, env: environment(url), ...(consent && { consent }) })
  /** `npm start` without a terminal. */
  const npmStart = async (MYSQL_URL: string): Promise<{ code: unknown; printed: string }> => {
    const child = spawn(process.execPath, [resolve('infra/local/main.ts'), '--app', testApp], {
      env: { ...environment(MYSQL_URL), NODE_OPTIONS: '', BACKSYNC_HOME: folder.path, PORT: '0' },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    let printed = ''
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (chunk) => (printed += String(chunk)))
    const [code] = await once(child, 'close')
    return { code, printed }
  }
  /** A person at a terminal who types this. */
  const typing = (text: string): { consent: Consent; printed: () => string } => {
    const input = Object.assign(new PassThrough(), { isTTY: true })
    const output = Object.assign(new PassThrough(), { isTTY: true })
    const consent: Consent = async (changes) => {
      input.write(text)
      await askConsent(changes, { yes: false, input, output, signal: new AbortController().signal })
    }
    return { consent, printed: () => String(output.read() ?? '') }
  }
  const rows = async (sql: string, values: string[] = []): Promise<unknown[]> =>
    (await root.query<RowDataPacket[]>(sql, values))[0].map((row) => Object.values(row).join())
  const schemas = (): Promise<unknown[]> =>
    rows('SELECT schema_name FROM information_schema.schemata WHERE schema_name LIKE ?', [`%${id}%`])
  const tables = (): Promise<unknown[]> =>
    rows('SELECT table_name FROM information_schema.tables WHERE table_schema = ? ORDER BY 1', [database])

  const own = [
    'migration_lock',
    'bridge_migrations',
    'migrations',
    'tombstones',
    'idempotency',
    'owners',
    'records',
    'calls',
    'changes',
    'conflicts',
    'writers',
    'marks',
  ]
  const ownTables = `create Backsync's own tables ${own.map((name) => `backsync_${name}`).join(', ')}`

  it('is refused without a terminal: it says what, where and what to type, and creates nothing', async () => {
    const { code, printed } = await npmStart(url)

    expect(code).toBe(2)
    expect(printed).toContain(
      `MYSQL_URL: database ${database} at ${server.host}, as ${user}. This start would`,
    )
    expect(printed).toContain(`\n  - create the database ${database}\n  - ${ownTables}\n`)
    expect(printed).toMatch(/- apply Backsync's own migrations 0001_tombstones, 0002_.*, 0003_idempotency/)
    expect(printed).toContain('npm start -- --yes')
    expect(printed).not.toContain(password)
    expect(await schemas()).toEqual([])
  }, 150_000)

  it('creates nothing when the answer is no', async () => {
    const { consent, printed } = typing('n\n')

    await expect(start(consent)).rejects.toMatchObject({ code: 'mysql.declined' })
    expect(printed()).toContain('Go on? [y/N]')
    expect(await schemas()).toEqual([])
  }, 60_000)

  it('creates all of it when the answer is yes, and asks nothing the next time', async () => {
    stack = await start(typing('y\n').consent)
    await stack.close()
    const after = await tables()
    expect(after).toEqual(expect.arrayContaining(own.map((name) => `backsync_${name}`)))

    stack = await start()
    await stack.close()

    expect(await tables()).toEqual(after)
  }, 120_000)

  it('asks about what is new only, and changes none of it without an answer', async () => {
    await root.query(`DELETE FROM ${database}.backsync_bridge_migrations WHERE id >= 4`)
    await root.query(
      `DROP TABLE ${['owners', 'records', 'calls', 'changes', 'conflicts', 'writers', 'marks'].map((name) => `${database}.backsync_${name}`).join()}`,
    )
    await root.query(`ALTER TABLE ${database}.backsync_tombstones DROP COLUMN owner, DROP COLUMN epoch`)
    const before = await tables()

    await expect(start()).rejects.toMatchObject({
      code: 'mysql.cannot-ask',
      message: expect.stringMatching(
        /would\n\n {2}- create Backsync's own tables backsync_owners, backsync_records, backsync_calls, backsync_changes, backsync_conflicts, backsync_writers, backsync_marks\n {2}- apply .* 0004_owners, 0005_records, 0006_calls, 0007_mirror, 0008_call_owners, 0009_marks\n\nNobody/,
      ),
    })
    expect(await tables()).toEqual(before)
  }, 60_000)

  it('without a path is about the database of the template; a trigger that cannot tell what it does is named', async () => {
    const other = await makeFolder()
    const assembly = await writeAssembly(join(other.path, 'assembly'), bridge(`other_${id}`))

    const starting = startLocalStack({ home: other.path, assembly, env: environment(server.href) })

    await expect(starting).rejects.toMatchObject({
      code: 'mysql.cannot-ask',
      message: `MYSQL_URL: database other_${id} at ${server.host}, as root. This start would

  - create the database other_${id}
  - run Fixture-Migrate, which doesn't tell what it changes

Nobody agreed to it: nothing was changed.`,
    })
    expect(await schemas()).toEqual([database])
    await other.remove()
  }, 60_000)
})
