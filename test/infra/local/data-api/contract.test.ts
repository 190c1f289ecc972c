import type { Field, SqlParameter } from '@aws-sdk/client-rds-data'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals'
import { failure, Harness, long, resourceArn, secretArn, text } from './harness.ts'

let h: Harness

beforeAll(async () => {
  h = await Harness.start()
  await h.direct.query(
    'CREATE TABLE chef (id BIGINT AUTO_INCREMENT PRIMARY KEY, name VARCHAR(255), stars INT, UNIQUE KEY one_name (name))',
  )
  await h.direct.query('CREATE TABLE pair (a INT, b INT, PRIMARY KEY (a, b))')
})
afterAll(() => h.stop())
beforeEach(async () => {
  await h.direct.query('TRUNCATE chef')
  await h.direct.query('TRUNCATE pair')
})

describe('ExecuteStatement', () => {
  it('answers rows without metadata', async () => {
    await h.direct.query("INSERT INTO chef VALUES (1, 'Alton', NULL)")
    expect(await h.execute('SELECT * FROM chef')).toEqual({
      records: [[{ longValue: 1 }, { stringValue: 'Alton' }, { isNull: true }]],
      numberOfRecordsUpdated: 0,
    })
  })

  it('answers no rows as an empty list', async () => {
    expect(await h.execute('SELECT * FROM chef')).toEqual({ records: [], numberOfRecordsUpdated: 0 })
  })

  it('answers an INSERT with its key and without records or metadata', async () => {
    const answer = await h.execute('INSERT INTO chef (name) VALUES (:name)', {
      parameters: [text('name', 'Bobby')],
      includeResultMetadata: true,
    })
    expect(answer).toEqual({ generatedFields: [{ longValue: 1 }], numberOfRecordsUpdated: 1 })
  })

  it('answers an UPDATE, a DELETE and DDL without keys', async () => {
    await h.direct.query("INSERT INTO chef (name) VALUES ('a'), ('b')")
    expect(await h.execute('UPDATE chef SET stars = 1')).toEqual({
      generatedFields: [],
      numberOfRecordsUpdated: 2,
    })
    expect(await h.execute('DELETE FROM chef')).toEqual({ generatedFields: [], numberOfRecordsUpdated: 2 })
    expect(await h.execute('CREATE TABLE other (a INT)')).toEqual({
      generatedFields: [],
      numberOfRecordsUpdated: 0,
    })
    await h.execute('DROP TABLE other')
  })

  it('gives no key for a table without AUTO_INCREMENT, nor for LAST_INSERT_ID in an UPDATE', async () => {
    expect((await h.execute('INSERT INTO pair VALUES (1, 2)')).generatedFields).toEqual([])
    expect((await h.execute('UPDATE pair SET b = LAST_INSERT_ID(7)')).generatedFields).toEqual([])
  })

  it('gives the first key of several rows, as the server does', async () => {
    await h.execute("INSERT INTO chef (name) VALUES ('x')")
    expect((await h.execute("INSERT INTO chef (name) VALUES ('a'), ('b')")).generatedFields).toEqual([
      { longValue: 2 },
    ])
  })

  it('counts matched rows, not changed ones', async () => {
    await h.direct.query("INSERT INTO chef (id, name, stars) VALUES (1, 'a', 1)")
    const updated = async (sql: string) => (await h.execute(sql)).numberOfRecordsUpdated
    expect(await updated('UPDATE chef SET stars = 1 WHERE id = 1')).toBe(1)
    expect(await updated('UPDATE chef SET stars = 2 WHERE id = 1')).toBe(1)
    expect(await updated('UPDATE chef SET stars = 2 WHERE id = 9')).toBe(0)
    const upsert = "INSERT INTO chef (id, name, stars) VALUES (1, 'a', 5) ON DUPLICATE KEY UPDATE stars = 5"
    expect(await updated(upsert)).toBe(2)
    expect(await updated(upsert)).toBe(1)
    expect(await updated("INSERT IGNORE INTO chef (id, name) VALUES (1, 'a')")).toBe(0)
    expect(await updated("REPLACE INTO chef (id, name) VALUES (1, 'a')")).toBe(2)
  })

  it('uses a parameter for every occurrence of its name, and ignores one that is not used', async () => {
    const parameters = [long('0', 2), text('unused', 'x')]
    expect((await h.execute("SELECT :0, :0, ':0'", { parameters })).records).toEqual([
      [{ longValue: 2 }, { longValue: 2 }, { stringValue: ':0' }],
    ])
  })

  it('takes a statement with one ; at its end', async () => {
    expect(await h.value('SELECT 1;')).toEqual({ longValue: 1 })
  })

  it('takes the database of the call', async () => {
    expect(await h.value('SELECT DATABASE()')).toEqual({ stringValue: h.database })
    expect(await h.value('SELECT DATABASE()', { database: 'mysql' })).toEqual({ stringValue: 'mysql' })
    expect(await h.value('SELECT DATABASE()')).toEqual({ stringValue: h.database })
  })

  it('answers the first result set of a procedure', async () => {
    await h.direct.query(
      'CREATE PROCEDURE two_sets(IN a INT) BEGIN SELECT a AS first; SELECT 2 AS second, 3; END',
    )
    expect((await h.execute('CALL two_sets(:a)', { parameters: [long('a', 7)] })).records).toEqual([
      [{ longValue: 7 }],
    ])
  })

  it('takes longs for LIMIT', async () => {
    await h.direct.query("INSERT INTO chef (name) VALUES ('a'), ('b'), ('c')")
    const answer = await h.execute('SELECT id FROM chef ORDER BY id LIMIT :n OFFSET :m', {
      parameters: [long('n', 1), long('m', 1)],
    })
    expect(answer.records).toEqual([[{ longValue: 2 }]])
  })

  it('works behind a path, as in AWS_ENDPOINT_URL_RDS_DATA=http://host/prefix', async () => {
    const answer = await h.post(
      '/prefix/Execute',
      JSON.stringify({ resourceArn, secretArn, sql: 'SELECT 1' }),
    )
    expect(answer.status).toBe(200)
    expect(await answer.json()).toEqual({ records: [[{ longValue: 1 }]], numberOfRecordsUpdated: 0 })
  })

  it('ignores members that it does not know, and reads null as absent', async () => {
    const body = { resourceArn, secretArn, sql: 'SELECT 1', parameters: null, novelty: { a: 1 } }
    expect((await h.post('/Execute', JSON.stringify(body))).status).toBe(200)
  })

  it('gives every answer a request id', async () => {
    const answer = await h.post('/Execute', JSON.stringify({ resourceArn, secretArn, sql: 'SELECT 1' }))
    expect(answer.headers.get('x-amzn-requestid')).toMatch(/^[0-9a-f-]{36}$/)
    expect(answer.headers.get('content-type')).toBe('application/json')
  })
})

