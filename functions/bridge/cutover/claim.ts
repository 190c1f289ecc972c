import type { Entity } from '../model/entity.ts'
import { BridgeError } from '../model/errors.ts'
import { type Authority, type Epoch, laterMove, type Owner, otherOf } from '../model/owner.ts'
import { ClaimConflictError, StaleClaimError, UndecidedError } from '../ports/claim-errors.ts'
import { type DecidedRecords, isBeyond, type KeyRecord, type KeyRecords } from '../ports/key-records.ts'

export type ClaimSides = { readonly aurora: KeyRecords; readonly dynamo: KeyRecords }

export type ClaimOptions = { readonly epoch?: Epoch; readonly insists?: DecidedRecords }

/** What a claim has done. `already`: the key was that side's, at both stores. */
export type Claimed = { readonly done: 'moved' | 'already'; readonly record: KeyRecord }

/**
 * Moves a key to a side, with its last content, and without anybody waiting: first it is taken from the side that has it, by
 * one conditional update of its record there, which answers with the last that was accepted; then it is given to the other
 * one. Whoever dies in between leaves a move that anybody may go on with, by asking for the same again.
 *
 * @param options.epoch the number of the move; by itself one above whatever the records say
 * @param options.insists the side that takes the key, where it keeps what it holds, whatever the other one has: a person has
 *   decided
 * @throws ClaimConflictError, UndecidedError before anything is changed; StaleClaimError when somebody else has moved it;
 *   what the target has against the content: then the key is given back to the side that had it
 */
export const claim = async (
  entity: Entity,
  key: string,
  to: Owner,
  sides: ClaimSides,
  { epoch, insists }: ClaimOptions = {},
): Promise<Claimed> => {
  const [from, target] = [sides[otherOf(to)], sides[to]]
  const aurora = await sides.aurora.read(entity, key)
  const dynamo = await sides.dynamo.read(entity, aurora.key)
  const [old, now] = to === 'dynamo' ? [aurora, dynamo] : [dynamo, aurora]
  const latest = laterMove(old.epoch, now.epoch)
  const move: Authority = { owner: to, epoch: epoch ?? nextOf(old, now, to, latest) }
  if (move.epoch === 0n || (now.owner === to && now.epoch >= move.epoch))
    return { done: 'already', record: now }
  if (move.epoch < latest) throw new StaleClaimError(entity)
  if (!insists) requireMovable(entity, aurora, dynamo, to)
  // Nobody asked for one of the two contents.
  if (!insists && epoch !== undefined && areBothOwners(aurora, dynamo)) throw new ClaimConflictError(entity)
  // From here on a key without an item is one that was deleted, however far this comes.
  if (to === 'dynamo' && isMissing(dynamo))
    await target.release(entity, aurora.key, { owner: from.side, epoch: 0n }, 0n)
  const isMirrored = aurora.state === 'held' && aurora.owner === 'dynamo'
  const above = isMirrored ? undefined : aurora.state === 'deleted' ? aurora.version : 0n
  const last = await from.release(entity, aurora.key, move, above)
  if (last.epoch !== move.epoch || last.owner !== to) throw new StaleClaimError(entity)
  const record = insists
    ? await insists.insist(entity, aurora.key, move, last.version)
    : await takeOrGiveBack(entity, last, move, { from, target })
  return { done: 'moved', record }
}

/**
 * The number of the move that is asked for: of one that stopped half way, its own; 0 where there is nothing to move.
 *
 * @param old the record at the side that is to lose the key
 */
const nextOf = (old: KeyRecord, now: KeyRecord, to: Owner, latest: Epoch): Epoch => {
  const isHalfDone = old.owner === to && old.state !== 'absent' && old.epoch > now.epoch
  if (isHalfDone) return old.epoch
  const isNowhere = old.state === 'absent' && now.state === 'absent' && latest === 0n
  return !isNowhere && saysSo(old, to) && saysSo(now, to) ? 0n : latest + 1n
}

/** Whether a record says that a key is a side's; one that is absent, and of no move, says nothing. */
const saysSo = ({ owner, state, epoch }: KeyRecord, to: Owner): boolean =>
  owner === to || (state === 'absent' && epoch === 0n)

/** Whether there is no item, not even one that says that there is none. */
const isMissing = ({ state, owner, epoch }: KeyRecord): boolean =>
  state === 'absent' && owner === 'dynamo' && epoch === 0n

/** Whether each side has made the key, and no move has decided between them. */
const areBothOwners = (aurora: KeyRecord, dynamo: KeyRecord): boolean =>
  ![aurora, dynamo].some(({ state }) => state === 'absent') &&
  aurora.owner === 'aurora' &&
  dynamo.owner === 'dynamo' &&
  dynamo.epoch <= aurora.epoch

/** @throws UndecidedError, ClaimConflictError */
const requireMovable = (entity: Entity, aurora: KeyRecord, dynamo: KeyRecord, to: Owner): void => {
  const [old, now] = to === 'dynamo' ? [aurora, dynamo] : [dynamo, aurora]
  // Its delete is on its way: what it deletes must not come back.
  if (isMissing(dynamo) && aurora.state === 'held' && aurora.owner === 'dynamo')
    throw new UndecidedError(entity)
  // Each takes the key for its own, and has accepted writes: neither may go without somebody's word.
  const isDisputed = now.state !== 'absent' && now.owner === to && old.owner !== to && now.epoch === old.epoch
  if (isDisputed && isBeyond(old, now)) throw new ClaimConflictError(entity)
  const isGone = old.state === 'absent' && now.state === 'deleted'
  if (!isGone && now.owner !== to && isBeyond(now, old)) throw new ClaimConflictError(entity)
}

/** @throws what the target has against it */
const takeOrGiveBack = async (
  entity: Entity,
  last: KeyRecord,
  move: Authority,
  { from, target }: { readonly from: KeyRecords; readonly target: KeyRecords },
): Promise<KeyRecord> => {
  try {
    const record = await target.take(entity, last, move)
    if (record.epoch > move.epoch) throw new StaleClaimError(entity)
    return record
  } catch (error) {
    if (!(error instanceof BridgeError) || !FINAL.has(error.kind) || error instanceof StaleClaimError)
      throw error
    // The target first: whoever is about to complete the move meets this, or has been faster.
    const back: Authority = { owner: from.side, epoch: move.epoch }
    const settled = await target.release(entity, last.key, back, 0n)
    if (settled.owner === back.owner && settled.epoch === back.epoch)
      await from.restore(entity, last.key, move.epoch)
    throw error
  }
}

/** What no repeat would mend. */
const FINAL: ReadonlySet<string> = new Set(['data', 'dependency', 'client', 'configuration'])
