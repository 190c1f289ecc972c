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
import { finishBackfill, openBackfillStep } from './backfill.ts'
import {
  type BackfillParts,
  type BackfillStep,
  backfillDivision,
  backfillJob,
  backfillRequest,
  backfillSegments,
  planBackfill,
  stepsOfBackfill,
} from './backfill-plan.ts'

/*
 * A fill in many invocations, for what outgrows one process. The job and its segments are those of `runBackfill`, so that each of
 * the two goes on where the other stopped.
 */

/** All that there are, in the order in which any fill has them. */
const BACKFILL_STEPS = ['items', 'rows', 'records', 'gone'] as const satisfies readonly BackfillStep[]

const requestSchema = z.strictObject({
  entity: z.string('is not a text'),
  mode: z.enum(['backfill', 'resync'], 'is neither backfill nor resync'),
  from: z.enum(['dynamo', 'aurora', 'both'], 'is none of dynamo, aurora, both'),
  ...fillRequestFields,
})
const leasedSchema = requestSchema.extend(leasedFields)

/** What the machine is started with. */
export type BackfillRequest = z.infer<typeof requestSchema>
type LeasedBackfill = z.infer<typeof leasedSchema>

export type BackfillCall = MachineCall<BackfillRequest, LeasedBackfill, BackfillStep>

const read = machineCalls<BackfillRequest, LeasedBackfill, BackfillStep>({
  steps: BACKFILL_STEPS,
  request: fillRequestReader(requestSchema),
  leased: fillRequestReader(leasedSchema),
  refused: (problems, cause) => new FillRequestError(problems, { cause }),
})

/** Reads a call of the state machine. @throws FillRequestError for anything else */
export const readBackfillCall = (event: unknown): BackfillCall => {
  const call = read(event)
  if (call === undefined) throw new FillRequestError(['it names no operation'])
  return call
}

export type BackfillMachineParts = BackfillParts & {
  readonly entities: readonly Entity[]
  /** Who does it, for people to read. */
  readonly by: string
  /** How far what is live beside a fill is behind, in milliseconds. */
  readonly lag?: ((from: BackfillRequest['from']) => Promise<number | undefined>) | undefined
}

/** What is left to do, step by step; a step that the fill hasn't, or that is done, has no segments. */
type PlannedBackfill = { readonly request: LeasedBackfill } & Record<
  BackfillStep,
  readonly JobSegment<BackfillStep>[]
>

/**
 * Takes the job and divides what is left of it. The lease is kept by the workers' own writes.
 *
 * @throws as `planBackfill`; JobBusyError while somebody else is at it
 */
export const planMachineBackfill = async (
  { request, execution }: Extract<BackfillCall, { operation: 'plan' }>,
  parts: BackfillMachineParts,
): Promise<PlannedBackfill> => {
  const { mode, from, again, segments, workers = FILL_WORKERS, maxRate, maxLag, by = parts.by } = request
  const entity = entityOf(request, parts)
  const options = { mode, from, again, segments, countSegments: machineSegments }
  const plan = await planBackfill(entity, parts, options)
  const { token, rest } = await divideJob(
    backfillRequest(plan, parts.database, { by, owner: execution, maxRate, maxLag }),
    parts.jobs,
    { steps: stepsOfBackfill(plan), segmentsFor: (step) => backfillSegments(step, plan.division) },
  )
  return {
    request: { ...request, workers, token },
    ...{ items: rest('items'), rows: rest('rows'), records: rest('records'), gone: rest('gone') },
  }
}

/**
 * Works on one segment until it is done or the time is nearly over.
 *
 * @returns what it was called with, and whether the segment is done: the machine calls again with that if not
 * @throws JobBusyError when another execution has the job, or another worker has begun with the segment since; what `follow` throws
 */
export const runBackfillSegment = async (
  call: SegmentCall<LeasedBackfill, BackfillStep>,
  parts: BackfillMachineParts,
): Promise<typeof call & { readonly done: boolean }> => {
  const { request, step, segment, segments } = call
  const { jobs, deadline, lag } = parts
  const work = await workOf(request, parts)
  const { limiter, pace } = await sharedPace({
    ...{ jobs, job: work.job, workers: Math.min(segments, request.workers) },
    ...(lag !== undefined && { lag: () => lag(request.from) }),
  })
  const done = await workOnSegment(
    { job: work.job, token: request.token, step, segment, segments },
    {
      ...{ jobs, deadline, pace, steps: stepsOfBackfill(request) },
      open: (which, signal) => openBackfillStep(which, work, { ...parts, limiter, signal }),
    },
  )
  return { ...call, done }
}

/**
 * Ends the job, and says what was done.
 *
 * @throws FillUnfinishedError when something is left: the same request goes on
 */
export const concludeBackfill = async (
  { request }: ConcludeCall<LeasedBackfill>,
  parts: BackfillMachineParts,
): Promise<{ readonly done: true } & Record<BackfillStep, unknown>> => {
  const work = await workOf(request, parts)
  const lease = await parts.jobs.join(work.job, request.token)
  const { items, rows, records, gone, done } = await finishBackfill(work, await lease.open(), parts)
  if (!done) throw new FillUnfinishedError(work.job)
  return { done, items, rows, records, gone }
}

const entityOf = ({ entity: name }: BackfillRequest, { entities }: BackfillMachineParts): Entity => {
  const entity = entities.find((one) => one.name === name)
  if (entity === undefined) throw new FillRequestError([`entity ${name} is not known`])
  return entity
}

/** What of the plan its execution needs: the division is the one that the job was begun with. */
const workOf = async (request: LeasedBackfill, parts: BackfillMachineParts) => {
  const { mode, from } = request
  const entity = entityOf(request, parts)
  const job = backfillJob(entity, mode, from)
  const record = await parts.jobs.read(job)
  const division = backfillDivision(record ?? { spec: {}, segments: 1 })
  return { entity, mode, from, job, division, table: parts.tables.of(entity.item.table) }
}
