import { describe, expect, it } from '@jest/globals'
import type { JobRecord } from '../../../../functions/bridge/jobs/jobs.ts'
import { sharedPace } from '../../../../functions/bridge/jobs/shared-pace.ts'

const record = (maxRate?: number): JobRecord => ({
  ...{ job: 'test', kind: 'test', state: 'running', step: 'items', spec: {}, segments: 8, by: 'test' },
  ...{ startedAt: '2026-11-29T10:00:00.000Z', updatedAt: '2026-11-29T10:00:00.000Z' },
  ...(maxRate !== undefined && { maxRate }),
})

describe('the pace of one of several workers', () => {
  it('is its part of what the record allows', async () => {
    const jobs = { read: async () => record(120) }
    const { limiter } = await sharedPace({ jobs, job: 'test', workers: 8 })
    expect(limiter.rate).toBe(15)
  })

  it('has no bound where the record has none, or is gone', async () => {
    for (const read of [async () => record(), async () => undefined]) {
      const { limiter } = await sharedPace({ jobs: { read }, job: 'test', workers: 8 })
      expect(limiter.rate).toBe(Number.POSITIVE_INFINITY)
    }
  })

  it('is bound anew, and held back, by its next look', async () => {
    let maxRate = 120
    const jobs = { read: async () => record(maxRate) }
    let [lag, time] = [0, 0]
    const { limiter, pace } = await sharedPace({
      ...{ jobs, job: 'test', workers: 4, lag: async () => lag, now: () => time },
    })
    maxRate = 40
    time += 3_000
    await pace.look()
    expect(limiter.rate).toBe(10)

    maxRate = 4_000
    lag = 60_000
    time += 3_000
    await pace.look()
    expect([limiter.maxRate, limiter.rate, pace.heldFor]).toEqual([1_000, 20, 60_000])
    lag = 0
    for (let n = 0; n < 20; n++) {
      time += 3_000
      await pace.look()
    }
    expect([limiter.rate, pace.heldFor]).toEqual([1_000, undefined])
  })
})
