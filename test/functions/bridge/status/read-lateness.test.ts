import { CloudWatchClient } from '@aws-sdk/client-cloudwatch'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { Deadline } from '../../../../functions/bridge/runtime/deadline.ts'
import { readLateness } from '../../../../functions/bridge/status/read-lateness.ts'
import { startCloudWatch } from '../../../../infra/local/cloudwatch/server.ts'
import type { LocalServer } from '../../../../infra/local/http/server.ts'
import { RecentMetrics } from '../../../../infra/local/metrics/recent-metrics.ts'

const at = (minute: number): number => Date.UTC(2026, 10, 22, 10, minute)

describe('how late a stack is', () => {
  let server: LocalServer
  let client: CloudWatchClient
  let now = 0
  const metrics = new RecentMetrics(() => now)
  const clientOf = (endpoint: string): CloudWatchClient =>
    new CloudWatchClient({
      ...{ endpoint, region: 'us-east-1', maxAttempts: 1 },
      credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
    })
  beforeAll(async () => {
    server = await startCloudWatch({ metrics })
    client = clientOf(server.endpoint)
    const lag = (minute: number, service: string, entity: string, ...values: readonly number[]) => {
      now = at(minute)
      metrics.record({ service, entity, name: 'Lag', unit: 'Milliseconds', values })
    }
    const age = (minute: number, functionName: string, value: number) => {
      now = at(minute)
      metrics.record({
        ...{ service: 'x', entity: 'm', functionName, name: 'IteratorAge', unit: '' },
        values: [value],
      })
    }
    lag(1, 'back-sync', 'chef', 9_000)
    lag(46, 'back-sync', 'chef', 900)
    lag(51, 'back-sync', 'chef', 10, 20, 30)
    lag(52, 'relay', 'chef', 500)
    age(47, 'BackSync', 70_000)
    age(58, 'BackSync', 10)
  })
  afterAll(async () => {
    client.destroy()
    await server.close()
  })
  const read = (
    minute: number,
    of = { entities: ['chef', 'recipe'], functions: ['BackSync', 'TableSync'] },
  ) => readLateness(client, of, { now: new Date(at(minute)), deadline: new Deadline() })

  it('is told by the latest five minutes in which anything arrived, each way', async () => {
    const { toAurora, toDynamo } = await read(59)
    expect(toAurora).toEqual(new Map([['chef', { p50: 20, p99: 30, minutes: 5 }]]))
    expect(toDynamo).toEqual(new Map([['chef', { p50: 500, p99: 500, minutes: 5 }]]))
  })

  it('is the worst that a function that follows streams has had, and null for one that got nothing', async () => {
    expect((await read(59)).streams).toEqual([
      { function: 'BackSync', iteratorAge: 70_000, minutes: 15 },
      { function: 'TableSync', iteratorAge: null, minutes: 15 },
    ])
  })

  it('is nothing of what is older than a quarter of an hour, and asks nothing where there is nothing', async () => {
    expect(await read(35)).toEqual({
      ...{ toAurora: new Map(), toDynamo: new Map() },
      streams: [
        { function: 'BackSync', iteratorAge: null, minutes: 15 },
        { function: 'TableSync', iteratorAge: null, minutes: 15 },
      ],
    })
    expect((await read(59, { entities: [], functions: [] })).streams).toEqual([])
  })

  it('asks of many entities in several calls', async () => {
    const entities = Array.from({ length: 200 }, (_, n) => `e${n}`).concat('chef')
    const { toAurora, toDynamo } = await read(59, { entities, functions: [] })
    expect([toAurora.get('chef')?.p50, toDynamo.get('chef')?.p50, toAurora.size]).toEqual([20, 500, 1])
  })

  it('fails by name where CloudWatch does not answer', async () => {
    const nobody = clientOf('http://127.0.0.1:1')
    const asking = readLateness(
      nobody,
      { entities: ['chef'], functions: [] },
      { now: new Date(at(59)), deadline: new Deadline() },
    )
    await expect(asking).rejects.toMatchObject({ name: 'MetricsError', kind: 'transient' })
    nobody.destroy()
  })
})
