import { CloudWatchClient, GetMetricDataCommand, ListMetricsCommand } from '@aws-sdk/client-cloudwatch'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { startCloudWatch } from '../../../../infra/local/cloudwatch/server.ts'
import type { LocalServer } from '../../../../infra/local/http/server.ts'
import { RecentMetrics } from '../../../../infra/local/metrics/recent-metrics.ts'

const at = (minute: number, second = 0): number => Date.UTC(2026, 10, 22, 10, minute, second)

describe('the local CloudWatch', () => {
  let server: LocalServer
  let client: CloudWatchClient
  let now = 0
  const metrics = new RecentMetrics(() => now)
  beforeAll(async () => {
    server = await startCloudWatch({ metrics })
    client = new CloudWatchClient({
      endpoint: server.endpoint,
      region: 'us-east-1',
      credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
      maxAttempts: 1,
    })
    const lag = (time: number, ...values: readonly number[]) => {
      now = time
      metrics.record({ service: 'back-sync', entity: 'chef', name: 'Lag', unit: 'Milliseconds', values })
    }
    lag(at(0), 1)
    lag(at(5, 30), ...Array.from({ length: 99 }, (_, n) => n + 1))
    lag(at(6), 1_000)
    lag(at(12), 7)
    metrics.record({
      ...{ service: 'event-source-mapping', entity: 'Mapping', functionName: 'BackSync' },
      ...{ name: 'IteratorAge', unit: 'Milliseconds', values: [90_000] },
    })
  })
  afterAll(async () => {
    client.destroy()
    await server.close()
  })

  const ask = async (Stat: string, { name = 'Lag', period = 300, from = at(0), to = at(15) } = {}) => {
    const Dimensions =
      name === 'Lag'
        ? [
            { Name: 'entity', Value: 'chef' },
            { Name: 'service', Value: 'back-sync' },
          ]
        : [{ Name: 'FunctionName', Value: 'BackSync' }]
    const Metric = { Namespace: 'Backsync', MetricName: name, Dimensions }
    const { MetricDataResults = [] } = await client.send(
      new GetMetricDataCommand({
        MetricDataQueries: [{ Id: 'q', MetricStat: { Metric, Period: period, Stat } }],
        StartTime: new Date(from),
        EndTime: new Date(to),
      }),
    )
    const [{ Timestamps = [], Values = [] } = {}] = MetricDataResults
    return Timestamps.map((time, n) => [time.getUTCMinutes(), Values[n]])
  }

  it('gives the SDK the values of each period, the latest first', async () => {
    expect(await ask('SampleCount')).toEqual([
      [10, 1],
      [5, 100],
      [0, 1],
    ])
    expect(await ask('Sum', { period: 60 })).toEqual([
      [12, 7],
      [6, 1_000],
      [5, 4_950],
      [0, 1],
    ])
  })

  it.each([
    ['Maximum', 1_000],
    ['Minimum', 1],
    ['Average', 59.5],
    ['p50', 50],
    ['p99', 99],
    ['p99.9', 1_000],
    ['p100', 1_000],
    ['TC(50:900000)', 50],
    ['TC(1000:2000)', 0],
    ['TC(0:1)', 1],
  ])('knows %s', async (stat, value) => {
    expect(await ask(stat, { from: at(5), to: at(10) })).toEqual([[5, value]])
  })

  it("has Lambda's own metrics by the function, and nothing of what nobody has measured", async () => {
    expect(await ask('Maximum', { name: 'IteratorAge' })).toEqual([[10, 90_000]])
    expect(await ask('Sum', { name: 'Errors' })).toEqual([])
  })

  it('forgets what is older than an hour', async () => {
    now = at(66)
    metrics.record({ service: 'back-sync', entity: 'chef', name: 'Lag', unit: 'Milliseconds', values: [5] })
    expect(await ask('Sum', { period: 60, to: at(67) })).toEqual([
      [6, 5],
      [12, 7],
    ])
  })

  it.each<[string, Parameters<typeof ask>[1]]>([
    ['TM(10%:90%)', {}],
    ['p101', {}],
    ['Sum', { period: 30 }],
    ['Sum', { to: at(0) }],
  ])('refuses what CloudWatch would, or what it does not know: %s %j', async (stat, options) => {
    await expect(ask(stat, options)).rejects.toMatchObject({
      name: expect.stringContaining('InvalidParameterValue'),
    })
  })

  it('refuses another action as unknown', async () => {
    await expect(client.send(new ListMetricsCommand({}))).rejects.toMatchObject({
      name: 'UnknownOperationException',
    })
  })
})
