import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals'
import type { Change, Row } from '../../../../../functions/bridge/model/change.ts'
import type { Entity } from '../../../../../functions/bridge/model/entity.ts'
import type { Owner } from '../../../../../functions/bridge/model/owner.ts'
import { DecimalText } from '../../../../../functions/bridge/model/values.ts'
import { recipe } from '../../../../fixtures/entities/recipe.ts'
import { openTestAurora, type TestAurora } from '../../../../support/aurora.ts'
import { installMirror } from '../../../../support/mirrored.ts'
import { mirroredChef, readConflicts, readLog, readTombstones, refusalOf } from './legacy.ts'

const chef = mirroredChef()
const mirrored: Entity = { ...recipe, mirror: { plainSql: 'refuse' }, tombstones: 'item' }
const recording: Entity = { ...mirrored, mirror: { plainSql: 'record' } }
const KEY = '01990000-0000-7000-8000-000000000001'
const at = '2026-11-22T03:00:00.123Z'

const soup: Row = {
  chefId: '1',
  title: 'Soup',
  price: null,
  publishedOn: null,
  vegetarian: false,
  servings: new DecimalText('4'),
  difficulty: null,
  notes: null,
  thumbnail: null,
  ingredients: [
    { name: 'Onion', quantity: new DecimalText('1'), unit: 'kg' },
    { name: 'Butter', quantity: null, unit: null },
  ],
}

const upsert = (version: number, row: Row = soup): Change => ({
  entity: 'recipe',
  key: KEY,
  op: 'upsert',
  version: BigInt(version),
  source: 'test',
  at,
  epoch: 0n,
  row,
})
const remove = (version: number): Change => ({
  entity: 'recipe',
  key: KEY,
  op: 'delete',
  version: BigInt(version),
  source: 'test',
  at,
  epoch: 0n,
})

const begin = async (aurora: TestAurora): Promise<void> => {
  await aurora.legacy.query(
    'UPDATE recipetable SET backsync_owner = NULL, backsync_epoch = backsync_epoch + 1',
  )
  await aurora.legacy.query('DELETE FROM recipe_ingredients')
  await aurora.legacy.query('DELETE FROM recipetable')
  await aurora.legacy.query("INSERT IGNORE INTO cheftable (id, cheffirst) VALUES (1, 'A')")
  for (const table of ['backsync_changes', 'backsync_conflicts', 'backsync_tombstones'])
    await aurora.legacy.query(`DELETE FROM ${table}`)
  await aurora.legacy.query('ALTER TABLE recipetable AUTO_INCREMENT = 1')
}

