import { RateLimiter } from '../drivers/dynamo/rate-limiter.ts'
import type { DynamoJobs } from '../jobs/dynamo-jobs.ts'
import type { JobLease, Tally } from '../jobs/jobs.ts'
import { type JobOutcome, type JobRun, runJob, runSteps, workOn } from '../jobs/run-job.ts'
import type { Deadline } from '../runtime/deadline.ts'
import type { Log } from '../runtime/log.ts'
import {
  type CopyClients,
  type CopyPlan,
  type CopyStep,
  type CopyTables,
  copyJobRequest,
  requirePlanned,
  type SegmentSizes,
  segmentsFor,
} from './copy-plan.ts'
import { type CopyReport, readReport } from './copy-report.ts'
import { openStep } from './copy-steps.ts'

export type CopyProgress = {
  readonly step: CopyStep
  /** Of the step so far, earlier runs included. */
  readonly tally: Tally
  /** Items that DynamoDB says there are; it works that out about every six hours. */
  readonly expected: number
}

export type CopyParts = {
  readonly clients: CopyClients
  readonly jobs: DynamoJobs
  readonly deadline: Deadline
  readonly signal?: AbortSignal | undefined
  /** @default one with the request's `maxRate` */
  readonly limiter?: RateLimiter | undefined
  /** Segments at once. @default 8 */
  readonly concurrency?: number | undefined
  /** Who copies, for people to read. */
  readonly by: string
  /** Unique to a run whose repeats have the same; see `JobRequest`. */
  readonly owner?: string | undefined
  /** Forgets an earlier copy that did not come to its end, and begins from the start. @default false */
  readonly restart?: boolean | undefined
  readonly onProgress?: ((progress: CopyProgress) => void) | undefined
  readonly log?: Pick<Log, 'warn'> | undefined
}

/** Segments of a process that does all of the work by itself. */
const IN_PROCESS: SegmentSizes = { items: 5_000, bytes: 5_000_000, fewest: 8, most: 64 }

/**
 * Carries out a plan: deletes what the destination has, copies every item as it is, then counts and sums up the whole
 * destination and compares. Each step that was not asked for is left out.
 *
 * It goes on where an earlier run of the same request stopped, was killed or failed; a request whose job is done begins
 * anew. What is compared with the destination is the source *as it was read*: a source that is written meanwhile is
 * neither locked nor read a second time, so `equal` says that the copy is right, and not that the source is still so.
 *
 * @param plan of `planCopy`: what is done is what it says
 * @returns with `done: false` when the signal aborted or the time was nearly over
 * @throws CopyRefusedError, MissingTableError before anything is written, when the tables are no longer those of the plan;
 *   JobBusyError, JobChangedError when another copy between these tables is under way; RoleError, DynamoError
 */
export const runCopy = async (plan: CopyPlan, parts: CopyParts): Promise<CopyReport> => {
  await requirePlanned(plan, parts.clients, parts)
  const { by, owner, restart = false } = parts
  const request = copyJobRequest(plan, IN_PROCESS, { by, owner, again: restart ? 'unfinished' : true })
  const { result } = await runJob(request, parts, (run) => copySteps(plan, run, parts))
  return result
}

/**
 * Does what is left of a copy whose job was taken already, and gives that back.
 *
 * @throws as `runCopy`
 */
export const finishCopy = async (
  work: CopyWork,
  lease: JobLease,
  parts: CopyWorkParts,
): Promise<CopyReport> => {
  const { result } = await workOn(lease, parts, (run) => copySteps(work, run, parts))
  return result
}

/** What of a plan its execution needs. */
type CopyWork = CopyTables & Pick<CopyPlan, 'job' | 'steps'>
type CopyWorkParts = Omit<CopyParts, 'by' | 'owner' | 'restart'>

const copySteps = async (
  work: CopyWork,
  run: JobRun,
  { clients, jobs, deadline, concurrency, onProgress, ...parts }: CopyWorkParts,
): Promise<JobOutcome<CopyReport>> => {
  const limiter = parts.limiter ?? new RateLimiter({ maxRate: work.request.maxRate })
  const done = await runSteps<CopyStep>(run, {
    steps: work.steps,
    segmentsFor: (step) => segmentsFor(step, work, IN_PROCESS),
    open: (step, signal) => openStep(step, clients, work, { deadline, signal, limiter }),
    deadline,
    concurrency,
    ...(onProgress !== undefined && {
      onProgress: (step, tally) => onProgress({ step, tally, expected: expectedOf(step, work) }),
    }),
  })
  return { done, result: await readReport(jobs, work, done) }
}

const expectedOf = (step: CopyStep, { source, destination }: CopyTables): number =>
  step === 'cleanup' ? destination.items : source.items
