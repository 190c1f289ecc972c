import { describe, expect, it } from '@jest/globals'
import { DynamoError } from '../../../../functions/bridge/drivers/dynamo/errors.ts'
import { RateLimiter } from '../../../../functions/bridge/drivers/dynamo/rate-limiter.ts'
import type { JobRecord } from '../../../../functions/bridge/jobs/jobs.ts'
import { Pace } from '../../../../functions/bridge/jobs/pace.ts'
import { ConfigurationError } from '../../../../functions/bridge/model/errors.ts'

const RECORD: JobRecord = {
  job: 'test',
  kind: 'test',
  state: 'running',
  step: 'items',
  spec: {},
  segments: 1,
  startedAt: '2026-11-29T10:00:00.000Z',
  updatedAt: '2026-11-29T10:00:00.000Z',
  by: 'test',
}

/** A job whose record and lag are what they are set to, and whose time passes only by hand. */
const open = ({ maxRate }: { readonly maxRate?: number } = {}) => {
  const world: {
    time: number
    maxRate: number | undefined
    maxLag?: number
    lag: number | undefined
    looks: number
    fails?: Error
  } = { time: 0, maxRate, lag: undefined, looks: 0 }
  const limiter = new RateLimiter({ maxRate, now: () => world.time, sleep: async () => {} })
  const pace = new Pace({
    limiter,
    job: 'test',
    jobs: {
      read: async () => {
        world.looks++
        if (world.fails !== undefined) throw world.fails
        const { maxRate, maxLag } = world
        return {
          ...RECORD,
          ...(maxRate !== undefined && { maxRate }),
          ...(maxLag !== undefined && { maxLag }),
        }
      },
    },
    lag: async () => world.lag,
    now: () => world.time,
  })
  /** A page of so many items, some time after the one before. */
  const page = async (items = 1_000, after = 3_000): Promise<void> => {
    world.time += after
    await limiter.take(items)
    await pace.look()
  }
  return { world, limiter, pace, page }
}

describe('the pace of a job', () => {
  it('is what its record says, from the next page on', async () => {
    const { world, limiter, page } = open({ maxRate: 100 })
    await page()
    expect(limiter.rate).toBe(100)

    world.maxRate = 25
    await page()
    expect(limiter.rate).toBe(25)
    world.maxRate = undefined
    await page()
    expect(limiter.rate).toBe(Number.POSITIVE_INFINITY)
  })

  it('is looked at now and then, once for all segments', async () => {
    const { world, pace, page } = open()
    for (let n = 0; n < 100; n++) await page(1, 100)
    expect(world.looks).toBeLessThanOrEqual(5)

    const before = world.looks
    world.time += 10_000
    await Promise.all([pace.look(), pace.look(), pace.look()])
    expect(world.looks).toBe(before + 1)
  })

  it('falls as long as what is live lags, never to nothing, and comes back when that has caught up', async () => {
    const { world, limiter, pace, page } = open()
    for (let n = 0; n < 5; n++) await page(3_000)
    expect(limiter.rate).toBe(Number.POSITIVE_INFINITY)

    world.lag = 5_000
    await page(3_000)
    const first = limiter.rate
    expect(first).toBeLessThan(2_000)
    await page(3_000)
    expect(limiter.rate).toBeLessThanOrEqual(first / 2)
    expect(pace.heldFor).toBe(5_000)
    for (let n = 0; n < 30; n++) await page(1)
    expect(limiter.rate).toBe(20)

    // Neither ahead nor behind: it stays.
    world.lag = 1_500
    await page(1)
    expect(limiter.rate).toBe(20)
    world.lag = 0
    for (let n = 0; n < 30; n++) await page(1)
    expect([limiter.rate, pace.heldFor]).toEqual([Number.POSITIVE_INFINITY, undefined])
  })

  it('is held back for no less than the record says, which may be set anew', async () => {
    const { world, limiter, pace, page } = open()
    world.lag = 5_000
    for (let n = 0; n < 5; n++) await page(3_000)
    const held = limiter.rate
    expect(held).toBeLessThan(500)

    // It is let go at once, whether or not the lag is known just then, and judged by that from then on.
    world.lag = undefined
    world.maxLag = 10_000
    await page(3_000)
    expect([limiter.rate, pace.heldFor]).toEqual([Number.POSITIVE_INFINITY, undefined])
    world.lag = 11_000
    await page(3_000)
    expect(pace.heldFor).toBe(11_000)
    world.maxLag = 1_000
    world.lag = 1_500
    await page(3_000)
    expect([limiter.rate < 2_000, pace.heldFor]).toEqual([true, 1_500])
  })

  it('stays as it is while nobody can say what it should be, and fails where nothing will mend that', async () => {
    const { world, limiter, page } = open({ maxRate: 100 })
    world.maxRate = 7
    world.fails = new DynamoError(
      'GetItem',
      Object.assign(new Error('slow down'), { name: 'ThrottlingException' }),
    )
    await page()
    expect(limiter.rate).toBe(100)

    world.fails = new ConfigurationError(['no table'])
    await expect(page()).rejects.toThrow('no table')
  })

  it('ends with who is interrupted', async () => {
    const { pace } = open()
    await expect(pace.look(AbortSignal.abort(new Error('stopped')))).rejects.toThrow('stopped')
  })
})