describe('parameters', () => {
  const echo = async (value: Field, typeHint?: SqlParameter['typeHint'], cast = ':v') =>
    h.value(`SELECT ${cast}`, { parameters: [{ name: 'v', value, ...(typeHint ? { typeHint } : {}) }] })

  it.each<[string, Field, string, Field]>([
    ['text', { stringValue: "O'Hara \\ é😀" }, ':v', { stringValue: "O'Hara \\ é😀" }],
    ['empty text', { stringValue: '' }, ':v', { stringValue: '' }],
    ['a long', { longValue: -42 }, ':v', { longValue: -42 }],
    ['zero', { longValue: 0 }, ':v', { longValue: 0 }],
    ['a double', { doubleValue: 1.5 }, ':v', { doubleValue: 1.5 }],
    ['true', { booleanValue: true }, ':v + 0', { longValue: 1 }],
    ['false', { booleanValue: false }, ':v + 0', { longValue: 0 }],
    ['a blob', { blobValue: new Uint8Array([0, 255, 39, 92]) }, 'HEX(:v)', { stringValue: '00FF275C' }],
    ['an empty blob', { blobValue: new Uint8Array() }, 'LENGTH(:v)', { longValue: 0 }],
    ['NULL', { isNull: true }, ':v IS NULL', { longValue: 1 }],
  ])('binds %s', async (_what, value, sql, expected) => {
    expect(await echo(value, undefined, sql)).toEqual(expected)
  })

  it('binds 64-bit longs whole, and answers them whole', async () => {
    for (const digits of ['9223372036854775807', '-9223372036854775808', '9007199254740993']) {
      const body = `{"resourceArn":"${resourceArn}","secretArn":"${secretArn}","sql":"SELECT :v, CAST(:v AS CHAR)","parameters":[{"name":"v","value":{"longValue":${digits}}}]}`
      const answer = await (await h.post('/Execute', body)).text()
      expect(answer).toContain(`[{"longValue":${digits}},{"stringValue":"${digits}"}]`)
    }
  })

  it('binds hinted dates, times and decimals', async () => {
    await h.execute('CREATE TABLE hinted (d DATE, t TIME(3), s DATETIME(3), n DECIMAL(20, 4))')
    const value = (stringValue: string, typeHint: NonNullable<SqlParameter['typeHint']>) => ({
      value: { stringValue },
      typeHint,
    })
    await h.execute('INSERT INTO hinted VALUES (:d, :t, :s, :n)', {
      parameters: [
        { name: 'd', ...value('2026-02-28', 'DATE') },
        { name: 't', ...value('23:59:59.123', 'TIME') },
        { name: 's', ...value('2026-02-28 01:02:03.5', 'TIMESTAMP') },
        { name: 'n', ...value('1234567890123456.7891', 'DECIMAL') },
      ],
    })
    expect((await h.execute('SELECT * FROM hinted')).records).toEqual([
      [
        { stringValue: '2026-02-28' },
        { stringValue: '23:59:59.123' },
        { stringValue: '2026-02-28 01:02:03.500' },
        { stringValue: '1234567890123456.7891' },
      ],
    ])
    await h.execute('DROP TABLE hinted')
  })

  it('binds a UUID hint as sixteen bytes', async () => {
    const uuid = '0191f2a0-1b2c-7d3e-8f40-5a6b7c8d9e0f'
    expect(await echo({ stringValue: uuid }, 'UUID', 'HEX(:v)')).toEqual({
      stringValue: uuid.replaceAll('-', '').toUpperCase(),
    })
  })

  it.each(['{"a": [1, "x"]}', '[]', '"text"', '12345678901234567890', 'null'])(
    'binds a JSON hint on %s as its text',
    async (stringValue) => {
      expect(await echo({ stringValue }, 'JSON')).toEqual({ stringValue })
      await h.execute('CREATE TABLE hinted_json (j JSON)')
      await h.execute('INSERT INTO hinted_json VALUES (:j)', {
        parameters: [{ name: 'j', value: { stringValue }, typeHint: 'JSON' }],
      })
      const stored = await h.value('SELECT j FROM hinted_json')
      await h.execute('DROP TABLE hinted_json')
      expect(JSON.parse(stored?.stringValue ?? '')).toEqual(JSON.parse(stringValue))
    },
  )

  it.each<[SqlParameter['typeHint'], string]>([
    ['DATE', '2026-2-3'],
    ['TIME', 'noon'],
    ['TIMESTAMP', '2026-02-28T01:02:03Z'],
    ['DECIMAL', '1,5'],
    ['UUID', 'abc'],
    ['JSON', '{'],
    ['JSON', ''],
    ['JSON', "{'a': 1}"],
  ])('refuses a %s hint on %s', async (typeHint, stringValue) => {
    expect(await failure(echo({ stringValue }, typeHint))).toMatchObject({
      name: 'ValidationException',
      status: 400,
    })
  })

  it('takes a hint with NULL', async () => {
    expect(await echo({ isNull: true }, 'DATE')).toEqual({ isNull: true })
  })

  it('stores hostile text as text', async () => {
    const name = "x'); DROP TABLE chef; -- :a ?"
    await h.execute('INSERT INTO chef (name) VALUES (:name)', { parameters: [text('name', name)] })
    expect(await h.value('SELECT name FROM chef')).toEqual({ stringValue: name })
  })

  it('takes one JSON parameter for a set of rows', async () => {
    const rows = Array.from({ length: 1000 }, (_, index) => ({ name: `chef ${index} ${'x'.repeat(150)}` }))
    const answer = await h.execute(
      `INSERT INTO chef (name) SELECT j.name FROM JSON_TABLE(:rows, '$[*]' COLUMNS (name VARCHAR(255) PATH '$.name')) AS j`,
      { parameters: [text('rows', JSON.stringify(rows))] },
    )
    expect(answer.numberOfRecordsUpdated).toBe(1000)
  })
})

