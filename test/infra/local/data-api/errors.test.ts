import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { statuses } from '../../../../infra/local/data-api/errors.ts'
import { failure, Harness, long, resourceArn, secretArn, server, text } from './harness.ts'

let h: Harness
let v1: Harness
let lenient: Harness

beforeAll(async () => {
  h = await Harness.start()
  v1 = await Harness.start({ errorForm: 'v1' })
  lenient = await Harness.start({ strict: false })
  await h.direct.query('CREATE TABLE one (id INT PRIMARY KEY)')
  await h.direct.query('INSERT INTO one VALUES (1)')
})
afterAll(async () => {
  await Promise.all([h.stop(), v1.stop(), lenient.stop()])
})

describe('MySQL errors', () => {
  it('carry number and state at the end of the text', async () => {
    const { name, message, status, requestId } = await failure(h.execute('INSERT INTO one VALUES (1)'))
    expect({ name, status }).toEqual({ name: 'DatabaseErrorException', status: 400 })
    expect(message).toMatch(/^Duplicate entry '1' for key '.*PRIMARY'; Error code: 1062; SQLState: 23000$/)
    expect(requestId).toMatch(/^[0-9a-f-]{36}$/)
  })

  it('have the older form on request', async () => {
    expect(await failure(v1.execute('SELECT * FROM missing'))).toMatchObject({
      name: 'BadRequestException',
      message: `Database error code: 1146. Message: Table '${v1.database}.missing' doesn't exist`,
      status: 400,
    })
  })

  it("follow Aurora's sql_mode", async () => {
    const numbers: [string, number][] = [
      ['SELECT a, COUNT(*) FROM (SELECT 1 AS a, 2 AS b) AS t', 1140],
      ["INSERT INTO strict_one VALUES ('abc', NULL)", 1406],
      ["INSERT INTO strict_one VALUES ('a', '2026-00-01')", 1292],
    ]
    await h.direct.query('CREATE TABLE strict_one (s VARCHAR(2), d DATE)')
    for (const [sql, errno] of numbers) {
      expect((await failure(h.execute(sql))).message).toContain(`; Error code: ${errno}; SQLState: `)
    }
  })

  it('tell a ? that is no parameter of the Data API', async () => {
    expect((await failure(h.execute('SELECT ?'))).message).toMatch(/Error code: 1210; SQLState: HY000$/)
    expect(await h.value("SELECT '?'")).toEqual({ stringValue: '?' })
  })

  it('tell a database that does not exist', async () => {
    expect(await failure(h.execute('SELECT 1', { database: 'no_such_database' }))).toMatchObject({
      name: 'DatabaseErrorException',
      message: expect.stringContaining('Error code: 1049; SQLState: 42000'),
    })
  })
})

describe('statements that MySQL can not prepare', () => {
  const refused = [
    'CREATE TRIGGER t BEFORE INSERT ON one FOR EACH ROW SET NEW.id = 1',
    '/* x */ create definer = root@localhost trigger t BEFORE INSERT ON one FOR EACH ROW SET NEW.id = 1',
    'CREATE PROCEDURE p() SELECT 1',
    'CREATE FUNCTION f() RETURNS INT DETERMINISTIC RETURN 1',
    'DROP TRIGGER IF EXISTS t',
    'DROP PROCEDURE IF EXISTS p',
    'USE mysql',
    'BEGIN',
    'START TRANSACTION',
    'SAVEPOINT s',
    'LOCK TABLES one READ',
    'SHOW WARNINGS',
    "PREPARE s FROM 'SELECT 1'",
  ]

  it.each(refused)('refuses %s in strict mode', async (sql) => {
    expect(await failure(h.execute(sql))).toMatchObject({
      name: 'DatabaseErrorException',
      message:
        'This command is not supported in the prepared statement protocol yet; Error code: 1295; SQLState: HY000',
    })
  })

  it.each([
    'SET @x = 1',
    'SHOW TABLES',
    'CREATE TABLE `trigger` (a INT)',
    'CREATE OR REPLACE VIEW v AS SELECT 1',
    'CREATE INDEX i ON `trigger` (a)',
    'ALTER TABLE `trigger` ADD b INT',
    'TRUNCATE `trigger`',
    'EXPLAIN SELECT 1',
    'DROP TABLE `trigger`',
    'COMMIT',
    'ROLLBACK',
    '(SELECT 1)',
    'WITH a AS (SELECT 1) SELECT * FROM a',
  ])('runs %s in strict mode', async (sql) => {
    await expect(h.execute(sql)).resolves.toBeDefined()
  })

  it('runs them in lenient mode, bodies with ; included', async () => {
    await lenient.execute('CREATE TABLE t (id INT)')
    await lenient.execute(
      'CREATE TRIGGER tr BEFORE INSERT ON t FOR EACH ROW BEGIN SET NEW.id = 5; SET @y = 1; END',
    )
    await lenient.execute('INSERT INTO t VALUES (1)')
    expect(await lenient.value('SELECT id FROM t')).toEqual({ longValue: 5 })
    expect(await failure(lenient.execute('SELECT 1; SELECT 2'))).toMatchObject({
      name: 'ValidationException',
    })
  })
})

