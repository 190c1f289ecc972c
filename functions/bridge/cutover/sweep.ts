import { alignTombstones } from '../aurora/align-tombstones.ts'
import { describeTable } from '../drivers/dynamo/describe.ts'
import type { DynamoJobs } from '../jobs/dynamo-jobs.ts'
import type { JobLease, JobRecord, JobRequest, RefusedItem, Tally } from '../jobs/jobs.ts'
import { type JobRun, type OpenedStep, runJob, runSteps, workOn } from '../jobs/run-job.ts'
import { addTallies, type ItemsRun, NOTHING, type PageOutcome, segmentCount } from '../jobs/segments.ts'
import type { Entity } from '../model/entity.ts'
import { BridgeError } from '../model/errors.ts'
import type { Epoch } from '../model/owner.ts'
import { type Route, targetOf } from '../model/route.ts'
import type { DynamoRoutes } from '../routes/dynamo-routes.ts'
import type { Log } from '../runtime/log.ts'
import type { Tables } from '../runtime/tables.ts'
import type { StoreMarks } from '../sync/store-marks.ts'
import { claimTogether, pageOutcome, refusedKey, type TogetherParts } from './claim-page.ts'
import { SWEEP, sweepJobOf } from './sweep-job.ts'
import {
  readShelfPage,
  type Shelf,
  type ShelfPage,
  type ShelfParts,
  type SweptHead,
  scanShelf,
  shelfOf,
} from './sweep-pages.ts'

/*
 * Claims every key of a route that is of an earlier move than the route, so that nobody who knows an earlier one can move it any
 * more, and then looks at all of them once more: a pass that finds none proves that the route is settled.
 */

export type SweepStep = Shelf | `prove-${Shelf}`
export const SWEEP_STEPS = [
  ...(['rows', 'gone', 'items'] as const),
  ...(['prove-rows', 'prove-gone', 'prove-items'] as const),
] as const satisfies readonly SweepStep[]

export type SweepParts = Omit<ShelfParts, 'table' | 'limiter' | 'signal'> &
  Claims & {
    readonly tables: Tables
    readonly jobs: DynamoJobs
    readonly routes: DynamoRoutes
    /** Which database it is: a job of another one is not gone on with. */
    readonly database: string
    /** By what it is seen that a store was restored. */
    readonly marks: Pick<StoreMarks, 'require'>
    readonly log: Pick<Log, 'warn'>
  }

/** How keys are moved; what can't be moved is listed. */
type Claims = Pick<TogetherParts, 'claim' | 'claimSet' | 'patience'>

/** What a sweep is about to do. */
export type SweepPlan = {
  readonly entity: Entity
  readonly job: string
  readonly epoch: Epoch
  /** `nothing`: the route was never moved, or is settled. */
  readonly todo: 'begin' | 'go on' | 'nothing'
  readonly step: SweepStep
  /** Segments of the items. */
  readonly segments: number
  /** Items that the table is believed to have, those of other entities included. */
  readonly estimate: number
}

/** The route was moved, or frozen, while it was swept: what was claimed stays so. */
export class SweepEndedError extends BridgeError {
  override readonly name = 'SweepEndedError'
  readonly code = 'sweep.ended'
  readonly kind = 'client'
}

/**
 * @param options `again`: goes once more over a route that is settled, or begins anew
 * @throws SteppedBackError
 */
export const planSweep = async (
  entity: Entity,
  {
    jobs,
    routes,
    client,
    tables,
    deadline,
    marks,
  }: Pick<SweepParts, 'jobs' | 'routes' | 'client' | 'tables' | 'deadline' | 'marks'>,
  {
    again = false,
    segments,
    countSegments = segmentCount,
  }: {
    readonly again?: boolean | undefined
    /** Of the items. @default by how many there are */
    readonly segments?: number | undefined
    readonly countSegments?: ((estimate: number) => number) | undefined
  } = {},
): Promise<SweepPlan> => {
  await marks.require(entity)
  const { route } = await routes.read(entity.name)
  const { epoch, settled } = route
  const job = sweepJobOf(entity)
  const [record, { items: estimate }] = await Promise.all([
    jobs.read(job),
    describeTable(client, tables.of(entity.item.table), { deadline }),
  ])
  const facts = { entity, job, epoch, estimate }
  const spec = Object(record?.spec)
  const isOpen = record !== undefined && record.state !== 'done' && spec.epoch === String(epoch)
  if (isOpen && !again)
    return {
      ...facts,
      todo: 'go on',
      step: SWEEP_STEPS.find((step) => step === record.step) ?? SWEEP_STEPS[0],
      segments: Number(spec.items),
    }
  const todo = epoch === 0n || (settled?.epoch === epoch && !again) ? 'nothing' : 'begin'
  return { ...facts, todo, step: SWEEP_STEPS[0], segments: segments ?? countSegments(estimate) }
}

