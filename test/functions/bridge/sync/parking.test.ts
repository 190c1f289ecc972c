import { randomUUID } from 'node:crypto'
import { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals'
import { DynamoParking } from '../../../../functions/bridge/parking/dynamo-parking.ts'
import type { Parking } from '../../../../functions/bridge/ports/parking.ts'
import type { Source } from '../../../../functions/bridge/ports/source.ts'
import { Deadline } from '../../../../functions/bridge/runtime/deadline.ts'
import { retryParked } from '../../../../functions/bridge/sync/retry-parked.ts'
import { chef } from '../../../fixtures/entities/chef.ts'
import { recipe } from '../../../fixtures/entities/recipe.ts'
import { chefItem, chefRecord, recipeItem, recipeRecord } from '../../fixtures/recipe-records.ts'
import { passedOn } from '../parking/harness.ts'
import { openTestSync, type TestSync } from './harness.ts'

const nothing = { batchItemFailures: [] }

describe('what a batch of the stream can not apply', () => {
  let sync: TestSync
  // Parking remembers what it resolved, so each test has keys of its own.
  let CHEF: string
  let RECIPE: string

  beforeAll(async () => {
    sync = await openTestSync([chef, recipe], { chef: 'Chefs', recipe: 'Recipes' })
  })
  afterAll(() => sync.close())
  beforeEach(async () => {
    await sync.aurora.empty()
    CHEF = `chef-${randomUUID()}`
    RECIPE = `recipe-${randomUUID()}`
  })
  afterEach(async () => {
    for (const entity of ['chef', 'recipe'])
      for (const head of (await sync.parts.parking.parkedOf(entity)).values())
        await sync.parts.parking.resolve(
          { entity: entity, key: head.key },
          { upTo: { version: head.version ?? 0n }, how: 'applied', at: new Date() },
        )
  })

  const recipeVersion = async (): Promise<bigint | undefined> =>
    (await sync.aurora.store.get(recipe, RECIPE))?.version
  const bad = () => recipeItem(RECIPE, 2, CHEF, { title: { S: 'x'.repeat(201) } })

  it('is parked with its whole record, and the others are applied', async () => {
    const record = recipeRecord(bad(), { sequence: '77' })
    expect(await sync.deliver(chefRecord(chefItem(CHEF, 1)), record)).toEqual(nothing)

    expect(await sync.parked('recipe')).toEqual([[RECIPE, 'data', 'record.invalid']])
    const entry = await sync.parts.parking.parkedOf('recipe')
    expect(entry.get(RECIPE)).toMatchObject({ version: 2n, sequenceNumber: '77', attempts: 1 })
    const archive = new DynamoParking({
      client: sync.parking.client,
      table: sync.parking.table,
      deadline: new Deadline(),
    })
    const payload: unknown = JSON.parse((await archive.entryOf('recipe', RECIPE))?.payload ?? '')
    expect(payload).toEqual(JSON.parse(JSON.stringify(record)))
    expect(await sync.aurora.store.get(chef, CHEF)).toBeDefined()
  })

  it('is superseded when a later version of its key is applied', async () => {
    await sync.deliver(chefRecord(chefItem(CHEF, 1)), recipeRecord(bad()))
    await sync.deliver(recipeRecord(recipeItem(RECIPE, 3, CHEF)))

    expect(await sync.parked('recipe')).toEqual([])
    expect(sync.counts()).toMatchObject({ 'recipe Superseded': 1 })
    expect(await recipeVersion()).toBe(3n)
  })

  it('stays parked when an older version of its key is delivered late', async () => {
    await sync.deliver(chefRecord(chefItem(CHEF, 1)), recipeRecord(bad()))
    await sync.deliver(recipeRecord(recipeItem(RECIPE, 1, CHEF)))

    expect(await sync.parked('recipe')).toEqual([[RECIPE, 'data', 'record.invalid']])
    expect(await recipeVersion()).toBe(1n)
  })

  it('stays parked without a version when what came before it is delivered again, until something comes behind it', async () => {
    const { version: _, ...broken } = recipeItem(RECIPE, 2, CHEF)
    const before = recipeRecord(recipeItem(RECIPE, 1, CHEF), { sequence: '500' })
    const poison = recipeRecord(broken, { sequence: '501' })
    await sync.deliver(chefRecord(chefItem(CHEF, 1)), before, poison)
    await sync.deliver(before, poison)
    await sync.deliver(before)
    expect(await sync.parked('recipe')).toEqual([[RECIPE, 'data', 'record.invalid']])

    await sync.deliver(recipeRecord(recipeItem(RECIPE, 3, CHEF), { sequence: '502' }))
    expect(await sync.parked('recipe')).toEqual([])
    expect(await recipeVersion()).toBe(3n)
  })

  it('is parked without a version in the very batch that ends the parking of what came before it', async () => {
    const { version: _, ...broken } = recipeItem(RECIPE, 4, CHEF)
    await sync.deliver(chefRecord(chefItem(CHEF, 1)), recipeRecord(bad(), { sequence: '501' }))
    await sync.deliver(
      recipeRecord(recipeItem(RECIPE, 3, CHEF), { sequence: '502' }),
      recipeRecord(broken, { sequence: '503' }),
    )

    expect((await sync.parts.parking.parkedOf('recipe')).get(RECIPE)).toMatchObject({ sequenceNumber: '503' })
    expect(await recipeVersion()).toBe(3n)
  })

  it('waits parked for its chef, and is applied as soon as that arrives', async () => {
    await sync.put(recipe, recipeItem(RECIPE, 1, CHEF))
    await sync.deliver(recipeRecord(recipeItem(RECIPE, 1, CHEF)))
    expect(await sync.parked('recipe')).toEqual([[RECIPE, 'dependency', 'parent.missing']])

    await sync.deliver(chefRecord(chefItem('somebody-else', 1)))
    expect(await sync.parked('recipe')).toHaveLength(1)

    await sync.deliver(chefRecord(chefItem(CHEF, 1)))
    expect(await sync.parked('recipe')).toEqual([])
    expect(await recipeVersion()).toBe(1n)
  })

  it('is applied as it is by then, not as it was when it was parked', async () => {
    await sync.put(recipe, recipeItem(RECIPE, 1, CHEF))
    await sync.deliver(recipeRecord(recipeItem(RECIPE, 1, CHEF)))
    await sync.put(recipe, recipeItem(RECIPE, 4, CHEF, { title: { S: 'as it is now' } }))
    await sync.deliver(chefRecord(chefItem(CHEF, 1)))

    expect((await sync.aurora.store.get(recipe, RECIPE))?.row).toMatchObject({ title: 'as it is now' })
    expect(await recipeVersion()).toBe(4n)
  })

  it('is not waited for when its chef comes behind it in the same batch', async () => {
    await sync.deliver(recipeRecord(recipeItem(RECIPE, 1, CHEF)), chefRecord(chefItem(CHEF, 1)))

    expect(await recipeVersion()).toBe(1n)
    expect(await sync.parked('recipe')).toEqual([])
  })

  it('is applied at once when its chef came while it was being parked', async () => {
    const arrivesMeanwhile: Parking = {
      ...passedOn(sync.parts.parking),
      // The chef's own invocation is over before anything waits for him.
      park: async (...args) => {
        await sync.deliver(chefRecord(chefItem(CHEF, 1)))
        await sync.parts.parking.park(...args)
      },
    }
    await sync.deliverWith({ parking: arrivesMeanwhile }, recipeRecord(recipeItem(RECIPE, 1, CHEF)))

    expect(await sync.parked('recipe')).toEqual([])
    expect(await recipeVersion()).toBe(1n)
  })

  it('stays parked where a record without a version came behind it just before its chef was seen', async () => {
    const { version: _, ...broken } = recipeItem(RECIPE, 2, CHEF)
    const arrivesMeanwhile: Parking = {
      ...passedOn(sync.parts.parking),
      waitingFor: async () => [],
      park: async (...args) => {
        await sync.deliver(chefRecord(chefItem(CHEF, 1)))
        await sync.parts.parking.park(...args)
        await sync.deliver(recipeRecord(broken, { sequence: '502' }))
      },
    }
    await sync.deliverWith(
      { parking: arrivesMeanwhile },
      recipeRecord(recipeItem(RECIPE, 1, CHEF), { sequence: '501' }),
    )

    expect(await recipeVersion()).toBe(1n)
    expect((await sync.parts.parking.parkedOf('recipe')).get(RECIPE)).toMatchObject({ sequenceNumber: '502' })
  })

  it('is a delete of a chef who still has recipes, until the last of them is gone', async () => {
    await sync.deliver(chefRecord(chefItem(CHEF, 1)), recipeRecord(recipeItem(RECIPE, 1, CHEF)))
    await sync.deliver(chefRecord(chefItem(CHEF, 1), { removes: true }))
    expect(await sync.parked('chef')).toEqual([[CHEF, 'dependency', 'row.referenced']])

    await sync.deliver(recipeRecord(recipeItem(RECIPE, 1, CHEF), { removes: true }))
    expect(await sync.parked('chef')).toEqual([])
    expect(await sync.aurora.store.get(chef, CHEF)).toBeUndefined()
  })

  it('costs no call more, however many chefs still have recipes', async () => {
    const keys = Array.from({ length: 40 }, (_, at) => `${CHEF}-${at}`)
    await sync.deliver(
      ...keys.map((key) => chefRecord(chefItem(key, 1))),
      ...keys.map((key) => recipeRecord(recipeItem(`of-${key}`, 1, key))),
    )
    const callsFor = async (...records: unknown[]): Promise<number> => {
      const before = sync.aurora.calls()
      await sync.deliver(...records)
      return sync.aurora.calls() - before
    }
    const deletes = keys.map((key) => chefRecord(chefItem(key, 1), { removes: true }))
    const one = await callsFor(...deletes.slice(0, 1))

    expect(await callsFor(...deletes.slice(1))).toBe(one)
    expect((await sync.parked('chef')).length).toBe(40)
    // A recipe's change looks at all that wait, and tries none in vain.
    const other = await callsFor(recipeRecord(recipeItem(`of-${CHEF}-0`, 2, `${CHEF}-0`)))
    expect(other).toBeLessThanOrEqual(8)
  })

  it('is no delete of a chef whose last recipe goes in the same batch', async () => {
    await sync.deliver(chefRecord(chefItem(CHEF, 1)), recipeRecord(recipeItem(RECIPE, 1, CHEF)))
    await sync.deliver(
      chefRecord(chefItem(CHEF, 1), { removes: true }),
      recipeRecord(recipeItem(RECIPE, 1, CHEF), { removes: true }),
    )

    expect(await sync.parked('chef')).toEqual([])
    expect(await sync.aurora.store.get(chef, CHEF)).toBeUndefined()
  })

  it('is found among a thousand, and holds up none of them', async () => {
    const records = Array.from({ length: 1000 }, (_, at) =>
      recipeRecord(
        recipeItem(`${RECIPE}-${at}`, 1, CHEF, at % 100 === 7 ? { difficulty: { S: 'impossible' } } : {}),
        { sequence: String(9000 + at) },
      ),
    )
    expect(await sync.deliver(chefRecord(chefItem(CHEF, 1)), ...records)).toEqual(nothing)

    expect(await sync.parked('recipe')).toHaveLength(10)
    const { items } = await sync.aurora.store.list(recipe, { limit: 1000, position: undefined })
    expect(items).toHaveLength(990)
  })

  it('is reported, and nothing else, when it can not be parked either', async () => {
    const client = new DynamoDBClient({
      endpoint: 'http://127.0.0.1:9',
      region: 'us-east-1',
      credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
      maxAttempts: 1,
    })
    const parking = new DynamoParking({ client, table: sync.parking.table, deadline: new Deadline() })
    const answer = await sync.deliverWith(
      { parking },
      chefRecord(chefItem(CHEF, 1), { sequence: '501' }),
      recipeRecord(bad(), { sequence: '502' }),
      recipeRecord(recipeItem('r-2', 1, CHEF), { sequence: '503' }),
    )

    expect(answer).toEqual({ batchItemFailures: [{ itemIdentifier: '502' }] })
    expect(await sync.aurora.store.get(recipe, 'r-2')).toBeDefined()
    expect(await sync.parked('recipe')).toEqual([])
  })

  it('fails the function where parking is not set up, so that somebody is told', async () => {
    const { client } = sync.parking
    const parking = new DynamoParking({ client, table: `missing-${RECIPE}`, deadline: new Deadline() })

    await expect(sync.deliverWith({ parking }, recipeRecord(bad()))).rejects.toMatchObject({
      kind: 'configuration',
    })
  })

  describe('tried again by an operator', () => {
    const heads = async () => [...(await sync.parts.parking.parkedOf('recipe')).values()]

    it('is applied once the item was repaired', async () => {
      await sync.deliver(chefRecord(chefItem(CHEF, 1)), recipeRecord(bad()))
      await sync.put(recipe, recipeItem(RECIPE, 3, CHEF))

      expect(await retryParked(sync.parts, recipe.name, await heads())).toMatchObject([
        { outcome: 'applied' },
      ])
      expect(await sync.parked('recipe')).toEqual([])
      expect(await recipeVersion()).toBe(3n)
    })

    it('stays parked, with one attempt more, while its chef is missing', async () => {
      await sync.put(recipe, recipeItem(RECIPE, 1, CHEF))
      await sync.deliver(recipeRecord(recipeItem(RECIPE, 1, CHEF)))
      const [before] = await heads()

      expect(await retryParked(sync.parts, recipe.name, await heads())).toMatchObject([
        { outcome: 'parked', error: { code: 'parent.missing' } },
      ])
      const [after] = await heads()
      expect(after?.attempts).toBe((before?.attempts ?? 0) + 1)
      expect(after?.firstSeen).toBe(before?.firstSeen)
    })

    it('ends no more than what was seen parked: not what came behind that without a version', async () => {
      const { version: _, ...broken } = recipeItem(RECIPE, 3, CHEF)
      await sync.deliver(chefRecord(chefItem(CHEF, 1)), recipeRecord(bad(), { sequence: '501' }))
      const seen = await heads()
      await sync.deliver(recipeRecord(broken, { sequence: '502' }))
      await sync.put(recipe, recipeItem(RECIPE, 2, CHEF))

      expect(await retryParked(sync.parts, recipe.name, seen)).toMatchObject([{ outcome: 'applied' }])
      expect(await recipeVersion()).toBe(2n)
      expect(await heads()).toMatchObject([{ key: RECIPE, sequenceNumber: '502' }])
    })

    it('is counted as applied and as parked no more', async () => {
      await sync.deliver(chefRecord(chefItem(CHEF, 1)), recipeRecord(bad()))
      await sync.put(recipe, recipeItem(RECIPE, 3, CHEF))
      const { 'recipe Applied': applied = 0, 'recipe Unparked': unparked = 0, ...before } = sync.counts()
      await retryParked(sync.parts, recipe.name, await heads())

      expect(sync.counts()).toEqual({
        ...before,
        'recipe Applied': applied + 1,
        'recipe Unparked': unparked + 1,
      })
    })

    it('deletes the row when the item is gone', async () => {
      await sync.deliver(chefRecord(chefItem(CHEF, 1)), recipeRecord(recipeItem(RECIPE, 1, CHEF)))
      await sync.deliver(recipeRecord(bad()))
      await sync.remove(recipe, RECIPE)

      expect(await retryParked(sync.parts, recipe.name, await heads())).toMatchObject([
        { outcome: 'applied' },
      ])
      expect(await recipeVersion()).toBeUndefined()
      await sync.deliver(recipeRecord(recipeItem(RECIPE, 2, CHEF)))
      expect(await recipeVersion()).toBeUndefined()
    })

    /** Another invocation comes first. */
    const arrives = (version: number) =>
      sync.aurora.writer.apply(
        recipe,
        sync.read(recipeRecord(recipeItem(RECIPE, version, CHEF))).changes.map(({ change }) => change),
        'dynamo',
      )

    it('is superseded when the store gets a later version of the item meanwhile', async () => {
      await sync.deliver(chefRecord(chefItem(CHEF, 1)), recipeRecord(bad()))
      await sync.put(recipe, recipeItem(RECIPE, 3, CHEF))
      const source: Source = {
        current: async (...of) => {
          const read = await sync.parts.source.current(...of)
          await sync.put(recipe, recipeItem(RECIPE, 5, CHEF))
          await arrives(5)
          return read
        },
      }

      expect(await retryParked({ ...sync.parts, source }, recipe.name, await heads())).toMatchObject([
        { outcome: 'superseded' },
      ])
      expect(await sync.parked('recipe')).toEqual([])
      expect(await recipeVersion()).toBe(5n)
    })

    it('is lifted where the store has a later version than the item, and applied', async () => {
      await sync.deliver(chefRecord(chefItem(CHEF, 1)), recipeRecord(bad()))
      await sync.put(recipe, recipeItem(RECIPE, 3, CHEF))
      await arrives(5)

      expect(await retryParked(sync.parts, recipe.name, await heads())).toMatchObject([
        { outcome: 'applied' },
      ])
      expect(await sync.parked('recipe')).toEqual([])
      expect(await recipeVersion()).toBe(6n)
      expect((await sync.item(recipe, RECIPE))?.version).toEqual({ N: '6' })
    })
  })
})
