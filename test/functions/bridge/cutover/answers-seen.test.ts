import { CloudWatchClient } from '@aws-sdk/client-cloudwatch'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { readAnswersSeen } from '../../../../functions/bridge/cutover/answers-seen.ts'
import { countAnswer } from '../../../../functions/bridge/cutover/count-answer.ts'
import { readSlowAbove } from '../../../../functions/bridge/cutover/usual-latency.ts'
import { Deadline } from '../../../../functions/bridge/runtime/deadline.ts'
import { FACADE, LambdaMetrics } from '../../../../functions/bridge/runtime/metrics.ts'
import { startCloudWatch } from '../../../../infra/local/cloudwatch/server.ts'
import type { LocalServer } from '../../../../infra/local/http/server.ts'
import { readEmf } from '../../../../infra/local/metrics/emf.ts'
import { RecentMetrics } from '../../../../infra/local/metrics/recent-metrics.ts'

const FIRST = Date.UTC(2026, 10, 30, 10, 20)
const minute = (n: number): number => FIRST + n * 60_000
const named = (n: number): string => new Date(minute(n)).toISOString()
/** Nothing is mirrored. */
const NONE = { aurora: undefined, dynamo: undefined }
const of = (looks: number, bad = 0) => ({ error: { looks, bad } })

describe('what facades have seen of a route', () => {
  let server: LocalServer
  let client: CloudWatchClient
  beforeAll(async () => {
    let now = FIRST
    const metrics = new RecentMetrics(() => now)
    // As facades publish it: each of them by itself, with its log.
    const see = (n: number, entity: string, side: 'aurora' | 'dynamo', ...statuses: number[]): void =>
      count(n, entity, side, 'list', 0, ...statuses)
    const count = (
      n: number,
      entity: string,
      side: 'aurora' | 'dynamo',
      action: 'list' | 'read' | 'replace',
      took: number,
      ...statuses: number[]
    ): void => {
      now = minute(n) + 20_000
      const published = new LambdaMetrics(FACADE, {
        now: () => now,
        write: (line) => {
          for (const one of readEmf(line)) metrics.record(one)
        },
      })
      const answer = countAnswer(published, entity, action, () => took)
      for (const status of statuses) answer(side, status)
      published.flush()
    }
    see(0, 'chef', 'aurora', 200, 200, 404, 500)
    see(0, 'chef', 'dynamo', 200, 503)
    see(0, 'recipe', 'dynamo', 500)
    see(1, 'chef', 'dynamo', 201)
    see(1, 'chef', 'dynamo', 412, 409)
    see(3, 'chef', 'aurora', 200)
    for (const took of [10, 120, 121, 500]) count(0, 'plate', 'dynamo', 'read', took, 200)
    count(0, 'plate', 'dynamo', 'read', 900, 500)
    count(0, 'plate', 'dynamo', 'replace', 900, 200)
    for (let n = 0; n < 90; n++) count(1, 'plate', 'aurora', 'read', 80 + n, 404)
    for (let n = 0; n < 20; n++) count(1, 'recipe', 'aurora', 'read', 80, 200)
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
  const read = (now: number, through = '') =>
    readAnswersSeen(client, 'chef', { epoch: 7n, through }, { ways: NONE, now, deadline: new Deadline() })
  const slowAbove = (entity: string) =>
    readSlowAbove(client, entity, { now: minute(6), deadline: new Deadline() })

  it('is told minute by minute, of each side, with what has failed there', async () => {
    expect(await read(minute(6))).toEqual([
      { at: named(0), epoch: 7n, sides: { aurora: of(4, 1), dynamo: of(2, 1) } },
      { at: named(1), epoch: 7n, sides: { aurora: of(0), dynamo: of(3) } },
      { at: named(3), epoch: 7n, sides: { aurora: of(1), dynamo: of(0) } },
    ])
  })

  it('is told of minutes that are over, when all of them has arrived', async () => {
    const names = async (now: number) => (await read(now)).map(({ at }) => at)
    expect(await names(minute(3) - 1)).toEqual([])
    expect(await names(minute(3))).toEqual([named(0)])
    expect(await names(minute(4))).toEqual([named(0), named(1)])
  })

  it('is told behind what counts already, and never again', async () => {
    expect((await read(minute(6), named(0))).map(({ at }) => at)).toEqual([named(1), named(3)])
    expect(await read(minute(6), named(3))).toEqual([])
  })

  it('is told, of reads that were answered, how many took longer than is usual', async () => {
    const [first] = await readAnswersSeen(
      client,
      'plate',
      { epoch: 7n, through: '', slowAbove: 120 },
      { ways: NONE, now: minute(3), deadline: new Deadline() },
    )
    expect(first?.sides.dynamo).toEqual({ error: { looks: 6, bad: 1 }, tooSlow: { looks: 4, bad: 2 } })
  })

  it('takes for slow twice what nine of ten of the old side’s reads take, and of a few says nothing', async () => {
    expect(await slowAbove('plate')).toBe(2 * 160)
    expect(await slowAbove('recipe')).toBeUndefined()
    expect(await slowAbove('chef')).toBeUndefined()
  })

  it('is told beside that in which minutes a store was late, also of those in which nobody asked for anything', async () => {
    const seen = await readAnswersSeen(
      client,
      'plate',
      { epoch: 7n, through: '' },
      { ways: { aurora: 60_000, dynamo: undefined }, now: minute(8), deadline: new Deadline() },
    )
    // A write of the first one, of which nothing has come to Aurora two minutes later.
    expect(seen.map(({ at, both }) => [at, both])).toEqual([
      [named(0), undefined],
      [named(1), undefined],
      [named(2), { tooLate: { looks: 1, bad: 1 } }],
    ])
  })
})
