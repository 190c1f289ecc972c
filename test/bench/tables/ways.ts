import {
  BatchWriteItemCommand,
  type BatchWriteItemCommandOutput,
  type DynamoDBClient,
  ScanCommand,
  TransactWriteItemsCommand,
  type WriteRequest,
} from '@aws-sdk/client-dynamodb'
import type { Item, Workload } from './items.ts'

/**
 * The ways that this project's own are compared with: plain SDK calls with no guard and no count. `sequential` is how the
 * pipeline did it that inspired the copy; the others are the most that can be had.
 */

const BATCH = 25

const put = (Item: Item): WriteRequest => ({ PutRequest: { Item } })
const remove = ({ id }: Item): WriteRequest => ({ DeleteRequest: { Key: id === undefined ? {} : { id } } })

/** Writes up to 25 items; what is left unprocessed is sent again at once. */
const write = async (client: DynamoDBClient, table: string, requests: WriteRequest[]): Promise<void> => {
  let rest: WriteRequest[] | undefined = requests
  while (rest !== undefined && rest.length > 0) {
    const answer: BatchWriteItemCommandOutput = await client.send(
      new BatchWriteItemCommand({ RequestItems: { [table]: rest } }),
    )
    rest = answer.UnprocessedItems?.[table]
  }
}

const pages = async function* (
  client: DynamoDBClient,
  TableName: string,
  part?: { readonly Segment: number; readonly TotalSegments: number },
): AsyncGenerator<Item[]> {
  let ExclusiveStartKey: Item | undefined
  do {
    const page = await client.send(
      new ScanCommand({ TableName, ...part, ...(ExclusiveStartKey && { ExclusiveStartKey }) }),
    )
    yield page.Items ?? []
    ExclusiveStartKey = page.LastEvaluatedKey
  } while (ExclusiveStartKey !== undefined)
}

const chunks = function* <T>(list: readonly T[], size: number): Generator<T[]> {
  for (let at = 0; at < list.length; at += size) yield list.slice(at, at + size)
}

/** One scan, batches of 25, one call after the other. @returns items written */
const sequential =
  (request: (item: Item) => WriteRequest) =>
  async (client: DynamoDBClient, from: string, to: string): Promise<number> => {
    let written = 0
    for await (const page of pages(client, from))
      for (const batch of chunks(page, BATCH)) {
        await write(client, to, batch.map(request))
        written += batch.length
      }
    return written
  }

/** A parallel scan whose every batch is written at once, `concurrency` in flight. @returns items written */
export const copyUnbounded = async (
  client: DynamoDBClient,
  from: string,
  to: string,
  concurrency: number,
): Promise<number> => {
  let written = 0
  const lanes = Array.from({ length: concurrency }, async (_, Segment) => {
    for await (const page of pages(client, from, { Segment, TotalSegments: concurrency }))
      for (const batch of chunks(page, BATCH)) {
        await write(client, to, batch.map(put))
        written += batch.length
      }
  })
  await Promise.all(lanes)
  return written
}

/**
 * As `copyUnbounded`, with deletes. Each segment is read from its beginning until it is empty: dynoxide 1.2.1 finds
 * nothing behind a key that is deleted.
 */
export const emptyUnbounded = async (
  client: DynamoDBClient,
  table: string,
  concurrency: number,
): Promise<number> => {
  let deleted = 0
  const lanes = Array.from({ length: concurrency }, async (_, Segment) => {
    for (;;) {
      const { Items = [] } = await client.send(
        new ScanCommand({ TableName: table, Segment, TotalSegments: concurrency }),
      )
      if (Items.length === 0) return
      for (const batch of chunks(Items, BATCH)) {
        await write(client, table, batch.map(remove))
        deleted += batch.length
      }
    }
  })
  await Promise.all(lanes)
  return deleted
}

export const copySequentially = sequential(put)
const emptyFrom = sequential(remove)
export const emptySequentially = (client: DynamoDBClient, table: string): Promise<number> =>
  emptyFrom(client, table, table)

/** Nothing is read: what the server takes in by BatchWriteItem. @returns items written */
export const takeIn = async (
  client: DynamoDBClient,
  to: string,
  { count, item }: Workload,
  concurrency: number,
): Promise<number> => {
  let next = 0
  const lanes = Array.from({ length: concurrency }, async () => {
    while (next < count) {
      const from = next
      next += BATCH
      const size = Math.min(BATCH, count - from)
      await write(
        client,
        to,
        Array.from({ length: size }, (_, at) => put(item(from + at))),
      )
    }
  })
  await Promise.all(lanes)
  return count
}

/** A write of 100 items costs twice as much on AWS, and the emulator half as much: for filling tables only. */
const TRANSACTION = 100
const FILLERS = 2
/** DynamoDB takes 4 MB in one transaction. */
const TRANSACTION_BYTES = 3_000_000

/** Fills a table as fast as the emulator lets it. @param progress called now and then with the items written */
export const fill = async (
  client: DynamoDBClient,
  table: string,
  { count, item }: Workload,
  progress: (written: number) => void = () => {},
): Promise<void> => {
  const bytes = JSON.stringify(item(count - 1)).length
  const size = Math.max(1, Math.min(TRANSACTION, Math.floor(TRANSACTION_BYTES / bytes)))
  let next = 0
  let written = 0
  const lanes = Array.from({ length: FILLERS }, async () => {
    while (next < count) {
      const from = next
      next += size
      const items = Array.from({ length: Math.min(size, count - from) }, (_, at) => item(from + at))
      await client.send(
        new TransactWriteItemsCommand({
          TransactItems: items.map((Item) => ({ Put: { TableName: table, Item } })),
        }),
      )
      written += items.length
      progress(written)
    }
  })
  await Promise.all(lanes)
}
