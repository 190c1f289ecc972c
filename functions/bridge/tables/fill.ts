import { describeTable } from '../drivers/dynamo/describe.ts'
import { scanSegment, WHOLE } from '../drivers/dynamo/scan.ts'
import type { DynamoJobs } from '../jobs/dynamo-jobs.ts'
import { type Extent, measureExtent } from '../jobs/forecast.ts'
import { isAlive, type JobLease, type JobRecord, type JobRequest, type Tally } from '../jobs/jobs.ts'
import { type JobRun, runJob, workOn } from '../jobs/run-job.ts'
import { addTallies, type ItemsRun, segmentCount } from '../jobs/segments.ts'
import { backfill } from './backfill.ts'
import { requireFollowing } from './following.ts'
import type { TableSyncParts } from './open-tables.ts'
import type { Projection } from './projection.ts'

/** The kind of the job that fills a kept table with what its source held before, and its only step. */
export const FILL = 'fill'

/** Items of the page by which it is known what is to come. */
const PAGE = 500

export const fillJobOf = ({ name }: Projection): string => `${FILL}:${name}`

/** How far the filling of a kept table is. */
export type Fill = {
  /** `never` begun; `stopped` can go on. */
  readonly state: 'never' | 'running' | 'stopped' | 'failed' | 'done'
  readonly record: JobRecord | undefined
  readonly segments: number
  readonly segmentsDone: number
  readonly tally: Tally
}

/** @param now milliseconds since 1970 */
export const readFill = async (jobs: DynamoJobs, projection: Projection, now: number): Promise<Fill> => {
  const job = fillJobOf(projection)
  const record = await jobs.read(job)
  const progress = record === undefined ? [] : await jobs.segmentsOf(job, FILL)
  return {
    state: record === undefined ? 'never' : fillState(record, now),
    record,
    segments: record?.segments ?? 0,
    segmentsDone: progress.filter(({ done }) => done).length,
    tally: addTallies(progress.map(({ tally }) => tally)),
  }
}

const fillState = (record: JobRecord, now: number): Exclude<Fill['state'], 'never'> =>
  record.state === 'running' && !isAlive(record, now) ? 'stopped' : record.state

/** What filling a table is about to do. */
export type FillPlan = {
  readonly projection: Projection
  readonly job: string
  readonly todo: 'begin' | 'go on' | 'nothing'
  readonly segments: number
  readonly segmentsDone: number
  /** The source's table in DynamoDB, and the items that it is believed to have. */
  readonly table: string
  readonly estimate: number
  /** As `estimate`, in bytes, and with what a first page shows. */
  readonly extent: Extent
  /** Whether the stream's changes are not for it at present: then it follows again first. */
  readonly finished: boolean
  /** When it was filled or interrupted last; ISO 8601, UTC. */
  readonly endedAt: string | undefined
  /** Whether what was done before is forgotten. */
  readonly again: boolean
}

export type FillParts = { readonly sync: TableSyncParts; readonly jobs: DynamoJobs }

/**
 * Looks at what there is to do.
 *
 * @param options `again` fills anew what is filled or interrupted, and reopens what is finished
 * @throws TableFinishedError for one that is finished, without `again`; MissingTableError, DynamoError
 */
export const planFill = async (
  projection: Projection,
  { sync, jobs, signal }: FillParts & { readonly signal?: AbortSignal | undefined },
  {
    again = false,
    segments,
    countSegments = segmentCount,
  }: {
    readonly again?: boolean | undefined
    readonly segments?: number | undefined
    /** How many segments so many items are divided into, where nobody says. @default as for one process */
    readonly countSegments?: ((estimate: number) => number) | undefined
  },
): Promise<FillPlan> => {
  const finished = await requireFollowing(projection, sync.states, { again })
  const table = sync.tables.of(projection.from.name)
  const bounds = { deadline: sync.deadline, signal }
  const believed = await describeTable(sync.client, table, bounds)
  const { items: estimate } = believed
  const extent = await measureExtent(
    believed,
    scanSegment({ client: sync.client, table, ...WHOLE, ...bounds, pageItems: PAGE }),
  )
  const known = await readFill(jobs, projection, sync.now().getTime())
  const endedAt = known.record?.endedAt
  const facts = { projection, job: fillJobOf(projection), table, estimate, extent, finished, endedAt, again }
  if (again || known.state === 'never')
    return { ...facts, todo: 'begin', segments: segments ?? countSegments(estimate), segmentsDone: 0 }
  // A job that goes on keeps its segments: a position belongs to one division of the table.
  const { segmentsDone } = known
  return {
    ...facts,
    todo: known.state === 'done' ? 'nothing' : 'go on',
    segments: known.segments,
    segmentsDone,
  }
}

/** How far a run came. */
export type FillOutcome = {
  /** False when it was interrupted, behind whole pages: it goes on there. */
  readonly done: boolean
  /** Of all runs together. */
  readonly tally: Tally
  readonly segments: number
  readonly segmentsDone: number
}

/** How filling a table takes its job. */
export const fillRequest = (
  { projection, job, table, segments, again }: FillPlan,
  { tables }: Pick<TableSyncParts, 'tables'>,
  who: Pick<JobRequest, 'by' | 'owner' | 'maxRate' | 'maxLag'>,
): JobRequest => ({
  ...{ job, kind: FILL, spec: { from: table, to: tables.of(projection.name) }, segments, step: FILL },
  again: again && 'unfinished',
  ...who,
})

/**
 * Fills a kept table as planned: beside the stream that keeps it, and under the same guard.
 *
 * @throws JobBusyError while somebody else fills it; what `runJob` and `backfill` throw
 */
export const runFill = async (plan: FillPlan, parts: FillParts & ItemsRun): Promise<FillOutcome> => {
  const { projection, finished } = plan
  const { sync, jobs, by, maxRate, maxLag, signal } = parts
  const request = fillRequest(plan, sync, { by, maxRate, maxLag })
  return runJob(request, { jobs, signal, log: sync.log, messageOf }, async (run) => {
    if (finished) await sync.states.reopen(projection.name, by, sync.now())
    return workThrough(projection, run, parts)
  })
}

/** Does what is left of a filling whose job was taken already, and gives that back. @throws as `runFill` */
export const finishFill = (
  projection: Projection,
  lease: JobLease,
  parts: FillParts & Omit<ItemsRun, 'by'>,
): Promise<FillOutcome> =>
  workOn(lease, { signal: parts.signal, log: parts.sync.log, messageOf }, (run) =>
    workThrough(projection, run, parts),
  )

const workThrough = async (
  projection: Projection,
  { lease, signal }: JobRun,
  { sync, onBegin, limiter, pace, concurrency, onProgress }: FillParts & Omit<ItemsRun, 'by'>,
): Promise<FillOutcome & { readonly result: unknown }> => {
  const { segments } = lease.record
  onBegin?.(addTallies(lease.progress.map(({ tally }) => tally)))
  const { done, tally } = await backfill({
    ...{ projection, sync, lease, segments, concurrency, limiter, pace, signal, onProgress },
    deadline: sync.deadline,
  })
  const segmentsDone = lease.progress.filter((segment) => segment.done).length
  const { items, applied, skipped, refused } = tally
  return { done, result: { items, applied, skipped, refused }, tally, segments, segmentsDone }
}

/** People read it where they ask for the table's state. */
const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))
