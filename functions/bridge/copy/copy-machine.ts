import * as z from 'zod'
import { RateLimiter } from '../drivers/dynamo/rate-limiter.ts'
import { divideJob, type JobSegment, workOnSegment } from '../jobs/job-workers.ts'
import { type MachineCall, machineCalls } from '../jobs/machine-calls.ts'
import { type CopyParts, finishCopy } from './copy.ts'
import {
  type CopyStep,
  copyJob,
  copyJobRequest,
  describeCopy,
  planCopy,
  type SegmentSizes,
  segmentsFor,
  stepsOf,
} from './copy-plan.ts'
import { type CopyReport, requireComplete } from './copy-report.ts'
import { type CopyRequest, CopyRequestError, copyRequestSchema, readRequest } from './copy-request.ts'
import { openStep } from './copy-steps.ts'
import { COPY_WORKERS } from './copy-workers.ts'
import { requireNamed } from './followed.ts'

/**
 * A copy in many invocations, for tables that outgrow one. A state machine calls `plan`, then `segment` for each
 * segment of each step (a step begins when the one before has ended; a segment that isn't done is called again), then
 * `conclude`. The job and its segments are those of `runCopy`, so that each of the two goes on where the other stopped.
 */

/** A request with the lease that `plan` took: all of the machine's calls show its token. */
export type PlannedRequest = CopyRequest & { readonly token: string }

const STEPS = ['cleanup', 'migrate', 'verify'] as const

export type CopyOperation = MachineCall<CopyRequest, PlannedRequest, CopyStep>
export type CopySegment = JobSegment<CopyStep>

/** What is left to do, step by step; a step that isn't asked for, or is done, has no segments. */
export type PlannedCopy = { readonly request: PlannedRequest } & Record<CopyStep, readonly CopySegment[]>

export type CopyMachineParts = Omit<CopyParts, 'restart'> & {
  /** Whether a table that a stream follows is emptied only by a request that names it. @default false */
  readonly asksForName?: boolean | undefined
}

/** Segments of a machine: each is to take minutes, and a Distributed Map has many at once. */
const IN_MACHINE: SegmentSizes = { items: 50_000, bytes: 50_000_000, fewest: 8, most: 1_000 }

const planned = copyRequestSchema.extend({ token: z.string('is not a text') })

/**
 * Reads a call of the state machine.
 *
 * @returns undefined for an event that names no operation: it is a request by itself
 * @throws CopyRequestError
 */
export const readCopyOperation: (event: unknown) => CopyOperation | undefined = machineCalls({
  steps: STEPS,
  request: (given) => readRequest(copyRequestSchema, given),
  leased: (given) => readRequest(planned, given),
  refused: (problems, cause) => new CopyRequestError(problems, { cause }),
})

/**
 * Takes the job and divides what is left of it. The lease is kept by the workers' own writes.
 *
 * @throws as `runCopy`
 */
export const planMachineCopy = async (
  { request, execution }: Extract<CopyOperation, { operation: 'plan' }>,
  parts: CopyMachineParts,
): Promise<PlannedCopy> => {
  const plan = await planCopy(request, parts.clients, parts)
  if (parts.asksForName === true) requireNamed(plan)
  const { token, rest } = await divideJob(
    copyJobRequest(plan, IN_MACHINE, { by: parts.by, owner: execution, again: true }),
    parts.jobs,
    { steps: plan.steps, segmentsFor: (step) => segmentsFor(step, plan, IN_MACHINE) },
  )
  return {
    request: { ...request, token },
    cleanup: rest('cleanup'),
    migrate: rest('migrate'),
    verify: rest('verify'),
  }
}

/**
 * Works on one segment until it is done or the time is nearly over.
 *
 * @returns what it was called with, and whether the segment is done: the machine calls again with that if not
 * @throws JobBusyError when another execution has the job, or another worker has begun with the segment since
 */
export const runCopySegment = async (
  call: Extract<CopyOperation, { operation: 'segment' }>,
  parts: CopyMachineParts,
): Promise<typeof call & { readonly done: boolean }> => {
  const { request, step, segment, segments } = call
  const { clients, jobs, deadline, signal } = parts
  // A table that scales while it is written is not ACTIVE for a while: what `plan` has checked isn't checked again.
  const tables = await describeCopy(request, clients, parts)
  const limiter = parts.limiter ?? new RateLimiter({ maxRate: shareOf(request, segments) })
  const done = await workOnSegment(
    { job: copyJob(tables), token: request.token, step, segment, segments },
    {
      jobs,
      steps: stepsOf(request),
      open: (which, aborted) => openStep(which, clients, tables, { deadline, signal: aborted, limiter }),
      deadline,
      signal,
    },
  )
  return { ...call, done }
}

/**
 * Does what the workers have left, such as the verification where the machine has no map for it, and gives the report.
 *
 * @throws CopyError when the copy isn't what it should be, or this invocation's time ran out over it
 */
export const concludeCopy = async (
  { request }: Extract<CopyOperation, { operation: 'conclude' }>,
  parts: CopyMachineParts,
): Promise<CopyReport> => {
  const tables = await describeCopy(request, parts.clients, parts)
  const job = copyJob(tables)
  const plan = { ...tables, job, steps: stepsOf(request) }
  const lease = await parts.jobs.join(job, request.token)
  return requireComplete(await finishCopy(plan, await lease.open(), parts), plan)
}

/** Workers don't know of each other: each gets its part of the whole rate. */
const shareOf = ({ maxRate }: CopyRequest, segments: number): number | undefined =>
  maxRate === undefined ? undefined : maxRate / Math.min(segments, COPY_WORKERS)
