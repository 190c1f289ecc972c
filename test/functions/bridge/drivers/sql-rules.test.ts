import { fc } from '@fast-check/jest'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { type RawBuilder, sql } from 'kysely'
import { explained } from '../../../../functions/bridge/aurora/explain.ts'
import { DataApiError } from '../../../../functions/bridge/drivers/data-api/errors.ts'
import { SqlError } from '../../../../functions/bridge/drivers/sql-errors.ts'
import { integer } from '../../../../functions/bridge/model/attributes/integer.ts'
import { text } from '../../../../functions/bridge/model/attributes/text.ts'
import { defineEntity } from '../../../../functions/bridge/model/entity.ts'
import { autoIncrement } from '../../../../functions/bridge/model/identity.ts'
import { LambdaLog } from '../../../../functions/bridge/runtime/log.ts'
import { openTestAurora, type TestAurora } from '../../../support/aurora.ts'
import { codePoint } from '../../../support/code-point.ts'
import { runs } from '../../../support/runs.ts'

const guest = defineEntity({
  name: 'guest',
  plural: 'guests',
  keyName: 'guestId',
  table: 'guests',
  identity: autoIncrement('id'),
  attributes: {
    name: text({ column: 'full_name', maxLength: 10 }),
    nickname: text({ column: 'nickname', maxLength: 20 }),
    seats: integer({ column: 'seats' }),
  },
  example: { name: 'Ada', nickname: 'ada', seats: 2 },
})

const TABLES = [
  `CREATE TABLE guests (
    id INT AUTO_INCREMENT PRIMARY KEY,
    full_name VARCHAR(10) NOT NULL,
    nickname VARCHAR(20) NULL,
    seats TINYINT NULL,
    born DATE NULL,
    mood ENUM('good', 'bad') NULL,
    latin VARCHAR(20) CHARACTER SET latin1 NULL,
    doubled INT AS (seats * 2) STORED,
    table_id INT NULL,
    UNIQUE KEY one_nickname (nickname),
    CONSTRAINT few_seats CHECK (seats < 100),
    CONSTRAINT sits_at FOREIGN KEY (table_id) REFERENCES guests (id)
  )`,
  "INSERT INTO guests (full_name, nickname) VALUES ('Ada', 'ada')",
  "INSERT INTO guests (full_name, table_id) VALUES ('Bob', 1)",
]

