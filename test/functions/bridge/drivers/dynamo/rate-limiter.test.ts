import { describe, expect, it } from '@jest/globals'
import { RateLimiter } from '../../../../../functions/bridge/drivers/dynamo/rate-limiter.ts'

/** A limiter whose time passes only while it waits. */
const simulated = (maxRate?: number) => {
  let time = 0
  const limiter = new RateLimiter({
    maxRate,
    now: () => time,
    sleep: async (milliseconds) => {
      time += milliseconds
    },
  })
  return {
    limiter,
    time: () => time,
    pass: (milliseconds: number) => {
      time += milliseconds
    },
  }
}

describe('a rate limiter', () => {
  it.each([
    { rate: 100, pages: [100, 100, 100] },
    { rate: 100, pages: Array.from({ length: 30 }, () => 10) },
    { rate: 7, pages: [3, 1, 9, 2] },
  ])('lets $rate items a second through, whatever a page has', async ({ rate, pages }) => {
    const { limiter, time } = simulated(rate)
    for (const items of pages) await limiter.take(items)
    await limiter.take(1)

    const items = pages.reduce((sum, page) => sum + page, 0)
    expect(time()).toBeCloseTo((items / rate) * 1_000, 6)
    expect(limiter.waited).toBeCloseTo(time(), 6)
  })

  it('keeps the rate for callers at once', async () => {
    let time = 0
    const waits: number[] = []
    const limiter = new RateLimiter({
      maxRate: 10,
      now: () => time,
      sleep: async (milliseconds) => {
        waits.push(milliseconds)
      },
    })
    await Promise.all([limiter.take(10), limiter.take(10), limiter.take(10)])
    time = 1_500
    await limiter.take(10)

    expect(waits).toEqual([1_000, 2_000, 1_500])
  })

  it('does not save up what nobody took', async () => {
    const { limiter, time, pass } = simulated(10)
    pass(60_000)
    for (let n = 0; n < 3; n++) await limiter.take(10)

    expect(time()).toBe(62_000)
  })

  it('gives back what was taken and not read', async () => {
    const { limiter, time } = simulated(10)
    await limiter.take(100)
    await limiter.take(-90)
    await limiter.take(1)

    expect(time()).toBe(1_000)
  })

  it('bounds a page by the rate, and nothing without one', () => {
    expect(simulated(1_000).limiter.pageItems).toBe(250)
    expect(simulated(1).limiter.pageItems).toBe(1)
    expect(simulated().limiter.pageItems).toBeUndefined()
  })

  it('without a rate never waits', async () => {
    const { limiter, time } = simulated()
    for (let n = 0; n < 10; n++) await limiter.take(1_000_000)

    expect(time()).toBe(0)
  })

  it('halves at throttling, once for a burst, and recovers', async () => {
    const { limiter, pass } = simulated(4_000)
    for (let n = 0; n < 8; n++) {
      await limiter.take(4_000)
      pass(1_000)
    }
    const before = limiter.rate
    limiter.throttled()
    const slowed = limiter.rate
    limiter.throttled()
    const same = limiter.rate
    pass(2_000)
    limiter.throttled()
    const again = limiter.rate
    pass(5_000)
    const rising = limiter.rate
    pass(60_000)

    expect(before).toBe(4_000)
    expect(slowed).toBeLessThan(before * 0.6)
    expect(same).toBe(slowed)
    expect(again).toBeLessThan(slowed)
    expect(rising).toBeGreaterThan(again)
    expect(limiter.rate).toBe(4_000)
  })

  it('without a rate is bounded for a while after throttling', () => {
    const { limiter, pass } = simulated()
    limiter.throttled()
    const slowed = limiter.rate
    pass(60_000)

    expect(slowed).toBeLessThan(Number.POSITIVE_INFINITY)
    expect(slowed).toBeGreaterThanOrEqual(100)
    expect(limiter.rate).toBe(Number.POSITIVE_INFINITY)
  })

  it('stops to wait when the signal aborts, for the signal’s reason', async () => {
    const limiter = new RateLimiter({ maxRate: 0.1 })
    const controller = new AbortController()
    await limiter.take(1)
    const waiting = limiter.take(1, controller.signal)
    const reason = new Error('enough')
    controller.abort(reason)

    await expect(waiting).rejects.toBe(reason)
    await expect(limiter.take(1, controller.signal)).rejects.toBe(reason)
  })

  it.each([0, -1, Number.NaN])('refuses the rate %d', (maxRate) => {
    expect(() => new RateLimiter({ maxRate })).toThrow(RangeError)
  })
})

describe('a rate limiter that is bound anew', () => {
  it('keeps the new rate from the next item on', async () => {
    const { limiter, time } = simulated()
    await limiter.take(1_000)
    limiter.allow(10)
    expect([limiter.rate, limiter.pageItems]).toEqual([10, 3])
    for (let n = 0; n < 3; n++) await limiter.take(10)
    expect(time()).toBe(2_000)

    limiter.allow(undefined)
    await limiter.take(1_000_000)
    await limiter.take(1_000_000)
    expect(limiter.rate).toBe(Number.POSITIVE_INFINITY)
  })

  it('is held back beside what is allowed, by the smaller of the two', () => {
    const { limiter } = simulated(50)
    limiter.hold(20)
    expect(limiter.rate).toBe(20)
    limiter.hold(80)
    expect(limiter.rate).toBe(50)
    limiter.hold(undefined)
    limiter.allow(70)
    expect([limiter.rate, limiter.maxRate]).toEqual([70, 70])
  })

  it('lets those who wait go on sooner', async () => {
    const limiter = new RateLimiter({ maxRate: 0.1 })
    const waiting = Promise.all([limiter.take(10), limiter.take(10), limiter.take(10)])
    limiter.allow(1_000_000)

    await waiting
    expect(limiter.waited).toBeLessThan(5_000)
  })

  it('ends the wait of who is interrupted, and of nobody else', async () => {
    const limiter = new RateLimiter({ maxRate: 0.1 })
    const stop = new AbortController()
    await limiter.take(1)
    const interrupted = limiter.take(1, stop.signal)
    stop.abort(new Error('stopped'))
    await expect(interrupted).rejects.toThrow('stopped')

    const slower = limiter.take(1)
    limiter.allow(0.01)
    limiter.allow(1_000_000)
    await slower
  })
})
