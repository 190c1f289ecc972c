import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { failure, Harness, text, until } from './harness.ts'

let h: Harness

beforeAll(async () => {
  h = await Harness.start()
  await h.direct.query('CREATE TABLE t (id INT AUTO_INCREMENT PRIMARY KEY)')
})
afterAll(() => h.stop())

/** Asks often enough to meet every idle session. */
const everywhere = async (sql: string): Promise<unknown[]> => {
  const answers: unknown[] = []
  for (let tries = 0; tries < 12; tries += 1) answers.push(await h.value(sql))
  return answers
}

describe('a plain call leaves nothing behind:', () => {
  it.each<[string, string, string, object]>([
    ['a user variable', 'SET @leak = 1', 'SELECT @leak', { isNull: true }],
    ['the time zone', "SET time_zone = '+05:00'", 'SELECT @@time_zone', { stringValue: '+00:00' }],
    ['sql_mode', "SET sql_mode = ''", "SELECT @@sql_mode LIKE '%STRICT_TRANS_TABLES%'", { longValue: 1 }],
    ['the character set', 'SET NAMES latin1', 'SELECT @@character_set_client', { stringValue: 'utf8mb4' }],
    ['autocommit', 'SET autocommit = 0', 'SELECT @@autocommit', { longValue: 1 }],
    ['the last key', 'INSERT INTO t VALUES ()', 'SELECT LAST_INSERT_ID()', { longValue: 0 }],
    [
      'isolation',
      'SET SESSION TRANSACTION ISOLATION LEVEL SERIALIZABLE',
      "SELECT VARIABLE_VALUE FROM performance_schema.session_variables WHERE VARIABLE_NAME IN ('tx_isolation', 'transaction_isolation') LIMIT 1",
      { stringValue: 'REPEATABLE-READ' },
    ],
  ])('%s', async (what, write, read, expected) => {
    if (what === 'isolation' && (await h.isMariaDb())) read = 'SELECT @@tx_isolation'
    await h.execute(write)
    for (const answer of await everywhere(read)) expect(answer).toEqual(expected)
  })

  it('a user lock, which others see until its session is reset: before anybody has that again', async () => {
    const isFree = "SELECT IS_FREE_LOCK('leaky')"
    await h.execute("SELECT GET_LOCK('leaky', 0)")
    await until(async () => Object(await h.value(isFree)).longValue === 1)
    for (const answer of await everywhere(isFree)) expect(answer).toEqual({ longValue: 1 })
  })

  it('a temporary table', async () => {
    await h.execute('CREATE TEMPORARY TABLE leak (a INT)')
    for (let tries = 0; tries < 6; tries += 1) {
      expect((await failure(h.execute('SELECT * FROM leak'))).message).toContain('Error code: 1146')
    }
  })

  it('a transaction that a statement opened', async () => {
    await h.execute('SET autocommit = 0')
    await h.execute('INSERT INTO t VALUES ()')
    expect(Number((await h.rows('SELECT COUNT(*) AS n FROM t'))[0]?.n)).toBeGreaterThan(0)
  })

  it('a default database that was dropped', async () => {
    const name = `${h.database}_gone`
    await h.direct.query(`CREATE DATABASE ${name}`)
    await h.execute(`DROP DATABASE ${name}`, { database: name })
    await h.direct.query(`CREATE DATABASE ${name}`)
    for (let tries = 0; tries < 4; tries += 1) {
      expect(await h.value('SELECT DATABASE()', { database: name })).toEqual({ stringValue: name })
    }
    await h.direct.query(`DROP DATABASE ${name}`)
  })
})

it('gives successive calls different sessions, from the first one on', async () => {
  const fresh = await Harness.start()
  try {
    let last: unknown
    for (let tries = 0; tries < 6; tries += 1) {
      const id = await fresh.value('SELECT CONNECTION_ID()')
      expect(id).not.toEqual(last)
      last = id
    }
  } finally {
    await fresh.stop()
  }
})

it('keeps few sessions for many calls, and serves more callers than it has sessions', async () => {
  const answers = await Promise.all(Array.from({ length: 120 }, () => h.value('SELECT CONNECTION_ID()')))
  const ids = new Set(answers.map((field) => field?.longValue))
  expect(ids.size).toBeLessThanOrEqual(40)
  await until(async () => (await openSessions()) <= 8 + 1)
})

const openSessions = async (): Promise<number> =>
  (await h.rows('SHOW PROCESSLIST')).filter((row) => row.db === h.database).length

it('keeps a bounded number of prepared statements on the server', async () => {
  const fresh = await Harness.start()
  const count = async () => Number((await h.rows("SHOW GLOBAL STATUS LIKE 'Prepared_stmt_count'"))[0]?.Value)
  const before = await count()
  const value = (index: number, transactionId?: string) =>
    fresh.value(`SELECT ${index}, :a`, { parameters: [text('a', 'x')], transactionId })
  try {
    // One caller has two sessions of 64 statements each; a leak would be 300. Others use the server too.
    for (let index = 0; index < 300; index += 1) await value(index)
    await until(async () => (await count()) - before <= 200)
    const transactionId = await fresh.begin()
    for (let index = 0; index < 300; index += 1) await value(index, transactionId)
    await until(async () => (await count()) - before <= 200)
    await fresh.rollback(transactionId)
  } finally {
    await fresh.stop()
  }
})

it('sees a table change under a statement that it keeps prepared', async () => {
  await h.direct.query('CREATE TABLE changing (a INT)')
  await h.direct.query('INSERT INTO changing VALUES (1)')
  const read = async () =>
    (await h.execute('SELECT * FROM changing', { includeResultMetadata: true })).records?.[0]?.length
  for (let tries = 0; tries < 6; tries += 1) expect(await read()).toBe(1)
  await h.direct.query('ALTER TABLE changing ADD COLUMN b INT')
  for (let tries = 0; tries < 6; tries += 1) expect(await read()).toBe(2)
})

it('hides from a transaction what plain calls before it left', async () => {
  for (let tries = 0; tries < 4; tries += 1) await h.execute('INSERT INTO t VALUES ()')
  for (let tries = 0; tries < 4; tries += 1) {
    const transactionId = await h.begin()
    // In the words of a plain read: inside a transaction nothing is reset between calls.
    expect(await h.value('SELECT LAST_INSERT_ID()', { transactionId })).toEqual({ longValue: 0 })
    await h.execute('INSERT INTO t VALUES ()', { transactionId })
    expect(await h.value('SELECT LAST_INSERT_ID() > 0', { transactionId })).toEqual({ longValue: 1 })
    await h.rollback(transactionId)
  }
})

it('closes every connection within two seconds, also one that is busy', async () => {
  const other = await Harness.start()
  const busy = other.execute('SELECT SLEEP(30)').catch(() => 'cut')
  const mine = async () => (await h.rows('SHOW PROCESSLIST')).filter((row) => row.db === other.database)
  await until(async () => (await mine()).some((row) => String(row.Info).includes('SLEEP')))
  await other.begin()
  await other.api.close()
  expect(await busy).toBe('cut')
  // Only the direct connection of the test itself is left.
  await until(async () => (await mine()).length <= 1)
  await other.stop()
})
