import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { ChangeLog } from '../../../../functions/bridge/aurora/change-log.ts'
import { countOwners } from '../../../../functions/bridge/aurora/owner-counts.ts'
import { defineEntity } from '../../../../functions/bridge/model/entity.ts'
import { chef, chefDefinition } from '../../../fixtures/entities/chef.ts'
import { openTestAurora, type TestAurora } from '../../../support/aurora.ts'

describe('whose the rows of an entity are', () => {
  let aurora: TestAurora
  beforeAll(async () => {
    aurora = await openTestAurora()
    await aurora.legacy.query(
      "INSERT INTO cheftable (cheffirst, cheflast) VALUES ('a', 'x'), ('b', 'x'), ('c', 'x')",
    )
    await aurora.legacy.query(
      "INSERT INTO cheftable (cheffirst, cheflast, backsync_owner) VALUES ('d', 'x', 'dynamo'), ('e', 'x', 'aurora')",
    )
  }, 60_000)
  afterAll(() => aurora.close())

  it('is counted: one that says nothing is Aurora’s', async () => {
    expect(await countOwners(aurora.db, chef)).toEqual({ aurora: 4, dynamo: 1, complete: true })
  })

  it('is counted no further than it may be, and it is said that there are more', async () => {
    const some = await countOwners(aurora.db, chef, 3)
    expect([some.aurora + some.dynamo, some.complete]).toEqual([3, false])
    expect(await countOwners(aurora.db, chef, 5)).toMatchObject({ complete: true })
  })

  it('is counted by the records beside them where they are there', async () => {
    await aurora.legacy.query(
      'CREATE TABLE guests (id INT PRIMARY KEY AUTO_INCREMENT, cheffirst VARCHAR(9), cheflast VARCHAR(9))',
    )
    await aurora.legacy.query(
      "INSERT INTO guests (cheffirst, cheflast) VALUES ('a', 'x'), ('b', 'x'), ('c', 'x')",
    )
    await aurora.legacy.query(
      `INSERT INTO backsync_records (entity, entity_key, legacy_id, owner)
       VALUES ('guest', '1', 1, 'dynamo'), ('guest', '2', 2, NULL), ('other', '1', 1, 'dynamo')`,
    )
    const guest = defineEntity({
      ...chefDefinition,
      ...{ name: 'guest', plural: 'guests', table: 'guests', record: 'sideTable' },
    })
    expect(await countOwners(aurora.db, guest)).toEqual({ aurora: 2, dynamo: 1, complete: true })
    expect(await countOwners(aurora.db, guest, 2)).toEqual({ aurora: 1, dynamo: 1, complete: false })
  })
})

describe('what waits of each entity', () => {
  let aurora: TestAurora
  beforeAll(async () => {
    aurora = await openTestAurora()
  }, 60_000)
  afterAll(() => aurora.close())

  it('is counted apart, with the age of the first, and nothing where nothing waits', async () => {
    const log = new ChangeLog(aurora.db)
    expect(await log.depths()).toEqual(new Map())

    await aurora.legacy.query(
      `INSERT INTO backsync_changes (entity, entity_key, op, version, at) VALUES
       ('chef', '1', 'upsert', 1, CURRENT_TIMESTAMP(3) - INTERVAL 90 SECOND),
       ('chef', '2', 'upsert', 1, CURRENT_TIMESTAMP(3) - INTERVAL 5 SECOND), ('recipe', '1', 'delete', 1, CURRENT_TIMESTAMP(3))`,
    )
    await aurora.legacy.query(
      `INSERT INTO backsync_conflicts (entity, entity_key, op, version, content, at)
       VALUES ('recipe', '1', 'upsert', 1, '{}', CURRENT_TIMESTAMP(3) - INTERVAL 1 DAY)`,
    )
    const depths = await log.depths()
    expect([...depths.keys()].toSorted()).toEqual(['chef', 'recipe'])
    expect(depths.get('chef')).toMatchObject({ rows: 2, recorded: 0 })
    expect(depths.get('chef')?.oldest).toBeGreaterThanOrEqual(90_000)
    expect(depths.get('recipe')).toMatchObject({ rows: 1, recorded: 1 })
    // What waits to be listed is not late: nobody carries it over.
    expect(depths.get('recipe')?.oldest).toBeLessThan(3_600_000)
  })
})
