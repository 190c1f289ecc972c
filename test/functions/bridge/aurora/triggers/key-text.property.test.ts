import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { sql } from 'kysely'
import type { Connection, RowDataPacket } from 'mysql2/promise'
import { keyOfSelected, selectedKey } from '../../../../../functions/bridge/aurora/row-key.ts'
import { keyInSql } from '../../../../../functions/bridge/aurora/triggers/key-text.ts'
import { binary, fixedBinary } from '../../../../../functions/bridge/model/attributes/binary.ts'
import { bit } from '../../../../../functions/bridge/model/attributes/bit.ts'
import { boolean } from '../../../../../functions/bridge/model/attributes/boolean.ts'
import { char } from '../../../../../functions/bridge/model/attributes/char.ts'
import { date } from '../../../../../functions/bridge/model/attributes/date.ts'
import { datetime } from '../../../../../functions/bridge/model/attributes/datetime.ts'
import { decimal } from '../../../../../functions/bridge/model/attributes/decimal.ts'
import { integer } from '../../../../../functions/bridge/model/attributes/integer.ts'
import { oneOf } from '../../../../../functions/bridge/model/attributes/one-of.ts'
import { setOf } from '../../../../../functions/bridge/model/attributes/set-of.ts'
import { text } from '../../../../../functions/bridge/model/attributes/text.ts'
import { time } from '../../../../../functions/bridge/model/attributes/time.ts'
import { timestamp } from '../../../../../functions/bridge/model/attributes/timestamp.ts'
import { uuid } from '../../../../../functions/bridge/model/attributes/uuid.ts'
import { year } from '../../../../../functions/bridge/model/attributes/year.ts'
import { defineEntity, type EntityDefinition } from '../../../../../functions/bridge/model/entity.ts'
import { natural } from '../../../../../functions/bridge/model/identity.ts'
import { openTestAurora, type TestAurora } from '../../../../support/aurora.ts'
import { runs } from '../../../../support/runs.ts'

const ATTRIBUTES: EntityDefinition['attributes'] = {
  word: text({ column: 'word', maxLength: 20, minLength: 0 }),
  latin: text({ column: 'latin', maxLength: 20, minLength: 0, charset: 'latin1' }),
  code: char({ column: 'code', length: 6, minLength: 0 }),
  level: oneOf({ column: 'level', values: ['low', 'a,b', '~'] }),
  tags: setOf({ column: 'tags', values: ['b', 'a', 'c~'] }),
  whole: integer({ column: 'whole', min: -(2n ** 63n), max: 2n ** 63n - 1n }),
  filled: integer({ column: 'filled', min: 0n, max: 2n ** 32n - 1n }),
  made: year({ column: 'made' }),
  bits: bit({ column: 'bits', length: 64 }),
  isOwn: boolean({ column: 'is_own' }),
  amount: decimal({ column: 'amount', precision: 30, scale: 4 }),
  day: date({ column: 'day' }),
  takenAt: datetime({ column: 'taken_at', precision: 3 }),
  seen: timestamp({ column: 'seen', precision: 6 }),
  took: time({ column: 'took', precision: 2 }),
  id: uuid({ column: 'id' }),
  swapped: uuid({ column: 'swapped', kept: 'swapped' }),
  hash: binary({ column: 'hash', maxBytes: 100 }),
  mark: fixedBinary({ column: 'mark', length: 4 }),
}

const TABLE = `CREATE TABLE wide (n INT AUTO_INCREMENT PRIMARY KEY, word VARCHAR(20) CHARACTER SET utf8mb4,
  latin VARCHAR(20) CHARACTER SET latin1, code CHAR(6) CHARACTER SET utf8mb4, level ENUM('~', 'low', 'a,b'),
  tags SET('a', 'b', 'c~'), whole BIGINT, filled INT(10) UNSIGNED ZEROFILL, made YEAR, bits BIT(64), is_own TINYINT(1),
  amount DECIMAL(30, 4), day DATE, taken_at DATETIME(3), seen TIMESTAMP(6) NULL, took TIME(2), id BINARY(16),
  swapped BINARY(16), hash VARBINARY(100), mark BINARY(4)) CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci`

const columns = Object.values(ATTRIBUTES).map(({ column }) => column)

const entityOf = (of: readonly string[]) =>
  defineEntity({
    name: 'wide',
    plural: 'wides',
    keyName: 'wideKey',
    table: 'wide',
    identity: natural(of, { collation: 'utf8mb4_general_ci' }),
    attributes: { ...ATTRIBUTES, latin: text({ column: 'latin', maxLength: 20 }) },
    example: {
      ...{
        word: 'a',
        latin: 'a',
        code: 'a',
        level: 'low',
        tags: [],
        whole: 1,
        filled: 1,
        made: 2000,
        bits: 1,
      },
      ...{ isOwn: true, amount: '1', day: '2000-01-01', takenAt: '2000-01-01T00:00:00', took: '00:00:00' },
      ...{ seen: '2000-01-01T00:00:00Z', id: ID, swapped: ID, hash: 'AA==', mark: 'AAAAAA==' },
    },
  })
