import { DescribeTableCommand } from '@aws-sdk/client-dynamodb'
import { DynamoDBStreamsClient } from '@aws-sdk/client-dynamodb-streams'
import { type KeySchema, keyAttributes } from '../../../functions/bridge/drivers/dynamo/key-schema.ts'
import { jobsTable } from '../../../functions/bridge/jobs/job-settings.ts'
import { tombstoneTable } from '../../../functions/bridge/tables/tombstones.ts'
import { sdkSource } from '../../../infra/local/streams/sdk-source.ts'
import { projections } from '../../fixtures/tables/index.ts'
import { usersByCity } from '../../fixtures/tables/users.ts'
import { withTestLists } from '../../fixtures/team.ts'
import type { Line } from '../back-sync/line.ts'
import { median } from '../data-api/measure.ts'
import type { Item } from './items.ts'
import { type Order, type Report, report } from './protocol.ts'
import { inRounds, ratioOf } from './rounds.ts'
import type { Stage } from './stage.ts'
import { fill } from './ways.ts'
import { startWorker } from './worker.ts'

/*
 * What limits: the emulator, which does one write after the other and at each insert has the tombstone to look at, too.
 * The function has fifty changes in a transaction and four transactions in flight; a PutItem per record has one.
 */

const GOAL = 5
const ROUNDS = 5
/** New users of a round; each is modified once. */
const USERS = 1_000
/** Records of an invocation: as many as Lambda delivers at most. */
const BATCH = 1_000

const ways = ['one by one', 'ours', 'limit'] as const

/** Users with a place of their own, so that none is parked. */
const user = (number: number, visits: number): Item => ({
  email: { S: `user-${number}@example.com` },
  state: { S: `state ${number % 50}` },
  city: { S: `city ${number}` },
  zipcode: { S: String(10_000 + (number % 90_000)) },
  visits: { N: String(visits) },
})

const named = (key: KeySchema): readonly [string, string?] => {
  const [partition = '', sort] = keyAttributes(key).map(({ name }) => name)
  return [partition, sort]
}

/** Records a second through the stream's function, half of them inserts and half modifications. */
export const replication = async (stage: Stage): Promise<readonly Line[]> => {
  const tables: Record<string, string> = {}
  for (const { name, key, from } of projections) {
    tables[from.name] ??= await stage.create(named(from.key), from.name === usersByCity.from.name)
    tables[name] = await stage.create(named(key))
  }
  const { name: source } = usersByCity.from
  const worker = await startWorker<Order, Report>('./replicate-child.ts', report, {
    TABLES: JSON.stringify(tables),
    PARKING_TABLE: await stage.create(['pk', 'sk']),
    TOMBSTONES_TABLE: await stage.create([tombstoneTable.partition]),
    JOBS_TABLE: await stage.create([jobsTable.partition, jobsTable.sort]),
    BARE_TABLE: await stage.create(named(usersByCity.key)),
    AWS_REGION: 'us-east-1',
    AWS_ACCESS_KEY_ID: 'local',
    AWS_SECRET_ACCESS_KEY: 'local',
    AWS_ENDPOINT_URL_DYNAMODB: stage.endpoint,
    NODE_OPTIONS: withTestLists,
  })
  try {
    const read = await openStream(stage, tables[source] ?? '')
    const rounds: string[][] = []
    // The first round warms up connections and caches and is not counted.
    for (let round = 0; round <= ROUNDS; round++) {
      for (const visits of [1, 2])
        await fill(stage.client, tables[source] ?? '', {
          name: 'users',
          count: USERS,
          item: (number) => user(round * USERS + number, visits),
        })
      rounds.push(toEvents(await read()))
    }
    const turn = (way: Order['way'], events: readonly string[]) => async (): Promise<number> =>
      (await worker.run({ way, events: [...events] })).records
    const first = rounds.shift() ?? []
    for (const way of ways) await turn(way, first)()
    const rates = await inRounds({
      ways,
      rounds: ROUNDS,
      expected: 2 * USERS,
      turns: async (round) => {
        const events = rounds[round] ?? []
        return {
          'one by one': turn('one by one', events),
          ours: turn('ours', events),
          limit: turn('limit', events),
        }
      },
    })
    return [
      {
        name: `replication, batches of ${BATCH}, against one PutItem per record`,
        value: median(rates.ours),
        unit: 'records/s',
        baseline: median(rates['one by one']),
        limit: median(rates.limit),
        ratio: ratioOf(rates.ours, rates['one by one']),
        ofLimit: ratioOf(rates.ours, rates.limit),
        goal: GOAL,
      },
    ]
  } finally {
    await worker.stop()
  }
}

const toEvents = (records: readonly unknown[]): string[] =>
  Array.from({ length: Math.ceil(records.length / BATCH) }, (_, at) =>
    JSON.stringify({ Records: records.slice(at * BATCH, (at + 1) * BATCH) }),
  )

/** @returns reads what has come since the last time */
const openStream = async (
  { client, endpoint }: Stage,
  TableName: string,
): Promise<() => Promise<readonly unknown[]>> => {
  const { Table } = await client.send(new DescribeTableCommand({ TableName }))
  const arn = Table?.LatestStreamArn ?? ''
  const streams = new DynamoDBStreamsClient({
    endpoint,
    region: 'us-east-1',
    credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
  })
  const from = sdkSource(streams)
  const [shard] = await from.shards(arn)
  if (shard === undefined) throw new Error(`the stream ${arn} has no shard`)
  let iterator = await from.iterator(arn, shard.id, { type: 'TRIM_HORIZON' })
  return async () => {
    const records: unknown[] = []
    for (;;) {
      const page = await from.read(arn, iterator, BATCH)
      records.push(...page.records)
      if (page.next === undefined) throw new Error(`the stream ${arn} has ended`)
      iterator = page.next
      if (page.records.length === 0) return records
    }
  }
}
