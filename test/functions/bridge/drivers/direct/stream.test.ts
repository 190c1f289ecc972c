import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals'
import { sql } from 'kysely'
import { failure, Harness, until } from './harness.ts'

const ROWS = 100_000

/** Bytes that are in use: what is garbage by now says when V8 was at it, and nothing of the stream. */
const inUse = (): number => {
  setFlagsFromString('--expose-gc')
  runInNewContext('gc')()
  const { heapUsed, arrayBuffers } = process.memoryUsage()
  return heapUsed + arrayBuffers
}

describe('streams over the direct connection', () => {
  let harness: Harness

  beforeAll(async () => {
    harness = await Harness.start()
    const { root, database } = harness
    await root.query(`USE ${database}`)
    await root.query('CREATE TABLE digits (d INT PRIMARY KEY)')
    await root.query('INSERT INTO digits VALUES (0),(1),(2),(3),(4),(5),(6),(7),(8),(9)')
    await root.query('CREATE TABLE big (id INT PRIMARY KEY, filling VARCHAR(2000) NOT NULL)')
    const from = ['a', 'b', 'c', 'd', 'e'].map((name) => `digits ${name}`).join(', ')
    await root.query(
      `INSERT INTO big SELECT a.d + 10*b.d + 100*c.d + 1000*d.d + 10000*e.d, REPEAT('x', 1000) FROM ${from}`,
    )
  })
  afterEach(() => harness.settle())
  afterAll(() => harness.close())

  it('reads 100,000 rows of 1,000 bytes in order and in bounded memory', async () => {
    const { db } = harness.open()
    const before = inUse()
    let most = 0
    let next = 0
    for await (const row of db.selectFrom('big').selectAll().orderBy('id').stream(500)) {
      if (row.id !== next || row.filling.length !== 1000) throw new Error(`Row ${next} is ${row.id}`)
      next += 1
      if (next % 5_000 === 0) most = Math.max(most, inUse() - before)
    }
    expect(next).toBe(ROWS)
    // All of it would be 100 MB of text at least, before any object around it.
    expect(most).toBeLessThan(20 * 2 ** 20)
  })

  it('lets the server wait for a slow reader, however long', async () => {
    const { db } = harness.open({ statementTimeout: 1_000 })
    let seen = 0
    for await (const _ of db.selectFrom('big').select('filling').stream(100)) {
      seen += 1
      if (seen !== 300) continue
      // Longer than the limit: it counts the server's time only.
      await new Promise((resolve) => setTimeout(resolve, 1_200))
      // It has 100 MB to send, and was not let go on.
      expect(await harness.runs('from `big`')).toBe(true)
    }
    expect(seen).toBe(ROWS)
  })

  it('stops the query of a reader that leaves, and keeps its connection and transaction', async () => {
    const { db } = harness.open({ poolSize: 1 })
    await db.transaction().execute(async (trx) => {
      await trx.insertInto('digits').values({ d: 10 }).execute()
      // Read to its end, it would sleep.
      const nap = sql`SLEEP(IF(id = 200, 60, 0))`.as('nap')
      for await (const row of trx.selectFrom('big').selectAll().select(nap).orderBy('id').stream(10))
        if (row.id === 25) break
      expect(await harness.runs('from `big`')).toBe(false)
    })
    const [before] = await harness.connections()
    expect(await db.selectFrom('digits').select('d').where('d', '=', 10).execute()).toEqual([{ d: 10 }])
    expect(await harness.connections()).toEqual([before])
    await db.deleteFrom('digits').where('d', '=', 10).execute()
  })

  it('fails, and does not end, when the connection breaks in the middle', async () => {
    const proxy = await harness.proxy()
    const { db } = harness.open({ port: proxy.port })
    const read = async () => {
      for await (const row of db.selectFrom('big').selectAll().orderBy('id').stream(10))
        if (row.id === 100) proxy.cut()
    }
    expect(await failure(read())).toMatchObject({ code: 'direct.connection-lost', kind: 'transient' })
  })

  it('stops a stream whose server says nothing for too long', async () => {
    const { db } = harness.open({ statementTimeout: 150 })
    const read = async () => {
      for await (const _ of sqlStream()) expect(_).toBeDefined()
    }
    const sqlStream = () =>
      db.selectFrom('digits').select(sql`SLEEP(20)`.as('slept')).where('d', '<', 2).stream(1)
    expect(await failure(read())).toMatchObject({ code: 'direct.statement-timeout' })
    expect(await harness.runs('SLEEP(20)')).toBe(false)
  })

  it('stops a stream whose signal is aborted', async () => {
    const { db } = harness.open({ poolSize: 1 })
    const abort = new AbortController()
    const query = db.selectFrom('digits').select(sql`SLEEP(20)`.as('slept')).where('d', '<', 2)
    const read = async () => {
      for await (const _ of query.stream({ chunkSize: 1, signal: abort.signal })) expect(_).toBeDefined()
    }
    const outcome = failure(read())
    await until('it runs', () => harness.runs('SLEEP(20)'))
    abort.abort(new Error('no longer wanted'))
    expect(await outcome).toMatchObject({ message: 'no longer wanted' })
    await until('it stopped', async () => !(await harness.runs('SLEEP(20)')))
  })

  it('reports an error of the server before the first row', async () => {
    const { db } = harness.open()
    const read = async () => {
      for await (const _ of db.selectFrom('nowhere').selectAll().stream()) expect(_).toBeDefined()
    }
    expect(await failure(read())).toMatchObject({ errno: 1146 })
  })
})