const ID = '01990000-0000-7000-8000-00000000000a'

const two = (n: number): string => String(n).padStart(2, '0')
const some = fc.string({
  unit: fc.constantFrom('a', 'A', 'é', ',', '~', '0', '1', "'", '\\', ' ', '%'),
  maxLength: 6,
})
const row = fc.record({
  word: fc.oneof(some, fc.string({ unit: 'grapheme', maxLength: 5 })).map((one) => one.slice(0, 20)),
  latin: some,
  code: some,
  level: fc.constantFrom('low', 'a,b', '~'),
  tags: fc.subarray(['a', 'b', 'c~']).map((tags) => tags.join(',')),
  whole: fc.bigInt(-(2n ** 63n), 2n ** 63n - 1n).map(String),
  filled: fc.nat().map(String),
  made: fc.oneof(fc.constant('0000'), fc.integer({ min: 1901, max: 2155 }).map(String)),
  bits: fc.bigInt(0n, 2n ** 64n - 1n),
  is_own: fc.constantFrom('0', '1'),
  amount: fc
    .tuple(fc.bigInt(-(10n ** 26n) + 1n, 10n ** 26n - 1n), fc.nat(9999))
    .map(([a, b]) => `${a}.${String(b).padStart(4, '0')}`),
  day: fc
    .date({ min: new Date('1000-01-01'), max: new Date('9999-12-31'), noInvalidDate: true })
    .map((at) => at.toISOString().slice(0, 10)),
  taken_at: fc
    .date({ min: new Date('1000-01-01'), max: new Date('9999-12-30'), noInvalidDate: true })
    .map((at) => at.toISOString().slice(0, 23).replace('T', ' ')),
  seen: fc
    .tuple(
      fc.date({ min: new Date('1970-01-03'), max: new Date('2038-01-17'), noInvalidDate: true }),
      fc.nat(999),
    )
    .map(
      ([at, micro]) => `${at.toISOString().slice(0, 23).replace('T', ' ')}${String(micro).padStart(3, '0')}`,
    ),
  took: fc
    .tuple(fc.constantFrom('', '-'), fc.nat(837), fc.nat(59), fc.nat(59), fc.nat(99))
    .map(([sign, h, m, s, f]) => `${sign}${two(h)}:${two(m)}:${two(s)}.${two(f)}`),
  id: fc.uint8Array({ minLength: 16, maxLength: 16 }),
  swapped: fc.uint8Array({ minLength: 16, maxLength: 16 }),
  hash: fc.uint8Array({ minLength: 1, maxLength: 100 }),
  mark: fc.uint8Array({ minLength: 4, maxLength: 4 }),
})

describe('the text of a key in triggers', () => {
  let aurora: TestAurora
  beforeAll(async () => {
    aurora = await openTestAurora()
    await aurora.legacy.query(TABLE)
  })
  afterAll(() => aurora.close())

  const inserted = async (
    connection: Connection,
    values: Readonly<Record<string, unknown>>,
  ): Promise<void> => {
    const names = Object.keys(values)
    const all = names.map((name) => {
      const value = values[name]
      return value instanceof Uint8Array ? Buffer.from(value) : value
    })
    await connection.query(
      `INSERT INTO wide (${names.join(', ')}) VALUES (${names.map((name) => (name === 'bits' ? 'CAST(? AS UNSIGNED)' : '?')).join(', ')})`,
      all,
    )
  }

  /** What SQL says in a session of any time zone, and what the bridge says that reads the same row. */
  const texts = async (of: readonly string[], zone: string) => {
    const entity = entityOf(of)
    await aurora.legacy.query('SET time_zone = ?', [zone])
    const [[own]] = await aurora.legacy.query<RowDataPacket[]>(
      `SELECT ${keyInSql(entity, 't')} AS k FROM wide AS t`,
    )
    await aurora.legacy.query("SET time_zone = '+00:00'")
    const { rows } = await sql<
      Record<string, unknown>
    >`SELECT ${sql.join(selectedKey(entity))} FROM wide AS t`.execute(aurora.db)
    return { own: own?.k, bridge: keyOfSelected(entity, rows[0] ?? {}) }
  }

  it('is that which the bridge reads, of every kind that a key may have, alone and among others', async () => {
    await fc.assert(
      fc.asyncProperty(
        row,
        fc.subarray(columns, { minLength: 2 }),
        fc.constantFrom('+00:00', '-05:30', '+13:00'),
        async (values, among, zone) => {
          await aurora.legacy.query('DELETE FROM wide')
          await aurora.legacy.query("SET time_zone = '+00:00'")
          await inserted(aurora.legacy, values)
          const joined = await texts(among, zone)
          expect([among, joined.own]).toEqual([among, joined.bridge])
          for (const column of columns) {
            const alone = await texts([column], zone)
            expect([column, alone.own]).toEqual([column, alone.bridge])
          }
        },
      ),
      runs(25),
    )
  })
})
