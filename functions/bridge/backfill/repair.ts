import type { ScanPage } from '../drivers/dynamo/scan.ts'
import { isRowKey } from '../dynamo/item-head.ts'
import type { DynamoJobs } from '../jobs/dynamo-jobs.ts'
import { runJob } from '../jobs/run-job.ts'
import type { ItemsRun } from '../jobs/segments.ts'
import { lastVerification, type Verification, verificationOf } from '../jobs/verifications.ts'
import type { Entity } from '../model/entity.ts'
import { BridgeError, kindOf } from '../model/errors.ts'
import type { Owner } from '../model/owner.ts'
import { foundDifference, VerificationLedger } from '../verify/ledger.ts'
import { itemsOf, type Looked, lookAt } from '../verify/look.ts'
import { applyDeletes } from './apply-deletes.ts'
import { applyGone } from './apply-gone.ts'
import { applyItems, UnsettledPageError } from './apply-items.ts'
import { applyRecords } from './apply-records.ts'
import type { BackfillParts } from './backfill-plan.ts'
import { FillNotReadyError } from './errors.ts'

/*
 * Makes keys that differ the same again: what the owner of a key has, or that it has deleted it, is brought to the other side, under
 * the guard and by the way of all changes, so that whoever writes in between is not overtaken. Where both have other content at one version nobody
 * but a person knows which is right.
 */

/** The kind of the job. */
const REPAIR = 'repair'
/** Keys that are repaired together. */
const TOGETHER = 100
/** A version that had to be raised is brought at the next round. */
const ROUNDS = 3

export type RepairParts = BackfillParts & {
  /**
   * Has a key hold what the side has that doesn't own it, and belong to its owner as it did: for a person who has decided.
   *
   * @throws BridgeError where it can't be
   */
  readonly decide: (entity: Entity, key: string, winner: Owner) => Promise<void>
}

/** What a repair is about to do. */
export type RepairPlan = {
  readonly entity: Entity
  readonly job: string
  /** Of keys in conflict, whose content is right; undefined: these are left. */
  readonly winner: Owner | undefined
  /** The keys, where they are named; undefined: those of the verification. */
  readonly keys: readonly string[] | undefined
  readonly verification: Verification | undefined
}

/** What is done with a key: its owner's record is brought, one side's content is decided for, or nothing by this. */
export type RepairAction = 'bring' | 'decide' | 'leave'

/** A key as it was found, and what is to be done. */
export type ToRepair = { readonly looked: Looked; readonly action: RepairAction; readonly owner: Owner }

/** What became of a key. */
export type Repaired = ToRepair & {
  /** `repaired`: both sides hold the same now. `left`: they don't; `why` says what was in the way, where something was. */
  readonly outcome: 'repaired' | 'left'
  readonly after: Looked
  readonly why?: string | undefined
}

/** How many keys became what. `already`: they were the same by the time they were looked at. */
export type RepairTally = { readonly already: number; readonly repaired: number; readonly left: number }

/**
 * Looks at what there is to repair.
 *
 * @throws FillNotReadyError where no verification tells of keys, and none are named; DynamoError
 */
export const planRepair = async (
  entity: Entity,
  { jobs }: { readonly jobs: DynamoJobs },
  { winner, keys }: { readonly winner?: Owner | undefined; readonly keys?: readonly string[] | undefined },
): Promise<RepairPlan> => {
  const last = keys === undefined ? await lastVerification(entity, jobs) : undefined
  if (keys === undefined && last?.complete !== true)
    throw new FillNotReadyError(
      `it is not known which keys of ${entity.name} differ`,
      `npx backsync verify ${entity.name}`,
    )
  return { entity, job: `${REPAIR}:${entity.name}`, winner, keys, verification: last }
}

/**
 * The keys that differ still, with what would be done: those that agree by now are left out.
 *
 * @throws what `lookAt` throws
 */
