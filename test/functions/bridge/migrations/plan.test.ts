import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import { type Migration, readMigrations } from '../../../../functions/bridge/migrations/files.ts'
import { bridgeSqlFolder, openTestAurora, type TestAurora } from '../../../support/aurora.ts'

const migration = (id: number, ...statements: string[]): Migration => ({
  id,
  name: `000${id}_test`,
  statements,
  downStatements: [],
  checksum: String(id).repeat(64),
})

describe('the plan of the migrations', () => {
  let aurora: TestAurora
  const bridge = readMigrations(bridgeSqlFolder).slice(0, 3)
  const team = [
    migration(1, 'CREATE TABLE a (id INT)'),
    migration(3, 'CREATE TABLE b (id INT)', 'INSERT INTO missing VALUES (1)'),
    migration(5, 'CREATE TABLE c (id INT)'),
  ]

  beforeEach(async () => {
    aurora = await openTestAurora({ migrate: false })
  })
  afterEach(() => aurora.close())

  const plan = (ofTeam: readonly Migration[] = team): Promise<string[]> =>
    aurora.migrator(ofTeam, bridge).plan()
  const tables = async (): Promise<unknown> => (await aurora.legacy.query('SHOW TABLES'))[0]

  const everything = [
    "create Backsync's own tables backsync_migration_lock, backsync_bridge_migrations, backsync_migrations, " +
      'backsync_tombstones, backsync_idempotency',
    "apply Backsync's own migrations 0001_tombstones, 0002_wide_tombstones, 0003_idempotency",
    'apply the migrations 0001_test, 0003_test, 0005_test',
  ]

  it('names the tables that the bridge would create, and the migrations of both lines; and touches nothing', async () => {
    expect(await plan()).toEqual(everything)
    expect(await tables()).toEqual([])
  })

  it('is the same where there is no database yet', async () => {
    await aurora.legacy.query(`DROP DATABASE ${aurora.database}`)

    const told = await plan()

    await aurora.legacy.query(`CREATE DATABASE ${aurora.database}`)
    expect(told).toEqual(everything)
  })

  it('names what is left after an interruption', async () => {
    await expect(aurora.migrator(team, bridge).apply()).rejects.toThrow('missing')

    expect(await plan()).toEqual([
      'apply the migrations 0003_test (from where it was interrupted), 0005_test',
    ])
  })

  it('is empty when all is applied', async () => {
    const first = team.slice(0, 1)
    await aurora.migrator(first, bridge).apply()

    expect(await plan(first)).toEqual([])
  })

  it('names the rows of 0.1.0 that would be copied', async () => {
    const first = team.slice(0, 1)
    await aurora.migrator(first, bridge).apply()
    await aurora.legacy.query(
      "UPDATE backsync_bridge_migrations SET id = 7, name = '0007_idempotency' WHERE id = 3",
    )
    await aurora.legacy.query(
      'INSERT INTO backsync_migrations SELECT * FROM backsync_bridge_migrations WHERE id = 7',
    )
    await aurora.legacy.query('DELETE FROM backsync_bridge_migrations WHERE id = 7')

    expect(await plan(first)).toEqual(['take over the record of 0007_idempotency'])
  })

  it('is refused where applying would be refused', async () => {
    await aurora.migrator(team.slice(0, 1), bridge).apply()

    await expect(plan([{ ...migration(1), checksum: 'c'.repeat(64) }])).rejects.toThrow('was changed')
  })
})
