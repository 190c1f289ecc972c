import { randomUUID } from 'node:crypto'
import type { AttributeValue } from '@aws-sdk/client-dynamodb'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals'
import { DynamoError } from '../../../../functions/bridge/drivers/dynamo/errors.ts'
import { DynamoStore } from '../../../../functions/bridge/dynamo/dynamo-store.ts'
import { Deadline } from '../../../../functions/bridge/runtime/deadline.ts'
import type { Mirror } from '../../../../functions/bridge/sync/mirror.ts'
import { retryParked } from '../../../../functions/bridge/sync/retry-parked.ts'
import { chef } from '../../../fixtures/entities/chef.ts'
import { recipe } from '../../../fixtures/entities/recipe.ts'
import { silent } from '../../../support/log.ts'
import { replace } from '../../fixtures/chef-writes.ts'
import { chefItem, chefRecord, recipeItem, recipeRecord } from '../../fixtures/recipe-records.ts'
import { openTestSync, type TestSync } from './harness.ts'

describe('a change of the stream that does nothing, of an entity that has such changes lifted', () => {
  let sync: TestSync
  let CHEF: string
  let RECIPE: string
  /** All records of lifts so far. */
  let records: unknown[]

  beforeAll(async () => {
    sync = await openTestSync([chef, recipe], { chef: 'Chefs', recipe: 'Recipes' })
  })
  afterAll(() => sync.close())
  beforeEach(async () => {
    await sync.aurora.empty()
    CHEF = `chef-${randomUUID()}`
    RECIPE = `recipe-${randomUUID()}`
    records = []
    sync.takeLifted()
  })

  type Item = Record<string, AttributeValue>

  const put = async (item: Item, parts: Partial<Mirror> = {}) => {
    await sync.put(chef, item)
    return sync.deliverWith(parts, chefRecord(item))
  }
  const remove = async (version: number, parts: Partial<Mirror> = {}) => {
    await sync.remove(chef, CHEF)
    return sync.deliverWith(parts, chefRecord(chefItem(CHEF, version), { removes: true }))
  }
  /** Delivers what lifts have made, until there is nothing more. @returns how many there were */
  const settle = async (): Promise<number> => {
    let lifts = 0
    for (let lifted = sync.takeLifted(); lifted.length > 0; lifted = sync.takeLifted()) {
      lifts += lifted.length
      const made = lifted.map(({ entity, item }) => (entity === 'chef' ? chefRecord : recipeRecord)(item))
      records.push(...made)
      await sync.deliver(...made)
    }
    return lifts
  }
  const row = async () => {
    const stored = await sync.aurora.store.get(chef, CHEF)
    return stored && [stored.row.firstName, Number(stored.version)]
  }
  const itemOf = async () => {
    const item = await sync.item(chef, CHEF)
    return item && [item.firstName?.S, Number(item.version?.N)]
  }
  const heads = async () => [...(await sync.parts.parking.parkedAmong('chef', [CHEF])).values()]
  const parked = async () => {
    const soups = await sync.parts.parking.parkedAmong('recipe', [RECIPE])
    return [...(await heads()), ...soups.values()].map(({ class: of, code }) => [of, code])
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
  /** What a statement of somebody's does beside, who raises the version and asks nobody whose the key is. */
  const writeLegacy = async (firstName: string): Promise<void> => {
    await sync.aurora.legacy.query(
      `UPDATE cheftable SET cheffirst = ?, cheflast = 'Legacy', backsync_version = backsync_version + 1
       WHERE backsync_key = ?`,
      [firstName, CHEF],
    )
  }

  describe('gets no version by which clients have read something else of its key', () => {
    const read5 = () => chefItem(CHEF, 5, 'x'.repeat(300))
    const restored = () => chefItem(CHEF, 3, 'restored')

    it.each<[string, () => Promise<void>]>([
      [
        'that the store has refused, and that is parked',
        async () => {
          await put(read5())
          expect(await parked()).toEqual([['data', expect.any(String)]])
          await put(restored())
        },
      ],
      [
        'that came in the same batch, and that the store refuses',
        async () => {
          await sync.put(chef, restored())
          await sync.deliver(chefRecord(read5()), chefRecord(restored()))
        },
      ],
      [
        'that came in the same batch, of what is no change at all',
        async () => {
          await sync.put(chef, restored())
          const odd = { ...read5(), firstName: { N: '1' } }
          await sync.deliver(chefRecord(odd), chefRecord(restored()))
        },
      ],
      [
        'that is parked, and behind which an older one was restored, too',
        async () => {
          await put(read5())
          const [old, older] = [chefItem(CHEF, 4, 'old'), restored()]
          await sync.put(chef, older)
          await sync.deliver(chefRecord(old))
          await sync.deliver(chefRecord(older))
        },
      ],
    ])('%s', async (_, happen) => {
      await put(chefItem(CHEF, 4))
      await happen()
      await settle()

      expect([await row(), await itemOf(), await parked()]).toEqual([['restored', 6], ['restored', 6], []])
      // Who has read that version writes over nothing that he has not read.
      const { client, tables } = sync
      const store = new DynamoStore({
        ...{ client, tables, idempotencyTable: 'none', deadline: new Deadline(), log: silent },
      })
      const wish = (ifMatch: readonly bigint[]) => ({ ...replace(CHEF, 'next', ifMatch), key: CHEF })
      await expect(store.write(chef, wish([5n]))).rejects.toMatchObject({ code: 'version.stale' })
      expect(await store.write(chef, wish([6n]))).toMatchObject({ version: 7n })
    })
  })

  it.each([1, 6])('ends equal where its key was deleted at version 6 and put anew at %d', async (version) => {
    await put(chefItem(CHEF, 5))
    await remove(5)
    expect(await counted(() => put(chefItem(CHEF, version, 'anew')))).toEqual({ 'chef Lifted': 1 })
    expect([await row(), await itemOf()]).toEqual([undefined, ['anew', 7]])

    expect(await counted(settle)).toEqual({ 'chef Applied': 1 })
    expect([await row(), await itemOf(), await parked()]).toEqual([['anew', 7], ['anew', 7], []])
  })

  it.each([
    ['steps back', 1, 6],
    ['is the same with other content', 5, 6],
  ])('ends equal where its version %s', async (_, version, then) => {
    await put(chefItem(CHEF, 5, 'five'))
    await put(chefItem(CHEF, version, 'other'))
    await settle()

    expect([await row(), await itemOf(), await parked()]).toEqual([['other', then], ['other', then], []])
    await put(chefItem(CHEF, then + 1, 'next'))
    expect([await row(), await parked()]).toEqual([['next', then + 1], []])
  })

  it('has nothing of its item changed but the version', async () => {
    const odd: Item = {
      ...chefItem(CHEF, 1, 'odd'),
      tags: { SS: ['a', 'b'] },
      backsync_owner: { S: 'dynamo' },
      deep: { M: { n: { N: '1.50' }, no: { NULL: true } } },
    }
    await put(chefItem(CHEF, 5))
    await put(odd)

    expect(await sync.item(chef, CHEF)).toEqual({
      ...odd,
      version: { N: '6' },
      deep: { M: { n: { N: '1.5' }, no: { NULL: true } } },
    })
  })

  it('is late, and lifts nothing, where its source has something else by now', async () => {
    await put(chefItem(CHEF, 5))
    await sync.put(chef, chefItem(CHEF, 6, 'six'))
    expect(await counted(() => sync.deliver(chefRecord(chefItem(CHEF, 4))))).toEqual({
      'chef SkippedAsOlder': 1,
      'chef Late': 1,
    })

    await sync.remove(chef, CHEF)
    await sync.deliver(chefRecord(chefItem(CHEF, 4)))
    expect([sync.takeLifted(), await row(), await itemOf(), await parked()]).toEqual([
      [],
      ['v5', 5],
      undefined,
      [],
    ])
  })

  it('is listed where another store owns its item', async () => {
    await put(chefItem(CHEF, 5))
    await put({ ...chefItem(CHEF, 1), backsync_owner: { S: 'aurora' } })

    expect([await itemOf(), await row(), await parked()]).toEqual([['v1', 1], ['v5', 5], []])
  })

  it('goes on as the last of its key, whatever was before it in the batch', async () => {
    await sync.put(chef, chefItem(CHEF, 1, 'last'))
    await sync.deliver(
      chefRecord(chefItem(CHEF, 5)),
      chefRecord(chefItem(CHEF, 5), { removes: true }),
      chefRecord(chefItem(CHEF, 1, 'last')),
    )
    await settle()

    expect([await row(), await itemOf(), await parked()]).toEqual([['last', 7], ['last', 7], []])
  })

  it('takes off the list what is parked of its key, but not before it has come through', async () => {
    await put({ ...chefItem(CHEF, 1), firstName: { N: '1' } })
    await sync.put(chef, chefItem(CHEF, 5))
    await sync.aurora.writer.apply(
      chef,
      sync.read(chefRecord(chefItem(CHEF, 5))).changes.map(({ change }) => change),
      'dynamo',
    )
    await put(chefItem(CHEF, 2))
    expect(await parked()).toEqual([['data', 'record.invalid']])
    await settle()

    expect([await row(), await parked()]).toEqual([['v2', 6], []])
  })

  it('is lifted with its child rows', async () => {
    let second = 0
    const soup = (version: number, ...names: string[]) => ({
      ...recipeItem(RECIPE, version, CHEF),
      updatedAt: { S: `2026-11-22T03:00:0${second++}.000Z` },
      ingredients: { L: names.map((name) => ({ M: { name: { S: name } } })) },
    })
    await sync.deliver(chefRecord(chefItem(CHEF, 1)))
    for (const item of [soup(3, 'Onion', 'Butter'), soup(3, 'Onion', 'Cheese'), soup(1, 'Leek')]) {
      await sync.put(recipe, item)
      await sync.deliver(recipeRecord(item))
      await settle()
    }

    const stored = await sync.aurora.store.get(recipe, RECIPE)
    expect([stored?.version, stored?.row.ingredients]).toEqual([
      5n,
      [{ name: 'Leek', quantity: null, unit: null }],
    ])
    expect(await parked()).toEqual([])
  })

  describe('of a delete', () => {
    it('is done one version above what the store holds, and counted', async () => {
      await put(chefItem(CHEF, 5))
      await sync.put(chef, chefItem(CHEF, 1))
      expect(await counted(() => remove(1))).toEqual({ 'chef Applied': 1, 'chef Lifted': 1 })

      expect([await row(), await parked()]).toEqual([undefined, []])
      // Nothing of the life before brings it back.
      await sync.deliver(chefRecord(chefItem(CHEF, 5)))
      expect([await row(), await parked()]).toEqual([undefined, []])
    })

    it('is late where the item is there again', async () => {
      await put(chefItem(CHEF, 5))
      await sync.put(chef, chefItem(CHEF, 6))
      const gone = chefRecord(chefItem(CHEF, 1), { removes: true })
      expect(await counted(() => sync.deliver(gone))).toEqual({ 'chef SkippedAsOlder': 1, 'chef Late': 1 })
      expect(await row()).toEqual(['v5', 5])
    })

    it('waits at that version while something refers to its row, and is done when that goes', async () => {
      await put(chefItem(CHEF, 5))
      await sync.deliver(recipeRecord(recipeItem(RECIPE, 1, CHEF)))
      await sync.put(chef, chefItem(CHEF, 1))
      await remove(1)
      expect([await row(), await parked()]).toEqual([['v5', 5], [['dependency', 'row.referenced']]])
      expect((await sync.parts.parking.parkedOf('chef')).get(CHEF)?.version).toBe(6n)

      await sync.deliver(recipeRecord(recipeItem(RECIPE, 1, CHEF), { removes: true }))
      expect([await row(), await parked()]).toEqual([undefined, []])
    })

    it('is raised above what somebody else writes in between', async () => {
      await put(chefItem(CHEF, 5))
      await sync.put(chef, chefItem(CHEF, 1))
      let writes = 2
      const { sink } = sync.parts
      const disturbed: typeof sink = Object.assign(Object.create(sink), {
        applyIsolating: async (...given: Parameters<typeof sink.applyIsolating>) => {
          if (given[1].some(({ version }) => version > 2n) && writes-- > 0) await writeLegacy('between')
          return sink.applyIsolating(...given)
        },
      })
      await remove(1, { sink: disturbed })

      expect([await row(), await parked()]).toEqual([undefined, []])
    })

    it('is listed where somebody else writes its row again and again, and done when it is tried again', async () => {
      await put(chefItem(CHEF, 5))
      await sync.put(chef, chefItem(CHEF, 1))
      const { sink } = sync.parts
      const disturbed: typeof sink = Object.assign(Object.create(sink), {
        applyIsolating: async (...given: Parameters<typeof sink.applyIsolating>) => {
          await writeLegacy('between')
          return sink.applyIsolating(...given)
        },
      })
      await remove(1, { sink: disturbed })
      expect(await parked()).toEqual([['data', 'version.behind']])

      expect(await retryParked(sync.parts, 'chef', await heads())).toMatchObject([{ outcome: 'applied' }])
      expect([await row(), await parked()]).toEqual([undefined, []])
    })
  })

  describe('ends', () => {
    it('whatever of it comes again, in whatever order: nothing is lifted twice', async () => {
      const own = [
        chefItem(CHEF, 5),
        chefItem(CHEF, 1, 'one'),
        chefItem(CHEF, 6, 'six'),
        chefItem(CHEF, 2, 'two'),
      ]
      let lifts = 0
      for (const item of own) {
        await put(item)
        lifts += await settle()
      }
      expect([lifts, await row(), await itemOf()]).toEqual([3, ['two', 8], ['two', 8]])

      const all = [...own.map((item) => chefRecord(item)), ...records]
      for (const record of [...all, ...all.toReversed()]) await sync.deliver(record)
      await sync.deliver(...all.toReversed())
      expect([sync.takeLifted(), await row(), await parked()]).toEqual([[], ['two', 8], []])
    })

    it('where the store has the largest version that there may be: it is listed', async () => {
      const largest = Number.MAX_SAFE_INTEGER - 1
      await put(chefItem(CHEF, largest))
      await put(chefItem(CHEF, 1))

      expect([await itemOf(), await parked()]).toEqual([['v1', 1], [['data', 'version.behind']]])
    })
  })

  describe('that can not be lifted', () => {
    const failing = (name: string): Partial<Mirror> => {
      const cause = Object.assign(new Error('no'), { name })
      const { source } = sync.parts
      const lift = () => Promise.reject(new DynamoError('UpdateItem', cause))
      return { source: { ...source, lift } }
    }

    it('is listed where the right is missing, with the reason, and what is behind it goes on', async () => {
      await put(chefItem(CHEF, 5))
      await sync.put(chef, chefItem(CHEF, 1))
      const other = chefRecord(chefItem(`${CHEF}-other`, 1))
      const parts = failing('AccessDeniedException')
      expect(await sync.deliverWith(parts, chefRecord(chefItem(CHEF, 1)), other)).toEqual({
        batchItemFailures: [],
      })

      expect((await sync.parts.parking.parkedOf('chef')).get(CHEF)).toMatchObject({
        code: 'version.behind',
        message: expect.stringContaining('could not be lifted above that: UpdateItem: AccessDeniedException'),
      })
      expect(await sync.aurora.store.get(chef, `${CHEF}-other`)).toBeDefined()
    })

    it('comes again where its table is throttled, and gets through then', async () => {
      await put(chefItem(CHEF, 5))
      await sync.put(chef, chefItem(CHEF, 1, 'one'))
      const record = chefRecord(chefItem(CHEF, 1, 'one'))
      const throttled = sync.deliverWith(failing('ThrottlingException'), record)
      await expect(throttled).rejects.toMatchObject({ kind: 'transient' })
      expect([await itemOf(), await parked()]).toEqual([['one', 1], []])

      await sync.deliver(record)
      await settle()
      expect([await row(), await parked()]).toEqual([['one', 6], []])
    })
  })

  describe('and was listed by an earlier release', () => {
    const listed = async (work: (parts: Partial<Mirror>) => Promise<unknown>) => {
      const { current } = sync.parts.source
      await work({ source: { current } })
      return heads()
    }

    it('is lifted and applied when it is tried again', async () => {
      await put(chefItem(CHEF, 5))
      const old = await listed((parts) => put(chefItem(CHEF, 1, 'one'), parts))
      expect(old).toMatchObject([{ key: CHEF, code: 'version.behind' }])

      expect(await retryParked(sync.parts, 'chef', old)).toMatchObject([{ outcome: 'applied' }])
      expect([await row(), await itemOf(), await parked()]).toEqual([['one', 6], ['one', 6], []])
      await settle()
      expect([await row(), await parked()]).toEqual([['one', 6], []])
    })

    it('as a delete, is done when it is tried again', async () => {
      await put(chefItem(CHEF, 5))
      await sync.put(chef, chefItem(CHEF, 1))
      const old = await listed((parts) => remove(1, parts))

      expect(await retryParked(sync.parts, 'chef', old)).toMatchObject([{ outcome: 'applied' }])
      expect([await row(), await parked()]).toEqual([undefined, []])
    })

    it('stays listed where somebody else writes its row each time that it is lifted', async () => {
      await put(chefItem(CHEF, 5))
      const old = await listed((parts) => put(chefItem(CHEF, 1), parts))
      const { source } = sync.parts
      const lift: typeof source.lift = async (...given) => {
        const lifting = await source.lift?.(...given)
        await writeLegacy('between')
        await writeLegacy('between')
        return lifting ?? 'kept'
      }
      expect(await retryParked({ ...sync.parts, source: { ...source, lift } }, 'chef', old)).toMatchObject([
        { outcome: 'parked', error: { code: 'writer.unsettled' } },
      ])
      expect(await parked()).toEqual([['data', 'version.behind']])
      await settle()
      expect([(await row())?.[0], await parked()]).toEqual(['v1', []])
    })
  })
})

describe('a lift where a trigger of the legacy database changes what is written', () => {
  it('ends, and makes one record', async () => {
    const sync = await openTestSync([chef], { chef: 'Chefs' })
    try {
      await sync.aurora.legacy.query(
        "CREATE TRIGGER loud BEFORE UPDATE ON cheftable FOR EACH ROW SET NEW.cheffirst = CONCAT(NEW.cheffirst, '!')",
      )
      const key = `chef-${randomUUID()}`
      for (const item of [chefItem(key, 5), chefItem(key, 1, 'one')]) {
        await sync.put(chef, item)
        await sync.deliver(chefRecord(item))
      }
      const records = sync.takeLifted().map(({ item }) => chefRecord(item))
      for (const record of [...records, ...records, chefRecord(chefItem(key, 1, 'one'))])
        await sync.deliver(record)

      expect([records.length, sync.takeLifted()]).toEqual([1, []])
      expect(await sync.aurora.store.get(chef, key)).toMatchObject({
        row: { firstName: 'one!' },
        version: 6n,
      })
    } finally {
      await sync.close()
    }
  })
})