describe('formatRecordsAs JSON', () => {
  it('answers rows as one text', async () => {
    const answer = await h.execute(
      "SELECT 1 AS l, CAST(2.50 AS DECIMAL(5,2)) AS d, 'é' AS s, NULL AS n, X'00FF' AS b, 9007199254740993 AS big, 1.5E0 AS f",
      { formatRecordsAs: 'JSON', includeResultMetadata: true },
    )
    expect(answer).toEqual({
      formattedRecords: '[{"l":1,"d":"2.50","s":"é","n":null,"b":"AP8=","big":9007199254740993,"f":1.5}]',
      numberOfRecordsUpdated: 0,
    })
  })

  it('answers no rows as an empty list', async () => {
    expect((await h.execute('SELECT id FROM chef', { formatRecordsAs: 'JSON' })).formattedRecords).toBe('[]')
  })

  it('refuses two columns of one label', async () => {
    expect(await failure(h.execute('SELECT 1 AS a, 2 AS a', { formatRecordsAs: 'JSON' }))).toMatchObject({
      status: 400,
    })
    expect((await h.execute('SELECT 1 AS a, 2 AS a')).records).toEqual([[{ longValue: 1 }, { longValue: 2 }]])
  })

  it('is ignored for a statement without rows', async () => {
    expect(await h.execute('DELETE FROM chef', { formatRecordsAs: 'JSON' })).toEqual({
      generatedFields: [],
      numberOfRecordsUpdated: 0,
    })
  })
})