describe('an error of the database', () => {
  let aurora: TestAurora
  beforeAll(async () => {
    aurora = await openTestAurora({ migrate: false })
    for (const statement of TABLES) await aurora.legacy.query(statement)
  })
  afterAll(() => aurora.close())

  const errorOf = async (statement: RawBuilder<unknown>): Promise<SqlError> => {
    const error: unknown = await statement.execute(aurora.db).then(
      () => new Error('it passed'),
      (refusal: unknown) => refusal,
    )
    if (!(error instanceof SqlError)) throw error
    return error
  }
  const guestWith = (column: string, value: unknown) =>
    sql`INSERT INTO guests (full_name, ${sql.ref(column)}) VALUES ('Eve', ${value})`

  /** By way of JSON: MySQL converts a parameter before it knows the column. */
  const asTheBridgeDoes = (column: string, value: string) => sql`
    INSERT INTO guests (full_name, ${sql.ref(column)})
    SELECT 'Eve', j.v FROM JSON_TABLE(${JSON.stringify([value])}, '$[*]'
      COLUMNS (v VARCHAR(50) CHARACTER SET utf8mb4 PATH '$')) AS j`

  it.each<[string, RawBuilder<unknown>, object]>([
    ['a missing value', sql`INSERT INTO guests (full_name) VALUES (NULL)`, { column: 'full_name' }],
    ['no default', sql`INSERT INTO guests (seats) VALUES (1)`, { column: 'full_name' }],
    [
      'too long a text',
      sql`INSERT INTO guests (full_name) VALUES (${'x'.repeat(11)})`,
      { column: 'full_name' },
    ],
    ['a number out of range', guestWith('seats', 1000), { column: 'seats' }],
    ['no number', guestWith('seats', 'many'), { column: 'seats' }],
    ['no date', guestWith('born', '2026-02-30'), { column: 'born' }],
    ['none of its values', guestWith('mood', 'so so'), { column: 'mood' }],
    ['a character that the column has not', asTheBridgeDoes('latin', '🎬'), { column: 'latin' }],
    ['a generated column', guestWith('doubled', 3), { column: 'doubled' }],
    ['a missing parent', guestWith('table_id', 999), { constraint: 'sits_at', column: 'table_id' }],
    [
      'a child',
      sql`DELETE FROM guests WHERE id = 1`,
      { constraint: 'sits_at', column: 'table_id', table: 'guests' },
    ],
    [
      'a taken value',
      guestWith('nickname', 'ada'),
      { index: expect.stringMatching(/^(guests\.)?one_nickname$/) },
    ],
    ['a CHECK', guestWith('seats', 100), { constraint: 'few_seats' }],
    ['an unknown column', guestWith('shoe_size', 44), { column: 'shoe_size' }],
    ['an unknown table', sql`DELETE FROM visitors`, { table: expect.stringContaining('visitors') }],
  ])('over %s names where that is, in its message too', async (_, statement, broken) => {
    const error = await errorOf(statement)
    expect(error.broken).toMatchObject({ ...broken, says: expect.any(String) })
    for (const name of [error.broken?.column, error.broken?.constraint, error.broken?.index])
      expect(error.message).toContain(name ?? '')
  })

  it("of a trigger's own says its number only: the text is its author's, and may hold a value", async () => {
    await aurora.legacy.query(`CREATE TRIGGER no_mallory BEFORE INSERT ON guests FOR EACH ROW
      BEGIN DECLARE why TEXT DEFAULT CONCAT('Data too long for column ''', NEW.nickname, ''' at row 1');
      IF NEW.full_name = 'Mallory' THEN
        SIGNAL SQLSTATE '45000' SET MYSQL_ERRNO = 1406, MESSAGE_TEXT = why; END IF; END`)
    const error = await errorOf(sql`INSERT INTO guests (full_name, nickname) VALUES ('Mallory', 'secret')`)

    expect(error).toMatchObject({ errno: 1406, sqlState: '45000', kind: 'data', broken: undefined })
    expect(error.message).not.toContain('secret')
    await aurora.legacy.query('DROP TRIGGER no_mallory')
  })

  it('names the attribute that is kept in the column', async () => {
    const error = explained(guest, await errorOf(sql`INSERT INTO guests (full_name) VALUES (NULL)`))
    expect(error).toMatchObject({ code: 'mysql.1048', kind: 'data', broken: { attribute: 'name' } })
    expect(error.message).toMatch(/^name \(column full_name\) must not be NULL: /)
  })

  it('holds no value anywhere: not in its message, nor in what the log shows of it', async () => {
    const column = fc.constantFrom('full_name', 'nickname', 'seats', 'born', 'mood', 'latin', 'table_id')
    const tricky = fc
      .tuple(
        fc.constantFrom(
          "' for column 'X' at row 1",
          "' for key 'X'",
          '`.`X` at row 1',
          "'; Error code: 1; SQLState: 45000",
          '',
        ),
        fc.string({ unit: codePoint }),
      )
      .map(([end, own]) => `hunter2${own.replaceAll('\u0000', '')}${end.replace('X', 'hunter2')}`)
    await fc.assert(
      fc.asyncProperty(column, tricky, async (of, value) => {
        const error: unknown = await guestWith(of, value)
          .execute(aurora.db)
          .then(
            () => undefined,
            (refusal: unknown) => refusal,
          )
        if (error === undefined) return
        const lines: string[] = []
        new LambdaLog('test', { write: (line) => void lines.push(line) }).error('refused', {
          error: explained(guest, error),
        })
        expect(error).toBeInstanceOf(DataApiError)
        expect(lines.join('')).not.toContain('hunter2')
      }),
      runs(60),
    )
  })
})
