import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals'
import { type Kysely, sql } from 'kysely'
import { checkSettings, SQL_MODE } from '../../../../../functions/bridge/drivers/direct/settings.ts'
import { Deadline } from '../../../../../functions/bridge/runtime/deadline.ts'
import { failure, Harness, until } from './harness.ts'

const settings = sql<Record<string, string>>`
  SELECT @@sql_mode AS mode, @@time_zone AS zone, @@character_set_client AS client, @@autocommit AS auto,
    @@character_set_results AS results, @@net_write_timeout AS patience, DATABASE() AS db, @mark AS mark`

const sorted = (mode: string | undefined): string[] => String(mode).split(',').sort()

describe('sessions of the direct connection', () => {
  let harness: Harness

  beforeAll(async () => {
    harness = await Harness.start()
    await harness.root.query(`CREATE TABLE ${harness.database}.t (id INT PRIMARY KEY, v INT)`)
    await harness.root.query(`INSERT INTO ${harness.database}.t VALUES (1, 10), (2, 20)`)
  })
  afterEach(() => harness.settle())
  afterAll(() => harness.close())

  // biome-ignore lint/suspicious/noExplicitAny: a transaction of any database
  const idOf = async (db: Kysely<any>): Promise<number> => {
    const { rows } = await sql<{ id: number | bigint }>`SELECT CONNECTION_ID() AS id`.execute(db)
    return Number(rows[0]?.id)
  }

  const expectAurora = (row: Record<string, unknown> | undefined): void => {
    expect(sorted(String(row?.mode).replace(',TIME_ROUND_FRACTIONAL', ''))).toEqual(sorted(SQL_MODE))
    expect(row).toMatchObject({ zone: '+00:00', client: 'utf8mb4', results: 'utf8mb4', mark: null })
    expect(Number(row?.auto)).toBe(1)
    expect(Number(row?.patience)).toBe(600)
    expect(row?.db).toBe(harness.database)
  }

  it("gives every connection of the pool Aurora's settings, not the server's own", async () => {
    const { db } = harness.open({ poolSize: 3 })
    const rows = await Promise.all(
      [1, 2, 3].map(() =>
        db.connection().execute(async (held) => {
          await sql`SELECT SLEEP(0.1)`.execute(held)
          return (await settings.execute(held)).rows[0]
        }),
      ),
    )
    for (const row of rows) expectAurora(row)
    expect(await harness.connections()).toHaveLength(3)
  })

  it('hands on nothing of what one user leaves to the next', async () => {
    const { db } = harness.open({ poolSize: 1 })
    await db.connection().execute(async (held) => {
      await sql`SET SESSION sql_mode = '', time_zone = '+03:00', @mark = 1`.execute(held)
      await sql`CREATE TEMPORARY TABLE leftover (id INT)`.execute(held)
      await sql`USE information_schema`.execute(held)
    })
    const before = await harness.connections()

    expectAurora((await settings.execute(db)).rows[0])
    expect(await failure(sql`SELECT * FROM leftover`.execute(db))).toMatchObject({ errno: 1146 })
    expect(await harness.connections()).toEqual(before)
  })

  it('destroys a connection whose settings are not what was set', async () => {
    const proxy = await harness.proxy((bytes) =>
      Buffer.from(bytes.toString('latin1').replace("time_zone = '+00:00'", "time_zone = '+01:00'"), 'latin1'),
    )
    const { db } = harness.open({ port: proxy.port })

    expect(await failure(sql`SELECT 1`.execute(db))).toMatchObject({
      name: 'DirectError',
      code: 'direct.session-settings',
      kind: 'configuration',
      message: "The session can't be set up: time_zone is '+01:00', not '+00:00'",
    })
    // The next one is checked as well: a failure is not remembered as done.
    expect(await failure(sql`SELECT 1`.execute(db))).toMatchObject({ code: 'direct.session-settings' })
    expect(proxy.accepted).toBe(2)
    await until('nothing is left open', async () => (await harness.connections()).length === 0)
  })

  it('names every setting that differs, and takes sql_mode as a set', () => {
    const rows = (mode: string, isolation: string): string[][] => [
      ...['client', 'connection', 'results'].map((part) => [`character_set_${part}`, 'utf8mb4']),
      ['autocommit', 'ON'],
      ['sql_mode', mode],
      ['time_zone', '+00:00'],
      ['tx_isolation', isolation],
    ]
    expect(() => checkSettings(rows(sorted(SQL_MODE).reverse().join(','), 'REPEATABLE-READ'))).not.toThrow()
    expect(() => checkSettings(rows(`${SQL_MODE},IGNORE_SPACE`, 'READ-COMMITTED'))).toThrow(
      /sql_mode .*tx_isolation/,
    )
    expect(() => checkSettings([])).toThrow(/time_zone is unknown; .*isolation is unknown/)
  })

  it('stops a statement at its limit, and the session works on', async () => {
    const { db } = harness.open({ poolSize: 1, statementTimeout: 150 })
    await db.connection().execute(async (held) => {
      const id = await idOf(held)
      expect(await failure(sql`SELECT v, SLEEP(20) FROM t`.execute(held))).toMatchObject({
        code: 'direct.statement-timeout',
        kind: 'transient',
      })
      expect(await idOf(held)).toBe(id)
      expect(await harness.runs('SLEEP(20)')).toBe(false)
    })
  })

  it('closes the connection when the server can not be told to stop', async () => {
    const proxy = await harness.proxy()
    const { db } = harness.open({ port: proxy.port, statementTimeout: 150 })
    await sql`SELECT 1`.execute(db)
    proxy.fallSilent()
    expect(await failure(sql`SELECT 1`.execute(db))).toMatchObject({ code: 'direct.statement-timeout' })
  })

  it('starts nothing that the invocation has no time for', async () => {
    const deadline = new Deadline()
    deadline.begin({ awsRequestId: 'r', getRemainingTimeInMillis: () => 600 })
    const { db } = harness.open({ deadline })
    expect(await failure(sql`SELECT 1`.execute(db))).toMatchObject({ code: 'deadline.exceeded' })
  })

  it('stops a statement whose signal is aborted, when asked to', async () => {
    const { db } = harness.open({ poolSize: 1 })
    const abort = new AbortController()
    const query = sql`SELECT v, SLEEP(20) FROM t`.execute(db, {
      signal: abort.signal,
      inflightQueryAbortStrategy: 'cancel query',
    })
    const outcome = failure(query)
    await until('it runs', () => harness.runs('SLEEP(20)'))
    abort.abort(new Error('no longer wanted'))
    expect(await outcome).toMatchObject({ message: 'no longer wanted' })
    await until('it stopped', async () => !(await harness.runs('SLEEP(20)')))
    expect(await harness.connections()).toHaveLength(1)
    expect((await sql`SELECT v FROM t`.execute(db)).rows).toHaveLength(2)
  })

  it('ends the session of an aborted statement, when asked to', async () => {
    const { db } = harness.open({ poolSize: 1 })
    const abort = new AbortController()
    const query = sql`SELECT v, SLEEP(20) FROM t`.execute(db, {
      signal: abort.signal,
      inflightQueryAbortStrategy: 'kill session',
    })
    const outcome = failure(query)
    await until('it runs', () => harness.runs('SLEEP(20)'))
    abort.abort(new Error('no longer wanted'))
    expect(await outcome).toMatchObject({ message: 'no longer wanted' })
    await until('it is gone', async () => (await harness.connections()).length === 0)
    expect((await sql`SELECT v FROM t`.execute(db)).rows).toHaveLength(2)
  })

  it('reports a killed connection as transient, and replaces it', async () => {
    const { db } = harness.open({ poolSize: 1 })
    const outcome = failure(sql`SELECT v, SLEEP(20) FROM t`.execute(db))
    await until('it runs', () => harness.runs('SLEEP(20)'))
    for (const id of await harness.connections()) await harness.root.query(`KILL ${id}`)
    expect(await outcome).toMatchObject({ name: 'DirectError', kind: 'transient' })
    expect((await sql`SELECT v FROM t`.execute(db)).rows).toHaveLength(2)
  })

  it('does not hand out an idle connection that was killed', async () => {
    const { db } = harness.open({ poolSize: 1 })
    const before = await idOf(db)
    await harness.root.query(`KILL ${before}`)
    await until('it is gone', async () => (await harness.connections()).length === 0)
    expect(await idOf(db)).not.toBe(before)
  })

  it('commits, rolls back, and honours isolation levels, access modes and savepoints', async () => {
    const { db } = harness.open({ poolSize: 2 })
    const values = async () =>
      (await db.selectFrom('t').select('v').orderBy('id').execute()).map(({ v }) => v)

    await db.transaction().execute((trx) => trx.updateTable('t').set({ v: 11 }).where('id', '=', 1).execute())
    expect(await values()).toEqual([11, 20])
    const refused = db.transaction().execute(async (trx) => {
      await trx.updateTable('t').set({ v: 12 }).where('id', '=', 1).execute()
      throw new Error('changed my mind')
    })
    expect(await failure(refused)).toMatchObject({ message: 'changed my mind' })
    expect(await values()).toEqual([11, 20])

    const readOnly = db.transaction().setAccessMode('read only')
    const write = readOnly.execute((trx) => trx.updateTable('t').set({ v: 13 }).execute())
    expect(await failure(write)).toMatchObject({ errno: 1792 })

    await db
      .transaction()
      .setIsolationLevel('read committed')
      .execute(async (trx) => {
        await trx.selectFrom('t').select('v').execute()
        await db.updateTable('t').set({ v: 10 }).where('id', '=', 1).execute()
        expect(await trx.selectFrom('t').select('v').where('id', '=', 1).execute()).toEqual([{ v: 10 }])
      })

    const trx = await db.startTransaction().execute()
    await trx.updateTable('t').set({ v: 21 }).where('id', '=', 2).execute()
    const point = await trx.savepoint('a`b').execute()
    await point.updateTable('t').set({ v: 22 }).where('id', '=', 2).execute()
    await point.rollbackToSavepoint('a`b').execute()
    await trx.commit().execute()
    expect(await values()).toEqual([10, 21])
    await db.updateTable('t').set({ v: 20 }).where('id', '=', 2).execute()
  })

  it('keeps the first error of a transaction whose connection broke', async () => {
    const { db } = harness.open({ poolSize: 1 })
    const broken = db.transaction().execute(async (trx) => {
      await trx.updateTable('t').set({ v: 99 }).where('id', '=', 1).execute()
      await harness.root.query(`KILL ${await idOf(trx)}`)
      await trx.selectFrom('t').selectAll().execute()
    })
    expect(await failure(broken)).toMatchObject({ kind: 'transient' })
    expect(await db.selectFrom('t').select('v').where('id', '=', 1).execute()).toEqual([{ v: 10 }])
  })

  it('leaves no open transaction behind when there is no time left to end it', async () => {
    const deadline = new Deadline()
    deadline.begin({ awsRequestId: 'r', getRemainingTimeInMillis: () => 60_000 })
    const { db } = harness.open({ poolSize: 1, deadline })
    const late = db.transaction().execute(async (trx) => {
      await trx.updateTable('t').set({ v: 99 }).where('id', '=', 1).execute()
      deadline.begin({ awsRequestId: 'r', getRemainingTimeInMillis: () => 0 })
    })
    expect(await failure(late)).toMatchObject({ code: 'deadline.exceeded' })
    deadline.begin({ awsRequestId: 'r', getRemainingTimeInMillis: () => 60_000 })
    expect(await db.selectFrom('t').select('v').where('id', '=', 1).execute()).toEqual([{ v: 10 }])
    await harness.root.query(`UPDATE ${harness.database}.t SET v = 10 WHERE id = 1`)
  })
})
