import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import type { RowDataPacket } from 'mysql2/promise'
import { type Migration, readMigrations } from '../../../../functions/bridge/migrations/files.ts'
import type { Migrator } from '../../../../functions/bridge/migrations/migrator.ts'
import { bridgeSqlFolder, openTestAurora, sqlFolder, type TestAurora } from '../../../support/aurora.ts'

const migration = (id: number, ...statements: string[]): Migration => ({
  id,
  name: `${String(id).padStart(4, '0')}_test`,
  statements,
  downStatements: [],
  checksum: statements.join(';').padEnd(64, '0').slice(0, 64),
})

describe('the migrator', () => {
  let aurora: TestAurora
  const names = {
    bridge: readMigrations(bridgeSqlFolder).map(({ name }) => name),
    team: readMigrations(sqlFolder).map(({ name }) => name),
  }
  const record = ['backsync_bridge_migrations', 'backsync_migration_lock', 'backsync_migrations']
  /** A migrator of these alone. */
  const migratorOf = (...team: Migration[]): Migrator => aurora.migrator(team, [])

  beforeEach(async () => {
    aurora = await openTestAurora({ migrate: false })
  })
  afterEach(() => aurora.close())

  const tables = async (): Promise<string[]> => {
    const [rows] = await aurora.legacy.query<RowDataPacket[]>('SHOW TABLES')
    return rows.map((row) => String(Object.values(row)[0]))
  }

  it('reports everything as pending on an empty database, and touches nothing', async () => {
    const report = await aurora.migrator().report()

    const pending = (name: string) => ({ name, state: 'pending', appliedAt: null })
    expect(report).toEqual({ bridge: names.bridge.map(pending), team: names.team.map(pending) })
    expect(await tables()).toEqual([])
  })

  it('applies all in order, and nothing the second time', async () => {
    const first = await aurora.migrator().apply()
    const second = await aurora.migrator().apply()

    expect(first).toEqual(names)
    expect(second).toEqual({ bridge: [], team: [] })
    const applied = (name: string) => ({
      name,
      state: 'applied',
      appliedAt: expect.stringMatching(/^\d{4}-.*T.*\.\d{3}Z$/),
    })
    expect(await aurora.migrator().report()).toEqual({
      bridge: names.bridge.map(applied),
      team: names.team.map(applied),
    })
  })

  it('applies each statement once when several runs begin at the same moment', async () => {
    const runs = await Promise.all([1, 2, 3].map(() => aurora.migrator().apply()))

    expect(runs.flatMap(({ bridge }) => bridge).toSorted()).toEqual(names.bridge)
    expect(runs.flatMap(({ team }) => team).toSorted()).toEqual(names.team)
  })

  it('goes up, down to nothing (the bridge last, as it went up first) and up again', async () => {
    await aurora.migrator().apply()
    const reverted: (string | undefined)[] = []
    for (const _ of [...names.bridge, ...names.team]) reverted.push(await aurora.migrator().revert())

    expect(reverted).toEqual([...names.team.toReversed(), ...names.bridge.toReversed()])
    expect(await aurora.migrator().revert()).toBeUndefined()
    expect(await tables()).toEqual(record)
    expect(await aurora.migrator().apply()).toEqual(names)
  })

  it('keeps what was done when a statement fails, names it, and goes on from there once the cause is repaired', async () => {
    const steps = migration(
      1,
      'CREATE TABLE a (id INT)',
      'INSERT INTO missing VALUES (1)',
      'CREATE TABLE b (id INT)',
    )

    await expect(migratorOf(steps).apply()).rejects.toThrow(/0001_test, statement 2 of 3 failed: .*missing/)
    expect((await migratorOf(steps).report()).team[0]?.state).toBe('interrupted')
    await aurora.legacy.query('CREATE TABLE missing (id INT)')
    await migratorOf(steps).apply()

    expect(await tables()).toEqual(['a', 'b', ...record, 'missing'])
    const [rows] = await aurora.legacy.query<RowDataPacket[]>('SELECT COUNT(*) AS n FROM missing')
    expect(Number(rows[0]?.n)).toBe(1)
  })

  it('recognises a statement whose effect is there although its end was never recorded', async () => {
    const steps = migration(1, 'CREATE TABLE a (id INT)', 'ALTER TABLE a ADD COLUMN b INT')
    await migratorOf(steps).apply()
    await aurora.legacy.query('UPDATE backsync_migrations SET done = 1, finished_at = NULL WHERE id = 1')

    expect(await migratorOf(steps).apply()).toEqual({ bridge: [], team: ['0001_test'] })
  })

  it('does not take an effect that was there before as done', async () => {
    await aurora.legacy.query('CREATE TABLE a (id INT)')

    await expect(migratorOf(migration(1, 'CREATE TABLE a (id INT)')).apply()).rejects.toThrow(
      /statement 1 of 1 failed/,
    )
  })

  it('refuses a file that was changed after it was applied', async () => {
    await migratorOf(migration(1, 'CREATE TABLE a (id INT)')).apply()

    await expect(migratorOf(migration(1, 'CREATE TABLE a (id BIGINT)')).apply()).rejects.toThrow(
      '0001_test.up.sql was changed after it was applied',
    )
  })

  it('refuses a migration numbered before one that is applied', async () => {
    const later = migration(2, 'CREATE TABLE b (id INT)')
    await migratorOf(later).apply()

    await expect(migratorOf(migration(1, 'CREATE TABLE a (id INT)'), later).apply()).rejects.toThrow(
      '0001_test is pending, but a later one is applied',
    )
  })

  it('takes over the lock of a run that died when its lease has ended', async () => {
    await migratorOf(migration(1, 'CREATE TABLE a (id INT)')).apply()
    await aurora.legacy.query(
      "UPDATE backsync_migration_lock SET owner = 'dead', leased_until = NOW(3) - INTERVAL 1 SECOND",
    )

    const both = [migration(1, 'CREATE TABLE a (id INT)'), migration(2, 'CREATE TABLE b (id INT)')]
    expect(await migratorOf(...both).apply()).toEqual({ bridge: [], team: ['0002_test'] })
  })
})