/** How far a sweep came. */
export type SweepOutcome = {
  /** False when it was interrupted, behind whole pages: it goes on there. */
  readonly done: boolean
  readonly step: SweepStep
  /** Records that were looked at, and claimed; `refused`: what can't be, and is listed. */
  readonly claimed: Tally
  /** What the last pass has found: `refused` are the keys that are not of this move, or not where they belong. */
  readonly left: Tally
  readonly refusals: readonly RefusedItem[]
  readonly settled: boolean
}

type SweepRun = SweepParts &
  Omit<ItemsRun, 'onProgress'> & {
    readonly onProgress?: ((step: SweepStep, tally: Tally) => void) | undefined
  }

/**
 * Sweeps as planned, and notes with the route that it is settled, where a whole pass has found no key to claim.
 *
 * @throws SweepEndedError where the route is moved or frozen meanwhile; JobBusyError; what `runJob` and a claim throw
 */
export const runSweep = async (plan: SweepPlan, parts: SweepRun): Promise<SweepOutcome> => {
  const { jobs, signal, log } = parts
  return runJob(sweepRequest(plan, parts), { jobs, signal, log }, (run) => workThrough(plan, run, parts))
}

/** As `runSweep`, where the job is taken already. */
export const finishSweep = async (
  work: SweepWork,
  lease: JobLease,
  parts: Omit<SweepRun, 'by' | 'maxRate'>,
): Promise<SweepOutcome> =>
  workOn(lease, { signal: parts.signal, log: parts.log }, (run) => workThrough(work, run, parts))

/** What of a plan its execution needs. */
export type SweepWork = Pick<SweepPlan, 'entity' | 'job' | 'epoch' | 'segments'>

/** The request for a sweep's job. */
export const sweepRequest = (
  { entity, job, epoch, todo, segments }: SweepPlan,
  {
    tables,
    database,
    ...taken
  }: Pick<SweepParts, 'tables' | 'database'> & Pick<JobRequest, 'by' | 'owner' | 'maxRate'>,
): JobRequest => ({
  ...{ job, kind: SWEEP, segments: 1, step: SWEEP_STEPS[0] },
  spec: { epoch: String(epoch), table: tables.of(entity.item.table), database, items: segments },
  ...{ by: taken.by, owner: taken.owner, maxRate: taken.maxRate },
  again: todo === 'begin' && 'unfinished',
})

/** The plan that a job was begun with, by what is noted with it. */
export const sweepWorkOf = (entity: Entity, { spec }: Pick<JobRecord, 'spec'>): SweepWork => {
  const { epoch, items } = Object(spec)
  return { entity, job: sweepJobOf(entity), epoch: BigInt(String(epoch ?? 0)), segments: Number(items) }
}

/** Aurora is read from its beginning to its end; what DynamoDB has in as many segments as was planned. */
export const segmentsOfSweep = (step: SweepStep, { segments }: Pick<SweepWork, 'segments'>): number =>
  step.endsWith('items') ? segments : 1

/** What a step reads, and what it does with a page of that. */
export const openSweepStep = (
  step: SweepStep,
  { entity, epoch }: SweepWork,
  parts: SweepParts & Pick<ItemsRun, 'limiter' | 'signal'>,
): OpenedStep => {
  const shelf = shelfOf(step)
  const table = parts.tables.of(entity.item.table)
  return {
    scan: (of, start) => scanShelf(shelf, entity, of, start, { ...parts, table }),
    page: async (page) => {
      const route = await currentOf(entity, epoch, parts.routes)
      const read = await readShelfPage(shelf, entity, page, parts)
      return isProof(step) ? provePage(read, route) : claimPage(read, route, parts)
    },
  }
}

const workThrough = async (
  work: SweepWork,
  run: JobRun,
  { onProgress, ...parts }: Omit<SweepRun, 'by' | 'maxRate'>,
): Promise<SweepOutcome & { readonly result: unknown }> => {
  const { jobs, routes, deadline, pace, concurrency = 4, onBegin } = parts
  onBegin?.(addTallies(run.lease.progress.map(({ tally }) => tally)))
  const done = await runSteps<SweepStep>(run, {
    ...{ steps: SWEEP_STEPS, deadline, pace, concurrency, onProgress },
    segmentsFor: (step) => segmentsOfSweep(step, work),
    open: (step, signal) => openSweepStep(step, work, { ...parts, signal }),
  })
  const outcome = { ...(await readSweep(work, jobs, run.lease.record)), done }
  const { claimed, left } = outcome
  const settled = done && left.refused === 0
  if (settled) await noteSettled(work.entity, work.epoch, routes)
  return {
    ...{ ...outcome, settled },
    result: { claimed: claimed.applied, refused: claimed.refused, left: left.refused, settled },
  }
}

