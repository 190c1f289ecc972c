import * as z from 'zod'
import {
  FILL_WORKERS,
  FillRequestError,
  FillUnfinishedError,
  fillRequestFields,
  fillRequestReader,
  leasedFields,
  machineSegments,
} from '../jobs/fill-requests.ts'
import { divideJob, type JobSegment, workOnSegment } from '../jobs/job-workers.ts'
import { type ConcludeCall, type MachineCall, machineCalls, type SegmentCall } from '../jobs/machine-calls.ts'
import { sharedPace } from '../jobs/shared-pace.ts'
import { openFilling } from './backfill.ts'
import {
  FILL,
  type FillOutcome,
  type FillParts,
  fillJobOf,
  fillRequest,
  finishFill,
  planFill,
} from './fill.ts'
import type { Projection } from './projection.ts'

/*
 * The filling of a kept table in many invocations, for what outgrows one process. The job and its segments are those of `runFill`,
 * so that each of the two goes on where the other stopped.
 */

const STEPS = [FILL] as const

const requestSchema = z.strictObject({ table: z.string('is not a text'), ...fillRequestFields })
const leasedSchema = requestSchema.extend(leasedFields)

/** What the machine is started with. `table` is the kept one's name in this project. */
export type FillMachineRequest = z.infer<typeof requestSchema>
type LeasedFill = z.infer<typeof leasedSchema>
export type FillCall = MachineCall<FillMachineRequest, LeasedFill, typeof FILL>

const read = machineCalls({
  steps: STEPS,
  request: fillRequestReader(requestSchema),
  leased: fillRequestReader(leasedSchema),
  refused: (problems, cause) => new FillRequestError(problems, { cause }),
})

/** Reads a call of the state machine. @throws FillRequestError for anything else */
export const readFillCall = (event: unknown): FillCall => {
  const call = read(event)
  if (call === undefined) throw new FillRequestError(['it names no operation'])
  return call
}

export type FillMachineParts = FillParts & {
  readonly projections: readonly Projection[]
  /** Who does it, for people to read. */
  readonly by: string
}

/**
 * Takes the job and divides what is left of it. The lease is kept by the workers' own writes.
 *
 * @throws as `planFill`; JobBusyError while somebody else is at it
 */
export const planMachineFill = async (
  { request, execution }: Extract<FillCall, { operation: 'plan' }>,
  parts: FillMachineParts,
): Promise<{ readonly request: LeasedFill; readonly fill: readonly JobSegment<typeof FILL>[] }> => {
  const { again, segments, workers = FILL_WORKERS, maxRate, maxLag, by = parts.by } = request
  const { sync, jobs } = parts
  const projection = projectionOf(request, parts)
  const plan = await planFill(projection, parts, { again, segments, countSegments: machineSegments })
  const { token, rest } = await divideJob(
    fillRequest(plan, sync, { by, owner: execution, maxRate, maxLag }),
    jobs,
    // There is no later step.
    { steps: STEPS, segmentsFor: () => plan.segments },
  )
  // Only who has the job may: whoever is refused must not have reopened anything.
  if (plan.finished) await sync.states.reopen(projection.name, by, sync.now())
  return { request: { ...request, workers, token }, fill: rest(FILL) }
}

/**
 * Works on one segment until it is done or the time is nearly over.
 *
 * @returns what it was called with, and whether the segment is done: the machine calls again with that if not
 * @throws JobBusyError when another execution has the job, or another worker has begun with the segment since; BridgeError
 */
export const runFillSegment = async (
  call: SegmentCall<LeasedFill, typeof FILL>,
  parts: FillMachineParts,
): Promise<typeof call & { readonly done: boolean }> => {
  const { request, step, segment, segments } = call
  const { sync, jobs } = parts
  const { deadline } = sync
  const projection = projectionOf(request, parts)
  const job = fillJobOf(projection)
  const { limiter, pace } = await sharedPace({ jobs, job, workers: Math.min(segments, request.workers) })
  const done = await workOnSegment(
    { job, token: request.token, step, segment, segments },
    {
      ...{ jobs, deadline, pace, steps: STEPS },
      open: (_, signal) => openFilling(projection, sync, { limiter, deadline, signal }),
    },
  )
  return { ...call, done }
}

/**
 * Ends the job, and says what was done.
 *
 * @throws FillUnfinishedError when something is left: the same request goes on
 */
export const concludeFill = async (
  { request }: ConcludeCall<LeasedFill>,
  parts: FillMachineParts,
): Promise<FillOutcome> => {
  const projection = projectionOf(request, parts)
  const job = fillJobOf(projection)
  const lease = await parts.jobs.join(job, request.token)
  const outcome = await finishFill(projection, await lease.open(), parts)
  if (!outcome.done) throw new FillUnfinishedError(job)
  return outcome
}

const projectionOf = ({ table }: FillMachineRequest, { projections }: FillMachineParts): Projection => {
  const projection = projections.find(({ name }) => name === table)
  if (projection === undefined) throw new FillRequestError([`table ${table} is not kept`])
  return projection
}
