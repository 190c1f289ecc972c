import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager'
import { fc } from '@fast-check/jest'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals'
import { type Generated, type Kysely, sql } from 'kysely'
import type { Connection } from 'mysql2/promise'
import { openDirect } from '../../../../functions/bridge/drivers/direct/open.ts'
import { ownerSignalOf } from '../../../../functions/bridge/drivers/sql-errors.ts'
import { startSecretsManager } from '../../../../infra/local/secrets-manager/server.ts'
import { openTestAurora } from '../../../support/aurora.ts'
import { codePoint } from '../../../support/code-point.ts'
import { runs } from '../../../support/runs.ts'

type Things = {
  id: Generated<bigint>
  name: string | null
  amount: number
}

/** A way into a database of its own. */
type Way = {
  readonly db: Kysely<{ things: Things }>
  /** Past the way that is tested. */
  readonly legacy: Connection
  close(): Promise<void>
}

const dataApi = async (): Promise<Way> => {
  const { db, legacy, close } = await openTestAurora({ migrate: false })
  return { db: db.withTables<{ things: Things }>(), legacy, close }
}

const direct = async (): Promise<Way> => {
  const aurora = await openTestAurora({ migrate: false })
  const manager = await startSecretsManager({ store: aurora.secrets })
  const secretsClient = new SecretsManagerClient({
    endpoint: manager.endpoint,
    region: 'us-east-1',
    credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
  })
  const { host, port, database, secretArn } = aurora
  const opened = openDirect<{ things: Things }>({ secretsClient, secretArn, host, port, database })
  const close = async (): Promise<void> => {
    await opened.close()
    secretsClient.destroy()
    await manager.close()
    await aurora.close()
  }
  return { db: opened.db, legacy: aurora.legacy, close }
}

/** A DECIMAL(38,10) as MySQL writes it. */
const decimal = (minus: boolean, digits: bigint): string => {
  const text = String(digits).padStart(11, '0')
  return `${minus ? '-' : ''}${text.slice(0, -10)}.${text.slice(-10)}`
}

const microseconds = (date: Date): string => `${date.toISOString().slice(0, -1).replace('T', ' ')}789`

/** Bytes compare by content, whatever class holds them; a number without a sign for zero. */
const plain = (value: unknown): unknown =>
  value instanceof Uint8Array ? Buffer.from(value).toString('hex') : value

