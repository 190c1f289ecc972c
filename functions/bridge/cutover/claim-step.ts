import type { Entity } from '../model/entity.ts'
import { type Authority, type Epoch, laterMove, type Owner } from '../model/owner.ts'
import { UndecidedError } from '../ports/claim-errors.ts'
import { type AsRead, isBeyond, type KeyRecord } from '../ports/key-records.ts'

/*
 * What comes next of a claim, by what both sides say of the key: told by itself, so that one key's claim and those of many keys at
 * once decide by the same words.
 */

/** What both sides say of a key, Aurora read first. */
export type Records = { readonly aurora: KeyRecord; readonly dynamo: KeyRecord }

/**
 * `already`: nothing; `stale`: a later move has it; `decided`: a person has; `abandon`: a move to the other side has stopped half
 * way, and is given back first; `complete`: one to this side has; `restore`: of a giving back the first step was done; `conflict`:
 * something would be lost; `affirm`: both sides say so already, of an earlier move; `move`: the key is taken over.
 */
export type ClaimStep =
  | { readonly is: 'already' | 'stale' | 'decided' | 'conflict' | 'affirm' | 'move' }
  | { readonly is: 'abandon' | 'complete'; readonly half: Half }
  | { readonly is: 'restore'; readonly giver: Owner }

/**
 * @param how.isDecided whether a person has decided between what the two hold
 * @throws UndecidedError
 */
export const stepOf = (
  entity: Entity,
  records: Records,
  move: Authority,
  { isDecided }: { readonly isDecided: boolean },
): ClaimStep => {
  const { aurora, dynamo } = records
  const { owner: to, epoch } = move
  const [old, now] = inTurn(records, to)
  const isTold = now.epoch > epoch || old.epoch >= epoch
  if (epoch === 0n || (now.owner === to && now.epoch >= epoch && isTold)) return { is: 'already' }
  if (epoch < laterMove(old.epoch, now.epoch)) return { is: 'stale' }
  if (isDecided) return { is: 'decided' }
  const half = halfDone(aurora, dynamo)
  if (half !== undefined && half.to !== to) return { is: 'abandon', half }
  const giver = half === undefined ? givingBack(aurora, dynamo) : undefined
  if (giver !== undefined) return { is: 'restore', giver }
  if (isInTheWay(entity, records, to) || areBothOwners(aurora, dynamo)) return { is: 'conflict' }
  if (half !== undefined) return { is: 'complete', half }
  return { is: isSaid(now, to) && saysSo(old, to) ? 'affirm' : 'move' }
}

/** The record at the side that is to lose the key, and the one at the side that is to have it. */
export const inTurn = ({ aurora, dynamo }: Records, to: Owner): readonly [old: KeyRecord, now: KeyRecord] =>
  to === 'dynamo' ? [aurora, dynamo] : [dynamo, aurora]

/** @param old the record that is to change, as it was read */
export const releaseOf = (aurora: KeyRecord, old: KeyRecord): AsRead => {
  const isMirrored = aurora.state === 'held' && aurora.owner === 'dynamo'
  const read = { was: old.epoch, isHeld: old.state === 'held' }
  return isMirrored ? read : { ...read, above: aurora.state === 'deleted' ? aurora.version : 0n }
}

export const isOf = (record: KeyRecord, { owner, epoch }: Authority): boolean =>
  record.owner === owner && record.epoch === epoch

/**
 * The number of the move that is asked for: of one that stopped half way, its own; 0 where there is nothing to move.
 */
export const nextEpoch = ({ aurora, dynamo }: Records, to: Owner): Epoch => {
  const [old, now] = inTurn({ aurora, dynamo }, to)
  const latest = laterMove(old.epoch, now.epoch)
  const isHalfDone = old.owner === to && old.state !== 'absent' && old.epoch > now.epoch
  if (isHalfDone) return old.epoch
  const isNowhere = old.state === 'absent' && now.state === 'absent' && latest === 0n
  return !isNowhere && saysSo(old, to) && saysSo(now, to) ? 0n : latest + 1n
}

