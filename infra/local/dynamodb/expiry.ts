import {
  ConditionalCheckFailedException,
  DeleteItemCommand,
  type DynamoDBClient,
  ScanCommand,
  type ScanCommandOutput,
} from '@aws-sdk/client-dynamodb'
import { messageOf } from '../../errors/thrown.ts'
import type { Log } from '../lambda/log-file.ts'

/** A table that says when its items are to go. */
export type ExpiringTable = {
  readonly name: string
  /** The names of its key's attributes. */
  readonly keys: readonly string[]
  /** The attribute that has the time. */
  readonly attribute: string
}

export type ExpirySettings = {
  /** Seconds from when an item is first seen to be one that goes, until it is gone, whatever its time is. */
  readonly after: number
  /** Milliseconds between two looks. @default a second, or half of `after` where that is less */
  readonly every?: number
}

export type RunningExpiry = {
  /** Ends when the look that is under way has. */
  stop(): Promise<void>
}

type Item = NonNullable<ScanCommandOutput['Items']>[number]

/**
 * Removes what is to expire, as DynamoDB does by a table's TTL, which the local one has not: days, run as seconds. As there, whose
 * time is set anew in the meantime stays, and the stream has a record of each that goes; its records don't say that nobody has asked
 * for that, as DynamoDB's do.
 *
 * @param now milliseconds of a clock that never goes back. @default performance.now
 * @see https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/TTL.html
 */
export const startExpiry = (
  client: DynamoDBClient,
  tables: readonly ExpiringTable[],
  { after, every = Math.min(1_000, after * 500) }: ExpirySettings,
  log: Log,
  now: () => number = () => performance.now(),
): RunningExpiry => {
  /** Of each table: which items were seen, by key and time, and since when. */
  let seen = new Map<string, number>()
  const stopping = new AbortController()
  const { signal } = stopping
  const look = async (): Promise<void> => {
    const still = new Map<string, number>()
    for (const table of tables)
      for await (const item of expiringIn(client, table, signal)) {
        // Not by the item itself: its attributes come in any order.
        const name = JSON.stringify([table.name, ...[...table.keys, table.attribute].map((one) => item[one])])
        const since = seen.get(name) ?? now()
        if (now() - since < after * 1_000) still.set(name, since)
        else await remove(client, table, item, signal)
      }
    seen = still
  }
  const run = async (): Promise<void> => {
    while (!signal.aborted) {
      try {
        await look()
      } catch (error) {
        if (!signal.aborted) log(`expiry: not looked, and will be again: ${messageOf(error)}`)
      }
      await pause(every, signal)
    }
  }
  const running = run()
  return {
    stop: async () => {
      stopping.abort()
      await running
    },
  }
}

async function* expiringIn(
  client: DynamoDBClient,
  { name, keys, attribute }: ExpiringTable,
  abortSignal: AbortSignal,
): AsyncGenerator<Item> {
  const names = [...keys, attribute].map((one, at) => [`#n${at}`, one] as const)
  let from: Item | undefined
  do {
    const page: ScanCommandOutput = await client.send(
      new ScanCommand({
        TableName: name,
        ConsistentRead: true,
        ProjectionExpression: names.map(([sign]) => sign).join(', '),
        // As DynamoDB has it: what is no number says nothing.
        FilterExpression: `attribute_type(#n${keys.length}, :number)`,
        ExpressionAttributeNames: Object.fromEntries(names),
        ExpressionAttributeValues: { ':number': { S: 'N' } },
        ExclusiveStartKey: from,
      }),
      { abortSignal },
    )
    yield* page.Items ?? []
    from = page.LastEvaluatedKey
  } while (from !== undefined)
}

const remove = async (
  client: DynamoDBClient,
  { name, keys, attribute }: ExpiringTable,
  item: Item,
  abortSignal: AbortSignal,
): Promise<void> => {
  const time = item[attribute]
  if (time === undefined) return
  try {
    await client.send(
      new DeleteItemCommand({
        TableName: name,
        Key: Object.fromEntries(keys.flatMap((key) => (item[key] === undefined ? [] : [[key, item[key]]]))),
        ConditionExpression: '#time = :time',
        ExpressionAttributeNames: { '#time': attribute },
        ExpressionAttributeValues: { ':time': time },
      }),
      { abortSignal },
    )
  } catch (error) {
    // It has another time since, or none.
    if (!(error instanceof ConditionalCheckFailedException)) throw error
  }
}

const pause = (ms: number, signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) return resolve()
    const timer = setTimeout(resolve, ms)
    signal.addEventListener('abort', () => {
      clearTimeout(timer)
      resolve()
    })
  })
