import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import type { RowDataPacket } from 'mysql2/promise'
import type { Migration } from '../../../../functions/bridge/migrations/files.ts'
import type { Migrator } from '../../../../functions/bridge/migrations/migrator.ts'
import {
  MigrationRunningError,
  MigrationUnknownError,
} from '../../../../functions/bridge/migrations/state.ts'
import { Deadline } from '../../../../functions/bridge/runtime/deadline.ts'
import { FakeClock } from '../../../infra/local/data-api/fake-clock.ts'
import { openTestAurora, type TestAurora } from '../../../support/aurora.ts'
import { processes } from '../../../support/processes.ts'
import { until } from '../../../support/until.ts'

const migration = (...statements: string[]): Migration => ({
  id: 1,
  name: '0001_test',
  statements,
  downStatements: [],
  checksum: Buffer.from(statements.join(';')).toString('hex').padEnd(64, '0').slice(-64),
})
const add = 'UPDATE counter SET n = n + 1'
/** Longer than the service lets a call take, in milliseconds. */
const CALL = 45_000

describe('a migration', () => {
  let aurora: TestAurora
  let clock: FakeClock

  beforeEach(async () => {
    clock = new FakeClock()
    aurora = await openTestAurora({ migrate: false, clock })
    await aurora.legacy.query('CREATE TABLE counter (n INT)')
    await aurora.legacy.query('INSERT INTO counter VALUES (0)')
  })
  afterEach(() => aurora.close())

  const migrator = (...statements: string[]): Migrator => aurora.migrator([migration(...statements)], [])
  const rows = async (query: string): Promise<RowDataPacket[]> =>
    (await aurora.legacy.query<RowDataPacket[]>(query))[0]
  const count = async (): Promise<number> => Number((await rows('SELECT n FROM counter'))[0]?.n)
  const state = async (...statements: string[]): Promise<string | undefined> =>
    (await migrator(...statements).report()).team[0]?.state
  const columns = async (table: string): Promise<string[]> =>
    (await rows(`SHOW COLUMNS FROM ${table}`)).map(({ Field }) => String(Field))
  const outcome = (run: Promise<unknown>): Promise<unknown> =>
    run.then(
      () => 'applied',
      (error: unknown) => error,
    )

  describe('whose statement changes rows', () => {
    it.each([
      ['the statement', 'Execute' as const, 'UPDATE counter'],
      ['the commit', 'CommitTransaction' as const, undefined],
    ])('runs it once where the answer to %s is lost', async (_, operation, text) => {
      aurora.api.faults.add({
        kind: 'drop-after',
        operation,
        times: 1,
        ...(text !== undefined && { sql: text }),
      })

      const first = await outcome(migrator(add, add).apply())
      if (first !== 'applied') await migrator(add, add).apply()

      expect(await count()).toBe(2)
      expect(await state(add, add)).toBe('applied')
    })

    it.each(['begin', 'statement', 'commit'])(
      'runs it once where the connection breaks before the %s',
      async (when) => {
        const at = {
          begin: { operation: 'BeginTransaction' as const },
          statement: { operation: 'Execute' as const, sql: 'UPDATE counter' },
          commit: { operation: 'CommitTransaction' as const },
        }[when]
        aurora.api.faults.add({ kind: 'drop-before', times: 1, ...at })

        await outcome(migrator(add).apply())
        await migrator(add).apply()

        expect(await count()).toBe(1)
      },
    )

    it('is asked about where a release without the transaction began it', async () => {
      await migrator(add).apply()
      await aurora.legacy.query(
        'UPDATE backsync_migrations SET done = 0, begun = 1, finished_at = NULL, hashes = NULL',
      )

      await expect(migrator(add).apply()).rejects.toThrow(MigrationUnknownError)
      expect(await count()).toBe(1)
    })
  })

  describe('whose statement changes rows of a table that takes part in no transaction', () => {
    const ways: readonly (readonly [string, readonly string[], string])[] = [
      ['itself', [], 'tally'],
      ['by way of a view', ['CREATE VIEW seen AS SELECT n FROM tally'], 'seen'],
      [
        'by way of a trigger that calls a routine',
        [
          'CREATE PROCEDURE count_up() UPDATE tally SET n = n + 1',
          'CREATE TRIGGER counting AFTER UPDATE ON counter FOR EACH ROW CALL count_up()',
        ],
        'counter',
      ],
    ]
    const tally = async (): Promise<number> => Number((await rows('SELECT n FROM tally'))[0]?.n)

    describe.each(['MyISAM', 'MEMORY'])('of the engine %s', (engine) => {
      beforeEach(async () => {
        await aurora.legacy.query(`CREATE TABLE tally (n INT NOT NULL) ENGINE=${engine}`)
        await aurora.legacy.query('INSERT INTO tally VALUES (0)')
      })

      it.each(ways)(
        '%s: it is asked about where its answer is lost, and never done twice',
        async (_, made, table) => {
          // A server that keeps its GTIDs consistent lets no statement write tables of both kinds.
          const [setting] = await rows("SHOW VARIABLES LIKE 'enforce_gtid_consistency'")
          if (table === 'counter' && setting?.Value === 'ON') return
          for (const text of made) await aurora.legacy.query(text)
          const change = `UPDATE ${table} SET n = n + 1`
          aurora.api.faults.add({ kind: 'drop-after', sql: change, times: 1 })

          const error = await outcome(migrator(change, add).apply())
          expect(error).toBeInstanceOf(MigrationUnknownError)
          expect(String(error)).toContain(`the table tally (${engine})`)
          await expect(migrator(change, add).apply()).rejects.toThrow(MigrationUnknownError)
          expect(await tally()).toBe(1)

          await migrator(change, add).repair({ migration: '0001_test', statement: 1, outcome: 'done' })
          await migrator(change, add).apply()
          expect(await tally()).toBe(table === 'counter' ? 2 : 1)
        },
      )

      it('is done once where nothing fails, beside one whose table has them', async () => {
        await migrator('UPDATE tally SET n = n + 1', add).apply()
        expect([await tally(), await count()]).toEqual([1, 1])
      })

      it('is asked about where it was refused behind its first rows, and not where it could not be read', async () => {
        await aurora.legacy.query('ALTER TABLE tally ADD UNIQUE KEY (n)')
        await expect(migrator('UPDATE tally SET m = 1').apply()).rejects.toThrow('statement 1 of 1 failed')

        const some = 'INSERT INTO tally VALUES (1), (0), (2)'
        await expect(migrator(some).apply()).rejects.toThrow(MigrationUnknownError)
        expect(await rows('SELECT n FROM tally ORDER BY n')).toEqual([{ n: 0 }, { n: 1 }])
        await expect(migrator(some).apply()).rejects.toThrow(MigrationUnknownError)
        expect(await rows('SELECT n FROM tally')).toHaveLength(2)
      })
    })

    it('is found though an earlier statement of the same migration made it', async () => {
      const change = 'INSERT INTO `made up` VALUES (1)'
      const all = ['CREATE TABLE `made up` (n INT) ENGINE=MyISAM', change]
      aurora.api.faults.add({ kind: 'drop-after', sql: change, times: 1 })

      await expect(migrator(...all).apply()).rejects.toThrow(MigrationUnknownError)
      expect(await rows('SELECT n FROM `made up`')).toHaveLength(1)
    })
  })

  describe('whose statement can tell nobody whether it ran', () => {
    const empty = 'TRUNCATE TABLE counter'
    const lose = async (kind: 'drop-before' | 'drop-after'): Promise<Error> => {
      aurora.api.faults.add({ kind, sql: empty, times: 1 })
      const error = await outcome(migrator(empty, 'INSERT INTO counter VALUES (7)').apply())
      if (!(error instanceof MigrationUnknownError)) throw error
      return error
    }
    const apply = (): Promise<unknown> => migrator(empty, 'INSERT INTO counter VALUES (7)').apply()
    const repair = (found: 'done' | 'not-done', statement = 1): Promise<void> =>
      migrator(empty, 'INSERT INTO counter VALUES (7)').repair({
        migration: '0001_test',
        statement,
        outcome: found,
      })

    it.each(['drop-before', 'drop-after'] as const)(
      'stops and asks, then and each time after: %s',
      async (kind) => {
        const { message } = await lose(kind)

        expect(message).toContain('0001_test, statement 1 of 2 (TRUNCATE TABLE counter) was begun by test')
        expect(message).toContain('{"repair":{"migration":"0001_test","statement":1,"outcome":"done"}}')
        await expect(apply()).rejects.toThrow(MigrationUnknownError)
        expect(await rows('SELECT n FROM counter')).toHaveLength(kind === 'drop-after' ? 0 : 1)
      },
    )

    it('goes on behind it when it was found done', async () => {
      await lose('drop-after')
      await aurora.legacy.query('INSERT INTO counter VALUES (3)')
      await repair('done')
      await apply()

      expect(await rows('SELECT n FROM counter ORDER BY n')).toEqual([{ n: 3 }, { n: 7 }])
    })

    it('runs it when it was found not done', async () => {
      await lose('drop-before')
      await repair('not-done')
      await apply()

      expect(await rows('SELECT n FROM counter')).toEqual([{ n: 7 }])
    })

    it('stops and asks where the statement was changed meanwhile, so that nothing tells what became of it', async () => {
      const create = 'CREATE TABLE a (id INT)'
      aurora.api.faults.add({ kind: 'drop-after', sql: 'CREATE TABLE a', times: 1 })
      aurora.api.faults.add({ kind: 'error', error: 'AccessDeniedException', sql: 'processlist', times: 1 })
      await expect(migrator(create).apply()).rejects.toThrow()

      await expect(migrator('CREATE TABLE a (id BIGINT)').apply()).rejects.toThrow(MigrationUnknownError)
      expect(await migrator(create).apply()).toEqual({ bridge: [], team: ['0001_test'] })
    })

    it('goes on by itself where another statement of the file was changed meanwhile, and not this one', async () => {
      const create = 'CREATE TABLE a (id INT)'
      aurora.api.faults.add({ kind: 'drop-after', sql: 'CREATE TABLE a', times: 1 })
      aurora.api.faults.add({ kind: 'error', error: 'AccessDeniedException', sql: 'processlist', times: 1 })
      await expect(migrator(create, 'INSERT INTO b VALUES (1)').apply()).rejects.toThrow()

      expect(await migrator(create, 'INSERT INTO a VALUES (1)').apply()).toMatchObject({
        team: ['0001_test'],
      })
      expect(await rows('SELECT id FROM a')).toEqual([{ id: 1 }])
    })

    it('has nothing repaired whose outcome is known', async () => {
      await lose('drop-before')

      await expect(repair('done', 2)).rejects.toThrow('is not unknown')
      await repair('not-done')
      await expect(repair('not-done')).rejects.toThrow('is not unknown')
    })

    it('runs it again by itself where it was refused, or never sent', async () => {
      aurora.api.faults.add({ kind: 'error', error: 'AccessDeniedException', sql: empty, times: 1 })
      await expect(apply()).rejects.toThrow('statement 1 of 2 failed')
      await apply()

      expect(await rows('SELECT n FROM counter')).toEqual([{ n: 7 }])
    })
  })

  describe('that was refused', () => {
    it('may be corrected: what is not done is compared with nothing', async () => {
      const create = 'CREATE TABLE a (id INT)'
      await expect(migrator('ALTER TABEL counter ADD m INT').apply()).rejects.toThrow(
        'statement 1 of 1 failed',
      )
      expect(await state('ALTER TABLE counter ADD m INT')).toBe('pending')
      await expect(migrator(create, 'INSERT INTO b VALUES (1)').apply()).rejects.toThrow(
        'statement 2 of 2 failed',
      )

      await migrator(create, 'INSERT INTO a VALUES (1)', 'INSERT INTO a VALUES (2)').apply()

      expect(await rows('SELECT id FROM a ORDER BY id')).toEqual([{ id: 1 }, { id: 2 }])
    })

    it('gives its number up: another migration may have it, or one below', async () => {
      const later = { ...migration('INSERT INTO missing VALUES (1)'), id: 3, name: '0003_later' }
      await expect(aurora.migrator([later], []).apply()).rejects.toThrow('statement 1 of 1 failed')

      const other = { ...migration(add), id: 3, name: '0003_other' }
      const below = { ...migration(add), id: 2, name: '0002_below' }
      expect(await aurora.migrator([below, other], []).apply()).toEqual({
        bridge: [],
        team: ['0002_below', '0003_other'],
      })
      expect(await count()).toBe(2)
    })

    it('may be corrected in a row of 0.2.0 too, which says that it was begun', async () => {
      await expect(migrator('ALTER TABEL counter ADD m INT').apply()).rejects.toThrow()
      await aurora.legacy.query('UPDATE backsync_migrations SET begun = 1, hashes = NULL')

      await migrator('ALTER TABLE counter ADD m INT').apply()
      expect(await columns('counter')).toEqual(['n', 'm'])
    })

    it('is still compared in what is done', async () => {
      await expect(migrator('CREATE TABLE a (id INT)', 'INSERT INTO b VALUES (1)').apply()).rejects.toThrow()

      await expect(
        migrator('CREATE TABLE a (id BIGINT)', 'INSERT INTO a VALUES (1)').apply(),
      ).rejects.toThrow('0001_test.up.sql was changed after it was applied')
    })

    it('gets no further statements once it is finished', async () => {
      await migrator(add).apply()

      await expect(migrator(add, add).apply()).rejects.toThrow('was changed after it was applied')
    })

    it('goes on in a ledger of 0.2.0, which knew no checksums of statements', async () => {
      await migrator('CREATE TABLE a (id INT)').apply()
      await aurora.legacy.query('ALTER TABLE backsync_migrations DROP COLUMN hashes')
      expect(await state('CREATE TABLE a (id INT)')).toBe('applied')
      await aurora.legacy.query('UPDATE backsync_migrations SET done = 0, finished_at = NULL')

      await migrator('CREATE TABLE a (id INT)').apply()
      expect(await state('CREATE TABLE a (id INT)')).toBe('applied')
    })
  })

  it('is told how to divide what changes rows for longer than a call, and leaves nothing of it', async () => {
    await aurora.legacy.query('BEGIN')
    await aurora.legacy.query('UPDATE counter SET n = 0')
    const run = outcome(migrator(add).apply())
    await until('it to wait for the row', 10_000, async () => aurora.statements(add) === 1)
    await until('it to run', 10_000, async () => clock.waiting(CALL) > 0)
    clock.advance(CALL)
    const error = await run
    await aurora.legacy.query('COMMIT')

    expect(String(error)).toContain('Divide it by ranges of keys')
    await migrator(add).apply()
    expect(await count()).toBe(1)
  })

  describe('whose statement takes longer than a call', () => {
    const alter = 'ALTER TABLE counter ADD COLUMN m INT'
    const running = async () =>
      (await processes(aurora.legacy)).find(
        ({ database, statement }) =>
          database === aurora.database && statement.includes('ALTER TABLE counter'),
      )
    const isRunning = async (): Promise<boolean> => (await running()) !== undefined
    /** Has the statement wait for a transaction of the legacy application. */
    const held = async (): Promise<void> => {
      await aurora.legacy.query('BEGIN')
      await aurora.legacy.query('SELECT n FROM counter')
    }
    const timeOut = async (): Promise<void> => {
      await until('the statement to run', 10_000, isRunning)
      clock.advance(CALL)
    }

    it('is waited for at the server, and not sent a second time', async () => {
      await held()
      const calls = aurora.statements('ALTER TABLE counter')
      const run = migrator(alter, add).apply()
      await timeOut()
      const seen = aurora.calls()
      await until('it to be looked at some times', 10_000, async () => aurora.calls() > seen + 4)
      expect(aurora.statements('ALTER TABLE counter')).toBe(calls + 1)
      await aurora.legacy.query('COMMIT')

      expect(await run).toEqual({ bridge: [], team: ['0001_test'] })
      expect(await columns('counter')).toEqual(['n', 'm'])
      expect(await count()).toBe(1)
    })

    it('is told of when the time ends first, and waited for by the next run', async () => {
      await held()
      const deadline = new Deadline()
      deadline.within(9_000)
      const first = outcome(aurora.migrator([migration(alter)], [], deadline).apply())
      await timeOut()
      const error = await first
      expect(error).toBeInstanceOf(MigrationRunningError)
      expect(String(error)).toContain('0001_test, statement 1 of 1')
      await until('it to be seen running still', 10_000, isRunning)

      const second = migrator(alter).apply()
      const seen = aurora.calls()
      await until('it to be looked at some times', 10_000, async () => aurora.calls() > seen + 8)
      await aurora.legacy.query('COMMIT')

      expect(await second).toEqual({ bridge: [], team: ['0001_test'] })
      expect(await columns('counter')).toEqual(['n', 'm'])
    })

    it('is done again where the server gave it up', async () => {
      await held()
      const run = migrator(alter).apply()
      await timeOut()
      await until('it to be found', 10_000, isRunning)
      await aurora.legacy.query(`KILL QUERY ${(await running())?.id}`)
      await aurora.legacy.query('COMMIT')

      expect(await run).toEqual({ bridge: [], team: ['0001_test'] })
      expect(await columns('counter')).toEqual(['n', 'm'])
    })
  })
})