/** A move of which only the first step was done: nobody has the key. */
export type Half = { readonly to: Owner; readonly epoch: Epoch; readonly taker: KeyRecord }

/** What has no item has no record of DynamoDB's that a claim could go on with. */
const halfDone = (aurora: KeyRecord, dynamo: KeyRecord): Half | undefined => {
  if (isMissing(dynamo)) return undefined
  if (aurora.owner === 'dynamo' && dynamo.owner === 'aurora' && aurora.epoch !== dynamo.epoch)
    return aurora.epoch > dynamo.epoch
      ? { to: 'dynamo', epoch: aurora.epoch, taker: dynamo }
      : { to: 'aurora', epoch: dynamo.epoch, taker: aurora }
  const isNew = aurora.state === 'absent' && aurora.epoch === 0n
  return isNew && dynamo.owner === 'aurora' && dynamo.epoch > 0n
    ? { to: 'aurora', epoch: dynamo.epoch, taker: aurora }
    : undefined
}

/**
 * The side that a key is being given back to, where each record says by one move that it is the other's: only of the giving back the
 * first step was done. Where one side has nothing it is the other one that the move was to take the key from.
 */
const givingBack = (aurora: KeyRecord, dynamo: KeyRecord): Owner | undefined => {
  const isCrossed = aurora.owner === 'dynamo' && dynamo.owner === 'aurora' && aurora.epoch === dynamo.epoch
  if (!isCrossed || aurora.epoch === 0n) return undefined
  if (aurora.state === 'absent' && dynamo.state !== 'absent') return 'dynamo'
  return dynamo.state === 'absent' && aurora.state !== 'absent' ? 'aurora' : undefined
}

/** Whether a record says that a key is a side's; one that is absent, and of no move, says nothing. */
const saysSo = ({ owner, state, epoch }: KeyRecord, to: Owner): boolean =>
  owner === to || (state === 'absent' && epoch === 0n)

const isSaid = ({ owner, state, epoch }: KeyRecord, to: Owner): boolean =>
  owner === to && !(state === 'absent' && epoch === 0n)

/** Whether there is no item, not even one that says that there is none. */
export const isMissing = ({ state, owner, epoch }: KeyRecord): boolean =>
  state === 'absent' && owner === 'dynamo' && epoch === 0n

/** Whether each side has made the key, and no move has decided between them. */
const areBothOwners = (aurora: KeyRecord, dynamo: KeyRecord): boolean =>
  ![aurora, dynamo].some(({ state }) => state === 'absent') &&
  aurora.owner === 'aurora' &&
  dynamo.owner === 'dynamo' &&
  dynamo.epoch <= aurora.epoch

/**
 * Whether one side holds something that would be lost by a move.
 *
 * @throws UndecidedError
 */
const isInTheWay = (entity: Entity, { aurora, dynamo }: Records, to: Owner): boolean => {
  const [old, now] = inTurn({ aurora, dynamo }, to)
  // Its delete is on its way: what it deletes must not come back.
  if (isMissing(dynamo) && aurora.state === 'held' && aurora.owner === 'dynamo')
    throw new UndecidedError(entity)
  // Each takes the key for its own, and has accepted writes: neither may go without somebody's word.
  const isDisputed = now.state !== 'absent' && now.owner === to && old.owner !== to && now.epoch === old.epoch
  if (isDisputed && isBeyond(old, now)) return true
  const isGone = old.state === 'absent' && now.state === 'deleted'
  const isOfEarlierContent = isUntold(old) && now.version === old.version
  return !isGone && !isOfEarlierContent && now.owner !== to && isBeyond(now, old)
}

export const isUntold = (record: KeyRecord): boolean => record.state === 'held' && record.isUntold === true
