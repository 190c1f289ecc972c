import { RDSDataClient } from '@aws-sdk/client-rds-data'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals'
import { type Generated, Kysely, sql } from 'kysely'
import { DataApiDialect } from '../../../../../functions/bridge/drivers/data-api/dialect.ts'
import { wasRepeated } from '../../../../../functions/bridge/drivers/data-api/driver.ts'
import { idempotently } from '../../../../../functions/bridge/drivers/data-api/idempotent.ts'
import { Deadline } from '../../../../../functions/bridge/runtime/deadline.ts'
import { listen } from '../../../../../infra/local/http/server.ts'
import { openTestAurora, type TestAurora } from '../../../../support/aurora.ts'

type Things = {
  id: Generated<bigint>
  name: string | null
  amount: number
}

describe('Kysely over the Data API', () => {
  let aurora: TestAurora
  let db: Kysely<{ things: Things }>

  beforeAll(async () => {
    aurora = await openTestAurora({ migrate: false })
    db = aurora.db.withTables<{ things: Things }>()
    await aurora.legacy.query(
      'CREATE TABLE things (id BIGINT AUTO_INCREMENT PRIMARY KEY, name VARCHAR(50) UNIQUE, amount INT NOT NULL)',
    )
  })
  afterAll(() => aurora.close())
  beforeEach(() => aurora.legacy.query('TRUNCATE things'))
  afterEach(() => aurora.api.faults.clear())

  const rows = async (): Promise<unknown> =>
    (await aurora.legacy.query('SELECT name, amount FROM things ORDER BY id'))[0]

  describe('statements', () => {
    it('has named placeholders by position', () => {
      const { sql: text, parameters } = db
        .selectFrom('things')
        .selectAll()
        .where('name', '=', ':p1')
        .where('amount', 'in', [1, 2])
        .compile()

      expect(text).toBe('select * from `things` where `name` = :p1 and `amount` in (:p2, :p3)')
      expect(parameters).toEqual([':p1', 1, 2])
    })

    it('refuses a value that has no form, before it sends anything', async () => {
      const before = aurora.calls()

      await expect(
        db.insertInto('things').values({ name: 'a', amount: Number.NaN }).execute(),
      ).rejects.toMatchObject({ code: 'data-api.unsupported-value' })
      expect(aurora.calls()).toBe(before)
    })

    it("keeps a column's value whatever its name, also one that the local driver refuses to read", async () => {
      const server = await listen({
        handler: async (request, response) => {
          request.resume()
          response.end(
            JSON.stringify({
              columnMetadata: [{ label: '__proto__' }, { label: 'n' }],
              records: [[{ stringValue: 'a' }, { longValue: 1 }]],
            }),
          )
        },
      })
      const client = new RDSDataClient({
        endpoint: server.endpoint,
        region: 'us-east-1',
        credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
        maxAttempts: 1,
      })
      const target = { resourceArn: 'arn:r', secretArn: 'arn:s', database: 'd' }
      const dialect = new DataApiDialect({ client, ...target, deadline: new Deadline() })
      try {
        const { rows } = await sql`SELECT 1`.execute(new Kysely({ dialect }))

        expect(rows.map((row) => Object.entries(row ?? {}))).toEqual([
          [
            ['__proto__', 'a'],
            ['n', 1],
          ],
        ])
      } finally {
        client.destroy()
        await server.close()
      }
    })

    it('has no stream', async () => {
      const stream = db.selectFrom('things').selectAll().stream()

      await expect(stream[Symbol.asyncIterator]().next()).rejects.toThrow(/has no cursor: page by key/)
    })

    it('survives being throttled, and runs the statement once', async () => {
      aurora.api.faults.add({ kind: 'throttle', times: 1 })

      expect(wasRepeated(await sql`INSERT INTO things (amount) VALUES (1)`.execute(db))).toBe(false)
      expect(await rows()).toHaveLength(1)
    })

    it('does not send a write again whose answer was lost: it may have run', async () => {
      aurora.api.faults.add({ kind: 'drop-after', times: 1 })

      await expect(sql`INSERT INTO things (amount) VALUES (1)`.execute(db)).rejects.toMatchObject({
        outcome: 'unknown',
        statement: 'INSERT INTO things (amount) VALUES (?)',
      })
      expect(await rows()).toHaveLength(1)
    })

    it('sends it again where the caller says that it is harmless, and tells', async () => {
      aurora.api.faults.add({ kind: 'drop-after', times: 1 })

      expect(wasRepeated(await sql`INSERT INTO things (amount) VALUES (1)`.execute(idempotently(db)))).toBe(
        true,
      )
      expect(await rows()).toHaveLength(2)
    })

    it('sends a read again', async () => {
      aurora.api.faults.add({ kind: 'drop-before', times: 1 })

      expect(await db.selectFrom('things').selectAll().execute()).toEqual([])
    })

    it('stops waiting when the caller aborts', async () => {
      aurora.api.faults.add({ kind: 'delay', ms: 5_000, times: 1 })
      const reason = new Error('not wanted any more')

      const query = db
        .selectFrom('things')
        .selectAll()
        .execute({ signal: AbortSignal.timeout(50) })
      await expect(query).rejects.toMatchObject({ name: 'TimeoutError' })
      await expect(
        db
          .selectFrom('things')
          .selectAll()
          .execute({ signal: AbortSignal.abort(reason) }),
      ).rejects.toBe(reason)
    })
  })

  describe('transactions', () => {
    it('have no savepoints, and say so', async () => {
      const trx = await db.startTransaction().execute()

      await expect((async () => trx.savepoint('half').execute())()).rejects.toThrow(/takes no savepoints/)
      await trx.rollback().execute()
    })

    it('are REPEATABLE READ, and refuse to be anything else', async () => {
      const work = async (): Promise<string> => 'done'

      expect(await db.transaction().setIsolationLevel('repeatable read').execute(work)).toBe('done')
      for (const level of ['read uncommitted', 'read committed', 'serializable', 'snapshot'] as const)
        await expect(db.transaction().setIsolationLevel(level).execute(work)).rejects.toThrow(
          new RegExp(`can't set the isolation level "${level}"`),
        )
      await expect(db.transaction().setAccessMode('read only').execute(work)).rejects.toThrow(/read-only/)
    })

    it('free their locks when the commit is refused', async () => {
      aurora.api.faults.add({
        kind: 'error',
        error: 'BadRequestException',
        operation: 'CommitTransaction',
        times: 1,
      })
      await db.insertInto('things').values({ name: 'a', amount: 1 }).execute()

      await expect(
        db.transaction().execute((trx) => trx.updateTable('things').set({ amount: 2 }).execute()),
      ).rejects.toMatchObject({ exception: 'BadRequestException' })
      const [locked] = await aurora.legacy.query('SELECT name, amount FROM things FOR UPDATE NOWAIT')
      expect(locked).toEqual([{ name: 'a', amount: 1 }])
    })

    it('show the error that ended them, not that there was nothing left to roll back', async () => {
      aurora.api.faults.add({
        kind: 'error',
        error: 'TransactionNotFoundException',
        operation: 'RollbackTransaction',
        after: true,
        times: 1,
      })

      await expect(db.transaction().execute(() => Promise.reject(new Error('the cause')))).rejects.toThrow(
        'the cause',
      )
      expect(aurora.api.faults.list()).toEqual([])
    })
  })
})
