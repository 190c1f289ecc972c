import type { RateLimiter } from '../drivers/dynamo/rate-limiter.ts'
import type { JobRecord } from '../jobs/jobs.ts'
import { runJob } from '../jobs/run-job.ts'
import type { ItemsRun } from '../jobs/segments.ts'
import { BridgeError, kindOf } from '../model/errors.ts'
import { inLanes } from '../runtime/lanes.ts'
import { TableNotReadyError } from './errors.ts'
import type { FillParts } from './fill.ts'
import { requireFollowing } from './following.ts'
import { type LookedPair, lookAtPairs, type PairRelation } from './look-pairs.ts'
import { bringToPlace, takeFromPlace } from './mend.ts'
import type { TableSyncParts } from './open-tables.ts'
import type { Projection } from './projection.ts'
import { tableDifferences, verifyJobOf } from './verify.ts'

/*
 * Makes what differs in a kept table be what its source has: the pairs that its last verification has found, each as it is by then.
 */

/** The kind of the job. */
const REPAIR_TABLE = 'repair-table'
/** Pairs that are looked at together, and mended at once. */
const PAIRS = 100
const MENDED_AT_ONCE = 8
/** Something may be written while a pair is looked at. */
const TRIES = 3

/** What a repair of a kept table is about to do. */
export type TableRepairPlan = {
  readonly projection: Projection
  readonly job: string
  /** The verification whose findings are repaired. */
  readonly verified: JobRecord
}

/** What is done with a pair: the source's item is brought, what nothing stands for is taken away, or nothing by this. */
export type PairAction = 'bring' | 'take away' | 'leave'

/** A pair as it was found, and what is to be done. */
export type PairToMend = { readonly looked: LookedPair; readonly action: PairAction }

/** What became of a pair. `left`: it differs still; `why` says what was in the way, where something was. */
export type Mended = PairToMend & {
  readonly outcome: 'repaired' | 'left'
  readonly after: LookedPair
  readonly why?: string | undefined
}

/** How many became what. `already`: they were the same by the time they were looked at. */
export type MendTally = { readonly already: number; readonly repaired: number; readonly left: number }

type Bounded = FillParts & {
  readonly limiter?: RateLimiter | undefined
  readonly signal?: AbortSignal | undefined
}

/**
 * Looks at what there is to repair.
 *
 * @throws TableNotReadyError where no verification has ended that tells of it; TableFinishedError; DynamoError
 */
export const planTableRepair = async (
  projection: Projection,
  { sync, jobs }: FillParts,
): Promise<TableRepairPlan> => {
  const { name, kind } = projection
  await requireFollowing(projection, sync.states)
  const verified = await jobs.read(verifyJobOf(projection))
  if (verified?.state !== 'done')
    throw new TableNotReadyError(
      `it is not known which items of ${name} differ`,
      `npx backsync ${kind} status ${name} --verify`,
    )
  return { projection, job: `${REPAIR_TABLE}:${name}`, verified }
}

/** The pairs that differ still, with what would be done: those that agree by now are left out. @throws what `lookAtPairs` throws */
export async function* pairsToMend(
  { projection, verified }: TableRepairPlan,
  parts: Bounded,
): AsyncGenerator<{ readonly pairs: readonly PairToMend[]; readonly looked: number }> {
  const { limiter, signal } = parts
  for await (const page of tableDifferences({ job: verified.job, run: verified.startedAt }, parts))
    for (let at = 0; at < page.length; at += PAIRS) {
      const texts = page.slice(at, at + PAIRS).map(({ key }) => key)
      await limiter?.take(texts.length, signal)
      signal?.throwIfAborted()
      const looked = await lookAtPairs(projection, texts, { ...parts.sync, signal })
      yield { pairs: looked.flatMap(toMend), looked: texts.length }
    }
}

