import { RateLimiter } from '../drivers/dynamo/rate-limiter.ts'
import type { DynamoJobs } from '../jobs/dynamo-jobs.ts'
import { ForeignJobItemError } from '../jobs/job-items.ts'
import type { JobLease, Tally } from '../jobs/jobs.ts'
import { runSegments } from '../jobs/segments.ts'
import type { Deadline } from '../runtime/deadline.ts'
import type { Log } from '../runtime/log.ts'
import {
  type CopyClients,
  type CopyPlan,
  type CopyStep,
  type CopyTables,
  planCopy,
  type SegmentSizes,
  segmentsFor,
} from './copy-plan.ts'
import { type CopyReport, readReport } from './copy-report.ts'
import type { CopyRequest } from './copy-request.ts'
import { openStep } from './copy-steps.ts'

export { type CopyClients, type CopyPlan, CopyRefusedError, type CopyStep, planCopy } from './copy-plan.ts'
export { CopyError, type CopyReport, requireComplete } from './copy-report.ts'
export { type CopyRequest, CopyRequestError, readCopyEvent } from './copy-request.ts'

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

/** What of a plan its execution needs. */
type CopyWork = CopyTables & Pick<CopyPlan, 'job' | 'steps'>

/** Segments of a process that does all of the work by itself. */
const IN_PROCESS: SegmentSizes = { items: 5_000, bytes: 5_000_000, fewest: 8, most: 64 }

/**
 * Copies a table: deletes what the destination has, copies every item as it is, then counts and sums up the whole
 * destination and compares. Each step that the request doesn't ask for is left out.
 *
 * It goes on where an earlier run of the same request stopped, was killed or failed; a request whose job is done begins
 * anew. What is compared with the destination is the source *as it was read*: a source that is written meanwhile is
 * neither locked nor read a second time, so `equal` says that the copy is right, and not that the source is still so.
 *
 * @returns with `done: false` when the signal aborted or the time was nearly over
 * @throws CopyRequestError, CopyRefusedError, MissingTableError before anything is written; JobBusyError,
 *   JobChangedError when another copy between these tables is under way; RoleError, DynamoError
 */
export const runCopy = async (request: CopyRequest, parts: CopyParts): Promise<CopyReport> => {
  const plan = await planCopy(request, parts.clients, parts)
  const [first] = plan.steps
  const lease = await parts.jobs.take({
    job: plan.job,
    kind: 'copy',
    spec: plan.spec,
    segments: segmentsFor(first, plan, IN_PROCESS),
    step: first,
    by: parts.by,
    ...(parts.owner !== undefined && { owner: parts.owner }),
    again: parts.restart === true ? 'unfinished' : true,
  })
  return finishCopy(plan, lease, parts)
}

/**
 * Does what is left of a copy, and gives the job back.
 *
 * @throws as `runCopy`
 */
export const finishCopy = async (
  plan: CopyWork,
  lease: JobLease,
  parts: Omit<CopyParts, 'by' | 'owner' | 'restart'>,
): Promise<CopyReport> => {
  try {
    const done = await runSteps(plan, lease, parts)
    const report = await readReport(parts.jobs, plan, done)
    await lease.end(done ? 'done' : 'stopped', { result: report })
    return report
  } catch (error) {
    await giveBack(lease, error, parts.log)
    throw error
  }
}

/** @returns whether all steps are done */
const runSteps = async (plan: CopyWork, lease: JobLease, parts: Omit<CopyParts, 'by'>): Promise<boolean> => {
  const { clients, deadline, concurrency, onProgress } = parts
  const limiter = parts.limiter ?? new RateLimiter({ maxRate: plan.request.maxRate })
  const signal = parts.signal === undefined ? lease.lost : AbortSignal.any([parts.signal, lease.lost])
  const bounds = { deadline, signal, limiter }
  for (;;) {
    const step = stepOf(plan, lease)
    const { scan, page } = openStep(step, clients, plan, bounds)
    const { segments: number } = lease.record
    const expected = step === 'cleanup' ? plan.destination.items : plan.source.items
    const segments = await runSegments({
      lease,
      segments: number,
      concurrency,
      scan: (segment, start) => scan({ segment, segments: number }, start),
      page,
      deadline,
      signal,
      ...(onProgress !== undefined && { onProgress: (tally) => onProgress({ step, tally, expected }) }),
    })
    lease.lost.throwIfAborted()
    if (!segments.every(({ done }) => done)) return false
    const next = plan.steps[plan.steps.indexOf(step) + 1]
    if (next === undefined) return true
    await lease.step(next, segmentsFor(next, plan, IN_PROCESS))
  }
}

/** @throws ForeignJobItemError for a step that this copy doesn't have */
const stepOf = ({ steps, job }: CopyWork, { record }: JobLease): CopyStep => {
  const step = steps.find((known) => known === record.step)
  if (step === undefined) throw new ForeignJobItemError(`${job} is at the unknown step ${record.step}`)
  return step
}

/** Notes the failure with the job, for who asks later. */
const giveBack = async (lease: JobLease, error: unknown, log: CopyParts['log']): Promise<void> => {
  const message = error instanceof Error ? `${error.name}: ${error.message}` : String(error)
  try {
    await lease.end('failed', { message })
  } catch (second) {
    // The lease runs out by itself; the first error is the one that says what happened.
    log?.warn('A copy failed, and its job could not be given back', { job: lease.record.job, error: second })
  }
}
