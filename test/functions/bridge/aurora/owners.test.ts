import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals'
import type { RowDataPacket } from 'mysql2'
import {
  readOwners,
  recordNewcomers,
  recordOwners,
  requireRecordColumns,
} from '../../../../functions/bridge/aurora/owners.ts'
import { type Migration, readMigrations } from '../../../../functions/bridge/migrations/files.ts'
import { MigrationLedgers } from '../../../../functions/bridge/migrations/ledgers.ts'
import { MigrationLock } from '../../../../functions/bridge/migrations/lock.ts'
import { Migrator } from '../../../../functions/bridge/migrations/migrator.ts'
import { text } from '../../../../functions/bridge/model/attributes/text.ts'
import { defineEntity, type Entity } from '../../../../functions/bridge/model/entity.ts'
import { autoIncrement, natural } from '../../../../functions/bridge/model/identity.ts'
import { Deadline } from '../../../../functions/bridge/runtime/deadline.ts'
import { chef } from '../../../fixtures/entities/chef.ts'
import { recipe } from '../../../fixtures/entities/recipe.ts'
import { bridgeSqlFolder, openTestAurora, sqlFolder, type TestAurora } from '../../../support/aurora.ts'
import { silent } from '../../../support/log.ts'
import { writeAsFormerRelease } from '../../fixtures/release-0.2.ts'

const AT = '2026-11-20T10:00:00.123Z'

const dish: Entity = defineEntity({
  name: 'dish',
  plural: 'dishes',
  keyName: 'dishId',
  table: 'Dishtable',
  identity: autoIncrement('id'),
  attributes: { title: text({ column: 'title', maxLength: 20 }) },
  example: { title: 'Soup' },
})
const LEGACY =
  'CREATE TABLE Dishtable (id INT NOT NULL AUTO_INCREMENT PRIMARY KEY, title VARCHAR(20) NOT NULL)'
const KEY = `ADD COLUMN backsync_key VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NULL DEFAULT NULL INVISIBLE,
  ADD COLUMN backsync_version BIGINT UNSIGNED NOT NULL DEFAULT 1 INVISIBLE,
  ADD COLUMN backsync_updated_at TIMESTAMP(3) NULL DEFAULT NULL ON UPDATE CURRENT_TIMESTAMP(3) INVISIBLE`
const OWNER = `ADD COLUMN backsync_owner VARCHAR(8) CHARACTER SET ascii COLLATE ascii_bin NULL DEFAULT NULL INVISIBLE,
  ADD COLUMN backsync_epoch BIGINT UNSIGNED NOT NULL DEFAULT 0 INVISIBLE`

const migration = (id: number, ...statements: string[]): Migration => ({
  id,
  name: `${String(id).padStart(4, '0')}_dishes`,
  statements,
  downStatements: [],
  checksum: statements.join(';').padEnd(64, '0').slice(0, 64),
})
const bridge = readMigrations(bridgeSqlFolder)
const team = readMigrations(sqlFolder)
/** What release 0.2 had of them. */
const former = { bridge: bridge.filter(({ id }) => id <= 3), team: team.filter(({ id }) => id <= 6) }

let aurora: TestAurora
/** As the function of the migrations has it. */
const migratorOf = (entities: readonly Entity[], of: readonly Migration[], own = bridge): Migrator =>
  new Migrator({
    bridge: own,
    team: of,
    ledgers: new MigrationLedgers(aurora.db),
    lock: new MigrationLock(aurora.db, 'test'),
    requireSettings: async () => {},
    beforeTeam: () => recordNewcomers(aurora.db, entities),
    requireSchema: () => requireRecordColumns(aurora.db, entities),
    run: async (sql) => {
      await aurora.client.execute({ sql, continueAfterTimeout: true })
    },
    deadline: new Deadline(),
    log: silent,
    by: 'test',
  })
const known = async (): Promise<string[]> => [...(await readOwners(aurora.db)).keys()].sort()