describe('the migrator, over a server whose settings would change data', () => {
  it('refuses before it touches anything, to plan too, and each time', async () => {
    let lax = true
    const aurora = await openTestAurora({
      migrate: false,
      rewrite: (text) => (lax ? text.replaceAll('@@sql_mode', "'ANSI_QUOTES'") : text),
    })
    const shown = async (): Promise<unknown> => (await aurora.legacy.query('SHOW TABLES'))[0]
    try {
      await expect(aurora.migrator().apply()).rejects.toThrow('sql_mode has no STRICT_TRANS_TABLES')
      await expect(aurora.migrator().plan()).rejects.toThrow('sql_mode has no STRICT_TRANS_TABLES')
      expect(await shown()).toEqual([])
      lax = false
      await aurora.migrator().apply()
      lax = true
      await expect(aurora.migrator().apply()).rejects.toThrow('sql_mode has no STRICT_TRANS_TABLES')
    } finally {
      await aurora.close()
    }
  })
})

describe('adopting the legacy table', () => {
  let aurora: TestAurora

  beforeEach(async () => {
    aurora = await openTestAurora({ migrate: false })
    await aurora.legacy.query(
      'CREATE TABLE cheftable (id BIGINT AUTO_INCREMENT, cheffirst VARCHAR(255), cheflast VARCHAR(255), PRIMARY KEY (id))',
    )
    await aurora.legacy.query("INSERT INTO cheftable VALUES (NULL, 'Gordon', 'Ramsay')")
    await aurora.migrator().apply()
  })
  afterEach(() => aurora.close())

  it('leaves SELECT * and a bare INSERT of legacy code as they were', async () => {
    await aurora.legacy.query("INSERT INTO cheftable VALUES (NULL, 'Julia', 'Child')")
    const [rows] = await aurora.legacy.query('SELECT * FROM cheftable ORDER BY id')

    expect(rows).toEqual([
      { id: '1', cheffirst: 'Gordon', cheflast: 'Ramsay' },
      { id: '2', cheffirst: 'Julia', cheflast: 'Child' },
    ])
  })

  it('leaves no index that a legacy insert could collide with', async () => {
    for (let at = 0; at < 3; at++)
      await aurora.legacy.query("INSERT INTO cheftable VALUES (NULL, 'Same', 'Name')")
    const [rows] = await aurora.legacy.query<RowDataPacket[]>('SELECT COUNT(*) AS n FROM cheftable')

    expect(Number(rows[0]?.n)).toBe(4)
  })

  it('keeps the rows that were there', async () => {
    const [rows] = await aurora.legacy.query('SELECT id, backsync_key, backsync_version FROM cheftable')

    expect(rows).toEqual([{ id: '1', backsync_key: null, backsync_version: '1' }])
  })
})
