import { readFileSync } from 'node:fs'
import type { Field } from '@aws-sdk/client-rds-data'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { failure, Harness, resourceArn, secretArn } from './harness.ts'

let h: Harness

beforeAll(async () => {
  h = await Harness.start()
})
afterAll(() => h.stop())

/** What a column of a type answers for a value written in SQL. */
const kinds: [type: string, value: string, field: Field][] = [
  ['BOOL', 'TRUE', { booleanValue: true }],
  ['BOOL', 'FALSE', { booleanValue: false }],
  ['TINYINT(1)', '-1', { booleanValue: true }],
  ['TINYINT(1)', '2', { booleanValue: true }],
  ['TINYINT', '-128', { longValue: -128 }],
  ['TINYINT UNSIGNED', '255', { longValue: 255 }],
  ['SMALLINT', '-32768', { longValue: -32768 }],
  ['SMALLINT UNSIGNED', '65535', { longValue: 65535 }],
  ['MEDIUMINT', '-8388608', { longValue: -8388608 }],
  ['MEDIUMINT UNSIGNED', '16777215', { longValue: 16777215 }],
  ['INT', '-2147483648', { longValue: -2147483648 }],
  ['INT UNSIGNED', '4294967295', { longValue: 4294967295 }],
  ['BIGINT', '-9007199254740991', { longValue: -9007199254740991 }],
  ['BIGINT UNSIGNED', '9007199254740991', { longValue: 9007199254740991 }],
  ['FLOAT', '0.5', { doubleValue: 0.5 }],
  ['DOUBLE', '0.1', { doubleValue: 0.1 }],
  ['DOUBLE', '-1.7976931348623157e308', { doubleValue: -1.7976931348623157e308 }],
  ['DECIMAL(20,4)', '123456.789', { stringValue: '123456.7890' }],
  ['DECIMAL(20,4)', '0', { stringValue: '0.0000' }],
  ['DECIMAL(65,0)', '9'.repeat(65), { stringValue: '9'.repeat(65) }],
  ['CHAR(5)', "'ab'", { stringValue: 'ab' }],
  ['VARCHAR(50)', "'é😀 \\'\"\\\\'", { stringValue: 'é😀 \'"\\' }],
  ['VARCHAR(50)', "''", { stringValue: '' }],
  ['TEXT', "'long'", { stringValue: 'long' }],
  ['LONGTEXT', "'longer'", { stringValue: 'longer' }],
  ["ENUM('a','b')", "'b'", { stringValue: 'b' }],
  ["SET('a','b')", "'a,b'", { stringValue: 'a,b' }],
  ['BINARY(3)', "X'01'", { blobValue: new Uint8Array([1, 0, 0]) }],
  ['VARBINARY(3)', "X'00FF'", { blobValue: new Uint8Array([0, 255]) }],
  ['BLOB', "X''", { blobValue: new Uint8Array() }],
  ['BIT(1)', "b'1'", { booleanValue: true }],
  ['BIT(1)', "b'0'", { booleanValue: false }],
  ['BIT(8)', "b'10000001'", { blobValue: new Uint8Array([129]) }],
  ['DATE', "'2026-02-28'", { stringValue: '2026-02-28' }],
  ['TIME', "'-26:00:01'", { stringValue: '-26:00:01' }],
  ['TIME', "'838:59:59'", { stringValue: '838:59:59' }],
  ['TIME(3)', "'00:00:00'", { stringValue: '00:00:00.000' }],
  ['TIME(6)', "'-00:00:00.000001'", { stringValue: '-00:00:00.000001' }],
  ['DATETIME', "'2026-02-28 23:59:59'", { stringValue: '2026-02-28 23:59:59' }],
  ['DATETIME', "'2026-02-28'", { stringValue: '2026-02-28 00:00:00' }],
  ['DATETIME(3)', "'2026-02-28 00:00:00'", { stringValue: '2026-02-28 00:00:00.000' }],
  ['DATETIME(6)', "'2026-02-28 00:00:00.000100'", { stringValue: '2026-02-28 00:00:00.000100' }],
  ['TIMESTAMP(6)', "'2026-02-28 12:00:00.123456'", { stringValue: '2026-02-28 12:00:00.123456' }],
  ['YEAR', '2024', { stringValue: '2024' }],
  ['JSON', `'{"a": [1, 9007199254740993, "é"]}'`, { stringValue: '{"a": [1, 9007199254740993, "é"]}' }],
]

