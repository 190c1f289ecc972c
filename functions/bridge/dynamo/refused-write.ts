import { ConditionalCheckFailedException } from '@aws-sdk/client-dynamodb'
import type { Item } from '../drivers/dynamo/items.ts'
import { isBehindLostAnswer } from '../drivers/dynamo/lost-answers.ts'
import { type Change, holdsAll, type Intent, type Row, type Version } from '../model/change.ts'
import type { Entity } from '../model/entity.ts'
import { LostAnswerError, NoSuchKeyError } from '../ports/store.ts'
import type { Stored } from '../ports/stored.ts'
import { authorityOf, isTombstone } from './authority.ts'
import { requireOurs } from './birth.ts'
import { belongsTo, toStored } from './items.ts'

/*
 * What a write means whose condition failed. The SDK repeats a call whose answer was lost; a repeat that fails its own
 * condition is recognised by what the item holds.
 */

/** Whether a condition failed because there is no item at all. */
export const isEmpty = (error: unknown): boolean =>
  error instanceof ConditionalCheckFailedException && Object.keys(error.Item ?? {}).length === 0

/** The entity's item that made a condition fail; undefined when there was none, or when the error is another. */
export const conflicting = (entity: Entity, error: unknown): Item | undefined =>
  error instanceof ConditionalCheckFailedException && error.Item && belongsTo(entity, error.Item)
    ? error.Item
    : undefined

/**
 * The item that stands against a write.
 *
 * @throws NoSuchKeyError when there is none, or another entity's, NotTheOwnerError when it is Aurora's, LostAnswerError when it
 *   may have become that behind a first attempt; any other error as it is
 */
export const refusal = (entity: Entity, { key, ifMatch }: Intent, error: unknown): Item => {
  if (!(error instanceof ConditionalCheckFailedException)) throw error
  const found = isEmpty(error) ? undefined : conflicting(entity, error)
  requireTold(entity, found, error, ifMatch)
  if (found === undefined || isTombstone(found)) throw new NoSuchKeyError(entity)
  requireOurs(entity, key, found)
  return found
}

/**
 * That it is known what became of the first attempt at a write, whose key has been moved, or written by others, by now: where it
 * named a version, what stands there is not above the next one. What is above that others may have made of it; and so may they have
 * of one that named none, which nothing but a delete can stand against.
 *
 * @param accepted the versions that it may have found
 * @throws LostAnswerError
 */
export const requireTold = (
  entity: Entity,
  found: Item | undefined,
  error: unknown,
  accepted?: readonly Version[],
): void => {
  if (!isRepeat(error)) return
  if (found !== undefined && authorityOf(found).owner !== 'dynamo')
    throw new LostAnswerError(entity, 'moved', { cause: error })
  const held = found && BigInt(found[entity.names.version]?.N ?? '0')
  if (accepted === undefined || held === undefined || accepted.some((one) => held > one + 1n))
    throw new LostAnswerError(entity, 'written', { cause: error })
}

/** Whether a condition failed at a repeat behind a lost answer: then the first attempt may have passed it. */
export const isRepeat = (error: unknown): boolean =>
  error instanceof ConditionalCheckFailedException && isBehindLostAnswer(error)

/**
 * An item, where it is what this very write made: its time, in milliseconds, and each of its values. Its version is the one that
 * it made; or, where a lift has come behind it, so far above that no single write of somebody else's can have made it. A move
 * leaves all of that as it is.
 */
export const ownOf = (entity: Entity, item: Item, change: Change | Intent, row: Row): Stored | undefined => {
  if (isTombstone(item)) return undefined
  const stored = toStored(entity, item)
  if (stored.updatedAt !== change.at || !holdsAll(stored.row, row)) return undefined
  const accepted = change.version === 'next' ? change.ifMatch : [change.version - 1n]
  // Which version a write has made that accepted any is not known: only that none of another one's shows this.
  const isOwn = accepted?.some((version) => {
    const above = stored.version - version
    return above === 1n || above > 2n
  })
  return (isOwn ?? true) ? stored : undefined
}
