import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals'
import mysql from 'mysql2/promise'
import {
  carryOutTriggers,
  planAsSql,
  planInstall,
  planRemoval,
} from '../../../../../functions/bridge/aurora/triggers/install-triggers.ts'
import {
  triggerStates,
  unseenEntities,
} from '../../../../../functions/bridge/aurora/triggers/trigger-state.ts'
import type { Entity } from '../../../../../functions/bridge/model/entity.ts'
import { openTestAurora, type TestAurora } from '../../../../support/aurora.ts'
import { openTestDirect, type TestDirect } from '../../../../support/direct.ts'
import { mirroredChef, readLog } from './legacy.ts'

const chef = mirroredChef()
const NAMES = ['bi', 'bu', 'bd', 'ai', 'au', 'ad'].map((moment) => `backsync_chef_${moment}`)

const statesOf = async (direct: TestDirect, entity: Entity = chef) => {
  const [own] = await triggerStates(direct.db, [entity])
  return own?.states.map(({ name, state, why }) => ({ name, state, ...(why !== undefined && { why }) })) ?? []
}

describe('the triggers of a mirrored entity', () => {
  let aurora: TestAurora
  let direct: TestDirect
  const install = async (entity: Entity = chef) =>
    carryOutTriggers(direct.db, await planInstall(direct.db, [entity]))
  beforeAll(async () => {
    aurora = await openTestAurora()
    direct = await openTestDirect(aurora)
  })
  beforeEach(async () => carryOutTriggers(direct.db, await planRemoval(direct.db, [chef])))
  afterAll(async () => {
    await direct.close()
    await aurora.close()
  })

  it('are missing, then there, and nothing is done again', async () => {
    expect(await statesOf(direct)).toEqual(NAMES.map((name) => ({ name, state: 'missing' })))
    expect(await unseenEntities(direct.db, [chef])).toEqual(['chef'])
    await install()
    expect(await unseenEntities(direct.db, [chef])).toEqual([])
    expect(await statesOf(direct)).toEqual(NAMES.map((name) => ({ name, state: 'there' })))
    expect((await planInstall(direct.db, [chef])).steps).toEqual([])
  })

  it('are made anew where the definition has changed, and only those', async () => {
    await install()
    const { steps } = await planInstall(direct.db, [mirroredChef({ plainSql: 'record' })])
    expect(steps).toMatchObject([{ entity: 'chef', tables: ['cheftable'] }])
    expect(steps[0]?.makes).toEqual(steps[0]?.drops)
    expect(steps[0]?.makes).toContain('backsync_chef_bu')
    await carryOutTriggers(direct.db, { steps })
    expect(new Set((await statesOf(direct)).map(({ state }) => state))).toEqual(new Set(['changed', 'there']))
  })

  it('are seen to be missing, or elsewhere, and made again, after the table was swapped', async () => {
    await install()
    await aurora.legacy.query('CREATE TABLE ghost LIKE cheftable')
    await aurora.legacy.query('SET foreign_key_checks = 0')
    await aurora.legacy.query('RENAME TABLE cheftable TO cheftable_del, ghost TO cheftable')
    expect(await statesOf(direct)).toEqual(
      NAMES.map((name) => ({ name, state: 'changed', why: 'it is on cheftable_del' })),
    )
    await install()
    expect(await statesOf(direct)).toEqual(NAMES.map((name) => ({ name, state: 'there' })))
    await aurora.legacy.query("INSERT INTO cheftable (cheffirst) VALUES ('A')")
    expect(await readLog(aurora)).toEqual(['upsert 1 v1'])
    await carryOutTriggers(direct.db, await planRemoval(direct.db, [chef]))
    await aurora.legacy.query('DROP TABLE cheftable')
    await aurora.legacy.query('RENAME TABLE cheftable_del TO cheftable')
    await aurora.legacy.query('SET foreign_key_checks = 1')
  })

  it('are changed where somebody else has made them otherwise', async () => {
    await install()
    await aurora.legacy.query('DROP TRIGGER backsync_chef_ad')
    await aurora.legacy.query(
      'CREATE TRIGGER backsync_chef_ad AFTER DELETE ON cheftable FOR EACH ROW SET @a = 1',
    )
    expect((await statesOf(direct)).at(-1)).toEqual({
      name: 'backsync_chef_ad',
      state: 'changed',
      why: 'it does something else',
    })
  })

  it('are changed where the account is gone that made them', async () => {
    const user = `u_${randomUUID().slice(0, 8)}`
    await aurora.legacy.query(`CREATE USER '${user}'@'%' IDENTIFIED BY 'secret'`)
    await aurora.legacy.query(`GRANT ALL ON ${aurora.database}.* TO '${user}'@'%'`)
    const other = await openTestDirect(aurora, { user, password: 'secret' })
    await carryOutTriggers(other.db, await planInstall(other.db, [chef]))
    await other.close()
    expect((await statesOf(direct)).map(({ state }) => state)).toEqual(NAMES.map(() => 'there'))
    await aurora.legacy.query(`DROP USER '${user}'@'%'`)
    expect((await statesOf(direct))[0]).toMatchObject({
      state: 'changed',
      why: `its account ${user}@% is gone, so that every write of the table fails`,
    })
    await install()
    await aurora.legacy.query("INSERT INTO cheftable (cheffirst) VALUES ('A')")
  })

  it('are needless where the entity is not mirrored any more, and can be taken away', async () => {
    await install()
    const { mirror: _, ...plain } = chef
    expect((await statesOf(direct, plain)).map(({ state }) => state)).toEqual(NAMES.map(() => 'needless'))
    await expect(planInstall(direct.db, [plain])).rejects.toThrow('chef is not mirrored')
    await carryOutTriggers(direct.db, await planRemoval(direct.db, [plain]))
    expect(await statesOf(direct, plain)).toEqual([])
  })

  it('wait until it is known whose its keys are', async () => {
    await aurora.legacy.query("DELETE FROM backsync_owners WHERE entity = 'chef'")
    await expect(planInstall(direct.db, [chef])).rejects.toMatchObject({ code: 'owners.unknown' })
    await aurora.legacy.query("INSERT INTO backsync_owners (entity) VALUES ('chef')")
  })

  it('can’t be made of a table that lacks a column', async () => {
    await aurora.legacy.query('ALTER TABLE cheftable RENAME COLUMN cheflast TO lastname')
    await expect(planInstall(direct.db, [chef])).rejects.toThrow('the table cheftable lacks cheflast')
    expect((await triggerStates(direct.db, [chef]))[0]?.fault).toContain('cheflast')
    await aurora.legacy.query('ALTER TABLE cheftable RENAME COLUMN lastname TO cheflast')
  })

  it('are refused over the Data API, and say where they can be made', async () => {
    const plan = await planInstall(aurora.db, [chef])
    await expect(carryOutTriggers(aurora.db, plan)).rejects.toMatchObject({ code: 'mirror.needs-direct' })
    expect((await statesOf(direct)).map(({ state }) => state)).toEqual(NAMES.map(() => 'missing'))
  })

  it('are refused to an account that lacks rights, by name', async () => {
    const user = `u_${randomUUID().slice(0, 8)}`
    await aurora.legacy.query(`CREATE USER '${user}'@'%' IDENTIFIED BY 'secret'`)
    await aurora.legacy.query(`GRANT SELECT, LOCK TABLES ON ${aurora.database}.* TO '${user}'@'%'`)
    const other = await openTestDirect(aurora, { user, password: 'secret' })
    const plan = await planInstall(direct.db, [chef])
    await expect(carryOutTriggers(other.db, plan)).rejects.toMatchObject({ code: 'mirror.needs-right' })
    await other.close()
    await aurora.legacy.query(`DROP USER '${user}'@'%'`)
  })

  it('name who holds the table when it is not to be had, and change nothing', async () => {
    const plan = await planInstall(direct.db, [chef])
    await aurora.legacy.query('BEGIN')
    await aurora.legacy.query("INSERT INTO cheftable (cheffirst) VALUES ('A')")
    const tries = { attempts: 1, firstPause: 1, longestPause: 1 }
    await expect(carryOutTriggers(direct.db, plan, { tries })).rejects.toThrow(
      `connection ${aurora.legacy.threadId} of `,
    )
    await aurora.legacy.query('ROLLBACK')
    expect((await statesOf(direct)).map(({ state }) => state)).toEqual(NAMES.map(() => 'missing'))
  })

  it('are printed as a client takes them', async () => {
    const text = planAsSql(await planInstall(direct.db, [chef]))
    const statements = text.split('DELIMITER $$\n')[1]?.split('DELIMITER ;')[0]?.split(' $$') ?? []
    for (const statement of statements) if (statement.trim() !== '') await aurora.legacy.query(statement)
    expect((await statesOf(direct)).map(({ state }) => state)).toEqual(NAMES.map(() => 'there'))
  })

  it('lose and double no write while they are made anew', async () => {
    await install()
    await aurora.legacy.query('DELETE FROM cheftable')
    await aurora.legacy.query('TRUNCATE backsync_changes')
    const writer = await mysql.createConnection({
      host: aurora.host,
      port: aurora.port,
      user: 'root',
      database: aurora.database,
    })
    await writer.query("INSERT INTO cheftable (id, cheffirst) VALUES (900, '0')")
    let written = 0
    let goesOn = true
    const writing = (async () => {
      while (goesOn) await writer.query(`UPDATE cheftable SET cheffirst = '${++written}' WHERE id = 900`)
    })()
    for (const mirror of [{ plainSql: 'record' }, { plainSql: 'refuse' }] as const)
      for (let round = 0; round < 4; round++) {
        await install(mirroredChef(mirror))
        await install(mirroredChef(mirror.plainSql === 'record' ? {} : { plainSql: 'record' }))
      }
    goesOn = false
    await writing
    await writer.end()
    const versions = (await readLog(aurora)).map((text) => Number(text.split(' v')[1]))
    expect(versions.slice(0, 1)[0]).toBeGreaterThanOrEqual(1)
    expect(versions).toEqual(versions.map((_, at) => (versions[0] ?? 0) + at))
    expect(versions.length).toBe(written + 1)
  })
})