describe('the owners of an entity', () => {
  beforeAll(async () => {
    aurora = await openTestAurora({ owned: [] })
  })
  afterAll(() => aurora.close())
  beforeEach(async () => {
    await aurora.legacy.query('DELETE FROM backsync_owners')
    await aurora.legacy.query('DROP TABLE IF EXISTS Dishtable')
  })

  it('are known from the day that it is said, and that day stays when it is said again', async () => {
    await recordOwners(aurora.db, chef)
    const first = await readOwners(aurora.db)
    await recordOwners(aurora.db, chef)

    expect(await readOwners(aurora.db)).toEqual(first)
    expect(first.get('chef')).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/)
  })

  it('are known of one whose table is not adopted yet, or is not there, and of no other one', async () => {
    await aurora.legacy.query(LEGACY)
    const absent = defineEntity({
      ...dish,
      name: 'menu',
      plural: 'menus',
      table: 'menutable',
      identity: natural(['title'], { collation: 'utf8mb4_bin' }),
    })

    await recordNewcomers(aurora.db, [chef, dish, absent])
    expect(await known()).toEqual(['dish', 'menu'])
    await aurora.legacy.query('DELETE FROM backsync_owners')
    await aurora.legacy.query(`ALTER TABLE Dishtable ${KEY}`)
    await recordNewcomers(aurora.db, [chef, dish])
    expect(await known()).toEqual([])
    await recordNewcomers(aurora.db, [])
  })

  it('need columns: a table that lacks some is refused with the statement that adds them, which helps', async () => {
    await aurora.legacy.query(LEGACY)
    // Nobody has adopted it: the migrations that do may be to come.
    await requireRecordColumns(aurora.db, [chef, recipe, dish])
    await aurora.legacy.query(`ALTER TABLE Dishtable ${KEY}`)
    const refused = await requireRecordColumns(aurora.db, [chef, dish]).catch((error: unknown) => error)

    const [, cure] =
      /the table Dishtable lacks backsync_owner, backsync_epoch: add a migration with (ALTER TABLE .*)$/m.exec(
        String(refused),
      ) ?? []
    expect(refused).toMatchObject({ code: 'configuration.invalid' })
    await aurora.legacy.query(cure ?? '')
    await requireRecordColumns(aurora.db, [chef, dish])
    const [[row]] = await aurora.legacy.query<RowDataPacket[]>('SHOW CREATE TABLE Dishtable')
    const columns = (table: unknown): string[] =>
      String(table)
        .split('\n')
        .filter((line) => /backsync_(owner|epoch)/.test(line))
    const [[adopted]] = await aurora.legacy.query<RowDataPacket[]>('SHOW CREATE TABLE cheftable')
    expect(columns(row?.['Create Table'])).toEqual(columns(adopted?.['Create Table']))
  })
})