describe('malformed requests', () => {
  it('refuses several statements', async () => {
    expect(await failure(h.execute('SELECT 1; SELECT 2'))).toMatchObject({
      name: 'ValidationException',
      message: "Multistatements aren't supported.",
      status: 400,
    })
  })

  it('refuses the schema member in v2 and ignores it in v1', async () => {
    expect(await failure(h.execute('SELECT 1', { schema: 'x' }))).toMatchObject({
      name: 'ValidationException',
      message: "The schema parameter isn't supported",
    })
    expect(await v1.value('SELECT 1', { schema: 'x' })).toEqual({ longValue: 1 })
  })

  it('refuses a name without a parameter', async () => {
    const sql = 'SELECT :here, :missing'
    const parameters = [long('here', 1)]
    expect(await failure(h.execute(sql, { parameters }))).toMatchObject({
      name: 'ValidationException',
      message: 'Cannot find parameter: missing',
      status: 400,
    })
    expect(await failure(v1.execute(sql, { parameters }))).toMatchObject({
      name: 'BadRequestException',
      message: 'Cannot find parameter: missing',
    })
  })

  it('refuses a parameter sent twice', async () => {
    const parameters = [long('a', 1), long('a', 1)]
    expect(await failure(h.execute('SELECT :a', { parameters }))).toMatchObject({ status: 400 })
  })

  it('refuses arrays', async () => {
    const parameters = [{ name: 'a', value: { arrayValue: { longValues: [1] } } }]
    expect(await failure(h.execute('SELECT :a', { parameters }))).toMatchObject({
      name: 'ValidationException',
      message: 'Array parameters are not supported',
    })
  })

  it.each([['resourceArn'], ['secretArn'], ['sql']])('refuses a request without %s', async (missing) => {
    const body: Record<string, string> = { resourceArn, secretArn, sql: 'SELECT 1' }
    delete body[missing]
    const answer = await h.post('/Execute', JSON.stringify(body))
    expect(answer.status).toBe(400)
    expect(answer.headers.get('x-amzn-errortype')).toBe('ValidationException')
    expect(await answer.json()).toEqual({
      message: `1 validation error detected: Value null at '${missing}' failed to satisfy constraint: Member must not be null`,
    })
  })

  it.each([
    ['no member', {}],
    ['two members', { longValue: 1, stringValue: 'x' }],
    ['isNull false', { isNull: false }],
    ['a fractional long', { longValue: 1.5 }],
    ['a long as text', { longValue: '1' }],
    ['an infinite double', { doubleValue: 'Infinity' }],
  ])('refuses a value with %s', async (_what, value) => {
    const body = { resourceArn, secretArn, sql: 'SELECT :a', parameters: [{ name: 'a', value }] }
    const answer = await h.post('/Execute', JSON.stringify(body))
    expect(answer.status).toBe(400)
    expect(answer.headers.get('x-amzn-errortype')).toMatch(/^(Validation|Serialization)Exception$/)
  })

  it('refuses a long beyond 64 bits', async () => {
    const body = `{"resourceArn":"${resourceArn}","secretArn":"${secretArn}","sql":"SELECT :a","parameters":[{"name":"a","value":{"longValue":9223372036854775808}}]}`
    expect((await h.post('/Execute', body)).status).toBe(400)
  })

  it('refuses a body that is not JSON, and an operation that is not there', async () => {
    const broken = await h.post('/Execute', '{')
    expect([broken.status, broken.headers.get('x-amzn-errortype')]).toEqual([400, 'SerializationException'])
    const unknown = await h.post('/Nothing', '{}')
    expect([unknown.status, unknown.headers.get('x-amzn-errortype')]).toEqual([
      404,
      'UnknownOperationException',
    ])
    const old = await h.post('/ExecuteSql', '{}')
    expect([old.status, old.headers.get('x-amzn-errortype')]).toEqual([400, 'BadRequestException'])
  })
})

