import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals'
import type { RowDataPacket } from 'mysql2/promise'
import type { Migration } from '../../../../functions/bridge/migrations/files.ts'
import type { StatementRunning } from '../../../../functions/bridge/migrations/one-migration.ts'
import { describeRunning, findRunning } from '../../../../functions/bridge/migrations/running.ts'
import { findServerVersion } from '../../../../functions/bridge/migrations/table-facts.ts'
import { findServerBinary } from '../../../../infra/local/mysql/find.ts'
import { startMysql } from '../../../../infra/local/mysql/server.ts'
import { openTestAurora, type TestAurora } from '../../../support/aurora.ts'
import { makeFolder } from '../../../support/folder.ts'
import { until } from '../../../support/until.ts'

const ALTER: Migration = {
  id: 1,
  name: '0001_test',
  statements: ['ALTER TABLE dish ADD COLUMN n INT NULL'],
  downStatements: [],
  checksum: 'a'.repeat(64),
}

/** A server of the same kind that keeps book of its locks and stages, as Aurora does where Performance Insights is on. */
const openSchooled = async (): Promise<{ readonly url: string; stop(): Promise<void> }> => {
  const folder = await makeFolder()
  const { TEST_MYSQL_URL: _, MYSQL_URL: __, ...env } = process.env
  const real = env.BACKSYNC_MYSQLD || (await findServerBinary({ env }))
  const binary = join(folder.path, 'mysqld')
  writeFileSync(binary, `#!/bin/sh\nexec '${real}' "$@" --performance-schema=ON\n`, { mode: 0o755 })
  const home = join(folder.path, 'home')
  const server = await startMysql({ home, log: () => undefined, env: { ...env, BACKSYNC_MYSQLD: binary } })
  return {
    url: server.url,
    stop: async () => {
      await server.stop()
      await folder.remove()
    },
  }
}

describe.each(['no books', 'books'])('a statement that a server is running which keeps %s', (books) => {
  let server: Awaited<ReturnType<typeof openSchooled>> | undefined
  const url = process.env.TEST_MYSQL_URL
  let aurora: TestAurora
  beforeAll(async () => {
    if (books === 'books') server = await openSchooled()
    process.env.TEST_MYSQL_URL = server?.url ?? url
  }, 120_000)
  afterAll(async () => {
    process.env.TEST_MYSQL_URL = url
    await server?.stop()
  }, 60_000)
  beforeEach(async () => {
    aurora = await openTestAurora({ migrate: false })
    await aurora.legacy.query(
      'CREATE TABLE dish (id INT AUTO_INCREMENT PRIMARY KEY, x VARCHAR(500) NOT NULL)',
    )
    await aurora.legacy.query("INSERT INTO dish (x) VALUES ('soup')")
  })
  afterEach(() => aurora.close())

  const isMariaDb = async (): Promise<boolean> => (await findServerVersion(aurora.db)).flavour === 'MariaDB'
  const number = async (query: string): Promise<number> =>
    Number(Object.values((await aurora.legacy.query<RowDataPacket[]>(query))[0][0] ?? {})[0])

  it('and that waits for a transaction is told of while it does, with who it is and what to type', async () => {
    const told: StatementRunning[] = []
    const holder = await number('SELECT CONNECTION_ID()')
    await aurora.legacy.query('BEGIN')
    await aurora.legacy.query('SELECT COUNT(*) FROM dish')
    const run = aurora.migrator([ALTER], [], undefined, { onRunning: (one) => told.push(one) }).apply()
    await until('it to be told', 30_000, () => told.some(({ running }) => running.blockers.length > 0))
    await aurora.legacy.query('COMMIT')
    await run

    const waiting = told.find(({ running }) => running.blockers.length > 0)
    expect(waiting?.running.blockers.map(({ id }) => id)).toContain(holder)
    expect(waiting && describeRunning(waiting.running)).toMatch(
      /^waits for the table for \d+ s, and everybody behind it does: it is held by connection \d+ of /,
    )
    expect(waiting && describeRunning(waiting.running)).toContain(
      `type KILL ${waiting?.running.blockers[0]?.id};`,
    )
    // MySQL lists who holds a table where it keeps books, and MariaDB where that instrument is on.
    if (books === 'books' && !(await isMariaDb()))
      expect(waiting?.running.blockers).toEqual([expect.objectContaining({ id: holder, isCertain: true })])
    expect(await number('SELECT COUNT(n) FROM dish')).toBe(0)
  }, 60_000)

  it('and that works says how far it is, where the server tells', async () => {
    const maria = await isMariaDb()
    // MySQL tells by its books, MariaDB by its list of processes.
    if (!maria && books === 'no books') return
    const before = maria ? await number('SELECT @@GLOBAL.progress_report_time') : 0
    await aurora.legacy.query(
      maria
        ? 'SET GLOBAL progress_report_time = 1'
        : "UPDATE performance_schema.setup_consumers SET ENABLED = 'YES' WHERE NAME = 'events_stages_current'",
    )
    for (let rows = 1; rows < 250_000; rows *= 2)
      await aurora.legacy.query("INSERT INTO dish (x) SELECT REPEAT('x', 300) FROM dish")
    const mark = '/* backsync 0001_test, statement 1 */'
    const seen: string[] = []
    try {
      const altering = aurora.client.execute({
        sql: `${mark} ALTER TABLE dish MODIFY id BIGINT NOT NULL AUTO_INCREMENT`,
        continueAfterTimeout: true,
      })
      await until('a progress', 60_000, async () => {
        const running = await findRunning(aurora.db, mark, maria)
        if (running?.progress !== undefined) seen.push(describeRunning(running))
        return seen.length > 0
      })
      await altering
    } finally {
      await aurora.legacy.query(
        maria
          ? `SET GLOBAL progress_report_time = ${before}`
          : "UPDATE performance_schema.setup_consumers SET ENABLED = 'NO' WHERE NAME = 'events_stages_current'",
      )
    }
    expect(seen[0]).toMatch(/^running for \d+ s: .+, \d+\.\d %$/)
  }, 120_000)
})
