import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals'
import { retryParked } from '../../../../functions/bridge/sync/retry-parked.ts'
import { chef as lifted } from '../../../fixtures/entities/chef.ts'
import { recipe as liftedRecipe } from '../../../fixtures/entities/recipe.ts'
import { chefItem, chefRecord, recipeItem, recipeRecord } from '../../fixtures/recipe-records.ts'
import { openTestSync, type TestSync } from './harness.ts'

const chef = { ...lifted, overruled: 'park' } as const
const recipe = { ...liftedRecipe, overruled: 'park' } as const

describe('a change of the stream that does nothing, of an entity that has such changes listed', () => {
  let sync: TestSync
  // Parking remembers what it resolved, so each test has keys of its own.
  let CHEF: string
  let RECIPE: string
  let asked: number

  beforeAll(async () => {
    sync = await openTestSync([chef, recipe], { chef: 'Chefs', recipe: 'Recipes' })
  })
  afterAll(() => sync.close())
  beforeEach(async () => {
    await sync.aurora.empty()
    CHEF = `chef-${randomUUID()}`
    RECIPE = `recipe-${randomUUID()}`
    asked = 0
  })

  /** Delivers, and counts how often the source is asked. */
  const deliver = (...records: unknown[]) => {
    const { source } = sync.parts
    const counting: typeof source = {
      ...source,
      current: (...of) => {
        asked += 1
        return source.current(...of)
      },
    }
    return sync.deliverWith({ source: counting }, ...records)
  }
  /** What a writer does that puts an item as it likes: the item, and its record in the stream. */
  const put = async (version: number, firstName = `v${version}`): Promise<void> => {
    await sync.put(chef, chefItem(CHEF, version, firstName))
    await deliver(chefRecord(chefItem(CHEF, version, firstName)))
  }
  const remove = async (version: number): Promise<void> => {
    await sync.remove(chef, CHEF)
    await deliver(chefRecord(chefItem(CHEF, version), { removes: true }))
  }
  const row = async () => {
    const stored = await sync.aurora.store.get(chef, CHEF)
    return stored && [stored.row.firstName, Number(stored.version)]
  }
  const parked = async (of = 'chef', key = CHEF) => {
    const head = (await sync.parts.parking.parkedOf(of)).get(key)
    return head && [head.code, head.message]
  }
  const counted = async (work: () => Promise<unknown>) => {
    const before = sync.counts()
    await work()
    return Object.fromEntries(
      Object.entries(sync.counts())
        .map(([name, n]) => [name, n - (before[name] ?? 0)] as const)
        .filter(([, n]) => n > 0),
    )
  }

  it.each([1, 6])('is listed where its key was deleted at version 6 and put anew at %d', async (version) => {
    await put(5)
    await remove(5)
    const counts = await counted(() => put(version, 'anew'))

    expect(await row()).toBeUndefined()
    expect(await parked()).toEqual([
      version === 6 ? 'version.conflict' : 'version.behind',
      expect.stringMatching(
        new RegExp(`at version ${version}, .* deleted it at version 6\\. .* above that, it is applied`),
      ),
    ])
    const own = version === 6 ? 'chef Conflicts' : 'chef Behind'
    expect(counts).toEqual({ 'chef Parked': 1, [own]: 1 })
  })

  it('is listed where versions go back, with what either side holds', async () => {
    await put(5, 'five')
    await put(1, 'one')

    expect(await row()).toEqual(['five', 5])
    expect(await parked()).toMatchObject(['version.behind', expect.stringContaining('is at version 5')])
    const entry = await sync.parking.parking.entryOf('chef', CHEF)
    expect(JSON.parse(entry?.payload ?? '')).toMatchObject({
      record: { dynamodb: { NewImage: { version: { N: '1' } } } },
      store: { version: '5', op: 'upsert', row: { firstName: { S: 'five' } } },
      source: { version: '1', op: 'upsert', row: { firstName: { S: 'one' } } },
    })
  })

  it('gets through with a version above, as its reason says, and is listed no more', async () => {
    await put(5)
    await put(1)
    await put(2)
    expect(await parked()).toMatchObject(['version.behind', expect.stringContaining('has it at version 2')])
    await put(6, 'six')

    expect(await row()).toEqual(['six', 6])
    expect(await parked()).toBeUndefined()
  })

  it('is listed also where its key was parked and settled before at a larger version', async () => {
    await sync.put(chef, chefItem(CHEF, 5, 'x'.repeat(300)))
    await deliver(chefRecord(chefItem(CHEF, 5, 'x'.repeat(300))))
    await put(6)
    expect(await parked()).toBeUndefined()
    await put(1)

    expect(await parked()).toMatchObject(['version.behind', expect.anything()])
  })

  it('is a conflict where both sides wrote the same version, each its own', async () => {
    await put(1)
    await sync.aurora.legacy.query(
      `UPDATE cheftable SET cheffirst = 'Legacy', backsync_version = 2 WHERE backsync_key = ?`,
      [CHEF],
    )
    const counts = await counted(() => put(2, 'Modern'))

    expect(await row()).toEqual(['Legacy', 2])
    expect(await parked()).toMatchObject(['version.conflict', expect.stringContaining('both at version 2')])
    expect(counts).toEqual({ 'chef Parked': 1, 'chef Conflicts': 1 })
    await put(3, 'Modern')
    expect([await row(), await parked()]).toEqual([['Modern', 3], undefined])
  })

  it.each(['bobby', 'Bobbý', 'Bobby '])('is a conflict where %j is kept of Bobby', async (other) => {
    await put(1, other)
    await put(1, 'Bobby')

    expect(await parked()).toMatchObject(['version.conflict', expect.anything()])
  })

  it('is a conflict where only child rows differ, which stay as they are', async () => {
    const soup = (...names: string[]) =>
      recipeItem(RECIPE, 1, CHEF, { ingredients: { L: names.map((name) => ({ M: { name: { S: name } } })) } })
    await deliver(chefRecord(chefItem(CHEF, 1)))
    for (const names of [['Onion'], ['onion'], ['Onion', 'Butter'], []]) {
      await sync.put(recipe, soup(...names))
      const at =
        names.length === 1 && names[0] === 'Onion' ? {} : { updatedAt: { S: '2026-11-22T03:00:01.000Z' } }
      await deliver(recipeRecord({ ...soup(...names), ...at }))
    }

    expect(await parked('recipe', RECIPE)).toMatchObject(['version.conflict', expect.anything()])
    const stored = await sync.aurora.store.get(recipe, RECIPE)
    expect(stored?.row.ingredients).toMatchObject([{ name: 'Onion' }])
  })

  it('is late where its source has something else by now, and neither listed nor the end of what is', async () => {
    await put(5)
    await put(1)
    await sync.put(chef, chefItem(CHEF, 6))
    const again = (version: number) => deliver(chefRecord(chefItem(CHEF, version), { sequence: '1' }))
    expect(await counted(() => again(5))).toEqual({ 'chef SkippedAsOlder': 1 })
    expect(await counted(() => again(4))).toEqual({ 'chef SkippedAsOlder': 1, 'chef Late': 1 })

    expect(await row()).toEqual(['v5', 5])
    expect(await parked()).toMatchObject(['version.behind', expect.anything()])
  })

  it('is late where the invocation that brings it was given up, and its key has been deleted since', async () => {
    await put(1)
    await put(2)
    await remove(2)
    const counts = await counted(() => deliver(chefRecord(chefItem(CHEF, 1)), chefRecord(chefItem(CHEF, 2))))

    expect(counts).toEqual({ 'chef SkippedAsOlder': 1, 'chef Late': 1 })
    expect([await row(), await parked()]).toEqual([undefined, undefined])
  })

  it('is a delete that the source still means, listed, and done when it is tried again', async () => {
    await put(5)
    await sync.put(chef, chefItem(CHEF, 1))
    await remove(1)
    expect(await row()).toEqual(['v5', 5])
    const head = (await sync.parts.parking.parkedOf('chef')).get(CHEF)
    expect(head).toMatchObject({ code: 'version.behind', op: 'delete' })

    expect(await retryParked(sync.parts, 'chef', head === undefined ? [] : [head])).toMatchObject([
      { outcome: 'applied' },
    ])
    expect([await row(), await parked()]).toEqual([undefined, undefined])
  })

  it('stays parked when it is tried again, with its reason as of now', async () => {
    await put(5)
    await put(1)
    await sync.put(chef, chefItem(CHEF, 2))
    const head = (await sync.parts.parking.parkedOf('chef')).get(CHEF)

    expect(await retryParked(sync.parts, 'chef', head === undefined ? [] : [head])).toMatchObject([
      { outcome: 'parked', error: { code: 'version.behind' } },
    ])
    expect(await parked()).toMatchObject(['version.behind', expect.stringContaining('has it at version 2')])
  })

  it('ends no parking: a record without a version stays listed when what came before it is written again', async () => {
    await put(1)
    const { version: _, ...broken } = chefItem(CHEF, 2)
    await sync.put(chef, broken)
    await deliver(chefRecord(broken, { sequence: '9501' }))
    await sync.put(chef, chefItem(CHEF, 1, 'other'))
    await deliver(chefRecord(chefItem(CHEF, 1, 'other'), { sequence: '9502' }))

    expect(await parked()).toMatchObject(['version.conflict', expect.anything()])
    await deliver(chefRecord(chefItem(CHEF, 1, 'v1'), { sequence: '9503' }))
    expect(await parked()).toBeUndefined()
  })

  it('is settled where a later record of its key in the same batch is applied', async () => {
    const bad = (version: number) => ({ ...chefItem(CHEF, version), firstName: { N: '1' } })
    const counts = await counted(() =>
      deliver(chefRecord(bad(1)), chefRecord(chefItem(CHEF, 2)), chefRecord(chefItem(RECIPE, 1))),
    )

    expect(await row()).toEqual(['v2', 2])
    expect(await parked()).toBeUndefined()
    expect(counts).toMatchObject({ 'chef Applied': 2, 'chef Superseded': 1 })
    expect(counts).not.toHaveProperty('chef Parked')
    await deliver(chefRecord(chefItem(CHEF, 3)), chefRecord(bad(4)))
    expect(await parked()).toMatchObject(['record.invalid', expect.anything()])
  })

  it('is settled too where versions step back behind it', async () => {
    const bad = { ...chefItem(CHEF, 5), firstName: { N: '1' } }
    await deliver(chefRecord(bad, { sequence: '9601' }), chefRecord(chefItem(CHEF, 1), { sequence: '9602' }))
    expect([await row(), await parked()]).toEqual([['v1', 1], undefined])

    await deliver(chefRecord(bad, { sequence: '9603' }))
    await sync.put(chef, chefItem(CHEF, 2))
    await deliver(chefRecord(chefItem(CHEF, 2), { sequence: '9604' }))
    expect([await row(), await parked()]).toEqual([['v2', 2], undefined])
  })

  it('is the last of its key in a batch, and listed where a version before it was larger: that may come once more', async () => {
    await sync.put(chef, chefItem(CHEF, 1))
    await deliver(
      chefRecord(chefItem(CHEF, 5)),
      chefRecord(chefItem(CHEF, 5), { removes: true }),
      chefRecord(chefItem(CHEF, 1)),
    )

    expect([await row(), await parked()]).toEqual([
      undefined,
      ['version.behind', expect.stringContaining('the store has deleted it at version 6')],
    ])
  })

  it('stays listed when the delete of the life before comes once more, alone', async () => {
    const [born, gone, again] = [
      chefRecord(chefItem(CHEF, 5)),
      chefRecord(chefItem(CHEF, 5), { removes: true }),
      chefRecord(chefItem(CHEF, 1)),
    ]
    await sync.put(chef, chefItem(CHEF, 1))
    await deliver(born, gone, again)
    await deliver(gone)
    await deliver(born)

    expect(await row()).toBeUndefined()
    expect(await parked()).toMatchObject(['version.behind', expect.any(String)])
  })

  it('stays listed when a record of an earlier life with the same content comes once more, and then its delete', async () => {
    const [born, gone, again] = [
      chefRecord(chefItem(CHEF, 1)),
      chefRecord(chefItem(CHEF, 1), { removes: true }),
      chefRecord(chefItem(CHEF, 1)),
    ]
    await sync.put(chef, chefItem(CHEF, 1))
    for (const record of [born, gone, again]) await deliver(record)
    for (const record of [born, gone]) await deliver(record)

    expect(await row()).toBeUndefined()
    expect(await parked()).toMatchObject(['version.behind', expect.any(String)])
  })

  it('stays listed as a delete that waits, when its records come once more in another order', async () => {
    const [born, gone] = [chefRecord(chefItem(CHEF, 1)), chefRecord(chefItem(CHEF, 1), { removes: true })]
    await sync.put(chef, chefItem(CHEF, 1))
    await deliver(born, recipeRecord(recipeItem(RECIPE, 1, CHEF)))
    await sync.remove(chef, CHEF)
    await deliver(gone)
    await deliver(gone, born)

    expect(await row()).toEqual(['v1', 1])
    expect(await parked()).toMatchObject([expect.stringMatching(/referenced|1451/), expect.any(String)])

    await deliver(recipeRecord(recipeItem(RECIPE, 1, CHEF), { removes: true }))
    expect([await row(), await parked()]).toEqual([undefined, undefined])
  })

  it('is not listed as what the store refuses, when the next version came while it was being parked', async () => {
    const long = chefItem(CHEF, 1, 'Alexander')
    await sync.aurora.legacy.query('ALTER TABLE cheftable MODIFY cheffirst VARCHAR(5)')
    await sync.put(chef, chefItem(CHEF, 2))
    const { parking } = sync.parts
    const slow: typeof parking = Object.assign(Object.create(parking), {
      park: async (...given: Parameters<typeof parking.park>) => {
        await deliver(chefRecord(chefItem(CHEF, 2)))
        await parking.park(...given)
      },
      resolve: (...given: Parameters<typeof parking.resolve>) => parking.resolve(...given),
      parkedAmong: (...given: Parameters<typeof parking.parkedAmong>) => parking.parkedAmong(...given),
      waitingFor: (...given: Parameters<typeof parking.waitingFor>) => parking.waitingFor(...given),
      due: (...given: Parameters<typeof parking.due>) => parking.due(...given),
    })
    try {
      await sync.deliverWith({ parking: slow }, chefRecord(long))
    } finally {
      await sync.aurora.legacy.query('ALTER TABLE cheftable MODIFY cheffirst VARCHAR(255)')
    }

    expect(await row()).toEqual(['v2', 2])
    expect(await parked()).toBeUndefined()
  })

  it('is not listed as a bad record that comes once more, when a good one behind it was applied', async () => {
    const bad = chefRecord({ ...chefItem(CHEF, 1), firstName: { SS: ['no', 'name'] } })
    await sync.put(chef, chefItem(CHEF, 2))
    await deliver(bad, chefRecord(chefItem(CHEF, 2)))
    await deliver(bad)

    expect(await row()).toEqual(['v2', 2])
    expect(await parked()).toBeUndefined()
  })

  it('costs one more statement where all of a batch comes again, and asks the source for nothing', async () => {
    const keys = Array.from({ length: 50 }, (_, at) => `${CHEF}-${at}`)
    const records = keys.map((key) => chefRecord(chefItem(key, 1)))
    const soups = keys.map((key) =>
      recipeRecord(
        recipeItem(`soup-${key}`, 1, key, {
          price: { N: '12.5' },
          servings: { N: '3' },
          vegetarian: { BOOL: true },
          publishedOn: { S: '2026-11-22' },
          difficulty: { S: 'easy' },
          notes: { M: { b: { N: '1.50' }, a: { L: [{ S: 'ä' }, { NULL: true }] } } },
          thumbnail: { B: Buffer.from([0, 255, 39]).toString('base64') },
        }),
      ),
    )
    await deliver(...records, ...soups)
    const calls = async (...of: unknown[]): Promise<number> => {
      const before = sync.aurora.calls()
      await deliver(...of)
      return sync.aurora.calls() - before
    }
    const counts = await counted(async () => {
      // The insert, and what is held.
      expect(await calls(...records)).toBeLessThanOrEqual(3)
      // The transaction as ever, what is held, and the same of its list.
      expect(await calls(...soups)).toBeLessThanOrEqual(10)
    })

    expect(counts).toEqual({ 'chef SkippedAsOlder': 50, 'recipe SkippedAsOlder': 50 })
    expect(asked).toBe(0)
  })
})
