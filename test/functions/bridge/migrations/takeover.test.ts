import { randomUUID } from 'node:crypto'
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import type { RowDataPacket } from 'mysql2/promise'
import { type Migration, readMigrations } from '../../../../functions/bridge/migrations/files.ts'
import { MigrationLedgers } from '../../../../functions/bridge/migrations/ledgers.ts'
import { MigrationLock } from '../../../../functions/bridge/migrations/lock.ts'
import { bridgeSqlFolder, openTestAurora, type TestAurora } from '../../../support/aurora.ts'
import { FirstRelease } from './first-release.ts'

const named = (id: number, name: string, ...statements: string[]): Migration => ({
  id,
  name: `${String(id).padStart(4, '0')}_${name}`,
  statements,
  downStatements: [`DROP TABLE team_${id}`],
  checksum: String(id).repeat(64).slice(0, 64),
})
const ofTeam = (id: number, name = 'team'): Migration =>
  named(id, name, `CREATE TABLE team_${id} (id INT)`, `INSERT INTO team_${id} VALUES (${id})`)

/** Those that 0.1.0 had: what came later is applied as ever. */
const bridge = readMigrations(bridgeSqlFolder).slice(0, 3)
const team = [1, 3, 5, 6].map((id) => ofTeam(id))
const nothing = { bridge: [], team: [] }

/** The first three of the bridge's, as 0.1.0 had them among the team's. */
const former = bridge.map((migration, at) => {
  const id = [2, 4, 7][at] ?? 0
  return { ...migration, id, name: migration.name.replace(/^\d{4}/, String(id).padStart(4, '0')) }
})
const seven = [...team, ...former].sort((a, b) => a.id - b.id)
const idempotency = seven[6] ?? named(7, 'missing')

