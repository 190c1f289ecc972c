import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals'
import { type Generated, type Kysely, sql } from 'kysely'
import { wasRepeated } from '../../../../functions/bridge/data-api/driver.ts'
import { idempotently } from '../../../../functions/bridge/data-api/idempotent.ts'
import { openTestAurora, type TestAurora } from '../../../support/aurora.ts'

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

    it('inserts, with the id that was given; of several rows the first', async () => {
      const one = await db.insertInto('things').values({ name: 'a', amount: 1 }).executeTakeFirstOrThrow()
      const two = await db
        .insertInto('things')
        .values([
          { name: 'b', amount: 2 },
          { name: 'c', amount: 3 },
        ])
        .executeTakeFirstOrThrow()

      expect(one).toMatchObject({ insertId: 1n, numInsertedOrUpdatedRows: 1n })
      expect(two).toMatchObject({ insertId: 2n, numInsertedOrUpdatedRows: 2n })
    })

    it('selects rows, none or several', async () => {
      expect(await db.selectFrom('things').selectAll().execute()).toEqual([])
      await db
        .insertInto('things')
        .values([
          { name: 'a', amount: 1 },
          { name: null, amount: 2 },
        ])
        .execute()

      expect(await db.selectFrom('things').selectAll().orderBy('id').execute()).toEqual([
        { id: 1n, name: 'a', amount: 1 },
        { id: 2n, name: null, amount: 2 },
      ])
    })

    it('updates and deletes, and counts the rows that matched', async () => {
      await db
        .insertInto('things')
        .values([
          { name: 'a', amount: 1 },
          { name: 'b', amount: 1 },
        ])
        .execute()

      const updated = await db.updateTable('things').set({ amount: 1 }).executeTakeFirstOrThrow()
      const deleted = await db.deleteFrom('things').where('name', '=', 'a').executeTakeFirstOrThrow()
      const none = await db.deleteFrom('things').where('name', '=', 'a').executeTakeFirstOrThrow()

      expect([updated.numUpdatedRows, deleted.numDeletedRows, none.numDeletedRows]).toEqual([2n, 1n, 0n])
    })

    it.each([
      "Robert'); DROP TABLE things;--",
      '\\',
      '`"\'',
      ':p1 :p2',
      '?',
      '#',
      '/* */ --',
      '👩🏽‍🍳',
      '\u0000',
      '',
    ])('takes %j as a value and nothing else', async (name) => {
      await db.insertInto('things').values({ name, amount: 1 }).execute()

      expect(await db.selectFrom('things').select('name').where('name', '=', name).execute()).toEqual([
        { name },
      ])
    })

    it('names expressions by their alias', async () => {
      const { rows: found } = await sql`SELECT 1 AS one, 'x' AS \`a label\`, NULL AS nothing`.execute(db)

      expect(found).toEqual([{ one: expect.anything(), 'a label': 'x', nothing: null }])
    })

    it("tells MySQL's error by its number", async () => {
      await db.insertInto('things').values({ name: 'a', amount: 1 }).execute()

      await expect(db.insertInto('things').values({ name: 'a', amount: 1 }).execute()).rejects.toMatchObject({
        name: 'DataApiError',
        errno: 1062,
        sqlState: '23000',
        kind: 'data',
      })
      await expect(sql`SELECT * FROM nowhere`.execute(db)).rejects.toMatchObject({
        errno: 1146,
        kind: 'configuration',
      })
    })

    it('refuses a value that has no form, before it sends anything', async () => {
      const before = aurora.calls()

      await expect(
        db.insertInto('things').values({ name: 'a', amount: Number.NaN }).execute(),
      ).rejects.toMatchObject({ code: 'data-api.unsupported-value' })
      expect(aurora.calls()).toBe(before)
    })

    it('knows the tables', async () => {
      const tables = await db.introspection.getTables()

      expect(tables.map(({ name, columns }) => [name, columns.map((column) => column.name)])).toEqual([
        ['things', ['id', 'name', 'amount']],
      ])
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
    const two = [
      { name: 'a', amount: 1 },
      { name: 'b', amount: 2 },
    ]

    it('commit what was done in them', async () => {
      const returned = await db.transaction().execute(async (trx) => {
        for (const thing of two) await trx.insertInto('things').values(thing).execute()
        expect(await rows()).toEqual([])
        expect(await trx.selectFrom('things').select('name').execute()).toHaveLength(2)
        return 'done'
      })

      expect(returned).toBe('done')
      expect(await rows()).toEqual(two)
    })

    it('leave nothing when the work fails, and pass its error on', async () => {
      const failed = db.transaction().execute(async (trx) => {
        await trx.insertInto('things').values(two).execute()
        throw new Error('no')
      })

      await expect(failed).rejects.toThrow(new Error('no'))
      expect(await rows()).toEqual([])
    })

    it('leave nothing when a statement fails', async () => {
      const failed = db.transaction().execute(async (trx) => {
        await trx.insertInto('things').values(two).execute()
        await trx.insertInto('things').values(two).execute()
      })

      await expect(failed).rejects.toMatchObject({ errno: 1062 })
      expect(await rows()).toEqual([])
    })

    it('are apart from what runs beside them', async () => {
      await db.transaction().execute(async (trx) => {
        await trx.insertInto('things').values({ name: 'a', amount: 1 }).execute()
        await db.insertInto('things').values({ name: 'b', amount: 2 }).execute()
        expect(await trx.selectFrom('things').select('name').where('amount', '=', 1).execute()).toEqual([
          { name: 'a' },
        ])
        expect(await db.selectFrom('things').select('name').execute()).toEqual([{ name: 'b' }])
      })

      expect(await rows()).toEqual(two)
    })

    it('can be controlled by hand', async () => {
      const trx = await db.startTransaction().execute()
      await trx.insertInto('things').values({ name: 'a', amount: 1 }).execute()
      await trx.rollback().execute()
      const other = await db.startTransaction().execute()
      await other.insertInto('things').values({ name: 'b', amount: 2 }).execute()
      await other.commit().execute()

      expect(await rows()).toEqual([{ name: 'b', amount: 2 }])
    })

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

describe('a value', () => {
  let aurora: TestAurora
  const columns = {
    s: 'BIGINT',
    u: 'BIGINT UNSIGNED',
    i: 'INT',
    iu: 'INT UNSIGNED',
    mi: 'MEDIUMINT',
    si: 'SMALLINT',
    ti: 'TINYINT',
    bo: 'TINYINT(1)',
    de: 'DECIMAL(38,10)',
    fl: 'FLOAT',
    dbl: 'DOUBLE',
    dt: 'DATETIME(6)',
    dt0: 'DATETIME',
    ts: 'TIMESTAMP(6) NULL',
    t: 'TIME',
    t6: 'TIME(6)',
    da: 'DATE',
    ye: 'YEAR',
    js: 'JSON',
    b1: 'BIT(1)',
    b8: 'BIT(8)',
    bi: 'BINARY(4)',
    vb: 'VARBINARY(10)',
    bl: 'BLOB',
    en: "ENUM('a','b')",
    se: "SET('a','b')",
    ch: 'CHAR(5)',
    vc: 'VARCHAR(50)',
    tx: 'TEXT',
  }

  beforeAll(async () => {
    aurora = await openTestAurora({ migrate: false })
    const list = Object.entries(columns).map(
      ([name, type]) => `\`${name}\` ${type}${type.endsWith('NULL') ? '' : ' NULL'}`,
    )
    await aurora.legacy.query(`CREATE TABLE edges (id INT AUTO_INCREMENT PRIMARY KEY, ${list.join(', ')})`)
  })
  afterAll(() => aurora.close())
  beforeEach(() => aurora.legacy.query('TRUNCATE edges'))

  const store = async (column: string, value: unknown): Promise<unknown> => {
    await sql`INSERT INTO edges (${sql.ref(column)}) VALUES (${value})`.execute(aurora.db)
    const { rows } = await sql<{ v: unknown }>`SELECT ${sql.ref(column)} AS v FROM edges`.execute(aurora.db)
    return rows[0]?.v
  }

  it.each<[string, unknown, unknown]>([
    ['s', 2n ** 63n - 1n, 9223372036854775807n],
    ['s', -(2n ** 63n), -9223372036854775808n],
    ['s', 9007199254740993n, 9007199254740993n],
    ['s', 0, 0n],
    ['u', 2n ** 64n - 1n, 18446744073709551615n],
    ['u', 2n ** 63n, 9223372036854775808n],
    ['i', -2147483648, -2147483648],
    ['iu', 4294967295, 4294967295],
    ['mi', -8388608, -8388608],
    ['si', 32767, 32767],
    ['ti', -128, -128],
    ['bo', true, true],
    ['bo', false, false],
    ['de', '1234567890123456789012345678.0123456789', '1234567890123456789012345678.0123456789'],
    ['de', '-0.0000000001', '-0.0000000001'],
    ['de', '1', '1.0000000000'],
    ['fl', 0.5, 0.5],
    ['dbl', 0.1, 0.1],
    ['dbl', 1.7976931348623157e308, 1.7976931348623157e308],
    ['dbl', -5e-324, -5e-324],
    ['dt', '2026-11-22 03:00:00.123456', '2026-11-22 03:00:00.123456'],
    ['dt', '9999-12-31 23:59:59.999999', '9999-12-31 23:59:59.999999'],
    ['dt', new Date('2026-11-22T03:00:00.120Z'), '2026-11-22 03:00:00.120000'],
    ['dt0', '2026-11-22 03:00:00', '2026-11-22 03:00:00'],
    ['ts', '2038-01-19 03:14:07.999999', '2038-01-19 03:14:07.999999'],
    ['t', '-838:59:59', '-838:59:59'],
    ['t6', '23:59:59.999999', '23:59:59.999999'],
    ['da', '2024-02-29', '2024-02-29'],
    ['ye', 2155, '2155'],
    ['js', '{"a":[1,"é",null]}', expect.stringMatching(/^\{"a": ?\[1, ?"é", ?null\]\}$/)],
    ['b1', true, true],
    ['b8', new Uint8Array([0xa5]), Buffer.from([0xa5])],
    ['bi', new Uint8Array([0, 255, 0, 1]), Buffer.from([0, 255, 0, 1])],
    ['bi', new Uint8Array([1]), Buffer.from([1, 0, 0, 0])],
    ['vb', new Uint8Array(), Buffer.from([])],
    ['bl', new Uint8Array([0, 39, 92, 255]), Buffer.from([0, 39, 92, 255])],
    ['en', 'b', 'b'],
    ['se', 'a,b', 'a,b'],
    ['ch', 'ab', 'ab'],
    ['vc', ' 👩🏽‍🍳 e\u0301 ', ' 👩🏽‍🍳 e\u0301 '],
    ['vc', '', ''],
    ['tx', '\'"\\\u0000\u001f\n', '\'"\\\u0000\u001f\n'],
  ])('keeps its every digit, byte and character in column %s: %p', async (column, value, expected) => {
    const found = await store(column, value)

    expect(found instanceof Uint8Array ? Buffer.from(found) : found).toEqual(expected)
  })

  it.each(Object.entries(columns))('that is NULL stays NULL in column %s %s', async (column) => {
    expect(await store(column, null)).toBeNull()
  })

  it.each<[string, unknown, number]>([
    ['i', 2147483648, 1264],
    ['ti', -129, 1264],
    ['u', -1, 1264],
    ['de', '12345678901234567890123456789', 1264],
    ['vc', 'x'.repeat(51), 1406],
    ['da', '2026-02-30', 1292],
  ])('that does not fit into column %s is refused, not bent: %p', async (column, value, errno) => {
    await expect(store(column, value)).rejects.toMatchObject({ errno, kind: 'data' })
  })
})
