import { randomUUID } from 'node:crypto'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals'
import type { Entity } from '../../../../functions/bridge/model/entity.ts'
import { retryParked } from '../../../../functions/bridge/sync/retry-parked.ts'
import { chef } from '../../../fixtures/entities/chef.ts'
import { recipe } from '../../../fixtures/entities/recipe.ts'
import { chefItem, chefRecord, recipeItem, recipeRecord } from '../../fixtures/recipe-records.ts'
import { openTestSync, type TestSync } from './harness.ts'

/** What makes nobody certain that a row is what was written: a trigger that changes it, one that does not, code of its own. */
const kinds: readonly (readonly [string, Entity, string | undefined])[] = [
  ['a table without triggers', chef, undefined],
  [
    'a table with a trigger that only notes',
    chef,
    'CREATE TRIGGER restless AFTER DELETE ON cheftable FOR EACH ROW SET @gone = OLD.id',
  ],
  [
    'a table with a trigger that changes what is written',
    chef,
    "CREATE TRIGGER restless BEFORE INSERT ON cheftable FOR EACH ROW SET NEW.cheflast = CONCAT(NEW.cheflast, '!')",
  ],
  ['an entity with a hook', { ...chef, write: { after: async () => {} } }, undefined],
]

describe.each(kinds)(
  'an item that is written anew at the version that it has, of %s',
  (_, entity, trigger) => {
    let sync: TestSync
    let key: string
    beforeAll(async () => {
      sync = await openTestSync([entity], { chef: 'Chefs' })
      if (trigger !== undefined) await sync.aurora.legacy.query(trigger)
    })
    afterAll(() => sync.close())
    beforeEach(() => {
      key = `chef-${randomUUID()}`
      sync.takeLifted()
    })

    const first = () => chefItem(key, 1, 'A')
    /** What an update of one attribute makes, that leaves version and time. */
    const other = () => chefItem(key, 1, 'B')
    const settle = async (): Promise<void> => {
      for (const { item } of sync.takeLifted()) await sync.deliver(chefRecord(item))
    }
    const name = async () => (await sync.aurora.store.get(entity, key))?.row.firstName
    const versionOfItem = async () => (await sync.item(entity, key))?.version?.N
    const parked = async () => [...(await sync.parts.parking.parkedAmong('chef', [key, 'nobody'])).values()]

    it('is lifted, and arrives', async () => {
      await sync.put(entity, first())
      await sync.deliver(chefRecord(first(), { before: chefItem(key, 0) }))
      await sync.put(entity, other())
      await sync.deliver(chefRecord(other(), { before: first() }))
      await settle()

      expect([await name(), await versionOfItem(), await parked()]).toEqual(['B', '2', []])
    })

    it('is lifted too where a record behind it in the same batch changes nothing that the entity knows', async () => {
      await sync.put(entity, first())
      await sync.deliver(chefRecord(first(), { before: chefItem(key, 0) }))
      const touched = { ...other(), seen: { N: '7' } }
      await sync.put(entity, touched)
      await sync.deliver(chefRecord(other(), { before: first() }), chefRecord(touched, { before: other() }))
      await settle()

      expect([await name(), await parked()]).toEqual(['B', []])
    })

    it('is a repeat where only what the entity does not know was changed, and where it is delivered again', async () => {
      await sync.put(entity, first())
      await sync.deliver(chefRecord(first(), { before: chefItem(key, 0) }))
      const touched = { ...first(), seen: { N: '7' } }
      await sync.put(entity, touched)
      await sync.deliver(
        chefRecord(touched, { before: first() }),
        chefRecord(first(), { before: chefItem(key, 0) }),
      )

      expect(sync.takeLifted()).toEqual([])
      expect([await name(), await versionOfItem(), await parked()]).toEqual(['A', '1', []])
    })
  },
)

describe('of an entity that has such items listed', () => {
  const listing: Entity = { ...chef, overruled: 'park' }
  let sync: TestSync
  beforeAll(async () => {
    sync = await openTestSync([listing], { chef: 'Chefs' })
    await sync.aurora.legacy.query(
      'CREATE TRIGGER restless AFTER DELETE ON cheftable FOR EACH ROW SET @gone = OLD.id',
    )
  })
  afterAll(() => sync.close())

  it('one stays listed when it is tried again, until one of the two is written anew', async () => {
    const key = `chef-${randomUUID()}`
    const heads = async () => [...(await sync.parts.parking.parkedAmong('chef', [key])).values()]
    const [first, other] = [chefItem(key, 1, 'A'), chefItem(key, 1, 'B')]
    await sync.put(listing, first)
    await sync.deliver(chefRecord(first, { before: chefItem(key, 0) }))
    await sync.put(listing, other)
    await sync.deliver(chefRecord(other, { before: first }))
    expect(await heads()).toMatchObject([{ code: 'version.conflict' }])

    await retryParked(sync.parts, 'chef', await heads())
    expect(await heads()).toMatchObject([{ code: 'version.conflict', attempts: 2 }])

    const next = chefItem(key, 2, 'C')
    await sync.put(listing, next)
    await sync.deliver(chefRecord(next, { before: other }))
    expect(await heads()).toEqual([])
    expect((await sync.aurora.store.get(listing, key))?.row.firstName).toBe('C')
  })
})

describe('a change whose row at the same version can not be read', () => {
  let sync: TestSync
  beforeAll(async () => {
    sync = await openTestSync([chef, recipe], { chef: 'Chefs', recipe: 'Recipes' })
  })
  afterAll(() => sync.close())
  afterEach(() => void sync.takeLifted())

  const spoiled = async () => {
    const [chefId, key] = [`chef-${randomUUID()}`, `recipe-${randomUUID()}`]
    const item = recipeItem(key, 1, chefId, { vegetarian: { BOOL: true } })
    await sync.put(chef, chefItem(chefId, 1))
    await sync.put(recipe, item)
    await sync.deliver(
      chefRecord(chefItem(chefId, 1)),
      recipeRecord(item, { before: recipeItem(key, 0, chefId) }),
    )
    // No boolean is 5: what it was can't be told.
    await sync.aurora.legacy.query('UPDATE recipetable SET is_vegetarian = 5 WHERE backsync_key = ?', [key])
    await expect(sync.aurora.store.get(recipe, key)).rejects.toMatchObject({ code: 'row.unreadable' })
    return { chefId, key, item }
  }

  it('holds up nothing behind it, and is taken for overruled: nothing proves that it is there', async () => {
    const { chefId, key, item } = await spoiled()
    const good = recipeItem(`recipe-${randomUUID()}`, 1, chefId)
    await sync.put(recipe, good)

    expect(await sync.deliver(recipeRecord(item), recipeRecord(good))).toEqual({ batchItemFailures: [] })
    expect(await sync.aurora.store.get(recipe, good.recipeId.S)).toMatchObject({ version: 1n })
    expect(sync.takeLifted().map((one) => one.item.recipeId?.S)).toEqual([key])
  })

  it('is not held, for whoever compares', async () => {
    const { item } = await spoiled()
    const { changes } = sync.read(recipeRecord(item))
    const own = changes.flatMap((one) => ('change' in one ? [one.change] : []))
    expect(own).toHaveLength(1)
    expect(await sync.parts.sink.unheld?.('recipe', own)).toEqual(new Set(own))
  })
})
