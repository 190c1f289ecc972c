import { beforeEach, describe, expect, it } from '@jest/globals'
import { ConfigurationError } from '../../../../functions/bridge/model/errors.ts'
import { unmoved } from '../../../../functions/bridge/model/route.ts'
import { RouteCache } from '../../../../functions/bridge/routes/route-cache.ts'
import type { StoredRoute } from '../../../../functions/bridge/routes/route-item.ts'
import type { Metrics } from '../../../../functions/bridge/runtime/metrics.ts'
import { silent } from '../../../support/log.ts'

describe('what is known of a route', () => {
  let now: number
  let reads: number
  let epoch: bigint
  let fails: Error | undefined
  let cache: RouteCache
  let counted: string[]
  const metrics: Pick<Metrics, 'count'> = {
    count: (name, entity, n) => counted.push(`${name} ${entity} ${n}`),
  }

  beforeEach(() => {
    now = 1_000
    reads = 0
    epoch = 3n
    fails = undefined
    counted = []
    const read = async (entity: string): Promise<StoredRoute> => {
      reads += 1
      if (fails !== undefined) throw fails
      return { route: { ...unmoved(entity), epoch }, revision: 1, token: '' }
    }
    cache = new RouteCache({ routes: { read }, log: silent, metrics, now: () => now })
  })
  const current = async () => {
    const { route, isKnown } = await cache.current('chef')
    return [route.epoch, isKnown, reads]
  }

  it('is read once for five seconds, and then again', async () => {
    expect(await current()).toEqual([3n, true, 1])
    epoch = 4n
    now += 4_999
    expect(await current()).toEqual([3n, true, 1])
    now += 1
    expect(await current()).toEqual([4n, true, 2])
  })

  it('is what it was where it can not be read, and is asked for again a second later', async () => {
    await current()
    fails = new Error('unreachable')
    now += 60_000
    expect(await current()).toEqual([3n, true, 2])
    now += 999
    expect(await current()).toEqual([3n, true, 2])
    now += 1
    expect(await current()).toEqual([3n, true, 3])
    // Each read that has failed is told of: so long nobody may move it.
    expect(counted).toEqual(['RouteUnreadable chef 1', 'RouteUnreadable chef 1'])
    await expect(cache.since('chef', now)).rejects.toThrow("can't be read")
    expect(counted).toHaveLength(3)
    fails = undefined
    epoch = 9n
    now += 1_000
    expect(await current()).toEqual([9n, true, 5])
  })

  it('is nothing where it could never be read: each key is served at its owner, and none is claimed', async () => {
    fails = new Error('unreachable')
    expect(await current()).toEqual([0n, false, 1])
  })

  it('is as of a moment where that is asked for, or the question fails', async () => {
    await current()
    const moment = now
    expect((await cache.since('chef', moment)).route.epoch).toBe(3n)
    expect(reads).toBe(1)
    now += 1
    epoch = 5n
    expect((await cache.since('chef', moment + 1)).route.epoch).toBe(5n)
    expect(await current()).toEqual([5n, true, 2])
    fails = new Error('unreachable')
    await expect(cache.since('chef', moment + 2)).rejects.toMatchObject({
      ...{ code: 'route.unreadable', kind: 'transient', cause: fails },
    })
  })

  it('is no guess where what is stored can be no route', async () => {
    fails = new ConfigurationError(['foreign'])
    await expect(cache.current('chef')).rejects.toBe(fails)
    await expect(cache.since('chef', now)).rejects.toBe(fails)
  })

  it('is one for each entity', async () => {
    await cache.current('chef')
    await cache.current('recipe')
    expect(reads).toBe(2)
  })
})