export async function* keysToRepair(
  plan: RepairPlan,
  parts: RepairParts & Pick<ItemsRun, 'limiter' | 'signal'>,
): AsyncGenerator<{ readonly keys: readonly ToRepair[]; readonly looked: number }> {
  for await (const keys of keysOf(plan, parts.jobs)) {
    await parts.limiter?.take(keys.length, parts.signal)
    const looked = await lookAt(plan.entity, keys, parts)
    yield { keys: looked.flatMap((one) => toRepair(one, plan.winner)), looked: keys.length }
  }
}

async function* keysOf(
  { entity, keys, verification }: RepairPlan,
  jobs: DynamoJobs,
): AsyncGenerator<readonly string[]> {
  let gathered: string[] = []
  const pages = keys === undefined ? foundKeys(entity, verification, jobs) : [keys]
  for await (const page of pages) {
    gathered = [...gathered, ...page]
    for (; gathered.length >= TOGETHER; gathered = gathered.slice(TOGETHER)) yield gathered.slice(0, TOGETHER)
  }
  if (gathered.length > 0) yield gathered
}

async function* foundKeys(
  entity: Entity,
  verification: Verification | undefined,
  { notes }: DynamoJobs,
): AsyncGenerator<readonly string[]> {
  if (verification === undefined) return
  const run = { job: verificationOf(entity), run: verification.freshAt, buckets: 1 }
  // A row without a key is only to be mended by hand.
  for await (const page of new VerificationLedger(notes, run, foundDifference).differences())
    yield page.flatMap(({ key }) => (isRowKey(entity, key) ? [key] : []))
}

const BROUGHT: ReadonlySet<string> = new Set(['onlyAurora', 'onlyDynamo', 'auroraBehind', 'dynamoBehind'])

const toRepair = (looked: Looked, winner: Owner | undefined): readonly ToRepair[] => {
  const { relation, aurora, dynamo } = looked
  if (relation.is === 'agree') return []
  const { owner } = aurora.state === 'absent' && aurora.epoch === 0n ? dynamo : aurora
  const isAgreed = dynamo.state === 'absent' || aurora.state === 'absent' || aurora.owner === dynamo.owner
  if (isAgreed && BROUGHT.has(relation.is)) return [{ looked, owner, action: 'bring' }]
  if (isAgreed && relation.is === 'conflict' && winner !== undefined)
    return [{ looked, owner, action: winner === owner ? 'bring' : 'decide' }]
  return [{ looked, owner, action: 'leave' }]
}

/**
 * Repairs as planned, each key as it is by then.
 *
 * @param parts.onRepaired gets each key, with both records before and after
 * @returns false as `done` when it was interrupted: what is left then is found again
 * @throws JobBusyError while somebody else is at it; DataApiError, DynamoError where a store is down
 */
export const runRepair = async (
  plan: RepairPlan,
  {
    onRepaired,
    onLooked,
    ...parts
  }: RepairParts &
    Omit<ItemsRun, 'onProgress' | 'onBegin'> & {
      readonly onRepaired: (one: Repaired) => Promise<void>
      readonly onLooked?: ((looked: number) => void) | undefined
    },
): Promise<RepairTally & { readonly done: boolean }> => {
  const { jobs, by, maxRate, mirror } = parts
  const spec = { database: parts.database }
  const request = { job: plan.job, kind: REPAIR, spec, segments: 1, step: REPAIR, by, maxRate }
  const run = { jobs, signal: parts.signal, log: mirror.log }
  return runJob({ ...request, again: 'unfinished' }, run, async ({ signal }) => {
    let tally: RepairTally = { already: 0, repaired: 0, left: 0 }
    let isDone = true
    try {
      for await (const { keys, looked } of keysToRepair(plan, { ...parts, signal })) {
        await parts.pace?.look(signal)
        const repaired = await repair(plan, keys, { ...parts, signal })
        for (const one of repaired) await onRepaired(one)
        const count = repaired.filter(({ outcome }) => outcome === 'repaired').length
        tally = {
          already: tally.already + looked - keys.length,
          repaired: tally.repaired + count,
          left: tally.left + repaired.length - count,
        }
        onLooked?.(looked)
      }
    } catch (error) {
      if (parts.signal?.aborted !== true || error !== parts.signal.reason) throw error
      isDone = false
    }
    return { done: isDone, result: tally, ...tally }
  })
}

