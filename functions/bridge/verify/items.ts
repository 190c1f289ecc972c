import type { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import * as z from 'zod'
import type { Item } from '../drivers/dynamo/items.ts'
import { toJsonText } from '../drivers/dynamo/json-text.ts'
import type { RateLimiter } from '../drivers/dynamo/rate-limiter.ts'
import { scanSegment } from '../drivers/dynamo/scan.ts'
import { bucketOf, textHash } from '../model/canonical.ts'
import type { Deadline } from '../runtime/deadline.ts'
import { hasBit } from './bucket-sums.ts'
import type { HashedRecord, ReadSide, ReadSoFar } from './sides.ts'

/*
 * A table of DynamoDB as a side of a comparison: its segments, page by page.
 */

/** How a table is read. */
export type ReadTable = {
  readonly client: DynamoDBClient
  /** Its name in DynamoDB. */
  readonly table: string
  readonly segments: number
  readonly deadline: Deadline
  readonly limiter?: RateLimiter | undefined
  readonly signal?: AbortSignal | undefined
}

/**
 * Reads the next page of a segment.
 *
 * @param from behind which it begins; undefined at the begin of the segment
 * @throws DynamoError, DeadlineError; the signal's reason
 */
export const nextItems = async (
  of: ReadTable,
  segment: number,
  from: string | undefined,
): Promise<ReadSoFar & { readonly items: readonly Item[] }> => {
  const start = from === undefined ? undefined : position.parse(JSON.parse(from))
  for await (const { items, looked, next } of scanSegment({ ...of, segment, start }))
    return { items, looked, next: next && toJsonText(next) }
  return { items: [], looked: 0, next: undefined }
}

/** A primary key of the text that `toJsonText` makes of it. */
const position: z.ZodType<Item> = z.record(
  z.string(),
  z.union([
    z.strictObject({ S: z.string() }),
    z.strictObject({ N: z.string() }),
    z.strictObject({ B: z.base64().transform((text) => new Uint8Array(Buffer.from(text, 'base64'))) }),
  ]),
)

/**
 * A table's items as they are compared.
 *
 * @param of.onlyBelow of the buckets only those below this one
 * @param hashed how an item is compared; undefined where it isn't
 */
export const itemSide = (
  of: ReadTable & { readonly buckets: number; readonly onlyBelow: number },
  hashed: (item: Item) => HashedRecord | undefined,
): ReadSide & { readonly segments: number } => {
  const { buckets, onlyBelow, segments } = of
  return {
    segments,
    sum: async (segment, from, sums) => {
      const { items, ...read } = await nextItems(of, segment, from)
      for (const item of items) {
        const record = hashed(item)
        const bucket = record === undefined ? onlyBelow : bucketOf(record.key, buckets)
        if (record !== undefined && bucket < onlyBelow) sums.add(bucket, 1, record.hash, textHash(record.key))
      }
      return read
    },
    list: async (segment, from, wanted) => {
      const { items, ...read } = await nextItems(of, segment, from)
      const records = items.flatMap((item) => hashed(item) ?? [])
      return { ...read, records: records.filter(({ key }) => hasBit(wanted, bucketOf(key, buckets))) }
    },
  }
}
