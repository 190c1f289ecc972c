import { type DynamoDBClient, ScanCommand, type ScanCommandInput } from '@aws-sdk/client-dynamodb'
import type { Deadline } from '../../runtime/deadline.ts'
import type { Item } from './items.ts'
import { type KeySchema, keyAttributes } from './key-schema.ts'
import { callPatiently } from './patient-call.ts'
import type { RateLimiter } from './rate-limiter.ts'

export type ScanPage = {
  /** Empty where nothing was kept of what was looked at: that is not the end. */
  readonly items: readonly Item[]
  /** Where the next page begins; undefined at the segment's end. */
  readonly next: Item | undefined
  /** When the read began, in milliseconds since 1970: what was written later may be missing. */
  readonly readAt: number
  /** Items that DynamoDB went through. */
  readonly looked: number
}

export type ScanOptions = {
  readonly client: DynamoDBClient
  /** The table's name in DynamoDB. */
  readonly table: string
  /** From 0. */
  readonly segment: number
  readonly segments: number
  /** Begins behind this key. */
  readonly start?: Item | undefined
  /** Bounds the items read a second, and the size of a page with it. */
  readonly limiter?: RateLimiter | undefined
  readonly deadline: Deadline
  readonly signal?: AbortSignal | undefined
  /** Only these key attributes are read. */
  readonly keysOnly?: KeySchema | undefined
  /** @default false */
  readonly consistent?: boolean | undefined
  /** The most items of a page; DynamoDB ends one at 1 MB in any case. */
  readonly pageItems?: number | undefined
  /** Milliseconds since 1970. @default Date.now */
  readonly now?: (() => number) | undefined
}

/** A table in one segment. */
export const WHOLE = { segment: 0, segments: 1 } as const

/**
 * Reads a segment of a table, page by page. Throttling is waited out for as long as there is time, and slows the limiter.
 *
 * Ends only at the segment's end: when the time is over or the signal aborts, it throws.
 *
 * @throws DynamoError, DeadlineError; the signal's reason
 */
export async function* scanSegment(options: ScanOptions): AsyncGenerator<ScanPage> {
  const { keysOnly } = options
  const names = keysOnly === undefined ? [] : keyAttributes(keysOnly).map(({ name }) => name)
  yield* pagesOf(
    options,
    names.length === 0
      ? {}
      : {
          ProjectionExpression: names.map((_, at) => `#k${at}`).join(', '),
          ExpressionAttributeNames: Object.fromEntries(names.map((name, at) => [`#k${at}`, name])),
        },
  )
}

/** Counts a segment's items, page by page: pages have `looked` and no items. @throws as `scanSegment` */
export async function* countSegment(options: Omit<ScanOptions, 'keysOnly'>): AsyncGenerator<ScanPage> {
  yield* pagesOf(options, { Select: 'COUNT' })
}

async function* pagesOf(options: ScanOptions, more: Partial<ScanCommandInput>): AsyncGenerator<ScanPage> {
  const { client, table, segment, segments, limiter, signal, consistent = false, now = Date.now } = options
  let position = options.start
  do {
    const most = smaller(options.pageItems, limiter?.pageItems)
    // Taken before the read, since DynamoDB bills what it looks at.
    await limiter?.take(most ?? 0, signal)
    const command = new ScanCommand({
      TableName: table,
      // One segment is the table: a plain scan.
      ...(segments > 1 && { Segment: segment, TotalSegments: segments }),
      ConsistentRead: consistent,
      ...(position !== undefined && { ExclusiveStartKey: position }),
      ...(most !== undefined && { Limit: most }),
      ...more,
    })
    const readAt = now()
    const {
      Items = [],
      LastEvaluatedKey,
      ScannedCount = Items.length,
    } = await callPatiently('Scan', options, (send) => client.send(command, send))
    await limiter?.take(ScannedCount - (most ?? 0), signal)
    position = LastEvaluatedKey
    yield { items: Items, next: position, readAt, looked: ScannedCount }
  } while (position !== undefined)
}

const smaller = (a: number | undefined, b: number | undefined): number | undefined =>
  a === undefined || b === undefined ? (a ?? b) : Math.min(a, b)
