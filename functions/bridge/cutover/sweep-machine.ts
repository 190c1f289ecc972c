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
import type { Entity } from '../model/entity.ts'
import {
  finishSweep,
  openSweepStep,
  planSweep,
  SWEEP_STEPS,
  type SweepParts,
  type SweepStep,
  type SweepWork,
  segmentsOfSweep,
  sweepRequest,
  sweepWorkOf,
} from './sweep.ts'
import { sweepJobOf } from './sweep-job.ts'

/*
 * A sweep in many invocations, for what outgrows one process. The job and its segments are those of `runSweep`, so that each of the
 * two goes on where the other stopped.
 */

const requestSchema = z.strictObject({ entity: z.string('is not a text'), ...fillRequestFields })
const leasedSchema = requestSchema.extend(leasedFields)

/** What the machine is started with. */
export type SweepRequest = z.infer<typeof requestSchema>
type LeasedSweep = z.infer<typeof leasedSchema>

export type SweepCall = MachineCall<SweepRequest, LeasedSweep, SweepStep>

const read = machineCalls<SweepRequest, LeasedSweep, SweepStep>({
  steps: SWEEP_STEPS,
  request: fillRequestReader(requestSchema),
  leased: fillRequestReader(leasedSchema),
  refused: (problems, cause) => new FillRequestError(problems, { cause }),
})

/** Reads a call of the state machine. @throws FillRequestError for anything else */
export const readSweepCall = (event: unknown): SweepCall => {
  const call = read(event)
  if (call === undefined) throw new FillRequestError(['it names no operation'])
  return call
}

export type SweepMachineParts = SweepParts & {
  readonly entities: readonly Entity[]
  /** Who does it, for people to read. */
  readonly by: string
}

/** What is left to do, step by step; a step that is done has no segments. */
type PlannedSweep = { readonly request: LeasedSweep } & Record<SweepStep, readonly JobSegment<SweepStep>[]>

/**
 * Takes the job and divides what is left of it. The lease is kept by the workers' own writes.
 *
 * @throws JobBusyError while somebody else is at it
 */
export const planMachineSweep = async (
  { request, execution }: Extract<SweepCall, { operation: 'plan' }>,
  parts: SweepMachineParts,
): Promise<PlannedSweep> => {
  const { again, segments, workers = FILL_WORKERS, maxRate, by = parts.by } = request
  const entity = entityOf(request, parts)
  const plan = await planSweep(entity, parts, { again, segments, countSegments: machineSegments })
  const { token, rest } = await divideJob(
    sweepRequest(plan, { ...parts, by, owner: execution, maxRate }),
    parts.jobs,
    { steps: SWEEP_STEPS, segmentsFor: (step) => segmentsOfSweep(step, plan) },
  )
  return {
    request: { ...request, workers, token },
    ...{ rows: rest('rows'), gone: rest('gone'), items: rest('items') },
    'prove-rows': rest('prove-rows'),
    'prove-gone': rest('prove-gone'),
    'prove-items': rest('prove-items'),
  }
}

/**
 * Works on one segment until it is done or the time is nearly over.
 *
 * @returns what it was called with, and whether the segment is done: the machine calls again with that if not
 * @throws JobBusyError when another execution has the job, or another worker has begun with the segment since; SweepEndedError
 */
export const runSweepSegment = async (
  call: SegmentCall<LeasedSweep, SweepStep>,
  parts: SweepMachineParts,
): Promise<typeof call & { readonly done: boolean }> => {
  const { request, step, segment, segments } = call
  const { jobs, deadline } = parts
  const work = await workOf(request, parts)
  const { limiter, pace } = await sharedPace({
    ...{ jobs, job: work.job, workers: Math.min(segments, request.workers) },
  })
  const done = await workOnSegment(
    { job: work.job, token: request.token, step, segment, segments },
    {
      ...{ jobs, deadline, pace, steps: SWEEP_STEPS },
      open: (which, signal) => openSweepStep(which, work, { ...parts, limiter, signal }),
    },
  )
  return { ...call, done }
}

/**
 * Ends the job, notes that the route is settled where it is, and says what was done.
 *
 * @throws FillUnfinishedError when something is left to do: the same request goes on
 */
export const concludeSweep = async (
  { request }: ConcludeCall<LeasedSweep>,
  parts: SweepMachineParts,
): Promise<{ readonly done: true; readonly settled: boolean } & Record<'claimed' | 'left', unknown>> => {
  const work = await workOf(request, parts)
  const lease = await parts.jobs.join(work.job, request.token)
  const { claimed, left, settled, done } = await finishSweep(work, await lease.open(), parts)
  if (!done) throw new FillUnfinishedError(work.job)
  return { done, settled, claimed, left }
}

const entityOf = ({ entity: name }: SweepRequest, { entities }: SweepMachineParts): Entity => {
  const entity = entities.find((one) => one.name === name)
  if (entity === undefined) throw new FillRequestError([`entity ${name} is not known`])
  return entity
}

/** What of the plan its execution needs: the move is the one that the job was begun with. */
const workOf = async (request: LeasedSweep, parts: SweepMachineParts): Promise<SweepWork> => {
  const entity = entityOf(request, parts)
  return sweepWorkOf(entity, (await parts.jobs.read(sweepJobOf(entity))) ?? { spec: {} })
}