describe('a database of 0.1.0, which kept one ledger for both lines of migrations', () => {
  let aurora: TestAurora

  beforeEach(async () => {
    aurora = await openTestAurora({ migrate: false })
  })
  afterEach(() => aurora.close())

  const migratorOf = (migrations: readonly Migration[]) => aurora.migrator(migrations, bridge)
  const firstRelease = (migrations: readonly Migration[] = seven): FirstRelease =>
    new FirstRelease({ migrations, db: aurora.db, lock: new MigrationLock(aurora.db, randomUUID()) })
  const rows = async (query: string): Promise<RowDataPacket[]> =>
    (await aurora.legacy.query<RowDataPacket[]>(query))[0]
  const tables = async (): Promise<unknown[]> => (await rows('SHOW TABLES')).flatMap(Object.values)
  const idsIn = async (ledger: string): Promise<number[]> =>
    (await rows(`SELECT id FROM ${ledger} ORDER BY id`)).map(({ id }) => Number(id))
  const states = async (ofTheTeam: readonly Migration[] = team): Promise<string> => {
    const report = await migratorOf(ofTheTeam).report()
    return [...report.bridge, ...report.team].map(({ name, state }) => `${name.slice(0, 4)} ${state}`).join()
  }
  const allApplied = [...bridge, ...team].map(({ name }) => `${name.slice(0, 4)} applied`).join()
  /** What every table but the ledgers and the lock looks like. */
  const schema = async (): Promise<unknown> =>
    rows(`SELECT table_name, column_name, column_type FROM information_schema.columns
      WHERE table_schema = DATABASE() AND table_name NOT LIKE '%migration%' ORDER BY 1, ordinal_position`)

  it('finds the statements unchanged that it has applied', () => {
    expect(former.map(({ name, checksum }) => [name, checksum])).toEqual([
      ['0002_tombstones', 'a0590589fd18a753c604b90a672ab2b022e657746dc23e8952f3fa9e211f558d'],
      ['0004_wide_tombstones', '4411430666c87c01085de3fb8a80fd636d179c0a42ed42eeab0b1af8826bb10f'],
      ['0007_idempotency', 'accafd9e16140c04aedea8d00f1888e1c03687eaa76aa053cfc2507f6f2aa025'],
    ])
  })

  it('is up to date: its rows get their new numbers with all that they say, and nothing is applied', async () => {
    await firstRelease().apply()
    await aurora.legacy.query("INSERT INTO backsync_tombstones VALUES ('chef', 'k', 3, NULL)")
    const before = await schema()
    const facts = 'checksum, statements, begun, done, applied_by, started_at, finished_at'
    const old = await rows(`SELECT ${facts} FROM backsync_migrations WHERE id IN (2, 4, 7) ORDER BY id`)

    expect(await migratorOf(team).apply()).toEqual(nothing)

    expect(await rows(`SELECT ${facts} FROM backsync_bridge_migrations ORDER BY id`)).toEqual(old)
    expect(await rows('SELECT id, name FROM backsync_bridge_migrations ORDER BY id')).toEqual([
      { id: 1, name: '0001_tombstones' },
      { id: 2, name: '0002_wide_tombstones' },
      { id: 3, name: '0003_idempotency' },
    ])
    expect(await states()).toBe(allApplied)
    expect(await schema()).toEqual(before)
    expect(await rows('SELECT entity_key FROM backsync_tombstones')).toEqual([{ entity_key: 'k' }])
  })

  it('is reported as what it will be, and touched by no report', async () => {
    await firstRelease().apply()

    expect(await states()).toBe(allApplied)
    expect(await tables()).not.toContain('backsync_bridge_migrations')
  })

  it.each([1, 2, 4, 6])('gets what is missing where the first %s are applied', async (count) => {
    await firstRelease(seven.slice(0, count)).apply()
    const missing = seven.slice(count).map(({ id }) => id)

    const applied = await migratorOf(team).apply()

    const expected = bridge.filter((_, at) => missing.includes(former[at]?.id ?? 0))
    expect(applied.bridge).toEqual(expected.map(({ name }) => name))
    expect(applied.team).toEqual(team.filter(({ id }) => missing.includes(id)).map(({ name }) => name))
    expect(await states()).toBe(allApplied)
    for (const id of [1, 3, 5, 6]) expect(await rows(`SELECT id FROM team_${id}`)).toEqual([{ id }])
    expect(await migratorOf(team).apply()).toEqual(nothing)
  })

  describe.each(former)('goes on where $name was interrupted', (interrupted) => {
    const now = bridge[former.indexOf(interrupted)]?.name
    const before = seven.filter(({ id }) => id < interrupted.id)

    it.each(['before', 'after'])('%s its statement took effect', async (when) => {
      await firstRelease(before).apply()
      if (when === 'after') await firstRelease().step(interrupted, 0)
      else await firstRelease().step({ ...interrupted, statements: ['SELECT 1'] }, 0)
      await aurora.legacy.query(
        `UPDATE backsync_migrations SET done = 0, finished_at = NULL WHERE id = ${interrupted.id}`,
      )

      expect(await states()).toContain(`${now?.slice(0, 4)} interrupted`)
      expect((await migratorOf(team).apply()).bridge[0]).toBe(now)
      expect(await states()).toBe(allApplied)
    })
  })

  it.each([0, 1, 2])('is taken over after a run that died when it had copied %s rows', async (count) => {
    await firstRelease().apply()
    const ledgers = new MigrationLedgers(aurora.db)
    await ledgers.create()
    await ledgers.takeOver()
    await aurora.legacy.query(`DELETE FROM backsync_bridge_migrations WHERE id > ${count}`)

    expect(await states()).toBe(allApplied)
    expect(await migratorOf(team).apply()).toEqual(nothing)
    expect(await idsIn('backsync_bridge_migrations')).toEqual([1, 2, 3])
  })

  it('is never copied over what is known better', async () => {
    await firstRelease().apply()
    await migratorOf(team).apply()
    await aurora.legacy.query(
      'UPDATE backsync_migrations SET done = 0, finished_at = NULL, started_at = NULL WHERE id = 7',
    )
    await aurora.legacy.query('DELETE FROM backsync_bridge_migrations WHERE id = 1')

    expect(await migratorOf(team).apply()).toEqual(nothing)

    expect(await states()).toBe(allApplied)
    expect(await rows('SELECT done FROM backsync_bridge_migrations ORDER BY id')).toEqual([
      { done: 1 },
      { done: 1 },
      { done: 1 },
    ])
  })

  it('is taken over once by several runs at the same moment', async () => {
    await firstRelease(seven.slice(0, 4)).apply()

    const runs = await Promise.all([1, 2, 3].map(() => migratorOf(team).apply()))

    expect(runs.flatMap(({ bridge: names }) => names)).toEqual(['0003_idempotency'])
    expect(runs.flatMap(({ team: names }) => names)).toEqual(['0005_team', '0006_team'])
    expect(await states()).toBe(allApplied)
  })

  it("keeps the team's own 0008, and one by a number of ours that has another name", async () => {
    const own = [ofTeam(1), ofTeam(2, 'another'), ofTeam(3), ofTeam(8)]
    await firstRelease(own).apply()

    expect(await migratorOf(own).apply()).toEqual({ bridge: bridge.map(({ name }) => name), team: [] })
    expect(await idsIn('backsync_migrations')).toEqual([1, 2, 3, 8])
    expect(await rows('SELECT id FROM team_2')).toEqual([{ id: 2 }])
  })

  it("takes the team's 0007 after it, once, and refuses a number below what is applied", async () => {
    await firstRelease().apply()
    await migratorOf(team).apply()
    const more = [...team, ofTeam(7)]

    expect(await migratorOf(more).apply()).toEqual({ bridge: [], team: ['0007_team'] })
    expect(await migratorOf(more).apply()).toEqual(nothing)
    expect(await states(more)).toBe(`${allApplied},0007 applied`)
    await expect(migratorOf([...team, ofTeam(2)]).apply()).rejects.toThrow(
      '0002_team is pending, but a later one is applied: give it a number above 7',
    )
  })

  it("takes the team's 0007 in the very run that takes over", async () => {
    await firstRelease().apply()

    expect(await migratorOf([...team, ofTeam(7)]).apply()).toEqual({ bridge: [], team: ['0007_team'] })
    expect(await states([...team, ofTeam(7)])).toBe(`${allApplied},0007 applied`)
  })

  it('refuses one of ours that the team had changed before it applied it', async () => {
    const changed = { ...idempotency, checksum: 'c'.repeat(64) }
    await firstRelease([...seven.slice(0, 6), changed]).apply()

    await expect(migratorOf(team).apply()).rejects.toThrow(
      '0003_idempotency.up.sql was changed after it was applied',
    )
  })

  it('refuses one of ours that a merge has left among those of the team', async () => {
    await firstRelease().apply()

    await expect(migratorOf(seven).apply()).rejects.toThrow(
      "0002_tombstones is one of Backsync's own, which is bridge/0001_tombstones now",
    )
  })

  it('tells a number that was used from a file that was changed', async () => {
    await firstRelease().apply()

    await expect(migratorOf([{ ...ofTeam(3, 'mine'), checksum: 'm'.repeat(64) }]).apply()).rejects.toThrow(
      '0003_mine has the number of 0003_team, which is applied: give it a number above 6',
    )
  })

  it('goes down to nothing and up again', async () => {
    await firstRelease().apply()
    await migratorOf(team).apply()
    const names = [...bridge, ...team].map(({ name }) => name)

    const reverted: unknown[] = []
    for (const _ of names) reverted.push(await migratorOf(team).revert())

    expect(reverted).toEqual(names.toReversed())
    expect(await migratorOf(team).revert()).toBeUndefined()
    expect(await idsIn('backsync_migrations')).toEqual([])
    expect(await migratorOf(team).apply()).toEqual({
      bridge: bridge.map(({ name }) => name),
      team: team.map(({ name }) => name),
    })
  })

  describe('and a run of 0.1.0', () => {
    it('that a rollback starts finds all of its rows, and so does the next deployment', async () => {
      await firstRelease().apply()
      await migratorOf(team).apply()

      expect(await firstRelease().apply()).toEqual([])
      expect(await migratorOf(team).apply()).toEqual(nothing)
      expect(await states()).toBe(allApplied)
    })

    it('is waited for while it holds the lock', async () => {
      await firstRelease(seven.slice(0, 6)).apply()
      const lock = new MigrationLock(aurora.db, 'a run of 0.1.0')
      await lock.acquire(0)
      const run = migratorOf(team).apply()
      await firstRelease().step(idempotency, 0)
      await lock.release()

      expect(await run).toEqual(nothing)
      expect(await states()).toBe(allApplied)
    })

    it('that begins what is applied since fails, and changes nothing of it', async () => {
      await firstRelease(seven.slice(0, 6)).apply()
      await migratorOf(team).apply()
      const before = await schema()

      await expect(firstRelease().apply()).rejects.toThrow('MySQL error 1050')

      expect(await idsIn('backsync_migrations')).toEqual([1, 2, 3, 4, 5, 6, 7])
      expect(await states()).toBe(allApplied)
      expect(await migratorOf(team).apply()).toEqual(nothing)
      expect(await schema()).toEqual(before)
    })

    it("that lost the lock and lives on can't undo a migration of the team's by its number", async () => {
      await firstRelease(seven.slice(0, 6)).apply()
      const more = [...team, ofTeam(7)]
      await migratorOf(more).apply()

      await expect(firstRelease().step(idempotency, 0)).rejects.toThrow('MySQL error 1050')

      expect(await states(more)).toBe(`${allApplied},0007 applied`)
      expect(await migratorOf(more).apply()).toEqual(nothing)
      await expect(firstRelease().apply()).rejects.toThrow('0007_idempotency.up.sql was changed')
    })
  })
})