const ACTIONS_FOR: Readonly<Record<Exclude<PairRelation['is'], 'agree'>, PairAction>> = {
  ...{
    onlySource: 'bring',
    targetBehind: 'bring',
    sourceBehind: 'bring',
    conflict: 'bring',
    typeOnly: 'bring',
  },
  onlyTarget: 'take away',
  // Whose the place is, what the item should be, or what stands in the way, nobody but a person can tell.
  ...{ taken: 'leave', foreign: 'leave', unfit: 'leave', parked: 'leave' },
}

const toMend = (looked: LookedPair): readonly PairToMend[] =>
  looked.relation.is === 'agree' ? [] : [{ looked, action: ACTIONS_FOR[looked.relation.is] }]

/**
 * Repairs as planned, each pair as it is by then: the source's item wins.
 *
 * @param parts.onMended gets each pair, with both items before and after
 * @returns false as `done` when it was interrupted: what is left then is found again
 * @throws JobBusyError while somebody else is at it; DynamoError where a table can't be reached
 */
export const runTableRepair = async (
  plan: TableRepairPlan,
  {
    onMended,
    onLooked,
    ...parts
  }: FillParts &
    Omit<ItemsRun, 'onProgress' | 'onBegin'> & {
      readonly onMended: (one: Mended) => Promise<void>
      readonly onLooked?: ((looked: number) => void) | undefined
    },
): Promise<MendTally & { readonly done: boolean }> => {
  const { sync, jobs, by, maxRate } = parts
  const spec = { table: sync.tables.of(plan.projection.name) }
  const request = { job: plan.job, kind: REPAIR_TABLE, spec, segments: 1, step: REPAIR_TABLE, by, maxRate }
  const run = { jobs, signal: parts.signal, log: sync.log }
  return runJob({ ...request, again: 'unfinished' }, run, async ({ signal }) => {
    let tally: MendTally = { already: 0, repaired: 0, left: 0 }
    let isDone = true
    const mendAll = async (
      isOwn: (action: PairAction) => boolean,
      told?: (looked: number) => void,
    ): Promise<number> => {
      let agreed = 0
      for await (const { pairs, looked } of pairsToMend(plan, { ...parts, signal })) {
        const own = pairs.filter(({ action }) => isOwn(action))
        const mended = await inLanes(own, MENDED_AT_ONCE, (one) => mend(plan.projection, one, sync))
        for (const one of mended) await onMended(one)
        const repaired = mended.filter(({ outcome }) => outcome === 'repaired').length
        const left = tally.left + mended.length - repaired
        tally = { ...tally, repaired: tally.repaired + repaired, left }
        agreed += looked - pairs.length
        told?.(looked)
      }
      return agreed
    }
    try {
      // What stands where it should not goes first: that may be another one's place.
      const before = await mendAll((action) => action === 'take away')
      await mendAll((action) => action !== 'take away', onLooked)
      tally = { ...tally, already: before }
    } catch (error) {
      if (parts.signal?.aborted !== true || error !== parts.signal.reason) throw error
      isDone = false
    }
    return { done: isDone, result: tally, ...tally }
  })
}

const mend = async (projection: Projection, one: PairToMend, sync: TableSyncParts): Promise<Mended> => {
  let now = one.looked
  let why: string | undefined
  for (let n = 0; n < TRIES && why === undefined; n++) {
    const [todo] = toMend(now)
    if (todo === undefined || todo.action === 'leave') break
    why = await attemptMend(projection, todo, sync)
    const [again = now] = await lookAtPairs(projection, [now.key], sync)
    now = again
  }
  const outcome = now.relation.is === 'agree' ? 'repaired' : 'left'
  return { ...one, after: now, outcome, ...(outcome === 'left' && why !== undefined && { why }) }
}

/** @returns what was in the way, for people; what is wrong with a table itself is thrown */
const attemptMend = async (
  projection: Projection,
  { looked, action }: PairToMend,
  sync: TableSyncParts,
): Promise<string | undefined> => {
  try {
    if (action === 'bring') return await bringToPlace(projection, looked, sync)
    await takeFromPlace(projection, looked, sync)
    return undefined
  } catch (error) {
    if (!(error instanceof BridgeError) || kindOf(error) !== 'data') throw error
    return `${error.code}: ${error.message}`
  }
}
