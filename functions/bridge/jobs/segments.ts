import type { Item } from '../drivers/dynamo/items.ts'
import type { RateLimiter } from '../drivers/dynamo/rate-limiter.ts'
import type { ScanPage } from '../drivers/dynamo/scan.ts'
import { DeadlineError } from '../model/errors.ts'
import type { Deadline } from '../runtime/deadline.ts'
import { addDigests, fromHex, toHex } from './checksum.ts'
import type { JobLease, RefusedItem, SegmentProgress, Tally } from './jobs.ts'
import type { Pace } from './pace.ts'

/** Of no items. */
export const NOTHING: Tally = {
  items: 0,
  bytes: 0,
  applied: 0,
  skipped: 0,
  refused: 0,
  checksum: toHex(0n),
}

export const addTallies = (tallies: readonly Tally[]): Tally =>
  tallies.reduce(
    (sum, tally) => ({
      items: sum.items + tally.items,
      bytes: sum.bytes + tally.bytes,
      applied: sum.applied + tally.applied,
      skipped: sum.skipped + tally.skipped,
      ...both('newer', sum, tally),
      ...both('passed', sum, tally),
      refused: sum.refused + tally.refused,
      checksum: toHex(addDigests(fromHex(sum.checksum), fromHex(tally.checksum))),
    }),
    NOTHING,
  )

/** What not every job counts. */
const both = (name: 'newer' | 'passed', { [name]: one }: Tally, { [name]: other }: Tally): Partial<Tally> =>
  one === undefined && other === undefined ? {} : { [name]: (one ?? 0) + (other ?? 0) }

/** What was done with a page. */
export type PageOutcome = Tally & { readonly refusals?: readonly RefusedItem[] | undefined }

/** Items that a segment has where nobody says how many there are to be. */
const SEGMENT_ITEMS = 5_000
/** A process does more at once no faster. */
const MOST_SEGMENTS = 64
/** DynamoDB's own figures say nothing of a young table. */
const SEGMENTS_OF_UNKNOWN = 8

/** How many segments a process divides a table into. @param estimate of its items, as DynamoDB has it */
export const segmentCount = (estimate: number): number =>
  estimate === 0 ? SEGMENTS_OF_UNKNOWN : Math.min(MOST_SEGMENTS, Math.ceil(estimate / SEGMENT_ITEMS))

type Work = {
  /** Reads a segment from a position on; ends only at the segment's end. */
  readonly scan: (segment: number, start: Item | undefined) => AsyncIterable<ScanPage>
  /** Applies a page, completely: its position is noted when this has ended. May be called again for the same page. */
  readonly page: (page: ScanPage, segment: number) => Promise<PageOutcome>
  /** Lets what holds the work back do so, before each page. */
  readonly pace?: Pace | undefined
  readonly deadline: Deadline
  readonly signal?: AbortSignal | undefined
}

/** How a job over a table's items is run, and who is told of it. */
export type ItemsRun = {
  /** Who does it, for people to read. */
  readonly by: string
  readonly signal?: AbortSignal | undefined
  readonly limiter?: RateLimiter | undefined
  /** The limiter's bound at the begin, to be noted with the job. */
  readonly maxRate?: number | undefined
  /** The lag above which the pace holds it back at the begin, in milliseconds, to be noted with the job. */
  readonly maxLag?: number | undefined
  /** Bounds the limiter anew while the job runs. */
  readonly pace?: Pace | undefined
  /** Segments at once. @default 4 */
  readonly concurrency?: number | undefined
  /** Gets what earlier runs have done, when the job is taken. */
  readonly onBegin?: ((before: Tally) => void) | undefined
  /** Gets what has been done so far, by earlier runs, too. */
  readonly onProgress?: ((tally: Tally) => void) | undefined
}

export type RunSegments = Work & {
  readonly lease: Pick<JobLease, 'progress' | 'save'>
  readonly segments: number
  /** Segments at once. @default 8 */
  readonly concurrency?: number | undefined
  /** Gets the sum of all segments, what earlier runs did included. */
  readonly onProgress?: ((tally: Tally) => void) | undefined
}

/** No page is begun when less is left, in milliseconds: the time that one may take where nothing holds it back. */
const NEAR = 5_000
/** Refusals that a segment's record has room for. */
const MOST_REFUSALS = 50

