import { CloudWatchClient } from '@aws-sdk/client-cloudwatch'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals'
import { RateLimiter } from '../../../../functions/bridge/drivers/dynamo/rate-limiter.ts'
import type { JobRecord } from '../../../../functions/bridge/jobs/jobs.ts'
import { Pace } from '../../../../functions/bridge/jobs/pace.ts'
import { worstLag } from '../../../../functions/bridge/jobs/worst-lag.ts'
import { Deadline } from '../../../../functions/bridge/runtime/deadline.ts'
import { watchStream } from '../../../../functions/bridge/status/stream-lag.ts'
import { startCloudWatch } from '../../../../infra/local/cloudwatch/server.ts'
import { RecentMetrics } from '../../../../infra/local/metrics/recent-metrics.ts'

const MINUTE = 60_000

describe('how late a stream’s function gets its records', () => {
  let time = Date.parse('2026-11-30T10:00:00.000Z')
  let server: Awaited<ReturnType<typeof startCloudWatch>>
  let client: CloudWatchClient
  const metrics = new RecentMetrics(() => time)
  const warnings: string[] = []
  beforeAll(async () => {
    server = await startCloudWatch({ metrics })
    client = new CloudWatchClient({
      ...{ endpoint: server.endpoint, region: 'us-east-1', maxAttempts: 1 },
      credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
    })
  })
  afterAll(async () => {
    client.destroy()
    await server.close()
  })
  beforeEach(() => {
    time += 10 * MINUTE
    warnings.length = 0
  })
  const measure = (age: number): void =>
    metrics.record({
      ...{ service: 'event-source-mapping', entity: 'chef', functionName: 'BackSync', name: 'IteratorAge' },
      ...{ unit: 'Milliseconds', values: [age] },
    })
  const watch = (of = client) =>
    watchStream(of, 'BackSync', {
      ...{ deadline: new Deadline(), now: () => time },
      log: { warn: (message) => void warnings.push(message) },
    })

  it('is that of the latest minute, and new once', async () => {
    const look = watch()
    measure(90_000)
    expect(await look()).toEqual({ value: 90_000, isNew: true })
    expect(await look()).toEqual({ value: 90_000, isNew: false })
    time += MINUTE
    measure(400)
    expect(await look()).toEqual({ value: 400, isNew: true })
  })

  it('is nothing where nothing came for minutes', async () => {
    const look = watch()
    measure(90_000)
    await look()
    time += 5 * MINUTE
    expect(await look()).toEqual({ value: 0, isNew: true })
  })

  it('is left out where it can’t be read, and said so once', async () => {
    const denied = Object.assign(new CloudWatchClient({ region: 'us-east-1' }), {
      send: () => Promise.reject(Object.assign(new Error('no'), { name: 'AccessDenied' })),
    })
    const look = watch(denied)
    expect([await look(), await look()]).toEqual([undefined, undefined])
    expect(warnings).toHaveLength(1)
    denied.destroy()
  })

  it('slows a fill down once a minute while it is late, and lets it go when it no longer is', async () => {
    const record: JobRecord = {
      ...{ job: 'test', kind: 'test', state: 'running', step: 'items', spec: {}, segments: 1, by: 'test' },
      ...{ startedAt: '2026-11-29T10:00:00.000Z', updatedAt: '2026-11-29T10:00:00.000Z' },
    }
    const clock = { now: () => time }
    const limiter = new RateLimiter({ ...clock, sleep: async () => {} })
    const look = watch()
    const pace = new Pace({
      ...{ limiter, job: 'test', jobs: { read: async () => record } },
      ...{ lag: async () => worstLag(undefined, await look()), ...clock },
    })
    /** Twenty pages in a minute in which the stream was so late; what the rate is at its end. */
    const minute = async (age: number): Promise<number> => {
      measure(age)
      for (let n = 0; n < 20; n++) {
        time += MINUTE / 20
        await limiter.take(3_000)
        await pace.look()
      }
      return limiter.rate
    }
    await minute(300)
    expect(limiter.rate).toBe(Number.POSITIVE_INFINITY)

    const first = await minute(30_000)
    const second = await minute(45_000)
    expect(first).toBeLessThanOrEqual(1_000)
    expect(second).toBeCloseTo(first / 2)
    const freed = [await minute(500), await minute(501), await minute(502)]
    expect(freed[0]).toBeGreaterThan(second * 1.4)
    expect(freed[2]).toBeGreaterThan(freed[0] ?? 0)
  })
})
