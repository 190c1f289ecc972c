import { scanSegment } from '../drivers/dynamo/scan.ts'
import type { DynamoJobs } from '../jobs/dynamo-jobs.ts'
import type { JobLease, JobRecord, Tally } from '../jobs/jobs.ts'
import { type JobRun, type OpenedStep, runJob, runSteps, workOn } from '../jobs/run-job.ts'
import { addTallies, type ItemsRun } from '../jobs/segments.ts'
import { applyDeletes, scanOwnedRows } from './apply-deletes.ts'
import { applyGone } from './apply-gone.ts'
import { applyItems } from './apply-items.ts'
import { applyRecords, scanRecords } from './apply-records.ts'
import {
  type BackfillParts,
  type BackfillPlan,
  type BackfillStep,
  backfillRequest,
  backfillSegments,
  FILL_PAGE,
  stepsOfBackfill,
} from './backfill-plan.ts'

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
  /** As `items`, of rows; `applied` are the items that were written. */
  readonly records: Tally
  /** As `items`; `applied` are those that were deleted. */
  readonly gone: Tally
}

/** How it is run, and who is told how far it is. */
type BackfillRun = Omit<ItemsRun, 'onProgress'> & {
  readonly onProgress?: ((step: BackfillStep, tally: Tally) => void) | undefined
}

/**
 * Fills as planned. What can't be applied is parked, and never stops what is behind it.
 *
 * @param parts.onProgress gets what has been done of the step
 * @throws JobBusyError while somebody else is at it; what `runJob` and `follow` throw
 */
export const runBackfill = async (
  plan: BackfillPlan,
  parts: BackfillParts & BackfillRun,
): Promise<BackfillOutcome> => {
  const { mirror, jobs, by, maxRate, maxLag, signal } = parts
  const request = backfillRequest(plan, parts.database, { by, maxRate, maxLag })
  return runJob(request, { jobs, signal, log: mirror.log }, (run) => workThrough(plan, run, parts))
}

/** Does what is left of a fill whose job was taken already, and gives that back. @throws as `runBackfill` */
export const finishBackfill = async (
  work: BackfillWork,
  lease: JobLease,
  parts: BackfillParts & Omit<BackfillRun, 'by' | 'maxRate'>,
): Promise<BackfillOutcome> =>
  workOn(lease, { signal: parts.signal, log: parts.mirror.log }, (run) => workThrough(work, run, parts))

/** What of a plan its execution needs. */
type BackfillWork = Pick<BackfillPlan, 'entity' | 'mode' | 'from' | 'job' | 'table' | 'division'>

const workThrough = async (
  work: BackfillWork,
  run: JobRun,
  { onProgress, ...parts }: BackfillParts & Omit<BackfillRun, 'by' | 'maxRate'>,
): Promise<BackfillOutcome & { readonly result: unknown }> => {
  const { deadline, pace, concurrency = 4, onBegin } = parts
  const { lease } = run
  const steps = stepsOfBackfill(work)
  onBegin?.(addTallies(lease.progress.map(({ tally }) => tally)))
  const done = await runSteps<BackfillStep>(run, {
    steps,
    segmentsFor: (step) => backfillSegments(step, work.division),
    open: (step, signal) => openBackfillStep(step, work, { ...parts, signal }),
    ...{ deadline, pace, concurrency, onProgress },
  })
  const outcome = await readBackfill(work, parts.jobs, lease.record)
  return { ...outcome, done, result: Object.fromEntries(steps.map((name) => [name, figures(outcome[name])])) }
}

/** How far a fill has come by what is noted with its job. @throws DynamoError, DeadlineError */
export const readBackfill = async (
  work: Pick<BackfillPlan, 'mode' | 'from' | 'job'>,
  jobs: Pick<DynamoJobs, 'segmentsOf'>,
  { step: at, segments, state }: Pick<JobRecord, 'step' | 'segments' | 'state'>,
): Promise<BackfillOutcome> => {
  const steps = stepsOfBackfill(work)
  const step = steps.find((known) => known === at) ?? steps[0]
  const progressOf = (name: BackfillStep) => jobs.segmentsOf(work.job, name)
  const tallyOf = async (name: BackfillStep) => addTallies((await progressOf(name)).map(({ tally }) => tally))
  return {
    ...{ done: state === 'done', step, segments },
    segmentsDone: (await progressOf(step)).filter(({ done }) => done).length,
    items: await tallyOf('items'),
    rows: await tallyOf('rows'),
    records: await tallyOf('records'),
    gone: await tallyOf('gone'),
  }
}

/** What a step reads and does. */
export const openBackfillStep = (
  step: BackfillStep,
  { entity, table, division: { upTo } }: Pick<BackfillPlan, 'entity' | 'table' | 'division'>,
  { signal, ...parts }: BackfillParts & Pick<ItemsRun, 'limiter'> & { readonly signal: AbortSignal },
): OpenedStep => {
  const { mirror, db, client, limiter, deadline } = parts
  const forward = { ...parts.forward, db }
  const bounds = { client, table, limiter, deadline, signal, pageItems: FILL_PAGE }
  const ofItems: OpenedStep['scan'] = (of, start) => scanSegment({ ...bounds, ...of, start })
  switch (step) {
    case 'items':
      return { scan: ofItems, page: (page) => applyItems(entity, page, mirror) }
    case 'rows':
      return {
        scan: (_, start) => scanOwnedRows(db, entity, start, signal),
        page: (page) => applyDeletes(entity, page, mirror),
      }
    case 'records':
      return {
        scan: ({ segment }, start) =>
          scanRecords(db, entity, rangeOf(segment, upTo), start, { limiter, signal }),
        page: (page) => applyRecords(entity, page, forward),
      }
    case 'gone':
      return { scan: ofItems, page: (page) => applyGone(entity, page, forward) }
  }
}

const rangeOf = (segment: number, upTo: readonly string[]) => {
  const [before, last] = [upTo[segment - 1], upTo[segment]]
  return {
    behind: before === undefined ? undefined : BigInt(before),
    upTo: last === undefined ? undefined : BigInt(last),
  }
}

const figures = ({ items, applied, skipped, refused }: Tally) => ({ items, applied, skipped, refused })
