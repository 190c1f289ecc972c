import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals'
import { Kysely, sql } from 'kysely'
import { DataApiDialect } from '../../../../../functions/bridge/drivers/data-api/dialect.ts'
import { openTestAurora, type TestAurora } from '../../../../support/aurora.ts'

/** More than the sockets of an SDK client, and more than the sessions of an endpoint. */
const MANY = 300

describe('many transactions at once over one client', () => {
  let aurora: TestAurora
  let db: Kysely<unknown>

  beforeAll(async () => {
    aurora = await openTestAurora({ migrate: false })
    db = aurora.db
    await aurora.legacy.query('CREATE TABLE counters (id INT PRIMARY KEY, n INT NOT NULL)')
  })
  afterAll(() => aurora.close())
  beforeEach(() => aurora.legacy.query('REPLACE INTO counters VALUES (1, 0), (2, 0)'))
  afterEach(() => aurora.api.faults.clear())

  const count = async (id = 1): Promise<number> => {
    const { rows } = await sql<{ n: number }>`SELECT n FROM counters WHERE id = ${id}`.execute(db)
    return rows[0]?.n ?? -1
  }
  const many = <T>(work: (at: number) => Promise<T>, most = MANY): Promise<PromiseSettledResult<T>[]> =>
    Promise.allSettled(Array.from({ length: most }, (_, at) => work(at)))
  const failures = (results: readonly PromiseSettledResult<unknown>[]): unknown[] =>
    results.flatMap((result) => (result.status === 'rejected' ? [String(result.reason)] : []))
  /** Reads before it writes, as what needs a transaction does. */
  const increment = (): Promise<void> =>
    db.transaction().execute(async (trx) => {
      await sql`SELECT n FROM counters WHERE id = 1 FOR UPDATE`.execute(trx)
      await sql`UPDATE counters SET n = n + 1 WHERE id = 1`.execute(trx)
    })

  it(`has ${MANY} of them succeed that wait for one row`, async () => {
    expect(failures(await many(increment))).toEqual([])
    expect(await count()).toBe(MANY)
  })

  it('has a transaction end for which as many statements outside of it wait', async () => {
    const held = await db.startTransaction().execute()
    await sql`UPDATE counters SET n = 1 WHERE id = 1`.execute(held)
    const waiting = many(() => sql`UPDATE counters SET n = n + 1 WHERE id = 1`.execute(db), 100)
    await sql`UPDATE counters SET n = 1 WHERE id = 2`.execute(held)
    await held.commit().execute()

    expect(failures(await waiting)).toEqual([])
    expect(await count()).toBe(101)
    expect(await count(2)).toBe(1)
  })

  it('gives each place back, however its transaction ends', async () => {
    aurora.api.faults.add({
      kind: 'error',
      error: 'InternalServerErrorException',
      operation: 'BeginTransaction',
      times: 20,
    })
    aurora.api.faults.add({
      kind: 'error',
      error: 'InternalServerErrorException',
      operation: 'CommitTransaction',
      times: 20,
    })
    await many(increment, 60)
    aurora.api.faults.clear()
    aurora.api.faults.add({
      kind: 'error',
      error: 'InternalServerErrorException',
      operation: 'RollbackTransaction',
      times: 5,
    })
    const refused = await many(
      () =>
        db.transaction().execute(async () => {
          throw new Error('not now')
        }),
      40,
    )
    aurora.api.faults.clear()
    expect(failures(refused)).toHaveLength(40)

    const before = await count()
    expect(failures(await many(increment, 60))).toEqual([])
    expect(await count()).toBe(before + 60)
  })

  it('leaves no place taken by one that was given up without an end', async () => {
    for (let at = 0; at < 17; at += 1)
      await db.connection().execute(async (one) => {
        const started = one.getExecutor().provideConnection(async (connection) => {
          if ('begin' in connection && typeof connection.begin === 'function') await connection.begin()
        })
        await started
      })
    const other = new Kysely<unknown>({ dialect: new DataApiDialect(aurora.config) })

    await other.transaction().execute((trx) => sql`UPDATE counters SET n = 5 WHERE id = 2`.execute(trx))
    expect(await count(2)).toBe(5)
  })
})
