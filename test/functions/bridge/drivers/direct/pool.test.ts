import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals'
import { sql } from 'kysely'
import { failure, Harness, until } from './harness.ts'

describe('the pool of the direct connection', () => {
  let harness: Harness

  beforeAll(async () => {
    harness = await Harness.start()
    await harness.root.query(`CREATE TABLE ${harness.database}.t (id INT PRIMARY KEY)`)
    await harness.root.query(`INSERT INTO ${harness.database}.t VALUES (1)`)
  })
  afterEach(() => harness.settle())
  afterAll(() => harness.close())

  const nothingLeft = () =>
    until('nothing is left open', async () => (await harness.connections()).length === 0)

  it('opens no more connections than it may, and lets the others wait', async () => {
    const { db } = harness.open({ poolSize: 2 })
    const results = Promise.all(Array.from({ length: 10 }, () => sql`SELECT SLEEP(0.05)`.execute(db)))
    let done = false
    const ended = results.then(() => {
      done = true
    })
    let most = 0
    await until('all are done', async () => {
      most = Math.max(most, (await harness.connections()).length)
      return done
    })
    expect(most).toBe(2)
    await ended
    expect(await results).toHaveLength(10)
  })

  it('refuses a caller for whom no connection becomes free in time', async () => {
    const { db } = harness.open({ poolSize: 1, acquireTimeout: 50 })
    await db.connection().execute(async (held) => {
      await sql`SELECT 1`.execute(held)
      expect(await failure(sql`SELECT 1`.execute(db))).toMatchObject({
        code: 'direct.pool-timeout',
        kind: 'transient',
      })
    })
    expect((await sql`SELECT 1`.execute(db)).rows).toHaveLength(1)
  })

  it('tells every waiting caller why no connection can be opened', async () => {
    const { db } = harness.open({ poolSize: 1, database: 'not_here' })
    const errors = await Promise.all([1, 2, 3].map(() => failure(sql`SELECT 1`.execute(db))))
    for (const error of errors) expect(error).toMatchObject({ name: 'DirectError', kind: 'configuration' })
    expect(await harness.connections()).toEqual([])
  })

  it('closes connections that nobody used for a while', async () => {
    const { db } = harness.open({ idleTimeout: 50 })
    await sql`SELECT 1`.execute(db)
    await nothingLeft()
    expect((await sql`SELECT 1`.execute(db)).rows).toHaveLength(1)
  })

  it('does not hand out a connection that grew too old while time stood still', async () => {
    let now = 0
    const { db } = harness.open({ clock: () => now })
    await sql`SELECT 1`.execute(db)
    const [before] = await harness.connections()
    now = 60_000
    await sql`SELECT 1`.execute(db)
    await until('one is left', async () => (await harness.connections()).length === 1)
    expect(await harness.connections()).not.toEqual([before])
  })

  it('closes after what runs, refuses what comes, and leaves nothing', async () => {
    const direct = harness.open({ poolSize: 2 })
    const running = [1, 2].map(() => sql`SELECT SLEEP(0.7) AS slept`.execute(direct.db))
    const waiting = failure(sql`SELECT 1`.execute(direct.db))
    await until('both run', () => harness.runs('SLEEP(0.7)', 2))

    await direct.close()

    for (const { rows } of await Promise.all(running)) expect(rows).toHaveLength(1)
    expect(await waiting).toMatchObject({ code: 'direct.closed' })
    expect(await failure(sql`SELECT 1`.execute(direct.db))).toMatchObject({ code: 'direct.closed' })
    await direct.close()
    await nothingLeft()
  })

  it('stops on the server what does not end in time', async () => {
    const direct = harness.open({ closeTimeout: 50 })
    const running = failure(sql`SELECT id, SLEEP(20) FROM t`.execute(direct.db))
    await until('it runs', () => harness.runs('SLEEP(20)'))

    await direct.close()

    expect(await running).toMatchObject({ kind: 'transient' })
    await nothingLeft()
  })

  it('closes without having been used, and through Kysely', async () => {
    await harness.open().close()
    const { db } = harness.open()
    await sql`SELECT 1`.execute(db)
    await db.destroy()
    await nothingLeft()
  })
})
