import type { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import { inLanes } from '../../runtime/lanes.ts'
import { describeTable } from './describe.ts'
import type { Bounds } from './patient-call.ts'
import { countSegment } from './scan.ts'

export type CountOptions = Bounds & {
  readonly client: DynamoDBClient
  /** The table's name in DynamoDB. */
  readonly table: string
  /** @default by the table's size */
  readonly segments?: number | undefined
  /** Segments at once. @default 8 */
  readonly concurrency?: number | undefined
  /** Gets how many have been counted so far. */
  readonly onProgress?: ((counted: number) => void) | undefined
}

export type TableCount = {
  /** Exactly those that the scan met: with writes beside it, of no single moment. */
  readonly items: number
  /** What DynamoDB says of the table; it works that out about every six hours. */
  readonly estimate: { readonly items: number; readonly bytes: number }
}

/** Items that one segment should have. */
const SEGMENT_ITEMS = 20_000
const FEWEST = 8
const MOST = 64

/**
 * Counts a table's items by a parallel, strongly consistent scan that transfers no item. It reads all of the table: the
 * read units are those of a whole scan.
 *
 * @throws MissingTableError, DynamoError, DeadlineError; the signal's reason
 */
export const countTable = async (options: CountOptions): Promise<TableCount> => {
  const { client, table, concurrency = 8, onProgress } = options
  const facts = await describeTable(client, table, options)
  const segments =
    options.segments ?? Math.min(MOST, Math.max(FEWEST, Math.ceil(facts.items / SEGMENT_ITEMS)))
  const numbers = Array.from({ length: segments }, (_, segment) => segment)
  let items = 0
  await inLanes(numbers, concurrency, async (segment) => {
    for await (const { looked } of countSegment({ ...options, segment, segments, consistent: true })) {
      items += looked
      onProgress?.(items)
    }
  })
  return { items, estimate: { items: facts.items, bytes: facts.bytes } }
}
