import { randomUUID } from 'node:crypto'
import { describeTable } from '../drivers/dynamo/describe.ts'
import type { RefusedItem, Tally } from '../jobs/jobs.ts'
import { runJob, runSteps } from '../jobs/run-job.ts'
import { addTallies, type ItemsRun, segmentCount } from '../jobs/segments.ts'
import type { Entity } from '../model/entity.ts'
import { BridgeError } from '../model/errors.ts'
import { type Epoch, type Owner, otherOf } from '../model/owner.ts'
import { type Placement, standsAt } from '../model/route.ts'
import { moved } from '../model/route-moves.ts'
import type { StoredRoute } from '../routes/route-item.ts'
import type { StoreMarks } from '../sync/store-marks.ts'
import { claimEach, pageOutcome } from './claim-page.ts'
import type { Mover } from './move-route.ts'
import { type RecoverKeyParts, recoverKey } from './recover-key.ts'
import type { SweepParts } from './sweep.ts'
import { readShelfPage, scanShelf, shelfOf } from './sweep-pages.ts'

/*
 * After one of the two stores was restored to what it held before: the route is moved to the other one by a new number, so that
 * nothing that facades or records remember counts any more, and each key that either knows is given to it. What the restored one
 * lacks is brought by a resync afterwards.
 */

/** The kind of the job. */
const RECOVERY = 'recovery'

/** What the survivor knows comes first, and last once more: a run that was killed may have left something half done. */
const STEPS = {
  aurora: ['rows', 'gone', 'items', 'last-rows', 'last-gone'],
  dynamo: ['items', 'rows', 'gone', 'last-items'],
} as const
export type RecoveryStep = (typeof STEPS)[Owner][number]

export type RecoverParts = Omit<SweepParts, 'claim' | 'claimSet' | 'patience' | 'marks'> &
  RecoverKeyParts & {
    /** Begins anew when all keys are given: what is kept from a restored store, such as the relay, goes on then. */
    readonly marks: Pick<StoreMarks, 'renew'>
  }

/** What a recovery is about to do. */
export type RecoverPlan = {
  readonly entity: Entity
  readonly job: string
  readonly restored: Owner
  readonly survivor: Owner
  /** The route as it was read: it is moved over this one only. */
  readonly was: StoredRoute
  readonly to: Placement
  readonly todo: 'begin' | 'go on'
  /** The move of a recovery that goes on. */
  readonly epoch: Epoch | undefined
  readonly step: RecoveryStep
  readonly segments: number
  /** Items that the table is believed to have, those of other entities included. */
  readonly estimate: number
}

/** There is nothing to recover, or something else has to be done first. */
export class RecoverFaultError extends BridgeError {
  override readonly name = 'RecoverFaultError'
  readonly code = 'recover.not-so'
  readonly kind = 'client'
}

/** The route was moved while it was recovered: what was given to the survivor stays so. */
export class RecoveryEndedError extends BridgeError {
  override readonly name = 'RecoveryEndedError'
  readonly code = 'recover.ended'
  readonly kind = 'client'
}

/**
 * Looks at what a recovery would do. It changes nothing.
 *
 * @param options.restored the store that was restored
 * @param options.again begins anew what was interrupted
 * @throws RecoverFaultError
 */
export const planRecovery = async (
  entity: Entity,
  { jobs, routes, client, tables, deadline }: RecoverParts,
  { restored, again = false }: { readonly restored: Owner; readonly again?: boolean | undefined },
): Promise<RecoverPlan> => {
  const survivor = otherOf(restored)
  const { name } = entity
  const was = await routes.read(name)
  const { route } = was
  if (route.stage === 'complete')
    throw new RecoverFaultError(
      `The route of ${name} is complete: Aurora has not been brought up to date since, and no store can stand in for the other one`,
    )
  if (entity.mirror === undefined)
    throw new RecoverFaultError(
      `${name} is not mirrored: DynamoDB has all of its keys, and "npx backsync resync ${name} --from dynamo" brings them to Aurora`,
    )
  const job = `${RECOVERY}:${name}`
  const [record, { items: estimate }] = await Promise.all([
    jobs.read(job),
    describeTable(client, tables.of(entity.item.table), { deadline }),
  ])
  const spec = Object(record?.spec)
  const isOpen = record !== undefined && record.state !== 'done' && spec.epoch === String(route.epoch)
  if (isOpen && spec.restored !== restored)
    throw new RecoverFaultError(
      `${name} is being recovered after a restore of ${spec.restored}: go on with that first: npx backsync cutover recover ${name} --restored ${spec.restored}`,
    )
  const steps: readonly [RecoveryStep, ...RecoveryStep[]] = STEPS[survivor]
  const facts = { entity, job, restored, survivor, was, to: allAt(survivor, route), estimate }
  if (isOpen && !again)
    return {
      ...{ ...facts, todo: 'go on', epoch: route.epoch, segments: Number(spec.items) },
      step: steps.find((step) => step === record.step) ?? steps[0],
    }
  return { ...facts, todo: 'begin', epoch: undefined, step: steps[0], segments: segmentCount(estimate) }
}