/** How far a sweep has come by what is noted with its job. @throws DynamoError, DeadlineError */
export const readSweep = async (
  { job }: Pick<SweepWork, 'job'>,
  jobs: Pick<DynamoJobs, 'segmentsOf'>,
  { step, state }: Pick<JobRecord, 'step' | 'state'>,
): Promise<SweepOutcome> => {
  const all = await Promise.all(
    SWEEP_STEPS.map(async (of) => ({ of, segments: await jobs.segmentsOf(job, of) })),
  )
  const tallyOf = (which: boolean): Tally =>
    addTallies(
      all
        .filter(({ of }) => isProof(of) === which)
        .flatMap(({ segments }) => segments.map(({ tally }) => tally)),
    )
  const left = tallyOf(true)
  return {
    ...{ done: state === 'done', claimed: tallyOf(false), left },
    settled: state === 'done' && left.refused === 0,
    step: SWEEP_STEPS.find((known) => known === step) ?? SWEEP_STEPS[0],
    refusals: all.flatMap(({ segments }) => segments.flatMap(({ refusals = [] }) => refusals)),
  }
}

const isProof = (step: SweepStep): boolean => step.startsWith('prove-')

/** @throws SweepEndedError */
const currentOf = async ({ name }: Entity, epoch: Epoch, routes: DynamoRoutes): Promise<Route> => {
  const { route } = await routes.read(name)
  if (route.epoch !== epoch)
    throw new SweepEndedError(`The route of ${name} was moved again: sweep it once more`)
  if (route.frozen !== undefined)
    throw new SweepEndedError(`The route of ${name} is frozen: npx backsync cutover freeze ${name} --thaw`)
  return route
}

const noteSettled = async ({ name }: Entity, epoch: Epoch, routes: DynamoRoutes): Promise<void> => {
  const at = new Date().toISOString()
  await routes.note(name, (route) =>
    route.epoch === epoch ? { ...route, settled: { epoch, at } } : undefined,
  )
}

/** What begins the reason of a key that a person has moved away from where its route has it. */
export const MOVED_BY_HAND = 'key.moved-by-hand'

const whyLeft = ({ entity, shelf }: ShelfPage, { key, owner, epoch }: SweptHead, route: Route): string => {
  const target = targetOf(route, key)
  const says = `${shelf === 'items' ? 'DynamoDB' : 'Aurora'} says ${owner}, of move ${epoch}`
  if (epoch <= route.epoch || owner === target) return says
  // A sweep claims nothing back that is of a later move than its route's.
  return `${MOVED_BY_HAND}: ${says}: npx backsync key ${entity.name} ${key} --claim ${target}`
}

const provePage = (page: ShelfPage, route: Route): PageOutcome => {
  const { looked, heads, nameless, half } = page
  const left = heads.filter(
    ({ key, owner, epoch }) => epoch < route.epoch || owner !== targetOf(route, key) || half.has(key),
  )
  return {
    ...NOTHING,
    items: looked,
    skipped: looked - left.length - nameless.length,
    refused: left.length + nameless.length,
    refusals: [
      ...left.map((head) => refusedKey(head.key, whyLeft(page, head, route))),
      ...nameless.map((place) =>
        refusedKey(place, 'has no key that the definition knows, or does not say whose it is'),
      ),
    ],
  }
}

const claimPage = async (
  { entity, shelf, looked, heads, nameless, half }: ShelfPage,
  route: Route,
  parts: TogetherParts & Pick<SweepParts, 'db'>,
): Promise<PageOutcome> => {
  // What is of a later move was moved by hand since, and stays where it is.
  const below = heads.filter(({ key, epoch }) => epoch < route.epoch || half.has(key))
  const move = { targetOf: (key: string) => targetOf(route, key), epoch: route.epoch }
  const refusals = await claimTogether(entity, below, move, parts)
  const keys = below.map(({ key }) => key)
  if (shelf === 'gone' && keys.length > 0) await alignTombstones(parts.db, entity, keys)
  return pageOutcome({ looked, nameless, todo: below, refusals })
}
