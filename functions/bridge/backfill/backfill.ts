import type { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import { describeTable } from '../drivers/dynamo/describe.ts'
import { scanSegment } from '../drivers/dynamo/scan.ts'
import type { DynamoJobs } from '../jobs/dynamo-jobs.ts'
import type { Tally } from '../jobs/jobs.ts'
import { runJob } from '../jobs/run-job.ts'
import { addTallies, type ItemsRun, runSegments, segmentCount } from '../jobs/segments.ts'
import type { Entity } from '../model/entity.ts'
import { referencesOf } from '../model/references.ts'
import type { Deadline } from '../runtime/deadline.ts'
import type { Tables } from '../runtime/tables.ts'
import type { Mirror } from '../sync/mirror.ts'
import { applyItems } from './apply-items.ts'

/*
 * Fills Aurora with what an entity's items in DynamoDB are, whether the stream has ever told of them or not: items that are
 * older than what follows the table, and what a stream that was down for longer than its day has forgotten. The stream and all
 * writers go on meanwhile: both apply under one guard, so nothing newer is overwritten, and nothing deleted comes back.
 */

/** The kind of the job, and its only step. */
const BACKFILL = 'backfill'

/** An item is applied with its page: a statement's document has room for the largest of them. */
const PAGE = 500

const jobOf = ({ name }: Entity): string => `${BACKFILL}:${name}:from-dynamo`

export type BackfillParts = {
  readonly mirror: Mirror
  readonly client: DynamoDBClient
  readonly tables: Tables
  readonly jobs: DynamoJobs
  /** Which database it is: a job of another one is not gone on with. */
  readonly database: string
  readonly deadline: Deadline
}

/** What a backfill is about to do. */
export type BackfillPlan = {
  readonly entity: Entity
  readonly job: string
  readonly todo: 'begin' | 'go on' | 'nothing'
  readonly segments: number
  readonly segmentsDone: number
  /** The table in DynamoDB, and the items that it is believed to have, those of other entities included. */
  readonly table: string
  readonly estimate: number
  /** What its items refer to: what isn't there yet is waited for, parked. */
  readonly refersTo: readonly string[]
  /** When it ended last; ISO 8601, UTC. */
  readonly endedAt: string | undefined
}

/**
 * Looks at what there is to do.
 *
 * @param options `again` goes once more over what was filled, or begins anew what was interrupted
 * @throws MissingTableError, DynamoError
 */
export const planBackfill = async (
  entity: Entity,
  { client, tables, jobs, deadline }: Omit<BackfillParts, 'mirror'>,
  {
    again = false,
    segments,
    signal,
  }: {
    readonly again?: boolean | undefined
    readonly segments?: number | undefined
    readonly signal?: AbortSignal | undefined
  } = {},
): Promise<BackfillPlan> => {
  const table = tables.of(entity.item.table)
  const { items: estimate } = await describeTable(client, table, { deadline, signal })
  const job = jobOf(entity)
  const record = await jobs.read(job)
  const refersTo = [...new Set(referencesOf(entity))].filter((name) => name !== entity.name)
  const facts = { entity, job, table, estimate, refersTo, endedAt: record?.endedAt }
  if (record === undefined || again)
    return { ...facts, todo: 'begin', segments: segments ?? segmentCount(estimate), segmentsDone: 0 }
  if (record.state === 'done')
    return { ...facts, todo: 'nothing', segments: record.segments, segmentsDone: record.segments }
  const progress = await jobs.segmentsOf(job, BACKFILL)
  const segmentsDone = progress.filter(({ done }) => done).length
  return { ...facts, todo: 'go on', segments: record.segments, segmentsDone }
}

/** How far a run came. */
export type BackfillOutcome = {
  /** False when it was interrupted, behind whole pages: it goes on there. */
  readonly done: boolean
  /** Of all runs together; `applied` are the rows that were written, `refused` what is parked. */
  readonly tally: Tally
  readonly segments: number
  readonly segmentsDone: number
}

/**
 * Fills as planned. What can't be applied is parked, and never stops what is behind it.
 *
 * @throws JobBusyError while somebody else is at it; what `runJob` and `follow` throw
 */
export const runBackfill = async (
  { entity, job, todo, table, segments }: BackfillPlan,
  parts: BackfillParts & ItemsRun,
): Promise<BackfillOutcome> => {
  const { mirror, client, jobs, by, deadline, limiter, concurrency = 4, onBegin, onProgress } = parts
  const spec = { table, database: parts.database }
  const again = todo === 'begin' && ('unfinished' as const)
  const request = { job, kind: BACKFILL, spec, segments, step: BACKFILL, by, again }
  return runJob(request, { jobs, signal: parts.signal, log: mirror.log }, async ({ lease, signal }) => {
    onBegin?.(addTallies(lease.progress.map(({ tally }) => tally)))
    const all = lease.record.segments
    const bounds = { client, table, limiter, deadline, signal, pageItems: PAGE }
    const progress = await runSegments({
      lease,
      segments: all,
      concurrency,
      scan: (segment, start) => scanSegment({ ...bounds, segment, segments: all, start }),
      page: (page) => applyItems(entity, page, mirror),
      deadline,
      signal,
      onProgress,
    })
    lease.lost.throwIfAborted()
    const tally = addTallies(progress.map((segment) => segment.tally))
    const { items, applied, skipped, refused } = tally
    return {
      done: progress.every((segment) => segment.done),
      result: { items, applied, skipped, refused },
      tally,
      segments: all,
      segmentsDone: progress.filter((segment) => segment.done).length,
    }
  })
}
