import type { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import type { Bounds } from '../drivers/dynamo/patient-call.ts'
import { scanSegment } from '../drivers/dynamo/scan.ts'
import { inLanes } from '../runtime/lanes.ts'
import { sleep } from '../runtime/retry.ts'
import type { Tables } from '../runtime/tables.ts'
import { type Difference, type DifferenceKind, Sides } from './compare-sides.ts'
import type { Projection } from './projection.ts'

export type Comparison = {
  /** Items that were read on either side. */
  readonly source: number
  readonly target: number
  readonly equal: boolean
  /** How many there are of each kind. */
  readonly counts: Readonly<Record<DifferenceKind, number>>
  /** The first thousand. */
  readonly differences: readonly Difference[]
}

export type CompareOptions = Bounds & {
  readonly projection: Projection
  readonly client: DynamoDBClient
  /** Table names in DynamoDB by their names in this project. */
  readonly tables: Tables
  /** Segments of each scan. @default 4 */
  readonly segments?: number | undefined
  /** How often what differs is looked at again, since the stream may be on its way. @default 3 */
  readonly looks?: number | undefined
  /** Before each of those, in milliseconds. @default 1000 */
  readonly patience?: number | undefined
  /** Gets how many items were read in all. */
  readonly onProgress?: ((looked: number) => void) | undefined
}

/** Segments that are read at once. */
const AT_ONCE = 8
/** Differences that are named, and looked at again; more than these aren't about to pass. */
const MOST_NAMED = 1_000

/**
 * Compares a kept table with what it should be, item by item and in both directions. It reads only; both tables may be
 * written meanwhile, since what differs is read again before it counts.
 *
 * @throws BridgeError; the signal's reason
 */
export const compareProjection = async (options: CompareOptions): Promise<Comparison> => {
  const { projection, tables, segments = 4, looks = 3, patience = 1_000 } = options
  const sides = new Sides(options)
  const counts = zero()
  const found: Difference[] = []
  let read = { source: 0, target: 0 }
  const note = (differences: readonly Difference[]): void => {
    const room = Math.max(0, MOST_NAMED - found.length)
    found.push(...differences.slice(0, room))
    for (const { kind } of differences.slice(room)) counts[kind] += 1
  }
  const scan = async (side: 'source' | 'target'): Promise<void> => {
    const table = tables.of(side === 'source' ? projection.from.name : projection.name)
    await inLanes([...Array(segments).keys()], AT_ONCE, async (segment) => {
      for await (const { items } of scanSegment({ ...options, table, segment, segments })) {
        note(await (side === 'source' ? sides.ofSource(items) : sides.ofTarget(items)))
        read = { ...read, [side]: read[side] + items.length }
        options.onProgress?.(read.source + read.target)
      }
    })
  }
  await scan('source')
  await scan('target')

  let differences: readonly Difference[] = found
  for (let look = 0; look < looks && differences.length > 0; look++) {
    await sleep(patience, options.signal)
    differences = await sides.again(differences)
  }
  for (const { kind } of differences) counts[kind] += 1
  return { ...read, equal: Object.values(counts).every((count) => count === 0), counts, differences }
}

const zero = (): Record<DifferenceKind, number> => ({
  missing: 0,
  stale: 0,
  taken: 0,
  unfit: 0,
  orphan: 0,
  foreign: 0,
})