/**
 * Runs all segments that aren't done, several at once, and notes the position after each page. Of each segment the next
 * page is read while the last one is applied; no more is held in memory.
 *
 * @returns all segments by number; some with `done: false` when the signal aborted or the time is nearly over
 * @throws what `scan`, `page` or `save` throw, when the other segments have stopped behind a finished page
 */
export const runSegments = async (options: RunSegments): Promise<readonly SegmentProgress[]> => {
  const { lease, segments, concurrency = 8, signal } = options
  const states = Array.from({ length: segments }, (_, segment) =>
    positionOf(lease.progress, segment, segments),
  )
  const stop = new AbortController()
  const work = {
    ...options,
    signal: signal === undefined ? stop.signal : AbortSignal.any([signal, stop.signal]),
  }
  let sum = addTallies(states.map(({ tally }) => tally))
  const rest = states.filter(({ done }) => !done).values()
  const lane = async (): Promise<void> => {
    for (const state of rest) {
      if (isOver(work)) return
      states[state.segment] = await runSegment(state, work, async (progress, tally) => {
        await lease.save(progress)
        states[progress.segment] = progress
        sum = addTallies([sum, tally])
        options.onProgress?.(sum)
      })
    }
  }
  const lanes = Array.from({ length: Math.min(concurrency, segments) }, () =>
    lane().catch((error: unknown) => {
      stop.abort()
      throw error
    }),
  )
  const outcomes = await Promise.allSettled(lanes)
  const failure = outcomes.find((outcome) => outcome.status === 'rejected')
  if (failure !== undefined) throw failure.reason
  return states
}

/**
 * Runs one segment from where it stands.
 *
 * @param save notes the position; gets what the page added, too
 * @returns with `done: false` when the signal aborted or the time is nearly over
 */
export const runSegment = async (
  from: SegmentProgress,
  work: Work,
  save: (progress: SegmentProgress, added: Tally) => Promise<void>,
): Promise<SegmentProgress> => {
  let state = from
  if (isOver(work)) return state
  const pages = work.scan(state.segment, state.start)[Symbol.asyncIterator]()
  try {
    let coming = settled(pages.next())
    for (;;) {
      const result = await coming
      if (result.status === 'rejected') throw result.reason
      if (result.value.done === true || isOver(work)) return state
      const page = result.value.value
      // Read ahead, but never behind the end: some iterables answer that with their first page again.
      if (page.next !== undefined) coming = settled(pages.next())
      await work.pace?.look(work.signal)
      const { refusals = [], ...tally } = await work.page(page, state.segment)
      state = advance(state, page, tally, refusals)
      await save(state, tally)
      if (state.done) return state
    }
  } catch (error) {
    if (isInterruption(error, work)) return state
    throw error
  } finally {
    await settled(Promise.resolve(pages.return?.()))
  }
}

const positionOf = (
  progress: readonly SegmentProgress[],
  segment: number,
  segments: number,
): SegmentProgress =>
  // A position belongs to one division into segments; in another it would leave items out.
  progress.find((known) => known.segment === segment && known.segments === segments) ?? {
    segment,
    segments,
    done: false,
    tally: NOTHING,
  }

const advance = (
  state: SegmentProgress,
  { next }: ScanPage,
  tally: Tally,
  refusals: readonly RefusedItem[],
): SegmentProgress => ({
  segment: state.segment,
  segments: state.segments,
  done: next === undefined,
  ...(next !== undefined && { start: next }),
  tally: addTallies([state.tally, tally]),
  refusals: [...(state.refusals ?? []), ...refusals].slice(0, MOST_REFUSALS),
})

const isOver = ({ signal, deadline }: Work): boolean =>
  signal?.aborted === true || deadline.remaining() < NEAR

/** The time is over, or the signal's abort is what the error tells of. */
const isInterruption = (error: unknown, { signal }: Work): boolean => {
  if (error instanceof DeadlineError) return true
  if (signal?.aborted !== true) return false
  return error === signal.reason || isAbort(error) || (error instanceof Error && isAbort(error.cause))
}

const isAbort = (error: unknown): boolean => error instanceof Error && error.name === 'AbortError'

/** A promise that may fail while nobody waits for it. */
const settled = async <T>(promise: Promise<T>): Promise<PromiseSettledResult<T>> => {
  const [result] = await Promise.allSettled([promise])
  return result
}
