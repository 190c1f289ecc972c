import type { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import type { Kysely } from 'kysely'
import { describeTable } from '../drivers/dynamo/describe.ts'
import { scanSegment, WHOLE } from '../drivers/dynamo/scan.ts'
import type { DynamoJobs } from '../jobs/dynamo-jobs.ts'
import { type Extent, measureExtent } from '../jobs/forecast.ts'
import type { Tally } from '../jobs/jobs.ts'
import { runJob, runSteps } from '../jobs/run-job.ts'
import { addTallies, type ItemsRun, segmentCount } from '../jobs/segments.ts'
import type { Entity } from '../model/entity.ts'
import { referencesOf } from '../model/references.ts'
import type { Deadline } from '../runtime/deadline.ts'
import type { Tables } from '../runtime/tables.ts'
import type { Mirror } from '../sync/mirror.ts'
import { applyDeletes, scanOwnedRows } from './apply-deletes.ts'
import { applyItems } from './apply-items.ts'

/*
 * Fills Aurora with what an entity's items in DynamoDB are, whether the stream has ever told of them or not: items that are
 * older than what follows the table, and what a stream that was down for longer than its day has forgotten. The stream and all
 * writers go on meanwhile: both apply under one guard, so nothing newer is overwritten, and nothing deleted comes back.
 */

/** The kind of the job. */
const BACKFILL = 'backfill'

/** The items are brought; then, to make both stores one again, the rows whose items are gone are deleted. */
export type BackfillStep = 'items' | 'rows'
type Steps = readonly [BackfillStep, ...BackfillStep[]]

/** What is done: the items alone, or a `resync`, which finds the deletes that nothing has told of as well. */
export type BackfillMode = 'backfill' | 'resync'

const STEPS: Readonly<Record<BackfillMode, Steps>> = { backfill: ['items'], resync: ['items', 'rows'] }

/** An item is applied with its page: a statement's document has room for the largest of them. */
const PAGE = 500

const jobOf = ({ name }: Entity, mode: BackfillMode): string => `${mode}:${name}:from-dynamo`

export type BackfillParts = {
  readonly mirror: Mirror
  readonly db: Kysely<unknown>
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
  readonly mode: BackfillMode
  readonly job: string
  readonly todo: 'begin' | 'go on' | 'nothing'
  /** Where it is or begins. */
  readonly step: BackfillStep
  readonly segments: number
  readonly segmentsDone: number
  /** The table in DynamoDB, and the items that it is believed to have, those of other entities included. */
  readonly table: string
  readonly estimate: number
  /** As `estimate`, in bytes, and with what a first page shows. */
  readonly extent: Extent
  /** What its items refer to: what isn't there yet is waited for, parked. */
  readonly refersTo: readonly string[]
  /** When it ended last; ISO 8601, UTC. */
  readonly endedAt: string | undefined
}

/**
 * Looks at what there is to do.
 *
 * @param options `again` goes once more over what was done, or begins anew what was interrupted
 * @throws MissingTableError, DynamoError
 */
export const planBackfill = async (
  entity: Entity,
  { client, tables, jobs, deadline }: Pick<BackfillParts, 'client' | 'tables' | 'jobs' | 'deadline'>,
  {
    mode = 'backfill',
    again = false,
    segments,
    signal,
  }: {
    readonly mode?: BackfillMode | undefined
    readonly again?: boolean | undefined
    readonly segments?: number | undefined
    readonly signal?: AbortSignal | undefined
  } = {},
): Promise<BackfillPlan> => {
  const table = tables.of(entity.item.table)
  const bounds = { deadline, signal }
  const believed = await describeTable(client, table, bounds)
  const { items: estimate } = believed
  const extent = await measureExtent(
    believed,
    scanSegment({ client, table, ...WHOLE, ...bounds, pageItems: PAGE }),
  )
  const job = jobOf(entity, mode)
  const record = await jobs.read(job)
  const refersTo = [...new Set(referencesOf(entity))].filter((name) => name !== entity.name)
  const facts = { entity, mode, job, table, estimate, extent, refersTo, endedAt: record?.endedAt }
  const [first] = STEPS[mode]
  if (record === undefined || again) {
    const wanted = segments ?? segmentCount(estimate)
    return { ...facts, todo: 'begin', step: first, segments: wanted, segmentsDone: 0 }
  }
  const step = STEPS[mode].find((known) => known === record.step) ?? first
  if (record.state === 'done')
    return { ...facts, todo: 'nothing', step, segments: record.segments, segmentsDone: record.segments }
  const progress = await jobs.segmentsOf(job, step)
  const segmentsDone = progress.filter(({ done }) => done).length
  return { ...facts, todo: 'go on', step, segments: record.segments, segmentsDone }
}

/** How far a run came. */
export type BackfillOutcome = {
  /** False when it was interrupted, behind whole pages: it goes on there. */
  readonly done: boolean
  readonly step: BackfillStep
  readonly segments: number
  readonly segmentsDone: number
  /** Of all runs together: `applied` are the rows that were written, `refused` what is parked. */
  readonly items: Tally
  /** As `items`, of the rows that were looked at; `applied` are those that were deleted. */
  readonly rows: Tally
}

/**
 * Fills as planned. What can't be applied is parked, and never stops what is behind it.
 *
 * @param parts.onProgress gets what has been done of the step
 * @throws JobBusyError while somebody else is at it; what `runJob` and `follow` throw
 */
export const runBackfill = async (
  { entity, mode, job, todo, table, segments }: BackfillPlan,
  {
    onProgress,
    ...parts
  }: BackfillParts &
    Omit<ItemsRun, 'onProgress'> & {
      readonly onProgress?: ((step: BackfillStep, tally: Tally) => void) | undefined
    },
): Promise<BackfillOutcome> => {
  const { mirror, db, client, jobs, by, deadline, limiter, pace, maxRate, concurrency = 4, onBegin } = parts
  const steps = STEPS[mode]
  const spec = { table, database: parts.database }
  const again = todo === 'begin' && ('unfinished' as const)
  const request = { job, kind: BACKFILL, spec, segments, step: steps[0], by, again, maxRate }
  return runJob(request, { jobs, signal: parts.signal, log: mirror.log }, async (run) => {
    const { lease } = run
    onBegin?.(addTallies(lease.progress.map(({ tally }) => tally)))
    const bounds = { client, table, limiter, deadline, pageItems: PAGE }
    const done = await runSteps<BackfillStep>(run, {
      steps,
      // The order of a primary key has one beginning.
      segmentsFor: (step) => (step === 'rows' ? 1 : segments),
      open: (step, signal) =>
        step === 'items'
          ? {
              scan: (of, start) => scanSegment({ ...bounds, ...of, signal, start }),
              page: (page) => applyItems(entity, page, mirror),
            }
          : {
              scan: (_, start) => scanOwnedRows(db, entity, start, signal),
              page: (page) => applyDeletes(entity, page, mirror),
            },
      deadline,
      pace,
      concurrency,
      onProgress,
    })
    const tallyOf = async (step: BackfillStep) =>
      addTallies((await jobs.segmentsOf(job, step)).map(({ tally }) => tally))
    const outcome = { items: await tallyOf('items'), rows: await tallyOf('rows') }
    const { step, segments: all } = lease.record
    return {
      done,
      result: { items: figures(outcome.items), rows: figures(outcome.rows) },
      ...outcome,
      step: steps.find((known) => known === step) ?? steps[0],
      segments: all,
      segmentsDone: lease.progress.filter((segment) => segment.done).length,
    }
  })
}

const figures = ({ items, applied, skipped, refused }: Tally) => ({ items, applied, skipped, refused })
