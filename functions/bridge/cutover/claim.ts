import type { Entity } from '../model/entity.ts'
import { BridgeError } from '../model/errors.ts'
import { UnsettledError } from '../model/outcome.ts'
import { type Authority, type Epoch, type Owner, otherOf } from '../model/owner.ts'
import { ClaimConflictError, StaleClaimError, UndecidedError } from '../ports/claim-errors.ts'
import type { DecidedRecords, KeyRecord, KeyRecords } from '../ports/key-records.ts'
import {
  type Half,
  isMissing,
  isOf,
  isUntold,
  nextEpoch,
  type Records,
  releaseOf,
  stepOf,
} from './claim-step.ts'

export type ClaimSides = { readonly aurora: KeyRecords; readonly dynamo: KeyRecords }

/** What both sides hold of a key that can't be moved as it is, and why not. */
export type Unmovable = {
  readonly aurora: KeyRecord
  readonly dynamo: KeyRecord
  /** A ClaimConflictError, or what the target has against the other side's content. */
  readonly error: BridgeError
}

export type ClaimOptions = {
  readonly epoch?: Epoch
  readonly insists?: DecidedRecords
  /** What the caller has just read of both sides, under one key: it stands for the first look, unless the claim would end with that. */
  readonly seen?: Records | undefined
  /** Hears of what no repeat would mend, before the claim fails with it. @default nobody does */
  readonly unmovable?: (met: Unmovable) => Promise<void>
}

/** What a claim has done. `already`: the key was that side's, at both stores. */
export type Claimed = { readonly done: 'moved' | 'already'; readonly record: KeyRecord }

/** How often a key is looked at anew that others move in between. */
const ROUNDS = 6

/**
 * Moves a key to a side, with its last content, and without anybody waiting: first it is taken from the side that has it, by
 * one conditional update of its record there, which answers with the last that was accepted; then it is given to the other
 * one. Whoever dies in between leaves a move that anybody may go on with, by asking for the same again. Each step changes only
 * what is still of the move that was read: where somebody else has come before, all is looked at anew.
 *
 * @param options.epoch the number of the move; by itself one above whatever the records say
 * @param options.insists the side that takes the key, where it keeps what it holds, whatever the other one has: a person has
 *   decided
 * @param options.unmovable hears of a conflict, with both images; that it can't be told is what the claim fails with then
 * @throws ClaimConflictError, UndecidedError before anything is changed; StaleClaimError when a later move has it;
 *   UnsettledError when others move it again and again; what the target has against the content: then the key is given back to
 *   the side that had it
 */
export const claim = async (
  entity: Entity,
  key: string,
  to: Owner,
  sides: ClaimSides,
  options: ClaimOptions = {},
): Promise<Claimed> => {
  let isBegun = false
  const { seen, ...rest } = options
  for (let round = 1; round <= ROUNDS; round++) {
    const known = round === 1 && seen !== undefined && leadsOn(entity, seen, to, options) ? seen : undefined
    const claimed = await attempt(entity, key, to, sides, { ...rest, seen: known })
    if (claimed !== undefined) return isBegun ? { ...claimed, done: 'moved' } : claimed
    isBegun = true
  }
  throw new UnsettledError(`A ${entity.name} was moved in between, again and again`)
}

/** What both sides say of a key, and which of them is to lose it. */
type Seen = {
  readonly aurora: KeyRecord
  readonly dynamo: KeyRecord
  readonly old: KeyRecord
  readonly now: KeyRecord
  readonly from: KeyRecords
  readonly target: KeyRecords
  readonly sides: ClaimSides
  readonly unmovable: ClaimOptions['unmovable']
}

/** @returns undefined where it has to be looked at anew: a step was made that comes before, or somebody else was faster */
const attempt = async (
  entity: Entity,
  key: string,
  to: Owner,
  sides: ClaimSides,
  { epoch, insists, unmovable, seen: known }: ClaimOptions,
): Promise<Claimed | undefined> => {
  const aurora = known?.aurora ?? (await sides.aurora.read(entity, key))
  const dynamo = known?.dynamo ?? (await sides.dynamo.read(entity, aurora.key))
  const [old, now] = to === 'dynamo' ? [aurora, dynamo] : [dynamo, aurora]
  const seen: Seen = {
    aurora,
    dynamo,
    old,
    now,
    from: sides[otherOf(to)],
    target: sides[to],
    sides,
    unmovable,
  }
  const move: Authority = { owner: to, epoch: epoch ?? nextEpoch({ aurora, dynamo }, to) }
  const step = stepOf(entity, { aurora, dynamo }, move, { isDecided: insists !== undefined })
  switch (step.is) {
    case 'already':
      return { done: 'already', record: now }
    case 'stale':
      throw new StaleClaimError(entity)
    case 'decided':
      return insists && insist(entity, seen, move, insists)
    case 'abandon':
      await giveBack(entity, aurora.key, step.half, sides)
      return undefined
    case 'restore':
      await sides[step.giver].restore(entity, aurora.key, aurora.epoch)
      return undefined
    case 'conflict': {
      // The two were read one behind the other: what was written and carried over in between is no conflict.
      if (!isSameRecord(await sides.aurora.read(entity, aurora.key), aurora)) return undefined
      const error = new ClaimConflictError(entity)
      await unmovable?.({ aurora, dynamo, error })
      throw error
    }
    case 'complete': {
      const record = await takeOrGiveBack(entity, old, { owner: to, epoch: step.half.epoch }, seen)
      return record?.epoch === move.epoch ? { done: 'moved', record } : undefined
    }
    case 'affirm':
      return affirm(entity, seen, move)
    case 'move':
      return moveOver(entity, seen, move)
  }
}