describe('the migrations, where there was no owner', () => {
  const fromFormer = async (): Promise<void> => {
    await aurora.migrator(former.team, former.bridge).apply()
    await writeAsFormerRelease(aurora.legacy, { key: 'modern', version: 2n, at: AT, row: ['Ida', 'Test'] })
    await aurora.legacy.query("INSERT INTO cheftable (cheffirst, cheflast) VALUES ('Auguste', 'Escoffier')")
  }
  beforeEach(async () => {
    await aurora?.close()
    aurora = await openTestAurora({ migrate: false })
  })
  beforeAll(async () => {
    aurora = await openTestAurora({ migrate: false })
  })
  afterAll(() => aurora.close())

  it('bring the columns to a database of 0.2, and say nothing of its entities; SELECT * is as it was', async () => {
    await fromFormer()
    const [before] = await aurora.legacy.query('SELECT * FROM cheftable')
    const applied = await migratorOf([chef, recipe], team).apply()

    expect(applied).toEqual({
      bridge: ['0004_owners', '0005_records', '0006_calls', '0007_mirror', '0008_call_owners', '0009_marks'],
      team: ['0007_owners_of_chefs', '0008_owners_of_recipes'],
    })
    expect(await known()).toEqual([])
    expect((await aurora.legacy.query('SELECT * FROM cheftable'))[0]).toEqual(before)
    const [rows] = await aurora.legacy.query<RowDataPacket[]>(
      'SELECT DISTINCT backsync_owner AS o, backsync_epoch AS e FROM cheftable',
    )
    expect(rows).toEqual([{ o: null, e: '0' }])
  })

  it('know the owners of all entities of a new database, and of one that comes to an old one', async () => {
    await migratorOf([chef, recipe], team).apply()
    expect(await known()).toEqual(['chef', 'recipe'])

    const more = [...team, migration(9, LEGACY), migration(10, `ALTER TABLE Dishtable ${KEY}, ${OWNER}`)]
    await migratorOf([chef, recipe, dish], more).apply()
    expect(await known()).toEqual(['chef', 'dish', 'recipe'])
  })

  it('know them also where the run broke off behind the statement that adopted the table', async () => {
    await fromFormer()
    const broken = [
      ...team,
      migration(9, LEGACY),
      migration(10, `ALTER TABLE Dishtable ${KEY}, ${OWNER}`, 'ALTER TABLE Nowhere ADD COLUMN a INT'),
    ]
    await expect(migratorOf([chef, recipe, dish], broken).apply()).rejects.toThrow()
    expect(await known()).toEqual(['dish'])
  })

  it('refuse a team’s adopted table without the columns, at each start, until a migration adds them', async () => {
    const lacking = [...team, migration(9, LEGACY), migration(10, `ALTER TABLE Dishtable ${KEY}`)]
    const cured = [...lacking, migration(11, `ALTER TABLE Dishtable ${OWNER}, ALGORITHM=INSTANT`)]
    const refusal =
      /Dishtable lacks backsync_owner, backsync_epoch: add a migration with ALTER TABLE Dishtable ADD COLUMN/

    await expect(migratorOf([chef, dish], lacking).apply()).rejects.toThrow(refusal)
    await expect(migratorOf([chef, dish], lacking).apply()).rejects.toThrow(refusal)
    await expect(migratorOf([chef, dish], cured).apply()).resolves.toMatchObject({ team: ['0011_dishes'] })
  })

  it('have the functions of 0.2 write on beside them, as if nothing were new', async () => {
    await fromFormer()
    await migratorOf([chef, recipe], team).apply()
    const write = (key: string, version: bigint, name?: string) =>
      writeAsFormerRelease(aurora.legacy, {
        key,
        version,
        at: AT,
        ...(name !== undefined && { row: [name, 'Test'] as const }),
      })
    await write('modern', 3n, 'Ada')
    await write('new', 1n, 'New')
    await write('gone', 1n, 'Gone')
    await write('gone', 2n)

    const [rows] = await aurora.legacy.query<RowDataPacket[]>(
      'SELECT cheffirst AS f, backsync_version AS v FROM cheftable ORDER BY id',
    )
    expect(rows.map(({ f, v }) => `${f} ${v}`)).toEqual(
      ['Ida 3', 'Auguste 1', 'New 1'].map((one) => one.replace('Ida', 'Ada')),
    )
    // The new ones go on from there: what they delete and make anew stands above that.
    const at = new Date().toISOString()
    const change = { entity: 'chef', key: 'modern', version: 4n, source: 'stream', at } as const
    expect(await aurora.writer.applyIsolating(chef, [{ ...change, op: 'delete' }])).toMatchObject({
      applied: 1,
    })
    await write('modern', 4n, 'Late')
    await write('modern', 5n, 'Anew')
    expect(await aurora.store.get(chef, 'modern')).toMatchObject({ version: 5n, row: { firstName: 'Anew' } })
  })
})
