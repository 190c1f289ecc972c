import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { parkablesOf } from '../../../../functions/bridge/parking/parkables.ts'
import {
  meansParked,
  type ParkedFilter,
  selectParked,
} from '../../../../functions/bridge/parking/select-parked.ts'
import type { ParkedHead } from '../../../../functions/bridge/ports/parking.ts'
import { chef } from '../../../fixtures/entities/chef.ts'
import { recipe } from '../../../fixtures/entities/recipe.ts'
import { bad, openTestParking, orphan, T1, T2, T3, type TestParking } from './harness.ts'

const NOW = new Date(T3.getTime() + 60_000)
const ALL = parkablesOf([recipe, chef], ['users-by-city'])

describe('what changes are parked by', () => {
  it('has parents before those that refer to them, then the mirrors, the conflicts and the tables', () => {
    const mirrored = { ...chef, mirror: { plainSql: 'refuse' as const } }
    expect(parkablesOf([recipe, mirrored], ['users-by-city']).map(({ name }) => name)).toEqual([
      'chef',
      'recipe',
      'chef.mirror',
      'recipe.conflicts',
      'chef.conflicts',
      'users-by-city',
    ])
  })
})

describe('a selection of parked changes', () => {
  let store: TestParking
  beforeAll(async () => {
    store = await openTestParking()
    await store.parking.park([bad('old', 1n), bad('locked', 1n, { code: 'row.locked' })], T1)
    await store.parking.park([orphan('r1', 2n, 'c9')], T2)
    await store.parking.park([bad('young', 1n, { code: 'sql.1366' })], T3)
    // Tried again since: it has been there since T1.
    await store.parking.park([bad('old', 2n)], T3)
    await store.parking.park([bad('c', 3n, { entity: 'chef.conflicts', code: 'owner.foreign' })], T3)
  }, 60_000)
  afterAll(() => store.close())

  const keysOf = async (filter: ParkedFilter, among = ALL) =>
    (await selectParked(store.parking, among, filter, NOW)).flatMap(({ of, heads }) =>
      heads.map(({ key }) => `${of.name} ${key}`),
    )

  it('is all of it where nothing is said, of each the oldest first', async () => {
    const all = await keysOf({})
    expect(all.toSorted()).toEqual(['chef locked', 'chef old', 'chef young', 'chef.conflicts c', 'recipe r1'])
    expect(all.indexOf('chef young')).toBe(2)
    expect(all.indexOf('recipe r1')).toBe(3)
  })

  it.each<[ParkedFilter, string[]]>([
    [{ class: 'dependency' }, ['recipe r1']],
    [{ code: 'row.locked' }, ['chef locked']],
    [{ code: 'row' }, []],
    [{ code: 'sql.*' }, ['chef old', 'chef young', 'recipe r1']],
    [{ code: '*' }, ['chef locked', 'chef old', 'chef young', 'chef.conflicts c', 'recipe r1']],
    [{ olderThan: 61_500 }, ['chef locked', 'chef old']],
    [{ newerThan: 60_500 }, ['chef young', 'chef.conflicts c']],
    [{ olderThan: 60_500, newerThan: 61_500 }, ['recipe r1']],
    [{ keys: ['old', 'r1', 'nobody'] }, ['chef old', 'recipe r1']],
    [{ keys: ['old', 'young'], code: 'sql.1366' }, ['chef young']],
  ])('by %j', async (filter, keys) => {
    expect((await keysOf(filter)).toSorted()).toEqual(keys)
  })

  it('reads no more than what is asked about: by keys no list, and of others nothing', async () => {
    const asked: string[] = []
    const spy = {
      parkedOf: async (entity: string) => {
        asked.push(`all of ${entity}`)
        return store.parking.parkedOf(entity)
      },
      parkedAmong: async (entity: string, keys: readonly string[]) => {
        asked.push(`${keys.length} of ${entity}`)
        return store.parking.parkedAmong(entity, keys)
      },
    }
    const chefs = ALL.filter(({ name }) => name === 'chef')
    await selectParked(spy, chefs, { keys: ['old'] }, NOW)
    await selectParked(spy, chefs, {}, NOW)
    expect(asked).toEqual(['1 of chef', 'all of chef'])
  })

  it('leaves out nothing that a fast clock has dated into the future, unless its age is asked for', () => {
    const head: ParkedHead = {
      ...{ entity: 'chef', key: 'k', code: 'x', message: '', attempts: 1 },
      class: 'data',
      state: 'parked',
      firstSeen: new Date(NOW.getTime() + 5_000).toISOString(),
      lastSeen: NOW.toISOString(),
    }
    expect(meansParked({}, NOW)(head)).toBe(true)
    expect(meansParked({ newerThan: 1_000 }, NOW)(head)).toBe(true)
    expect(meansParked({ olderThan: 0 }, NOW)(head)).toBe(false)
  })
})