type Bringing = RepairParts & Pick<ItemsRun, 'limiter' | 'signal'>

const repair = async (
  { entity, winner }: RepairPlan,
  keys: readonly ToRepair[],
  parts: Bringing,
): Promise<readonly Repaired[]> => {
  const failures = new Map<string, string>()
  for (const { looked, action } of keys) {
    if (action !== 'decide' || winner === undefined) continue
    const failure = await attempt(() => parts.decide(entity, looked.key, winner))
    if (failure !== undefined) failures.set(looked.key, failure)
  }
  let open = keys.filter(({ action }) => action === 'bring')
  for (let round = 0; round < ROUNDS && open.length > 0; round++) {
    for (const owner of ['dynamo', 'aurora'] as const) {
      const own = open.filter((one) => one.owner === owner).map(({ looked }) => looked)
      if (own.length === 0) continue
      const failure = await attempt(() => bring(entity, owner, own, parts))
      for (const { key } of own) if (failure !== undefined) failures.set(key, failure)
    }
    const now = await lookAt(
      entity,
      open.map(({ looked }) => looked.key),
      parts,
    )
    open = now.flatMap((one) => toRepair(one, winner)).filter(({ action }) => action === 'bring')
  }
  const after = await lookAt(
    entity,
    keys.map(({ looked }) => looked.key),
    parts,
  )
  return keys.map((one, at): Repaired => {
    const now = after[at] ?? one.looked
    const why = failures.get(one.looked.key)
    const outcome = now.relation.is === 'agree' ? 'repaired' : 'left'
    return { ...one, after: now, outcome, ...(outcome === 'left' && why !== undefined && { why }) }
  })
}

/** @returns what it failed with, for people; what is wrong with a store itself is thrown */
const attempt = async (work: () => Promise<unknown>): Promise<string | undefined> => {
  try {
    await work()
    return undefined
  } catch (error) {
    if (error instanceof UnsettledPageError) return `${error.code}: ${error.message}`
    if (!(error instanceof BridgeError) || ['transient', 'configuration', 'unknown'].includes(kindOf(error)))
      throw error
    return `${error.code}: ${error.message}`
  }
}

/** Brings what a side has of its own keys to the other one, deletes included. */
const bring = async (
  entity: Entity,
  owner: Owner,
  looked: readonly Looked[],
  parts: Bringing,
): Promise<void> => {
  const { mirror, db } = parts
  const forward = { ...parts.forward, db }
  const pageOf = (items: ScanPage['items']): ScanPage => ({
    ...{ items, next: undefined, readAt: Date.now(), looked: items.length },
  })
  const items = await itemsOf(
    entity,
    looked.map(({ key }) => key),
    parts,
  )
  const named = (some: readonly Looked[]) =>
    pageOf(some.map(({ key, aurora }) => ({ key: { S: key }, version: { N: String(aurora.version) } })))
  if (owner === 'dynamo') {
    const held = pageOf([...items.values()])
    if (held.items.length > 0) await applyItems(entity, held, mirror)
    const gone = looked.filter(({ key }) => !items.has(key))
    if (gone.length > 0) await applyDeletes(entity, named(gone), mirror)
    return
  }
  const rows = looked.filter(({ aurora }) => aurora.state !== 'absent')
  if (rows.length > 0) await applyRecords(entity, named(rows), forward)
  const gone = looked
    .filter(({ aurora }) => aurora.state === 'absent')
    .map(({ key }) => items.get(key))
    .filter((item) => item !== undefined)
  if (gone.length > 0) await applyGone(entity, pageOf(gone), forward)
}
