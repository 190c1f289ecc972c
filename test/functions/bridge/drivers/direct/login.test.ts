import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals'
import { sql } from 'kysely'
import { failure, Harness, server, until } from './harness.ts'

describe('the login of a direct connection', () => {
  let harness: Harness

  beforeAll(async () => {
    harness = await Harness.start()
  })
  afterEach(async () => {
    await harness.settle()
    harness.password = 'reset'
    await harness.rotate('reset')
  })
  afterAll(() => harness.close())

  const one = sql<{ one: string }>`SELECT 'yes' AS one`

  it('reads the secret once for all connections, which come and go as they are needed', async () => {
    harness.reads = 0
    const { db } = harness.open({ poolSize: 3 })

    const rows = await Promise.all([1, 2, 3].map(() => sql`SELECT SLEEP(0.2) AS slept`.execute(db)))

    expect(rows).toHaveLength(3)
    expect(harness.reads).toBe(1)
    expect(await harness.connections()).toHaveLength(3)
  })

  it('outlives a rotation: open connections work on, new ones read the secret once for all', async () => {
    harness.reads = 0
    const { db } = harness.open({ poolSize: 4 })
    await db.connection().execute(async (held) => {
      await one.execute(held)
      await harness.rotate('second')

      await Promise.all([1, 2, 3].map(() => sql`SELECT SLEEP(0.2) AS slept`.execute(db)))

      expect((await one.execute(held)).rows).toEqual([{ one: 'yes' }])
    })
    expect(harness.reads).toBe(2)
    expect(await harness.connections()).toHaveLength(4)
  })

  it('takes a rotation for every rotation', async () => {
    const { db } = harness.open({ idleTimeout: 1 })
    for (const password of ['third', 'fourth', 'fifth']) {
      await harness.rotate(password)
      expect((await one.execute(db)).rows).toEqual([{ one: 'yes' }])
    }
  })

  it('fails with 1045 after one reading more when the secret is wrong, and not read again in a rush', async () => {
    await harness.rotate('sixth', { secret: false })
    harness.reads = 0
    let now = 0
    const { db } = harness.open({ clock: () => now })

    const errors = await Promise.all([1, 2, 3].map(() => failure(one.execute(db))))

    for (const error of errors)
      expect(error).toMatchObject({
        name: 'DirectError',
        code: 'mysql.1045',
        errno: 1045,
        sqlState: '28000',
        kind: 'configuration',
      })
    expect(harness.reads).toBe(2)
    await failure(one.execute(db))
    expect(harness.reads).toBe(2)
    now = 5_000
    await failure(one.execute(db))
    expect(harness.reads).toBe(3)
    harness.putSecret({})
    now = 10_000
    expect((await one.execute(db)).rows).toEqual([{ one: 'yes' }])
  })

  it.each([
    ['no JSON', 'plain-text-secret'],
    ['no password', '{"username":"hidden-name"}'],
    ['a port out of range', '{"username":"hidden-name","password":"hidden-word","port":70000}'],
  ])('refuses a secret with %s, without quoting it', async (_, text) => {
    harness.putSecret(text)
    const { db } = harness.open()

    const error = await failure(one.execute(db))

    expect(error).toMatchObject({ name: 'DirectError', code: 'direct.secret', kind: 'configuration' })
    expect(String(Object(error).message)).toContain('is not a login')
    expect(JSON.stringify(error) + String(Object(error).stack)).not.toMatch(/hidden|plain-text/)
    expect(Object(error).cause).toBeUndefined()
  })

  it('tells a secret that is not there from a service that is not reachable', async () => {
    const absent = harness.open({ secretArn: 'arn:aws:secretsmanager:us-east-1:000000000000:secret:none' })
    expect(await failure(one.execute(absent.db))).toMatchObject({
      code: 'direct.secret',
      kind: 'configuration',
    })
  })

  it('takes the host of the options before that of the secret, and asks for one of them', async () => {
    harness.putSecret({ host: 'not-here.invalid' })
    const { db } = harness.open({ host: server.host })
    expect((await one.execute(db)).rows).toEqual([{ one: 'yes' }])

    harness.putSecret({ host: undefined })
    expect(await failure(one.execute(harness.open().db))).toMatchObject({ code: 'direct.secret' })
  })

  it('says that a server is not there', async () => {
    const { db } = harness.open({ port: 1 })
    expect(await failure(one.execute(db))).toMatchObject({
      code: 'direct.connection-lost',
      kind: 'transient',
      errno: undefined,
    })
  })

  it('gives up a server that never answers, and leaves nothing open', async () => {
    const proxy = await harness.proxy(() => undefined)
    proxy.fallSilent()
    const { db } = harness.open({ port: proxy.port, connectTimeout: 200 })
    expect(await failure(one.execute(db))).toMatchObject({ code: 'direct.connection-lost' })
    await until(
      'the server has closed what was begun',
      async () => (await harness.connections()).length === 0,
    )
  })

  it('refuses limits that are out of range, all at once', () => {
    const open = () => harness.open({ poolSize: 0, statementTimeout: 2 ** 40 })
    expect(open).toThrow(/Configuration: poolSize .*; statementTimeout /)
  })
})