describe('cluster and secret', () => {
  it('does not find an unknown cluster', async () => {
    const other = resourceArn.replace('orders', 'other')
    expect(await failure(h.execute('SELECT 1', { resourceArn: other }))).toMatchObject({
      name: 'NotFoundException',
      status: 404,
    })
  })

  it('tells a cluster ARN in another letter case', async () => {
    const shouted = resourceArn.replace('orders', 'Orders')
    expect(await failure(h.execute('SELECT 1', { resourceArn: shouted }))).toMatchObject({
      name: 'HttpEndpointNotEnabledException',
      message: `HttpEndpoint is not enabled for ${shouted}`,
      status: 400,
    })
  })

  it('does not find an unknown secret', async () => {
    expect(await failure(h.execute('SELECT 1', { secretArn: `${secretArn}x` }))).toMatchObject({
      name: 'SecretsErrorException',
      status: 400,
    })
  })

  it.each([['not JSON'], ['{"username":"root"}'], ['[]']])('refuses a secret that is %s', async (value) => {
    h.secrets.put({ arn: 'arn:aws:secretsmanager:x:bad', name: 'bad', value })
    expect(await failure(h.execute('SELECT 1', { secretArn: 'arn:aws:secretsmanager:x:bad' }))).toMatchObject(
      {
        name: 'InvalidSecretException',
        status: 400,
      },
    )
  })

  it('logs in with what the secret says, and follows a rotation', async () => {
    const user = `reader_${h.database.slice(-8)}`
    const put = (password: string) =>
      h.secrets.put({
        arn: 'arn:aws:secretsmanager:x:reader',
        name: 'reader',
        value: JSON.stringify({ username: user, password }),
      })
    const who = () =>
      h.value("SELECT SUBSTRING_INDEX(CURRENT_USER(), '@', 1)", {
        secretArn: 'arn:aws:secretsmanager:x:reader',
      })
    await h.direct.query(`CREATE USER ${user}@'%' IDENTIFIED BY 'first'`)
    await h.direct.query(`GRANT SELECT ON ${h.database}.* TO ${user}@'%'`)
    try {
      put('first')
      expect(await who()).toEqual({ stringValue: user })
      put('wrong')
      expect(await failure(who())).toMatchObject({ name: 'InvalidSecretException', status: 400 })
      put('first')
      expect(
        await failure(
          h.execute('INSERT INTO one VALUES (2)', { secretArn: 'arn:aws:secretsmanager:x:reader' }),
        ),
      ).toMatchObject({
        name: 'DatabaseErrorException',
        message: expect.stringContaining('Error code: 1142'),
      })
    } finally {
      await h.direct.query(`DROP USER ${user}@'%'`)
    }
  })

  it('finds the secret by its name', async () => {
    h.secrets.put({
      arn: 'arn:aws:secretsmanager:x:named',
      name: 'orders/master',
      value: JSON.stringify({ username: server.user, password: server.password }),
    })
    expect(await h.value('SELECT 1', { secretArn: 'orders/master' })).toEqual({ longValue: 1 })
  })

  it('checks the cluster and the secret of a batch without sets', async () => {
    const body = JSON.stringify({ resourceArn, secretArn: `${secretArn}x`, sql: 'x' })
    expect((await h.post('/BatchExecute', body)).headers.get('x-amzn-errortype')).toBe(
      'SecretsErrorException',
    )
  })
})

describe('every exception', () => {
  it.each(Object.entries(statuses))(
    '%s has status %s, its type in the header and a request id',
    async (error, status) => {
      if (!(error in statuses)) throw new Error(error)
      h.api.faults.add({
        kind: 'error',
        error: error as keyof typeof statuses,
        message: 'as asked',
        times: 1,
      })
      const answer = await h.post('/Execute', JSON.stringify({ resourceArn, secretArn, sql: 'SELECT 1' }))
      expect(answer.status).toBe(status)
      expect(answer.headers.get('x-amzn-errortype')).toBe(error)
      expect(answer.headers.get('x-amzn-requestid')).not.toBeNull()
      expect(await answer.json()).toEqual({ message: 'as asked' })
      h.api.faults.add({ kind: 'error', error: error as keyof typeof statuses, times: 1 })
      expect(await failure(h.execute('SELECT 1'))).toMatchObject({ name: error, status })
    },
  )
})

it('keeps hostile parameter text out of the statement', async () => {
  expect(await h.value('SELECT :a', { parameters: [text('a', "'; DROP TABLE one; --")] })).toEqual({
    stringValue: "'; DROP TABLE one; --",
  })
  expect(await h.value('SELECT COUNT(*) FROM one')).toEqual({ longValue: 1 })
})