/**
 * Whether what was read before the claim can stand for its own look: whatever each step changes, it changes only of the move that was
 * read. What would end the claim may be told only by a look of its own.
 */
const leadsOn = (
  entity: Entity,
  { aurora, dynamo }: Records,
  to: Owner,
  { epoch, insists }: ClaimOptions,
): boolean => {
  if (epoch === undefined || insists !== undefined || aurora.key !== dynamo.key) return false
  try {
    const { is } = stepOf(entity, { aurora, dynamo }, { owner: to, epoch }, { isDecided: false })
    return is !== 'already' && is !== 'stale' && is !== 'conflict'
  } catch (error) {
    if (error instanceof UndecidedError) return false
    throw error
  }
}

/** First the side that has the key gives it away, then the other one takes it. */
const moveOver = async (entity: Entity, seen: Seen, move: Authority): Promise<Claimed | undefined> => {
  const { aurora, dynamo, old, from, target } = seen
  // From here on a key without an item is one that was deleted, however far this comes.
  if (move.owner === 'dynamo' && isMissing(dynamo))
    await target.release(entity, aurora.key, { owner: from.side, epoch: 0n }, { above: 0n, was: 0n })
  const last = await from.release(entity, aurora.key, move, releaseOf(aurora, old))
  if (!isOf(last, move)) return undefined
  const record = await takeOrGiveBack(entity, last, move, seen)
  return record && { done: 'moved', record }
}

/**
 * Says of a key at both sides that it is the one's that has it. That side comes first: it alone can give the key away, and
 * from then on only by a later move.
 */
const affirm = async (entity: Entity, seen: Seen, move: Authority): Promise<Claimed | undefined> => {
  const { aurora, old, now, from, target } = seen
  const record = await target.release(entity, aurora.key, move, { was: now.epoch })
  if (!isOf(record, move)) return undefined
  const other = await from.release(entity, aurora.key, move, releaseOf(aurora, old))
  return isOf(other, move) ? { done: 'moved', record } : undefined
}

const insist = async (
  entity: Entity,
  { aurora, dynamo, old, from, target }: Seen,
  move: Authority,
  insists: DecidedRecords,
): Promise<Claimed | undefined> => {
  if (move.owner === 'dynamo' && isMissing(dynamo))
    await target.release(entity, aurora.key, { owner: from.side, epoch: 0n }, { above: 0n, was: 0n })
  // Whoever decides for what the row holds has decided against a delete that is on its way.
  const as = isMissing(dynamo) ? { was: old.epoch, above: aurora.version } : releaseOf(aurora, old)
  const last = await from.release(entity, aurora.key, move, as)
  if (!isOf(last, move)) return undefined
  return { done: 'moved', record: await insists.insist(entity, aurora.key, move, last.version) }
}

/** Whether a record is as it was read before. */
const isSameRecord = (now: KeyRecord, before: KeyRecord): boolean =>
  now.state === before.state &&
  now.version === before.version &&
  now.owner === before.owner &&
  now.epoch === before.epoch &&
  isUntold(now) === isUntold(before)

/**
 * @returns undefined where another move was faster
 * @throws what the target has against it
 */
export const takeOrGiveBack = async (
  entity: Entity,
  last: KeyRecord,
  move: Authority,
  { now, target, sides, unmovable }: Pick<Seen, 'now' | 'target' | 'sides' | 'unmovable'>,
): Promise<KeyRecord | undefined> => {
  try {
    const record = await target.take(entity, last, move)
    return isOf(record, move) ? record : undefined
  } catch (error) {
    if (!(error instanceof BridgeError) || !FINAL.has(error.kind)) throw error
    await giveBack(entity, last.key, { to: move.owner, epoch: move.epoch, taker: now }, sides)
    const [aurora, dynamo] = move.owner === 'dynamo' ? [last, now] : [now, last]
    await unmovable?.({ aurora, dynamo, error })
    throw error
  }
}

/** Gives a key back to the side that a move has taken it from, unless somebody has completed it, or a later one has begun. */
const giveBack = async (
  entity: Entity,
  key: string,
  { to, epoch, taker }: Half,
  sides: ClaimSides,
): Promise<void> => {
  const back: Authority = { owner: otherOf(to), epoch }
  // The taker first: whoever is about to complete the move meets this, or has been faster.
  const settled = await sides[to].release(entity, key, back, { above: 0n, was: taker.epoch })
  if (isOf(settled, back)) await sides[back.owner].restore(entity, key, epoch)
}

/** What no repeat would mend. */
const FINAL: ReadonlySet<string> = new Set(['data', 'dependency', 'client', 'configuration'])