describe('result kinds', () => {
  it.each(kinds)('answers %s %s', async (type, value, field) => {
    await h.direct.query('DROP TABLE IF EXISTS kind')
    await h.direct.query(`CREATE TABLE kind (v ${type} NULL)`)
    await h.direct.query(`INSERT INTO kind VALUES (${value}), (NULL)`)
    expect((await h.execute('SELECT v FROM kind')).records).toEqual([[field], [{ isNull: true }]])
  })

  it('answers 64-bit numbers with every digit', async () => {
    await h.direct.query('CREATE TABLE wide (s BIGINT, u BIGINT UNSIGNED)')
    await h.direct.query('INSERT INTO wide VALUES (-9223372036854775808, 18446744073709551615)')
    const body = (extra: object) =>
      JSON.stringify({
        resourceArn,
        secretArn,
        sql: 'SELECT s, u, 9007199254740993 FROM wide',
        ...extra,
      })
    const raw = async (extra: object) => (await h.post('/Execute', body(extra))).text()
    const quoted = '{"stringValue":"-9223372036854775808"},{"stringValue":"18446744073709551615"}'
    expect(await raw({})).toContain(
      '[{"longValue":-9223372036854775808},{"longValue":18446744073709551615},{"longValue":9007199254740993}]',
    )
    expect(await raw({ resultSetOptions: { longReturnType: 'STRING' } })).toContain(quoted)
    expect(await raw({ formatRecordsAs: 'JSON' })).toContain(
      '-9223372036854775808,\\"u\\":18446744073709551615',
    )
  })

  it('answers sums and averages of integers as decimal text, counts as longs, comparisons as longs', async () => {
    const { records } = await h.execute(
      'SELECT SUM(n), COUNT(*), 1 > 0 FROM (SELECT 1 AS n UNION SELECT 2) AS two',
    )
    expect(records).toEqual([[{ stringValue: '3' }, { longValue: 2 }, { longValue: 1 }]])
  })

  it('answers dates as they are in UTC, whatever the zone of this process', async () => {
    expect(await h.value('SELECT FROM_UNIXTIME(0)')).toEqual({ stringValue: '1970-01-01 00:00:00' })
    expect(await h.value('SELECT @@time_zone')).toEqual({ stringValue: '+00:00' })
  })

  it('refuses a type that the Data API does not return', async () => {
    await h.direct.query('CREATE TABLE place (p POINT)')
    expect(await failure(h.execute('SELECT p FROM place'))).toMatchObject({
      name: 'UnsupportedResultException',
      message: 'The result contains the unsupported data type GEOMETRY',
      status: 400,
    })
    expect((await h.execute('SELECT ST_AsText(p) FROM place')).records).toEqual([])
  })
})

describe('columnMetadata', () => {
  const metadata = async (sql: string) =>
    (await h.execute(sql, { includeResultMetadata: true })).columnMetadata ?? []

  /** The golden file has the figures of a real cluster's answer for these columns, as the original system recorded them. */
  it('is what AWS answers for the original system’s table', async () => {
    const golden = JSON.parse(readFileSync(new URL('golden/legacy-table.json', import.meta.url), 'utf8'))
    await h.direct.query(
      'CREATE TABLE cheftable (id BIGINT AUTO_INCREMENT PRIMARY KEY, cheffirst VARCHAR(255), cheflast VARCHAR(255))',
    )

    expect(await metadata('SELECT * FROM cheftable')).toEqual(golden)
  })

  it('tells the alias from the name, and leaves an expression without a table', async () => {
    await h.direct.query('CREATE TABLE named (a INT)')
    expect(await metadata('SELECT n.a AS other, n.a + 1 AS sum FROM named AS n')).toMatchObject([
      { label: 'other', name: 'a', tableName: 'named' },
      { label: 'sum', name: 'sum', tableName: '' },
    ])
  })

  it('comes for a result without rows too', async () => {
    expect(await metadata('SELECT 1 AS a FROM DUAL WHERE FALSE')).toMatchObject([{ label: 'a' }])
  })

  const table: [type: string, expected: object][] = [
    ['INT', { type: 4, typeName: 'INT', precision: 11, isSigned: true }],
    ['INT UNSIGNED', { type: 4, typeName: 'INT UNSIGNED', precision: 10, isSigned: false }],
    ['SMALLINT', { type: 5, typeName: 'SMALLINT' }],
    ['TINYINT', { type: -6, typeName: 'TINYINT' }],
    ['TINYINT(1)', { type: -7, precision: 1 }],
    ['MEDIUMINT', { type: 4, typeName: 'MEDIUMINT' }],
    ['BIGINT UNSIGNED', { type: -5, typeName: 'BIGINT UNSIGNED', isSigned: false }],
    ['DECIMAL(10,2)', { type: 3, typeName: 'DECIMAL', precision: 10, scale: 2, isSigned: true }],
    ['DECIMAL(10,0) UNSIGNED', { type: 3, precision: 10, scale: 0, isSigned: false }],
    ['FLOAT', { type: 7, typeName: 'FLOAT', scale: 0 }],
    ['DOUBLE', { type: 8, typeName: 'DOUBLE', scale: 0 }],
    ['CHAR(36)', { type: 1, typeName: 'CHAR', precision: 36 }],
    ['VARCHAR(40) COLLATE utf8mb4_bin', { type: 12, precision: 40, isCaseSensitive: true }],
    ['TEXT', { type: -1, typeName: 'TEXT' }],
    ['LONGTEXT', { type: -1, typeName: 'LONGTEXT' }],
    ["ENUM('a','b')", { type: 1, typeName: 'ENUM' }],
    ['BINARY(16)', { type: -2, typeName: 'BINARY', precision: 16 }],
    ['VARBINARY(16)', { type: -3, typeName: 'VARBINARY', precision: 16 }],
    ['BLOB', { type: -4, typeName: 'BLOB', precision: 65535 }],
    ['BIT(1)', { type: -7, typeName: 'BIT' }],
    ['BIT(9)', { type: -3, typeName: 'BIT' }],
    ['DATE', { type: 91, typeName: 'DATE' }],
    ['TIME', { type: 92, typeName: 'TIME' }],
    ['DATETIME', { type: 93, typeName: 'DATETIME', precision: 19 }],
    ['TIMESTAMP NULL', { type: 93, typeName: 'TIMESTAMP', precision: 19, nullable: 1, isSigned: false }],
    ['DATETIME(6) NOT NULL', { type: 93, scale: 6, nullable: 0 }],
    ['YEAR', { type: 91, typeName: 'YEAR' }],
    ['JSON', { type: -1, typeName: 'JSON' }],
  ]
  it.each(table)('describes %s', async (type, expected) => {
    await h.direct.query('DROP TABLE IF EXISTS described')
    await h.direct.query(`CREATE TABLE described (v ${type}) CHARACTER SET utf8mb4`)
    const [column] = await metadata('SELECT v FROM described')
    expect(column).toMatchObject(expected)
    expect(Object.keys(column ?? {})).toHaveLength(14)
  })
})
