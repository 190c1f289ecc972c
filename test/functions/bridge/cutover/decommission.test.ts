import { copyFile, readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import type { RowDataPacket } from 'mysql2/promise'
import {
  recordNewcomers,
  recordOwners,
  requireRecordColumns,
} from '../../../../functions/bridge/aurora/owners.ts'
import {
  type DecommissionParts,
  type DecommissionPlan,
  planDecommission,
} from '../../../../functions/bridge/cutover/decommission.ts'
import { readMigrations } from '../../../../functions/bridge/migrations/files.ts'
import { defineEntity, type Entity } from '../../../../functions/bridge/model/entity.ts'
import { outwardParkingOf } from '../../../../functions/bridge/model/mirror.ts'
import { keptIn } from '../../../../functions/bridge/model/retired.ts'
import { type Route, unmoved } from '../../../../functions/bridge/model/route.ts'
import { chefDefinition } from '../../../fixtures/entities/chef.ts'
import { recipeDefinition } from '../../../fixtures/entities/recipe.ts'
import { openTestAurora, sqlFolder, type TestAurora } from '../../../support/aurora.ts'
import { makeFolder, type TemporaryFolder } from '../../../support/folder.ts'
import { installMirror, removeMirror } from '../../../support/mirrored.ts'
import { plateOf } from '../../fixtures/plate.ts'

const mirror = { plainSql: 'record' } as const
const chef = defineEntity({ ...chefDefinition, mirror })
const recipe = defineEntity({ ...recipeDefinition(chef), mirror })
const plate: Entity = { ...plateOf('sideTable'), mirror, tombstones: 'item' }
const ENTITIES = [chef, recipe, plate]
const PLATES = `CREATE TABLE plates (code VARCHAR(60) NOT NULL PRIMARY KEY, title VARCHAR(20) NOT NULL,
  KEY title (title)) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin`
const TABLES = ['cheftable', 'recipetable', 'recipe_ingredients', 'plates']
/** The legacy application's own, as they were before anything was adopted. */
const LEGACY = ['0001_legacy_chefs', '0005_legacy_recipes']

const settled = { epoch: 9n, at: '2026-11-30T10:00:00.000Z' }
const over: Partial<Route> = { stage: 'complete', percent: 100, epoch: 9n, settled }

describe('what is left of an entity in Aurora', () => {
  let aurora: TestAurora
  let folder: TemporaryFolder
  let before: Record<string, string>
  let routes: Map<string, Partial<Route>>
  let parked: Map<string, number>

  const dump = async (): Promise<Record<string, string>> => {
    const texts: [string, string][] = []
    for (const table of TABLES) {
      const [[row]] = await aurora.legacy.query<RowDataPacket[]>(`SHOW CREATE TABLE ${table}`)
      // How far the ids have come is data.
      texts.push([table, String(row?.['Create Table']).replace(/ AUTO_INCREMENT=\d+/, '')])
    }
    const [triggers] = await aurora.legacy.query<RowDataPacket[]>(
      'SELECT TRIGGER_NAME AS n FROM information_schema.TRIGGERS WHERE TRIGGER_SCHEMA = DATABASE()',
    )
    return { ...Object.fromEntries(texts), triggers: triggers.map(({ n }) => n).join() }
  }
  /** Rows of the bridge's own tables that name an entity. */
  const rowsOf = async (name: string): Promise<number> => {
    let all = 0
    for (const table of ['changes', 'conflicts', 'tombstones', 'records', 'calls', 'owners']) {
      const [[row]] = await aurora.legacy.query<RowDataPacket[]>(
        `SELECT COUNT(*) AS n FROM backsync_${table} WHERE entity IN (?, ?)`,
        [name, `${name}.lifted`],
      )
      all += Number(row?.n)
    }
    return all
  }

  beforeAll(async () => {
    aurora = await openTestAurora({ migrate: false })
    for (const { name, statements } of readMigrations(sqlFolder))
      if (LEGACY.includes(name)) for (const statement of statements) await aurora.legacy.query(statement)
    await aurora.legacy.query(PLATES)
    before = await dump()
    await aurora.migrator().apply()
    folder = await makeFolder()
    for (const file of await readdir(sqlFolder))
      if (file.endsWith('.sql')) await copyFile(join(sqlFolder, file), join(folder.path, file))
    for (const entity of ENTITIES) await recordOwners(aurora.db, entity)
    await installMirror(aurora, ENTITIES)
    await aurora.legacy.query(
      "INSERT INTO cheftable (cheffirst, cheflast) VALUES ('a', 'b'), ('c', 'd'), ('e', 'f')",
    )
    await aurora.legacy.query("INSERT INTO recipetable (chef_id, title) VALUES (1, 'Soup')")
    await aurora.legacy.query("INSERT INTO plates (code, title) VALUES ('p', 'q'), ('r', 's')")
    await aurora.legacy.query("DELETE FROM plates WHERE code = 'r'")
    await aurora.legacy.query('DELETE FROM cheftable WHERE id = 3')
    await aurora.legacy.query("INSERT INTO backsync_owners (entity) VALUES ('chef.lifted')")
    routes = new Map()
    parked = new Map()
  }, 60_000)
  afterAll(async () => {
    await folder?.remove()
    await aurora?.close()
  })

  const plan = (entity: Entity, entities: readonly Entity[] = ENTITIES): Promise<DecommissionPlan> => {
    const parts: DecommissionParts = {
      ...{ db: aurora.db, entities },
      routes: {
        read: async (name) => ({
          ...{ route: { ...unmoved(name), ...routes.get(name) }, revision: 1, token: '' },
        }),
      },
      parking: {
        parkedOf: async (name) =>
          new Map(
            Array.from({ length: parked.get(name) ?? 0 }, (_, at) => [
              String(at),
              {
                ...{ entity: name, key: String(at), class: 'data', code: 'x', message: '' },
                ...{ firstSeen: '', lastSeen: '', attempts: 1, state: 'parked' },
              },
            ]),
          ),
      },
      keptTables: [
        { name: 'chefs-by-city', source: 'chef' },
        { name: 'others', source: 'users' },
      ],
      undelivered: async () => 2,
      nextMigration: async () => 42,
    }
    return planDecommission(entity, parts)
  }
  const gates = async (entity: Entity, entities?: readonly Entity[]): Promise<string[]> =>
    (await plan(entity, entities)).refusals.map(({ gate }) => gate)

  it('is listed: columns, indexes, triggers, rows of each table, and what goes on', async () => {
    const { left, triggers, keptTables, undelivered, legacyPath } = await plan(chef)
    expect(left.columns.map(({ name }) => name)).toEqual([
      'backsync_key',
      'backsync_version',
      'backsync_updated_at',
      'backsync_owner',
      'backsync_epoch',
    ])
    expect(left.indexes).toEqual([{ name: 'backsync_key', columns: ['backsync_key'], isUnique: true }])
    expect(left.rows).toMatchObject({ backsync_changes: 4, backsync_tombstones: 1, backsync_owners: 2 })
    expect(triggers.length).toBeGreaterThan(3)
    expect(triggers.every((name) => name.startsWith('backsync_chef_'))).toBe(true)
    expect({ keptTables, undelivered, legacyPath }).toEqual({
      ...{ keptTables: ['chefs-by-city'], undelivered: 2, legacyPath: '/aurora/chefs' },
    })
    expect((await plan(plate)).left).toMatchObject({
      ...{ columns: [], indexes: [], rows: { backsync_records: expect.any(Number) } },
    })
  })

  it('stays while the route is not complete, not settled as that, or is needed by another one', async () => {
    expect(await gates(chef)).toEqual(['complete', 'referring', 'triggers'])
    routes.set('chef', { stage: 'complete', epoch: 9n })
    expect(await gates(chef)).toEqual(['settled', 'referring', 'triggers'])
    routes.set('chef', over)
    routes.set('recipe', { stage: 'complete', epoch: 9n })
    expect(await gates(chef)).toEqual(['referring', 'triggers'])
    routes.set('recipe', over)
    expect(await gates(chef)).toEqual(['triggers'])
    expect(await gates(recipe)).toEqual(['triggers'])
    const [refusal] = (await plan(chef)).refusals
    expect(refusal?.cure).toBe('npx backsync mirror remove chef')
  })

  it('stays while something is parked, in conflict, or another entity is kept in the same table', async () => {
    for (const [name, gate] of [
      ['chef', 'parked'],
      [outwardParkingOf('chef'), 'parked'],
      ['chef.conflicts', 'conflicts'],
    ] as const) {
      parked = new Map([[name, 1]])
      expect([name, await gates(chef)]).toEqual([name, ['triggers', gate]])
    }
    parked = new Map()
    const cook: Entity = { ...chef, name: 'cook' }
    expect(await gates(chef, [...ENTITIES, cook])).toEqual(['table', 'triggers'])
    expect(await gates(chef, [...ENTITIES, { ...cook, retired: true }])).toEqual(['triggers'])
  })

  it('stays where an index has columns of both', async () => {
    await aurora.legacy.query('CREATE INDEX both_of_them ON cheftable (cheflast, backsync_owner)')
    expect(await gates(chef)).toEqual(['triggers', 'indexes'])
    await aurora.legacy.query('DROP INDEX both_of_them ON cheftable')
  })

  it('goes by a migration that the Data API runs: the tables are as they were before, and no row of the bridge names it', async () => {
    routes = new Map(ENTITIES.map(({ name }) => [name, over]))
    await removeMirror(aurora, ENTITIES)
    const [untouched] = await aurora.legacy.query('SELECT * FROM recipetable')
    let id = 50
    for (const entity of ENTITIES) {
      const { contract, refusals } = await plan(entity)
      expect(refusals).toEqual([])
      if (contract === undefined) throw new Error('nothing is left')
      const name = contract.name.replace(/^0042/, `00${id++}`)
      await writeFile(join(folder.path, `${name}.up.sql`), contract.up)
      await writeFile(join(folder.path, `${name}.down.sql`), contract.down)
      const others = ENTITIES.filter((other) => other !== entity).map((other) => other.name)
      const counts = async () => Promise.all(others.map(rowsOf))
      const kept = await counts()
      const { team } = await aurora.migrator(readMigrations(folder.path)).apply()
      expect(team).toEqual([name])
      expect([await rowsOf(entity.name), await counts()]).toEqual([0, kept])
    }
    expect(await dump()).toEqual(before)
    expect(await aurora.legacy.query('SELECT * FROM recipetable').then(([rows]) => rows)).toEqual(untouched)
    expect((await aurora.migrator(readMigrations(folder.path)).apply()).team).toEqual([])
  })

  it('is nothing then: there is nothing more to write', async () => {
    for (const entity of ENTITIES)
      expect(await plan(entity)).toMatchObject({ contract: undefined, refusals: [], triggers: [] })
  })

  it('is not taken for a table that is to be adopted, once the definition says so', async () => {
    await recordNewcomers(aurora.db, keptIn([{ ...chef, retired: true }]))
    expect(await rowsOf('chef')).toBe(0)
    await recordNewcomers(aurora.db, keptIn([chef]))
    expect(await rowsOf('chef')).toBe(1)
  })

  it('comes back as adoption has made it, by the way back of the migration', async () => {
    const migrations = readMigrations(folder.path).filter(({ name }) => name.endsWith('_decommission_chef'))
    for (const statement of migrations.flatMap((one) => one.downStatements))
      await aurora.legacy.query(statement)
    await requireRecordColumns(aurora.db, [chef])
    const { left } = await plan(chef)
    expect([left.columns.length, left.indexes.length]).toEqual([5, 1])
  })
})
