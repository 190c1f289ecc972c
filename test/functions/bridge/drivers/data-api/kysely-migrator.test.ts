import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals'
import { Kysely, sql } from 'kysely'
import { type Migration, Migrator } from 'kysely/migration'
import type { RowDataPacket } from 'mysql2/promise'
import { DataApiDialect } from '../../../../../functions/bridge/drivers/data-api/dialect.ts'
import { MigrationLockedError } from '../../../../../functions/bridge/drivers/data-api/lease-lock.ts'
import { Deadline } from '../../../../../functions/bridge/runtime/deadline.ts'
import { openTestAurora, type TestAurora } from '../../../../support/aurora.ts'
import { until } from '../../../../support/until.ts'

const TABLES = ['ran', 'kysely_migration', 'kysely_migration_lock', 'kysely_migration_lock_lease']

describe("Kysely's own Migrator over the Data API", () => {
  let aurora: TestAurora

  beforeAll(async () => {
    aurora = await openTestAurora({ migrate: false })
  })
  afterAll(() => aurora.close())
  afterEach(() => {
    jest.restoreAllMocks()
  })
  beforeEach(async () => {
    for (const table of TABLES) await aurora.legacy.query(`DROP TABLE IF EXISTS ${table}`)
    await aurora.legacy.query('CREATE TABLE ran (name VARCHAR(20), step INT)')
  })

  const log = async (name: string, step: number, db: Kysely<unknown>): Promise<void> => {
    await sql`INSERT INTO ran VALUES (${name}, ${step})`.execute(db)
  }
  const migrations: Record<string, Migration> = Object.fromEntries(
    ['a', 'b', 'c'].map((name) => [
      name,
      {
        up: async (db: Kysely<unknown>) => {
          await log(name, 1, db)
          await log(name, 2, db)
        },
      },
    ]),
  )
  const migratorOf = (list: Record<string, Migration>, db: Kysely<unknown> = aurora.db): Migrator =>
    new Migrator({ db, provider: { getMigrations: async () => list } })
  const ran = async (): Promise<string[]> => {
    const [rows] = await aurora.legacy.query<RowDataPacket[]>('SELECT name, step FROM ran')
    return rows.map(({ name, step }) => `${name}${step}`)
  }
  const once = ['a1', 'a2', 'b1', 'b2', 'c1', 'c2']
  /** As if whoever holds the lock had died two minutes ago. */
  const endLease = (): Promise<unknown> =>
    aurora.legacy.query('UPDATE kysely_migration_lock_lease SET leased_until = NOW(3) - INTERVAL 1 SECOND')
  /** A migration that stops in its middle until it is let go. */
  const held = () => {
    let go = (): void => undefined
    let reached = false
    const gate = new Promise<void>((resolve) => {
      go = resolve
    })
    const up = async (db: Kysely<unknown>): Promise<void> => {
      await log('a', 1, db)
      reached = true
      await gate
      await log('a', 2, db)
    }
    return { list: { ...migrations, a: { up } }, go: () => go(), reached: async () => reached }
  }

  it('runs each migration once when two starters begin at the same moment', async () => {
    const results = await Promise.all([1, 2].map(() => migratorOf(migrations).migrateToLatest()))

    expect(results.map(({ error }) => error)).toEqual([undefined, undefined])
    expect(results.map(({ results: list }) => list?.length ?? 0).toSorted()).toEqual([0, 3])
    expect(await ran()).toEqual(once)
  })

  it('waits while another one is at work', async () => {
    const { list, go, reached } = held()
    const first = migratorOf(list).migrateToLatest()
    await until('the first to be in its middle', 10_000, reached)
    const second = migratorOf(list).migrateToLatest()
    await until('the second to ask for the lock', 10_000, async () => aurora.calls() > 20)
    expect(await ran()).toEqual(['a1'])
    go()

    expect((await first).error).toBeUndefined()
    expect((await second).results).toEqual([])
    expect(await ran()).toEqual(once)
  })

  it('says by whom the lock is held when its time is over', async () => {
    const { list, go, reached } = held()
    const first = migratorOf(list).migrateToLatest()
    await until('the first to be in its middle', 10_000, reached)
    const deadline = new Deadline()
    deadline.within(3_000)

    const { error } = await migratorOf(
      list,
      new Kysely({ dialect: new DataApiDialect({ ...aurora.config, deadline }) }),
    ).migrateToLatest()
    go()

    expect(String(error)).toMatch(/Kysely's Migrator|no time|time out|needs \d+ ms/)
    expect((await first).error).toBeUndefined()
  })

  it('goes on after one that died with the lock in its hands, once the lease has ended', async () => {
    await migratorOf({}).migrateToLatest()
    await aurora.legacy.query(
      "UPDATE kysely_migration_lock_lease SET owner = 'dead', fence = 7, leased_until = NOW(3) + INTERVAL 120 SECOND",
    )
    const run = migratorOf(migrations).migrateToLatest()
    let done = false
    void run.then(() => {
      done = true
    })
    const calls = aurora.calls()
    await until('it to have asked some times', 10_000, async () => aurora.calls() > calls + 8)
    expect(done).toBe(false)
    await endLease()

    expect((await run).error).toBeUndefined()
    expect(await ran()).toEqual(once)
  })

  it('stops the one that slept for too long before its next statement', async () => {
    const { list, go, reached } = held()
    const first = migratorOf(list).migrateToLatest()
    await until('the first to be in its middle', 10_000, reached)
    await endLease()
    expect((await migratorOf(migrations).migrateToLatest()).error).toBeUndefined()
    const now = performance.now.bind(performance)
    jest.spyOn(performance, 'now').mockImplementation(() => now() + 60_000)
    go()

    expect((await first).error).toBeInstanceOf(MigrationLockedError)
    expect(await ran()).toEqual(['a1', ...once])
  })
})
