import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals'
import type { RowDataPacket } from 'mysql2/promise'
import { DynamoParking } from '../../../../functions/bridge/parking/dynamo-parking.ts'
import type { EndedRoutes } from '../../../../functions/bridge/ports/ended.ts'
import { sweep } from '../../../../functions/bridge/sync/unpark.ts'
import { chef } from '../../../fixtures/entities/chef.ts'
import { recipe } from '../../../fixtures/entities/recipe.ts'
import { image, streamRecord } from '../../fixtures/stream-events.ts'
import { openTestSync, type TestSync } from './harness.ts'

const endedOf = (...names: string[]): EndedRoutes => ({
  has: async (name) => names.includes(name),
  hasTableOf: async (name) => names.includes(name),
})

describe('the stream of an entity whose route is complete', () => {
  let sync: TestSync
  let before: Record<string, number>
  beforeAll(async () => {
    sync = await openTestSync([chef, recipe], { chef: 'Chefs', recipe: 'Recipes' })
  })
  afterAll(() => sync.close())
  beforeEach(() => {
    before = sync.counts()
  })

  const counted = (): Record<string, number> =>
    Object.fromEntries(
      Object.entries(sync.counts())
        .map(([name, n]) => [name, n - (before[name] ?? 0)] as const)
        .filter(([, n]) => n > 0),
    )
  const record = (key: string, version: string, sequence = version) =>
    streamRecord({
      ...{ sequence, eventName: 'MODIFY', key: { S: key } },
      newImage: image({ chefId: { S: key }, version: { N: version }, firstName: { S: `v${version}` } }),
      oldImage: image({ chefId: { S: key }, version: { N: '1' } }),
    })
  const row = async (key: string) => {
    const [[found]] = await sync.aurora.legacy.query<RowDataPacket[]>(
      'SELECT cheffirst AS f, CAST(backsync_version AS CHAR) AS v FROM cheftable WHERE backsync_key = ?',
      [key],
    )
    return found === undefined ? 'nothing' : `${found.v} ${found.f}`
  }

  it('is settled and counted: nothing is written, nothing is parked, nothing comes again', async () => {
    const key = randomUUID()
    await sync.deliver(record(key, '2'))
    before = sync.counts()
    const bad = streamRecord({
      ...{ sequence: '9', eventName: 'MODIFY', key: { S: randomUUID() } },
      newImage: image({ version: { N: 'none' } }),
    })
    expect(
      await sync.deliverWith({ ended: endedOf('chef') }, record(key, '3'), record(key, '4'), bad),
    ).toEqual({
      batchItemFailures: [],
    })
    expect(await row(key)).toBe('2 v2')
    expect(await sync.parked('chef')).toEqual([])
    expect(counted()).toEqual({ 'chef AfterComplete': 3 })
  })

  it('asks no store for anything', async () => {
    let asked = 0
    const nobody: TestSync['parts']['sink'] = {
      ...sync.parts.sink,
      names: [],
      applyIsolating: async () => {
        asked += 1
        throw new Error('was asked')
      },
    }
    await sync.deliverWith({ ended: endedOf('chef'), sink: nobody }, record(randomUUID(), '2'))
    expect(asked).toBe(0)
  })

  it('holds up no other entity’s, in one batch', async () => {
    const [chefKey, other] = [randomUUID(), randomUUID()]
    await sync.deliver(record(chefKey, '2'))
    before = sync.counts()
    const made = streamRecord({
      ...{ table: 'Recipes', sequence: '5', eventName: 'REMOVE' },
      oldImage: { recipeId: { S: other }, version: { N: '1' }, title: { S: 'Soup' } },
    })
    const recipes = { ...made, dynamodb: { ...made.dynamodb, Keys: { recipeId: { S: other } } } }
    await sync.deliverWith({ ended: endedOf('chef') }, record(chefKey, '3'), recipes)
    expect(await row(chefKey)).toBe('2 v2')
    expect(counted()).toEqual({ 'chef AfterComplete': 1, 'recipe Filled': 1, 'recipe SkippedAsOlder': 1 })
  })

  it('goes on as before where it is not known to be complete', async () => {
    const key = randomUUID()
    await sync.deliverWith({ ended: endedOf('recipe') }, record(key, '2'))
    expect(await row(key)).toBe('2 v2')
    expect(counted()).toMatchObject({ 'chef Applied': 1 })
  })

  it('leaves what was left parked of it as it is', async () => {
    const key = randomUUID()
    const waiting = { entity: 'chef', key, version: 2n, op: 'delete', payload: '{}', place: {} } as const
    await sync.parts.parking.park(
      [
        {
          ...waiting,
          ...{ class: 'dependency', code: 'row.referenced', message: 'x', waitsFor: [{ entity: 'recipe' }] },
        },
      ],
      new Date(Date.now() - 3_600_000),
    )
    // One that looks for the first time: each does so now and then only.
    const fresh = () =>
      new DynamoParking({
        ...{ client: sync.client, table: sync.parking.table, deadline: sync.parts.deadline },
      })
    await sweep({ ...sync.parts, parking: fresh(), ended: endedOf('chef') })
    expect((await sync.parked('chef')).length).toBe(1)
    await sweep({ ...sync.parts, parking: fresh() })
    expect(await sync.parked('chef')).toEqual([])
  })
})
