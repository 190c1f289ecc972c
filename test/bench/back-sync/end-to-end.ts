import { setTimeout as wait } from 'node:timers/promises'
import {
  type AttributeValue,
  BatchWriteItemCommand,
  PutItemCommand,
  QueryCommand,
} from '@aws-sdk/client-dynamodb'
import type { RowDataPacket } from 'mysql2/promise'
import { percentile } from '../data-api/measure.ts'
import { chefKey } from './events.ts'
import type { Line } from './line.ts'
import type { Stage } from './stage.ts'

/** How often the legacy table is asked for new rows, in milliseconds: a lag is measured to that. */
const LOOK_MS = 5
const PATIENCE_MS = 60_000

const item = (number: number, bad = false): Record<string, AttributeValue> => ({
  chefId: { S: chefKey(number) },
  firstName: { S: bad ? 'x'.repeat(300) : `First name ${number}` },
  lastName: { S: `Last name of number ${number}` },
  version: { N: '1' },
  updatedAt: { S: new Date().toISOString() },
})

/**
 * Writes items as fast as DynamoDB takes them and waits until the last is in the legacy table.
 *
 * @returns changes per second from the first write to the last row, and writes per second that DynamoDB took
 */
export const throughput = async (
  stage: Stage,
  from: number,
  count: number,
): Promise<{ readonly value: number; readonly written: number }> => {
  const start = performance.now()
  const keys = Array.from({ length: count }, (_, at) => from + at)
  const writers = Array.from({ length: 4 }, async (_, lane) => {
    for (let at = lane * 25; at < count; at += 100)
      await putAll(
        stage,
        keys.slice(at, at + 25).map((number) => item(number)),
      )
  })
  await Promise.all(writers)
  const written = performance.now()
  await arrived(stage, from, count)
  const end = performance.now()
  return { value: (count * 1000) / (end - start), written: (count * 1000) / (written - start) }
}

const putAll = async (
  { dynamoDb, chefTable }: Stage,
  items: readonly Record<string, AttributeValue>[],
): Promise<void> => {
  let rest = items.map((Item) => ({ PutRequest: { Item } }))
  for (let attempt = 0; rest.length > 0 && attempt < 20; attempt++) {
    const { UnprocessedItems } = await dynamoDb.send(
      new BatchWriteItemCommand({ RequestItems: { [chefTable]: rest } }),
    )
    rest = (UnprocessedItems?.[chefTable] ?? []).flatMap(({ PutRequest }) =>
      PutRequest?.Item ? [{ PutRequest: { Item: PutRequest.Item } }] : [],
    )
  }
}

const arrived = async ({ direct }: Stage, from: number, count: number): Promise<void> => {
  const until = performance.now() + PATIENCE_MS
  for (;;) {
    const [[row]] = await direct.query<RowDataPacket[]>(
      'SELECT COUNT(*) AS n FROM cheftable WHERE backsync_key BETWEEN ? AND ?',
      [chefKey(from), chefKey(from + count - 1)],
    )
    if (Number(row?.n) >= count) return
    if (performance.now() > until) throw new Error(`only ${row?.n} of ${count} changes arrived`)
    await wait(LOOK_MS)
  }
}

/** Milliseconds from the acknowledged write to its visibility, for each healthy write; and how long parking took. */
export type Lags = { readonly lags: readonly number[]; readonly parkedAfter: number | undefined }

/** Writes at a steady rate and watches the rows arrive. @param poison the share of items that can't be applied */
export const lagAt = async (
  stage: Stage,
  options: {
    readonly from: number
    readonly rate: number
    readonly seconds: number
    readonly poison?: number
  },
): Promise<Lags> => {
  const { from, rate, seconds, poison = 0 } = options
  const count = rate * seconds
  const bad = new Set(
    Array.from({ length: Math.floor(count * poison) }, (_, at) => from + Math.floor(at / poison)),
  )
  const acknowledged = new Map<string, number>()
  const seen = new Map<string, number>()
  let written = false
  const watch = (async () => {
    const until = performance.now() + seconds * 1000 + PATIENCE_MS
    let last = await lastId(stage)
    while (!written || seen.size < count - bad.size) {
      const [rows] = await stage.direct.query<RowDataPacket[]>(
        'SELECT id, backsync_key AS k FROM cheftable WHERE id > ? ORDER BY id',
        [last],
      )
      const now = performance.now()
      for (const { id, k } of rows) {
        seen.set(String(k), now)
        last = Number(id)
      }
      if (now > until) throw new Error(`only ${seen.size} of ${count - bad.size} changes arrived`)
      await wait(LOOK_MS)
    }
  })()
  const start = performance.now()
  const writes: Promise<void>[] = []
  for (let at = 0; at < count; at++) {
    const due = start + (at * 1000) / rate
    if (due > performance.now()) await wait(due - performance.now())
    const number = from + at
    writes.push(
      stage.dynamoDb
        .send(new PutItemCommand({ TableName: stage.chefTable, Item: item(number, bad.has(number)) }))
        .then(() => void acknowledged.set(chefKey(number), performance.now())),
    )
  }
  await Promise.all(writes)
  written = true
  const end = performance.now()
  await watch
  const parkedAfter = bad.size === 0 ? undefined : await waitParked(stage, bad, end)
  const lags = [...acknowledged].flatMap(([key, at]) => {
    const arrivedAt = seen.get(key)
    // It can be visible before its own acknowledgement is: that is no lag.
    return arrivedAt === undefined ? [] : [Math.max(0, arrivedAt - at)]
  })
  return { lags, parkedAfter }
}

const lastId = async ({ direct }: Stage): Promise<number> => {
  const [[row]] = await direct.query<RowDataPacket[]>('SELECT COALESCE(MAX(id), 0) AS id FROM cheftable')
  return Number(row?.id)
}

/** @returns milliseconds from the last write until all bad changes were listed as parked */
const waitParked = async (stage: Stage, bad: ReadonlySet<number>, since: number): Promise<number> => {
  for (;;) {
    let found = 0
    let start: Record<string, AttributeValue> | undefined
    do {
      const page = await stage.dynamoDb.send(
        new QueryCommand({
          TableName: stage.parkingTable,
          KeyConditionExpression: 'pk = :pk',
          ExpressionAttributeValues: { ':pk': { S: 'parked#chef' } },
          ConsistentRead: true,
          ...(start && { ExclusiveStartKey: start }),
        }),
      )
      found += page.Count ?? 0
      start = page.LastEvaluatedKey
    } while (start)
    if (found >= bad.size) return performance.now() - since
    if (performance.now() - since > PATIENCE_MS) throw new Error(`only ${found} of ${bad.size} are parked`)
    await wait(50)
  }
}

export const lagLines = (name: string, { lags }: Lags, goal: number | undefined): Line[] =>
  [0.5, 0.99].map((share) => ({
    name: `${name}, p${share * 100}`,
    value: percentile(lags, share),
    unit: 'ms',
    baseline: percentile(lags, 0.5),
    limit: goal ?? 250,
    ratio: percentile(lags, share) / percentile(lags, 0.5),
    ...(goal !== undefined && share === 0.99 && { goal }),
  }))
