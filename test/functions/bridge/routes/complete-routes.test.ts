import { beforeEach, describe, expect, it } from '@jest/globals'
import { ConfigurationError } from '../../../../functions/bridge/model/errors.ts'
import { type Route, unmoved } from '../../../../functions/bridge/model/route.ts'
import { CompleteRoutes, LOOKED_AT } from '../../../../functions/bridge/routes/complete-routes.ts'
import { RouteCache } from '../../../../functions/bridge/routes/route-cache.ts'
import { chef } from '../../../fixtures/entities/chef.ts'
import { recipe } from '../../../fixtures/entities/recipe.ts'
import { silent } from '../../../support/log.ts'

describe('what is known of routes that are complete', () => {
  let now: number
  let reads: string[]
  let fails: Error | undefined
  let routes: Map<string, Partial<Route>>
  let complete: CompleteRoutes

  const open = (entities = [chef, recipe]) => {
    const read = async (entity: string) => {
      reads.push(entity)
      if (fails !== undefined) throw fails
      return { route: { ...unmoved(entity), ...routes.get(entity) }, revision: 1, token: '' }
    }
    const cache = new RouteCache({
      routes: { read },
      log: silent,
      metrics: { count: () => {} },
      maxAge: LOOKED_AT,
      now: () => now,
    })
    return new CompleteRoutes({ entities, routes: cache, log: silent })
  }
  beforeEach(() => {
    now = 1_000
    reads = []
    fails = undefined
    routes = new Map()
    complete = open()
  })
  const settled = { epoch: 7n, at: '2026-11-30T10:00:00.000Z' }

  it('is that one has ended once it is complete, and settled as that', async () => {
    const has = async (route: Partial<Route>) => {
      routes.set('chef', route)
      return open().has('chef')
    }
    expect(await has({ stage: 'live', percent: 100, epoch: 7n, settled })).toBe(false)
    expect(await has({ stage: 'complete', epoch: 7n })).toBe(false)
    expect(await has({ stage: 'complete', epoch: 8n, settled })).toBe(false)
    expect(await has({ stage: 'complete', epoch: 7n, settled })).toBe(true)
  })

  it('costs one read a minute while it has not ended, and none after that', async () => {
    for (let at = 0; at < 3; at++) await complete.has('chef')
    expect(reads).toEqual(['chef'])
    routes.set('chef', { stage: 'complete', epoch: 7n, settled })
    now += LOOKED_AT - 1
    expect([await complete.has('chef'), reads.length]).toEqual([false, 1])
    now += 1
    expect([await complete.has('chef'), reads.length]).toEqual([true, 2])
    now += 10 * LOOKED_AT
    expect([await complete.has('chef'), reads.length]).toEqual([true, 2])
  })

  it('is looked at again while a complete one is not settled', async () => {
    routes.set('chef', { stage: 'complete', epoch: 7n })
    expect(await complete.completeOf('chef')).toMatchObject({ stage: 'complete', epoch: 7n })
    expect(await complete.has('chef')).toBe(false)
    routes.set('chef', { stage: 'complete', epoch: 7n, settled })
    now += LOOKED_AT
    expect(await complete.has('chef')).toBe(true)
  })

  it.each([
    ['is away', new Error('unreachable')],
    ['can not be used', new ConfigurationError(['ROUTES_TABLE is none'])],
  ])('is nothing where the table of routes %s: it goes on as before', async (_, error) => {
    routes.set('chef', { stage: 'complete', epoch: 7n, settled })
    fails = error
    expect(await complete.has('chef')).toBe(false)
    expect(await complete.hasTableOf('chef')).toBe(false)
    fails = undefined
    now += 1_000
    expect(await complete.has('chef')).toBe(true)
    fails = error
    now += 10 * LOOKED_AT
    expect(await complete.has('chef')).toBe(true)
  })

  it('is of a table what is of all the entities in it', async () => {
    const sharing = { ...recipe, item: { ...recipe.item, table: chef.item.table } }
    complete = open([chef, sharing])
    routes.set('chef', { stage: 'complete', epoch: 7n, settled })
    expect([await complete.has('chef'), await complete.hasTableOf('chef')]).toEqual([true, false])
    routes.set('recipe', { stage: 'complete', epoch: 7n, settled })
    now += LOOKED_AT
    expect(await complete.hasTableOf('chef')).toBe(true)
  })
})