describe('resultSetOptions', () => {
  const sql =
    'SELECT CAST(12.50 AS DECIMAL(10,2)), CAST(7 AS DECIMAL(10,0)), CAST(9007199254740993 AS SIGNED)'

  it('gives decimals as text and longs as longs by default', async () => {
    expect((await h.execute(sql)).records?.[0]?.slice(0, 2)).toEqual([
      { stringValue: '12.50' },
      { stringValue: '7' },
    ])
  })

  it('gives decimals as numbers', async () => {
    const answer = await h.execute(sql, { resultSetOptions: { decimalReturnType: 'DOUBLE_OR_LONG' } })
    expect(answer.records?.[0]?.slice(0, 2)).toEqual([{ doubleValue: 12.5 }, { longValue: 7 }])
  })

  it('gives longs as text', async () => {
    const answer = await h.execute(sql, { resultSetOptions: { longReturnType: 'STRING' } })
    expect(answer.records?.[0]?.[2]).toEqual({ stringValue: '9007199254740993' })
  })
})

describe('BatchExecuteStatement', () => {
  it('answers one entry for each set', async () => {
    const sets = [
      [text('name', 'a')],
      [text('name', 'b')],
      [{ name: 'name', value: { isNull: true as const } }],
    ]
    expect(await h.batch('INSERT INTO chef (name) VALUES (:name)', sets)).toEqual({
      updateResults: [1, 2, 3].map((longValue) => ({ generatedFields: [{ longValue }] })),
    })
    expect(await h.batch('UPDATE chef SET stars = 3 WHERE name = :name', sets)).toEqual({
      updateResults: sets.map(() => ({ generatedFields: [] })),
    })
  })

  it('runs nothing without a set, whatever the statement', async () => {
    expect(await h.batch('NOT SQL AT ALL')).toEqual({ updateResults: [] })
    expect(await h.batch('NOT SQL AT ALL', [])).toEqual({ updateResults: [] })
  })

  it('runs once for one empty set', async () => {
    expect((await h.batch("INSERT INTO chef (name) VALUES ('x')", [[]])).updateResults).toHaveLength(1)
    expect(await h.value('SELECT COUNT(*) FROM chef')).toEqual({ longValue: 1 })
  })

  it('keeps the sets before one that fails', async () => {
    const sets = ['a', 'b', 'a', 'c'].map((name) => [text('name', name)])
    const { name, message } = await failure(h.batch('INSERT INTO chef (name) VALUES (:name)', sets))
    expect(name).toBe('DatabaseErrorException')
    expect(message).toMatch(/Error code: 1062; SQLState: 23000$/)
    expect((await h.execute('SELECT name FROM chef ORDER BY name')).records).toEqual([
      [{ stringValue: 'a' }],
      [{ stringValue: 'b' }],
    ])
  })

  it('keeps nothing when its transaction is rolled back', async () => {
    const transactionId = await h.begin()
    await h.batch('INSERT INTO chef (name) VALUES (:name)', [[text('name', 'a')]], transactionId)
    await h.rollback(transactionId)
    expect(await h.value('SELECT COUNT(*) FROM chef')).toEqual({ longValue: 0 })
  })

  it('refuses a statement that returns rows', async () => {
    expect(await failure(h.batch('SELECT :a', [[long('a', 1)]]))).toMatchObject({
      name: 'ValidationException',
    })
  })

  it('changes the kind of a parameter from set to set', async () => {
    await h.batch('INSERT INTO chef (name) VALUES (:name)', [[long('name', 5)], [text('name', 'six')]])
    expect((await h.execute('SELECT name FROM chef ORDER BY name')).records).toEqual([
      [{ stringValue: '5' }],
      [{ stringValue: 'six' }],
    ])
  })
})
