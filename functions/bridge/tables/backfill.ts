import { itemSize } from '../drivers/dynamo/item-size.ts'
import { toJsonText } from '../drivers/dynamo/json-text.ts'
import { keyAttributes } from '../drivers/dynamo/key-schema.ts'
import type { RateLimiter } from '../drivers/dynamo/rate-limiter.ts'
import { type Item, type ScanPage, scanSegment } from '../drivers/dynamo/scan.ts'
import type { JobLease, Tally } from '../jobs/jobs.ts'
import { addTallies, NOTHING, runSegments } from '../jobs/segments.ts'
import { type Change, subjectOf } from '../model/change.ts'
import { InvalidRecordError, kindOf } from '../model/errors.ts'
import { decodeItem } from '../model/values.ts'
import type { Parked } from '../ports/parked.ts'
import type { Deadline } from '../runtime/deadline.ts'
import { applyPatiently } from '../sync/apply-patiently.ts'
import { countParked, parkedChange } from '../sync/parking-entry.ts'
import { retryParked } from '../sync/retry-parked.ts'
import { keyText } from './keys.ts'
import type { TableSyncParts } from './open-tables.ts'
import type { Projection } from './projection.ts'
import { scannedChange, scanVersion } from './scanned.ts'

export type Backfill = {
  readonly projection: Projection
  readonly sync: TableSyncParts
  readonly lease: Pick<JobLease, 'progress' | 'save'>
  readonly segments: number
  /** Segments at once. @default 4 */
  readonly concurrency?: number | undefined
  readonly limiter?: RateLimiter | undefined
  readonly deadline: Deadline
  readonly signal?: AbortSignal | undefined
  readonly onProgress?: ((tally: Tally) => void) | undefined
}

/**
 * Fills a kept table with what its source holds already, beside the stream that keeps it. Both apply their changes
 * under one guard, so it may take any time, be interrupted, and be repeated: what the stream has brought is newer, and
 * what it has deleted stays deleted. What can't be applied is parked.
 *
 * @returns `done: false` when the signal aborted or the time was nearly over; the same lease's job goes on there
 * @throws BridgeError
 */
export const backfill = async ({
  projection,
  sync,
  lease,
  segments,
  concurrency = 4,
  limiter,
  deadline,
  signal,
  onProgress,
}: Backfill): Promise<{ readonly done: boolean; readonly tally: Tally }> => {
  const table = sync.tables.of(projection.from.name)
  const { client, now } = sync
  const progress = await runSegments({
    lease,
    segments,
    concurrency,
    scan: (segment, start) =>
      scanSegment({
        client,
        table,
        segment,
        segments,
        start,
        limiter,
        deadline,
        signal,
        now: () => now().getTime(),
      }),
    page: (page) => applyPage(projection, page, sync),
    deadline,
    signal,
    onProgress,
  })
  const done = progress.every((segment) => segment.done)
  if (done) await recheck(projection, sync)
  return { done, tally: addTallies(progress.map(({ tally }) => tally)) }
}

/** Entries that are tried once more; whoever has more of them has another problem. */
const MOST_RECHECKED = 1_000

/**
 * Tries once more what is parked: what the scan found in its way may have left before it was parked, and then nothing
 * would wake it. Where that fails for the moment, it stays listed, and the fill is done all the same.
 */
const recheck = async ({ name }: Projection, sync: TableSyncParts): Promise<void> => {
  try {
    const heads = [...(await sync.parking.parkedOf(name)).values()].slice(0, MOST_RECHECKED)
    const outcomes = await retryParked(sync, name, heads)
    sync.metrics.count('Unparked', name, outcomes.filter(({ outcome }) => outcome !== 'parked').length)
  } catch (error) {
    if (kindOf(error) !== 'transient') throw error
    sync.log.warn('what is parked could not be tried again', { entity: name, error })
  }
}

const applyPage = async (
  projection: Projection,
  { items, readAt }: ScanPage,
  sync: TableSyncParts,
): Promise<Tally> => {
  const changes: Change[] = []
  const unfit: Parked[] = []
  const itemOf = new Map<string, Item>()
  for (const item of items) {
    try {
      const change = scannedChange(projection, decodeItem(item, projection.from.name), readAt)
      if (change === undefined) continue
      changes.push(change)
      itemOf.set(subjectOf(change), item)
    } catch (error) {
      if (!(error instanceof InvalidRecordError)) throw error
      unfit.push(parkedItem(projection, item, readAt, error))
    }
  }
  const [outcome] = await applyPatiently(new Map([[projection.name, changes]]), sync, { pauses: [] })
  const refused = outcome?.refused ?? []
  const toPark = [
    ...unfit,
    ...refused.map((one) =>
      parkedChange(sync.sink, one, { payload: toJsonText({ item: itemOf.get(subjectOf(one.change)) }) }),
    ),
  ]
  await sync.parking.park(toPark, sync.now())
  const { metrics } = sync
  metrics.count('Applied', projection.name, outcome?.applied ?? 0)
  metrics.count('SkippedAsOlder', projection.name, outcome?.skipped ?? 0)
  countParked(toPark, metrics)
  return {
    ...NOTHING,
    items: items.length,
    bytes: items.reduce((sum, item) => sum + itemSize(item), 0),
    applied: outcome?.applied ?? 0,
    // Those that have no place in the target are as they should be, too.
    skipped: items.length - (outcome?.applied ?? 0) - toPark.length,
    refused: toPark.length,
  }
}

/** How an item that can't be projected is set aside: before all records of the stream, where its version is unknown. */
const parkedItem = (
  { name, from }: Projection,
  item: Item,
  readAt: number,
  error: InvalidRecordError,
): Parked => {
  const keys = Object.fromEntries(
    keyAttributes(from.key).map((attribute) => [attribute.name, item[attribute.name]]),
  )
  return {
    entity: name,
    key: keyText(from.key, decodeItem(keys, from.name)),
    ...(from.versions === 'stream' ? { version: scanVersion(readAt) } : { sequenceNumber: '0' }),
    class: 'data',
    code: error.code,
    message: error.message,
    payload: toJsonText({ item }),
  }
}
