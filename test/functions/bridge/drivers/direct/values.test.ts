import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { sql } from 'kysely'
import { failure, Harness } from './harness.ts'

/** A column, what is bound to it, and what comes back when that is not the same. */
const cases: readonly (readonly [type: string, bound: unknown, read?: unknown])[] = [
  ['BIGINT', 9223372036854775807n],
  ['BIGINT', -9223372036854775808n],
  ['BIGINT', 0, 0n],
  ['BIGINT UNSIGNED', 18446744073709551615n],
  ['BIGINT UNSIGNED', 9223372036854775808n],
  ['INT', -2147483648],
  ['INT UNSIGNED', 4294967295],
  ['MEDIUMINT', -8388608],
  ['SMALLINT UNSIGNED', 65535],
  ['TINYINT', -128],
  ['TINYINT UNSIGNED', 255],
  ['TINYINT(1)', true],
  ['TINYINT(1)', false],
  ['BIT(1)', true],
  ['BIT(1)', false],
  ['BIT(12)', 2748, new Uint8Array([0x0a, 0xbc])],
  ['DECIMAL(38,10)', '1234567890123456789012345678.0123456789'],
  ['DECIMAL(5,2)', '-0.10'],
  ['DOUBLE', 1.7976931348623157e308],
  ['DOUBLE', 5e-324],
  ['FLOAT', 0.5],
  ['DATE', '1000-01-01'],
  ['DATE', '9999-12-31'],
  ['DATETIME', '2026-11-22 04:33:00'],
  ['DATETIME(6)', '2026-11-22 04:33:00.100000'],
  ['DATETIME(6)', '2026-11-22 04:33:00.000000'],
  ['DATETIME(3)', new Date('2026-03-29T02:30:00.123Z'), '2026-03-29 02:30:00.123'],
  ['TIMESTAMP(6)', '2026-03-29 02:30:00.000001'],
  ['TIME(6)', '-838:59:58.999999'],
  ['TIME', '00:00:00'],
  ['YEAR', '2026'],
  ['YEAR', '0000'],
  ['JSON', '{"a": 1.10, "b": 9007199254740993}'],
  ['VARCHAR(20)', ''],
  ['VARCHAR(20)', "'; DROP TABLE x \\ 🍳"],
  ['LONGTEXT', 'é'.repeat(70_000)],
  ['CHAR(3) CHARACTER SET ascii', 'abc'],
  ['VARCHAR(9) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin', 'ß'],
  ["ENUM('a','b')", 'b'],
  ["SET('a','b','c')", 'a,c'],
  ['BINARY(4)', new Uint8Array([0, 255, 0, 0])],
  ['VARBINARY(4)', new Uint8Array([])],
  ['LONGBLOB', new Uint8Array(70_000).fill(0xff)],
]

describe('values over the direct connection', () => {
  let harness: Harness
  let db: ReturnType<Harness['open']>['db']

  beforeAll(async () => {
    harness = await Harness.start()
    db = harness.open().db
  })
  afterAll(() => harness.close())

  const table = async (type: string): Promise<void> => {
    await sql`DROP TABLE IF EXISTS t`.execute(db)
    await sql`CREATE TABLE t (id INT AUTO_INCREMENT PRIMARY KEY, v ${sql.raw(type)} NULL)`.execute(db)
  }

  it.each(cases.map(([type, bound, read = bound], at) => ({ at, type, bound, read })))(
    '$type comes back exactly (case $at)',
    async ({ type, bound, read }) => {
      await table(type)
      const inserted = await db.insertInto('t').values({ v: bound }).executeTakeFirstOrThrow()
      await db.insertInto('t').values({ v: null }).execute()

      expect(inserted).toMatchObject({ insertId: 1n, numInsertedOrUpdatedRows: 1n })
      const rows = await db.selectFrom('t').selectAll().orderBy('id').execute()
      const [first, second] = rows.map(({ v }) => v)
      // MySQL writes a JSON document in its own words, MariaDB as it came; a number keeps its digits in both.
      if (type === 'JSON') expect(first).toMatch(/"b": 9007199254740993\b/)
      else expect(first).toStrictEqual(read)
      expect(second).toBeNull()
      const streamed = []
      for await (const row of db.selectFrom('t').select('v').orderBy('id').stream()) streamed.push(row)
      expect(streamed).toStrictEqual(rows.map(({ v }) => ({ v })))
    },
  )

  it('counts matched rows, not changed ones, as bigint', async () => {
    await table('INT')
    await db
      .insertInto('t')
      .values([{ v: 1 }, { v: 1 }, { v: 2 }])
      .execute()
    const updated = await db.updateTable('t').set({ v: 1 }).where('v', '=', 1).executeTakeFirstOrThrow()
    expect(updated.numUpdatedRows).toBe(2n)
    const deleted = await db.deleteFrom('t').where('v', '=', 7).executeTakeFirstOrThrow()
    expect(deleted.numDeletedRows).toBe(0n)
  })

  it('binds numbers that LIMIT takes', async () => {
    await table('INT')
    await db
      .insertInto('t')
      .values([{ v: 1 }, { v: 2 }, { v: 3 }])
      .execute()
    const rows = await db.selectFrom('t').select('v').orderBy('id').limit(2).offset(1).execute()
    expect(rows).toEqual([{ v: 2 }, { v: 3 }])
  })

  it.each([[Number.NaN], [Symbol('s')], [{ a: 1 }], [new Date(Number.NaN)]])(
    'refuses a value without a form (case %#) before anything runs',
    async (value) => {
      await table('TEXT')
      expect(await failure(db.insertInto('t').values({ v: value }).execute())).toMatchObject({
        name: 'UnsupportedValueError',
      })
      expect(await db.selectFrom('t').selectAll().execute()).toEqual([])
    },
  )

  it('refuses a column of a type that the Data API does not return', async () => {
    const query = sql`SELECT ST_GeomFromText('POINT(1 2)') AS place`
    expect(await failure(query.execute(db))).toMatchObject({
      name: 'UnsupportedValueError',
      message: expect.stringContaining('place'),
    })
    expect((await sql`SELECT 'yes' AS one`.execute(db)).rows).toEqual([{ one: 'yes' }])
  })

  it.each([
    ['a duplicate key', "INSERT INTO t (id, v) VALUES (1, 'x'), (1, 'y')", 1062, '23000', 'dependency'],
    ['text that is too long', "INSERT INTO t (v) VALUES ('too long for it')", 1406, '22001', 'data'],
    ['an unknown table', 'SELECT * FROM nowhere', 1146, '42S02', 'configuration'],
    ['bad syntax', 'SELEKT 1', 1064, '42000', 'configuration'],
  ])('reports %s as the Data API dialect does', async (_, text, errno, sqlState, kind) => {
    await table('VARCHAR(3)')
    const error = await failure(sql.raw(text).execute(db))
    expect(error).toMatchObject({ name: 'DirectError', code: `mysql.${errno}`, errno, sqlState, kind })
    expect(Object(error).message).not.toContain('too long for it')
  })

  it('runs what MySQL can not prepare, and returns the first result set of a procedure', async () => {
    await sql`CREATE PROCEDURE two() BEGIN SELECT 'x' AS a; SELECT 'y' AS b; END`.execute(db)
    expect((await sql`CALL two()`.execute(db)).rows).toEqual([{ a: 'x' }])
  })
})
