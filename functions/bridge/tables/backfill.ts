import { itemSize } from '../drivers/dynamo/item-size.ts'
import type { Item } from '../drivers/dynamo/items.ts'
import { toJsonText } from '../drivers/dynamo/json-text.ts'
import { keyAttributes } from '../drivers/dynamo/key-schema.ts'
import type { RateLimiter } from '../drivers/dynamo/rate-limiter.ts'
import { type ScanPage, scanSegment } from '../drivers/dynamo/scan.ts'
import type { JobLease, Tally } from '../jobs/jobs.ts'
import type { Pace } from '../jobs/pace.ts'
import type { OpenedStep } from '../jobs/run-job.ts'
import { addTallies, NOTHING, runSegments } from '../jobs/segments.ts'
import { InvalidRecordError, kindOf } from '../model/errors.ts'
import { decodeItem } from '../model/values.ts'
import { scanVersion } from '../normalise/stream-record.ts'
import { BEFORE_ALL } from '../ports/place.ts'
import type { Deadline } from '../runtime/deadline.ts'
import { applyAll } from '../sync/apply.ts'
import type { Evidence } from '../sync/evidence.ts'
import { retryParked } from '../sync/retry-parked.ts'
import { keyText } from './keys.ts'
import type { TableSyncParts } from './open-tables.ts'
import type { Projection } from './projection.ts'
import { scannedChange } from './scanned.ts'

export type Backfill = {
  readonly projection: Projection
  readonly sync: TableSyncParts
  readonly lease: Pick<JobLease, 'progress' | 'save'>
  readonly segments: number
  /** Segments at once. @default 4 */
  readonly concurrency?: number | undefined
  readonly limiter?: RateLimiter | undefined
  readonly pace?: Pace | undefined
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
export const backfill = async (
  given: Backfill,
): Promise<{ readonly done: boolean; readonly tally: Tally }> => {
  const { projection, sync, segments, concurrency = 4, limiter, deadline, signal } = given
  const { scan, page } = openFilling(projection, sync, { limiter, deadline, signal })
  const progress = await runSegments({
    ...given,
    concurrency,
    scan: (segment, start) => scan({ segment, segments }, start),
    page,
  })
  const done = progress.every((segment) => segment.done)
  if (done) await recheck(projection, sync)
  return { done, tally: addTallies(progress.map(({ tally }) => tally)) }
}

/** What filling a kept table reads, and what it does with a page. */
export const openFilling = (
  projection: Projection,
  sync: TableSyncParts,
  bounds: Pick<Backfill, 'limiter' | 'deadline' | 'signal'>,
): OpenedStep => {
  const { client, now } = sync
  const table = sync.tables.of(projection.from.name)
  return {
    scan: (of, start) => scanSegment({ ...bounds, ...of, client, table, start, now: () => now().getTime() }),
    page: (page) => applyPage(projection, page, sync),
  }
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
    await retryParked(sync, name, heads)
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
  const evidence = items.flatMap((item) => evidenceOf(projection, item, readAt))
  const { verdicts, outcomes, failure } = await applyAll(evidence, sync)
  // The page's position is not noted: it is read once more.
  if (failure !== undefined) throw failure
  const applied = outcomes.reduce((sum, outcome) => sum + outcome.applied, 0)
  const refused = verdicts.filter((verdict) => verdict === 'parked').length
  return {
    ...NOTHING,
    items: items.length,
    bytes: items.reduce((sum, item) => sum + itemSize(item), 0),
    applied,
    // Those that have no place in the target are as they should be, too.
    skipped: items.length - applied - refused,
    refused,
  }
}

/** What an item is for the target; none for one that has no place there. */
const evidenceOf = (projection: Projection, item: Item, readAt: number): readonly Evidence[] => {
  const { name, from } = projection
  const payload = () => toJsonText({ item })
  try {
    const change = scannedChange(projection, decodeItem(item, from.name), readAt)
    return change === undefined ? [] : [{ change, payload }]
  } catch (error) {
    if (!(error instanceof InvalidRecordError)) throw error
    const keys = Object.fromEntries(keyAttributes(from.key).map((one) => [one.name, item[one.name]]))
    const key = keyText(from.key, decodeItem(keys, from.name))
    const version = from.versions === 'stream' ? scanVersion(readAt) : undefined
    const place = version === undefined ? BEFORE_ALL : {}
    return [{ fault: { entity: name, key, version, error }, place, payload }]
  }
}