describe('the rows of a list that a legacy program writes', () => {
  let aurora: TestAurora
  const run = (statement: string) => aurora.legacy.query(statement)
  beforeAll(async () => {
    aurora = await openTestAurora()
    await installMirror(aurora, [chef, mirrored])
  })
  beforeEach(async () => {
    await begin(aurora)
    await run("INSERT INTO recipetable (id, title, chef_id) VALUES (1, 'Soup', 1), (2, 'Stew', 1)")
    await run(
      "INSERT INTO recipe_ingredients (recipe_id, position, name) VALUES (1, 1, 'Onion'), (1, 2, 'Salt')",
    )
    await run('DELETE FROM backsync_changes')
  })
  afterAll(() => aurora.close())

  it.each<readonly [string, readonly string[]]>([
    ["INSERT INTO recipe_ingredients (recipe_id, position, name) VALUES (1, 3, 'Oil')", ['upsert 1 v1']],
    ["UPDATE recipe_ingredients SET name = 'ONION' WHERE position = 1", ['upsert 1 v1']],
    ['UPDATE recipe_ingredients SET name = name', []],
    ['UPDATE recipe_ingredients SET recipe_id = 2 WHERE position = 1', ['upsert 2 v1', 'upsert 1 v1']],
    ['DELETE FROM recipe_ingredients WHERE position = 1', ['upsert 1 v1']],
    [
      "UPDATE recipetable AS r JOIN recipe_ingredients AS i ON i.recipe_id = r.id SET i.name = 'x' WHERE r.id = 1",
      ['upsert 1 v1', 'upsert 1 v1'],
    ],
  ])('say that its parent has changed: %s', async (statement, log) => {
    await run(statement)
    expect((await readLog(aurora)).toSorted()).toEqual([...log].toSorted())
  })

  it.each([
    "INSERT INTO recipe_ingredients (recipe_id, position, name) VALUES (1, 3, 'Oil')",
    "UPDATE recipe_ingredients SET name = 'x' WHERE position = 1",
    'UPDATE recipe_ingredients SET recipe_id = 2 WHERE position = 1',
    'DELETE FROM recipe_ingredients',
  ])('are refused where DynamoDB owns the parent: %s', async (statement) => {
    await run("UPDATE recipetable SET backsync_owner = 'dynamo', backsync_epoch = 1 WHERE id = 1")
    expect(await refusalOf(aurora, statement)).toBe('backsync: not-the-owner: DynamoDB owns this recipe')
    expect(await readLog(aurora)).toEqual([])
  })

  it('may be written together with their parent', async () => {
    await run(
      "UPDATE recipetable AS r JOIN recipe_ingredients AS i ON i.recipe_id = r.id SET i.name = 'x', r.title = 'y' WHERE i.position = 1",
    )
    // Which goes first is the server's to choose.
    expect((await readLog(aurora)).filter((text) => text !== 'upsert 1 v1')).toContain('upsert 1 v2')
  })

  it('may be deleted before their parent', async () => {
    await run('DELETE FROM recipe_ingredients')
    await run('DELETE FROM recipetable WHERE id = 1')
    expect(await readLog(aurora)).toEqual(['upsert 1 v1', 'upsert 1 v1', 'delete 1 v2'])
    expect(await readTombstones(aurora)).toEqual(['1 v2'])
  })
})

describe('what the bridge itself writes', () => {
  let aurora: TestAurora
  beforeAll(async () => {
    aurora = await openTestAurora()
  })
  beforeEach(() => begin(aurora))
  afterAll(() => aurora.close())

  const apply = (change: Change, by: Owner, entity: Entity) => aurora.writer.apply(entity, [change], by)

  describe.each([
    ['refused', mirrored],
    ['recorded', recording],
  ])('where plain SQL is %s', (_, entity) => {
    beforeAll(() => installMirror(aurora, [chef, entity]))

    it('is logged once a write where Aurora owns the key, lists and all', async () => {
      await apply(upsert(1), 'aurora', entity)
      await apply(upsert(2, { ...soup, ingredients: [] }), 'aurora', entity)
      await apply(upsert(3), 'aurora', entity)
      await apply(remove(4), 'aurora', entity)
      expect(await readLog(aurora)).toEqual([
        `upsert ${KEY} v1`,
        `upsert ${KEY} v2`,
        `upsert ${KEY} v3`,
        `delete ${KEY} v4`,
      ])
    })

    it('is neither logged nor refused nor recorded where DynamoDB owns it', async () => {
      expect((await apply(upsert(1), 'dynamo', entity)).applied).toBe(1)
      expect(
        (await apply(upsert(2, { ...soup, title: 'Stew', ingredients: [] }), 'dynamo', entity)).applied,
      ).toBe(1)
      expect((await apply(upsert(3), 'dynamo', entity)).applied).toBe(1)
      expect((await apply(remove(4), 'dynamo', entity)).applied).toBe(1)
      expect((await apply(upsert(5), 'dynamo', entity)).applied).toBe(1)
      expect([await readLog(aurora), await readConflicts(aurora)]).toEqual([[], []])
    })

    it('leaves nothing behind by which another one could be taken for it', async () => {
      await apply(upsert(1), 'aurora', entity)
      const [rows] = await aurora.legacy.query('SELECT * FROM backsync_writers')
      expect(rows).toEqual([])
    })
  })

  it('costs an entity without a mirror nothing', async () => {
    const before = aurora.statements('backsync_writers')
    await apply(upsert(1), 'aurora', recipe)
    expect(aurora.statements('backsync_writers') - before).toBe(0)
  })
})