/** Where all keys belong to a store. */
const allAt = (side: Owner, { stage }: Placement): Placement => {
  const none = { allow: [], deny: [] }
  if (side === 'dynamo') return { stage: 'live', percent: 100, ...none }
  return { stage: stage === 'live' ? 'shadow' : stage, percent: 0, ...none }
}

/** How far a recovery came. */
export type RecoverOutcome = {
  /** False when it was interrupted, behind whole pages: it goes on there. */
  readonly done: boolean
  readonly epoch: Epoch
  /** Records that were looked at, and given to the survivor; `refused`: what can't be, and is listed. */
  readonly tally: Tally
  readonly refusals: readonly RefusedItem[]
}

/**
 * Recovers as planned. Reads and writes may go on: a key that was not reached yet, and of which the two stores hold something
 * different, is refused as a conflict until it is.
 *
 * @throws RouteChangedError where the route is another one than was planned with; RecoveryEndedError where it is moved meanwhile;
 *   JobBusyError; what `runJob` and a claim throw
 */
export const runRecovery = async (
  plan: RecoverPlan,
  {
    onProgress,
    why,
    ...parts
  }: RecoverParts &
    Pick<Mover, 'why'> &
    Omit<ItemsRun, 'onProgress'> & {
      readonly onProgress?: ((step: RecoveryStep, tally: Tally) => void) | undefined
    },
): Promise<RecoverOutcome> => {
  const { entity, job, restored, survivor, todo, segments } = plan
  const { jobs, by, maxRate, deadline, pace, concurrency = 4, onBegin, tables, marks } = parts
  const epoch = plan.epoch ?? (await moveAll(plan, { by, why }, parts))
  const steps: readonly [RecoveryStep, ...RecoveryStep[]] = STEPS[survivor]
  const segmentsFor = (step: RecoveryStep): number => (step.endsWith('items') ? segments : 1)
  const table = tables.of(entity.item.table)
  const spec = { epoch: String(epoch), restored, table, database: parts.database, items: segments }
  const again = todo === 'begin' && ('unfinished' as const)
  const request = { job, kind: RECOVERY, spec, segments: segmentsFor(steps[0]), step: steps[0] }
  return runJob(
    { ...request, by, again, maxRate },
    { jobs, signal: parts.signal, log: parts.log },
    async (run) => {
      onBegin?.(addTallies(run.lease.progress.map(({ tally }) => tally)))
      const done = await runSteps<RecoveryStep>(run, {
        ...{ steps, segmentsFor, deadline, pace, concurrency, onProgress },
        open: (step, signal) => {
          const shelf = shelfOf(step)
          return {
            scan: (of, start) => scanShelf(shelf, entity, of, start, { ...parts, table, signal }),
            page: async (page) => {
              await requireMove(entity, epoch, parts)
              const { heads, nameless, looked, half } = await readShelfPage(shelf, entity, page, parts)
              const left = heads.filter(
                ({ key, owner, epoch: its }) => its !== epoch || owner !== survivor || half.has(key),
              )
              const give = ({ key }: { readonly key: string }) =>
                recoverKey(entity, key, { survivor, epoch }, parts)
              const refusals = await claimEach(left, give, { ...parts, signal })
              return pageOutcome({ looked, nameless, todo: left, refusals })
            },
          }
        },
      })
      if (done) await marks.renew(entity.name)
      const all = (await Promise.all(steps.map((step) => jobs.segmentsOf(job, step)))).flat()
      const tally = addTallies(all.map((segment) => segment.tally))
      const { applied, refused } = tally
      return {
        ...{ done, epoch, tally, result: { epoch: String(epoch), restored, given: applied, refused } },
        refusals: all.flatMap((segment) => segment.refusals ?? []),
      }
    },
  )
}

/** @returns the number of the move that gives the survivor all keys */
const moveAll = async (
  { was, to, restored }: RecoverPlan,
  { by, why }: Mover,
  { routes }: Pick<RecoverParts, 'routes'>,
): Promise<Epoch> => {
  const note = { at: new Date().toISOString(), by, why: why ?? `${restored} was restored` }
  const { frozen: _, ...next } = moved(was.route, to, note, randomUUID().slice(0, 8))
  return (await routes.replace(was, next)).route.epoch
}

const requireMove = async (
  { name }: Entity,
  epoch: Epoch,
  { routes }: Pick<RecoverParts, 'routes'>,
): Promise<void> => {
  const { route } = await routes.read(name)
  if (route.epoch !== epoch)
    throw new RecoveryEndedError(
      `The route of ${name} was moved to ${standsAt(route)} meanwhile: recover it once more, then move it`,
    )
}
