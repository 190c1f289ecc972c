import { randomUUID } from 'node:crypto'
import { DeleteItemCommand, PutItemCommand } from '@aws-sdk/client-dynamodb'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import type { DynamoParking } from '../../../../functions/bridge/parking/dynamo-parking.ts'
import { formerHeadKey, formerWaitingKey, headKey } from '../../../../functions/bridge/parking/keys.ts'
import { chef } from '../../../fixtures/entities/chef.ts'
import { recipe } from '../../../fixtures/entities/recipe.ts'
import { metered } from '../../../support/metered.ts'
import { isProving } from '../../../support/runs.ts'
import { chefItem, chefRecord, recipeItem, recipeRecord } from '../../fixtures/recipe-records.ts'
import { bad, orphan } from '../parking/harness.ts'
import { openTestSync, type TestSync } from './harness.ts'

describe('a batch of a stream', () => {
  let sync: TestSync
  let read: ReturnType<typeof metered>
  /** Over the client that is measured. */
  let parking: DynamoParking
  beforeAll(async () => {
    sync = await openTestSync([chef, recipe], { chef: 'Chefs', recipe: 'Recipes' })
    read = metered(sync.parking.client)
    parking = sync.parking.open()
  })
  afterAll(() => sync.close())

  /** A hundred changes, half of them of chefs, half of their recipes: none of them is bad. */
  const batch = async (at: number) => {
    const of = randomUUID()
    const keys = Array.from({ length: 50 }, (_, at) => `${of}-${at}`)
    read()
    const before = sync.aurora.calls()
    await sync.deliverWith(
      { parking, now: () => new Date(at) },
      ...keys.map((key) => chefRecord(chefItem(key, 1))),
      ...keys.map((key) => recipeRecord(recipeItem(`r-${key}`, 1, key))),
    )
    return { ...read(), sql: sync.aurora.calls() - before }
  }

  it('costs two small reads an entity where nothing is parked, and never more than a look at its own keys', async () => {
    const start = Date.now()
    // The first looks for what former releases have left, and for what is due; then each looks for the latter at times.
    await batch(start)
    const none = await batch(start)
    const noneAndDue = await batch(start + 60_000)
    expect(none.units).toBeLessThanOrEqual(6)
    expect(none.calls).toBeGreaterThan(0)
    expect(none.calls).toBeLessThanOrEqual(5)

    const numbers = Array.from({ length: isProving ? 1_000 : 150 }, (_, at) => at)
    await sync.parts.parking.park(
      [
        ...numbers.map((at) => bad(`bad-${at}`, 1n)),
        ...numbers.map((at) => bad(`taken-${at}`, 1n, { code: 'mysql.1062' })),
        ...numbers.map((at) => orphan(`orphan-${at}`, 1n, `nobody-${at}`)),
      ],
      new Date(start),
    )
    const many = await batch(start + 60_000)
    // Keys of which a filter can't tell are asked about, in one call for each of the four that are read; most are known not to be there.
    expect(many.calls).toBeLessThanOrEqual(none.calls + 4)
    expect(many.units).toBeLessThan(none.units + 60)
    expect(many.sql).toBe(none.sql)
    const manyAndDue = await batch(start + 120_000)
    expect(manyAndDue.calls).toBeLessThanOrEqual(noneAndDue.calls + 4)
  }, 120_000)

  it('looks at some of those that wait for any of an entity, each time at the next ones, until each had its turn', async () => {
    const heads = Array.from({ length: 200 }, (_, at) =>
      bad(`any-${at}`, 1n, { entity: 'recipe', waitsFor: [{ entity: 'elsewhere' }], class: 'dependency' }),
    )
    await sync.parts.parking.park(heads, new Date())
    const seen = new Set<string>()
    for (let look = 0; look < 10; look++) {
      const some = await sync.parts.parking.waitingFor('elsewhere', [])
      expect(some.length).toBeLessThanOrEqual(40)
      for (const { head } of some) seen.add(head.key)
    }
    expect(seen.size).toBe(200)
  }, 60_000)

  describe('with what a former release has parked', () => {
    /** Takes what is parked now back to where it was kept. */
    const makeFormer = async (entity: string, key: string, on?: { entity: string; key?: string }) => {
      const items = await sync.parking.items()
      const { pk, sk } = headKey(entity, key)
      const head = items.get(`${pk.S} ${sk.S}`)
      const TableName = sync.parking.table
      await sync.parking.client.send(
        new PutItemCommand({ TableName, Item: { ...head, ...formerHeadKey(entity, key) } }),
      )
      for (const item of items.values())
        if (item.key?.S === key && item.entity?.S === entity && !item.pk?.S?.startsWith('resolved'))
          await sync.parking.client.send(
            new DeleteItemCommand({ TableName, Key: { pk: item.pk ?? pk, sk: item.sk ?? sk } }),
          )
      if (on !== undefined)
        await sync.parking.client.send(
          new PutItemCommand({
            TableName,
            Item: {
              ...formerWaitingKey(on, entity, key),
              entity: { S: entity },
              key: { S: key },
              on: { M: { entity: { S: on.entity }, ...(on.key !== undefined && { key: { S: on.key } }) } },
            },
          }),
        )
    }
    /** As another process: this one has seen already that nothing is there. */
    const afresh = () => ({ parking: sync.parking.open() })

    it('lists it, shows it, and ends it when a later version is applied', async () => {
      const key = randomUUID()
      await sync.deliver(chefRecord(chefItem(key, 1, 'x'.repeat(300))))
      await makeFormer('chef', key)
      const { parking } = afresh()
      expect((await parking.parkedOf('chef')).get(key)).toMatchObject({ version: 1n })
      expect((await parking.entryOf('chef', key))?.payload).toContain(key)

      await sync.deliverWith({ parking }, chefRecord(chefItem(key, 2)))
      expect((await parking.parkedOf('chef')).has(key)).toBe(false)
    })

    it.each(['its chef', 'any chef'])('wakes what waits for %s', async (what) => {
      const [key, of] = [randomUUID(), randomUUID()]
      await sync.put(recipe, recipeItem(key, 1, of))
      await sync.deliver(recipeRecord(recipeItem(key, 1, of)))
      await makeFormer('recipe', key, { entity: 'chef', ...(what === 'its chef' && { key: of }) })

      await sync.deliverWith(afresh(), chefRecord(chefItem(of, 1)))
      expect((await sync.aurora.store.get(recipe, key))?.version).toBe(1n)
      expect((await sync.parts.parking.parkedOf('recipe')).has(key)).toBe(false)
    })
  })
})