/** One suite over both ways; it runs on MariaDB and on MySQL, whichever the test run has. */
describe.each([
  ['over the Data API', dataApi],
  ['over a direct connection', direct],
])('Kysely %s', (_, open) => {
  let way: Way
  let db: Way['db']

  beforeAll(async () => {
    way = await open()
    db = way.db
    await way.legacy.query(
      'CREATE TABLE things (id BIGINT AUTO_INCREMENT PRIMARY KEY, name VARCHAR(50) UNIQUE, amount INT NOT NULL)',
    )
  })
  afterAll(() => way.close())
  beforeEach(() => way.legacy.query('TRUNCATE things'))

  const rows = async (): Promise<unknown> =>
    (await way.legacy.query('SELECT name, amount FROM things ORDER BY id'))[0]

  describe('statements', () => {
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

    it('keeps a column that has the name of an inherited member', async () => {
      const { rows } =
        await sql`SELECT 'a' AS ${sql.id('constructor')}, 'b' AS ${sql.id('toString')}`.execute(db)

      expect(rows.map((row) => Object.entries(row ?? {}))).toEqual([
        [
          ['constructor', 'a'],
          ['toString', 'b'],
        ],
      ])
    })

    it.each([
      [
        "SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'backsync: not-the-owner: DynamoDB owns this dish'",
        'dish',
      ],
      ["SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'backsync: not-the-owner'", undefined],
    ])("tells a trigger's refusal for the owner: %s", async (signal, entity) => {
      await way.legacy.query(`CREATE TRIGGER refuse BEFORE INSERT ON things FOR EACH ROW ${signal}`)
      try {
        const refused = await db
          .insertInto('things')
          .values({ name: 'a', amount: 1 })
          .execute()
          .catch((error: unknown) => error)
        expect(refused).toMatchObject({ errno: 1644, sqlState: '45000', ownerSignal: { entity } })
        expect(ownerSignalOf(new Error('not saved', { cause: refused }))).toEqual({ entity })
      } finally {
        await way.legacy.query('DROP TRIGGER refuse')
      }
    })

    it("takes no customer's value for it", async () => {
      const name = 'backsync: not-the-owner'
      await db.insertInto('things').values({ name, amount: 1 }).execute()
      const refused = await db
        .insertInto('things')
        .values({ name, amount: 2 })
        .execute()
        .catch((error: unknown) => error)
      expect(refused).toMatchObject({ errno: 1062, ownerSignal: undefined })
      expect(ownerSignalOf(new Error('not saved', { cause: refused }))).toBeUndefined()
    })

    it("tells MySQL's error by its number", async () => {
      await db.insertInto('things').values({ name: 'a', amount: 1 }).execute()

      await expect(db.insertInto('things').values({ name: 'a', amount: 1 }).execute()).rejects.toMatchObject({
        errno: 1062,
        sqlState: '23000',
        kind: 'dependency',
      })
      await expect(sql`SELECT * FROM nowhere`.execute(db)).rejects.toMatchObject({
        errno: 1146,
        kind: 'configuration',
      })
    })

    it('knows the tables', async () => {
      const tables = await db.introspection.getTables()

      expect(tables.map(({ name, columns }) => [name, columns.map((column) => column.name)])).toEqual([
        ['things', ['id', 'name', 'amount']],
      ])
    })

    it('run side by side, each with its own answer', async () => {
      const answers = await Promise.all(
        Array.from({ length: 40 }, (_, n) =>
          sql<{ n: unknown }>`SELECT CAST(${n} AS SIGNED) AS n`.execute(db),
        ),
      )

      expect(answers.map(({ rows: [row] }) => Number(row?.n))).toEqual(
        Array.from({ length: 40 }, (_, n) => n),
      )
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

    it('keep their rows locked until they end', async () => {
      await db.insertInto('things').values({ name: 'a', amount: 1 }).execute()
      await way.legacy.query('SET SESSION innodb_lock_wait_timeout = 1')
      await db.transaction().execute(async (trx) => {
        await trx.updateTable('things').set({ amount: 2 }).execute()
        await expect(way.legacy.query('UPDATE things SET amount = 3')).rejects.toMatchObject({ errno: 1205 })
      })

      expect(await rows()).toEqual([{ name: 'a', amount: 2 }])
    })
  })

  describe('a value', () => {
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
      const list = Object.entries(columns).map(
        ([name, type]) => `\`${name}\` ${type}${type.endsWith('NULL') ? '' : ' NULL'}`,
      )
      await way.legacy.query(`CREATE TABLE edges (id INT AUTO_INCREMENT PRIMARY KEY, ${list.join(', ')})`)
    })
    beforeEach(() => way.legacy.query('TRUNCATE edges'))

    const store = async (column: string, value: unknown): Promise<unknown> => {
      await sql`INSERT INTO edges (${sql.ref(column)}) VALUES (${value})`.execute(way.db)
      const { rows } = await sql<{ v: unknown }>`SELECT ${sql.ref(column)} AS v FROM edges`.execute(way.db)
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

    /** Whatever a column can hold comes back as it went in. */
    const roundTrips: [string, fc.Arbitrary<unknown>][] = [
      ['s', fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })],
      ['u', fc.bigInt({ min: 0n, max: 2n ** 64n - 1n })],
      ['i', fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 })],
      ['dbl', fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => value + 0)],
      [
        'de',
        fc
          .tuple(fc.boolean(), fc.bigInt({ min: 1n, max: 10n ** 38n - 1n }))
          .map(([minus, digits]) => decimal(minus, digits)),
      ],
      ['vc', fc.string({ unit: codePoint, maxLength: 50 })],
      ['tx', fc.string({ unit: 'grapheme', maxLength: 300 })],
      ['vb', fc.uint8Array({ maxLength: 10 })],
      [
        'dt',
        fc
          .date({
            min: new Date('1000-01-01T00:00:00Z'),
            max: new Date('9999-12-31T23:59:59Z'),
            noInvalidDate: true,
          })
          .map(microseconds),
      ],
    ]

    it.each(roundTrips)('comes back as it went in, whatever it is, in column %s', async (column, values) => {
      await fc.assert(
        fc.asyncProperty(fc.array(values, { minLength: 1, maxLength: 20 }), async (many) => {
          await way.legacy.query('DELETE FROM edges')
          await sql`INSERT INTO edges (${sql.ref(column)}) VALUES ${sql.join(many.map((one) => sql`(${one})`))}`.execute(
            way.db,
          )
          const { rows } = await sql<{
            v: unknown
          }>`SELECT ${sql.ref(column)} AS v FROM edges ORDER BY id`.execute(way.db)
          expect(rows.map(({ v }) => plain(v))).toEqual(many.map(plain))
        }),
        runs(25, { seed: 11, short: 10 }),
      )
    })
  })
})
