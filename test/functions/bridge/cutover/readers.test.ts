import { CloudWatchClient } from '@aws-sdk/client-cloudwatch'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { readReaders } from '../../../../functions/bridge/cutover/readers.ts'
import { Deadline } from '../../../../functions/bridge/runtime/deadline.ts'
import { LambdaMetrics, LEGACY_API } from '../../../../functions/bridge/runtime/metrics.ts'
import { startCloudWatch } from '../../../../infra/local/cloudwatch/server.ts'
import type { LocalServer } from '../../../../infra/local/http/server.ts'
import { readEmf } from '../../../../infra/local/metrics/emf.ts'
import { RecentMetrics } from '../../../../infra/local/metrics/recent-metrics.ts'

const NOW = Date.UTC(2026, 10, 30, 10, 20)

describe('who still reads in Aurora', () => {
  let server: LocalServer
  let client: CloudWatchClient
  beforeAll(async () => {
    const metrics = new RecentMetrics(() => NOW - 60_000)
    // As the legacy API publishes it.
    const published = new LambdaMetrics(LEGACY_API, {
      write: (line) => {
        for (const one of readEmf(line)) metrics.record(one)
      },
    })
    published.count('Reads', 'chef', 3)
    published.count('Writes', 'chef', 1)
    published.flush()
    published.count('Reads', 'chef', 4)
    published.flush()
    server = await startCloudWatch({ metrics })
    client = new CloudWatchClient({
      ...{ endpoint: server.endpoint, region: 'us-east-1', maxAttempts: 1 },
      credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
    })
  })
  afterAll(async () => {
    client.destroy()
    await server.close()
  })
  const read = (entity: string) =>
    readReaders(client, entity, { now: new Date(NOW), deadline: new Deadline() })

  it('is told by what the legacy API has counted in a day', async () => {
    expect(await read('chef')).toEqual({
      ...{ hours: 24, reads: 7, writes: 1, latest: '2026-11-30T10:00:00.000Z' },
    })
  })

  it('is nobody, of an entity that nobody has asked for', async () => {
    expect(await read('recipe')).toEqual({ hours: 24, reads: 0, writes: 0, latest: null })
  })
})
