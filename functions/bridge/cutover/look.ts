import type { Entity } from '../model/entity.ts'
import { legacyIdOf } from '../model/key.ts'
import { type Epoch, type Owner, otherOf } from '../model/owner.ts'
import { isOver, type Route } from '../model/route.ts'
import type { KeyRecord } from '../ports/key-records.ts'
import type { FirstAnswers } from '../ports/once.ts'
import type { EntityStore } from '../ports/store.ts'
import type { RouteCache } from '../routes/route-cache.ts'
import type { Claimed } from './claim.ts'
import { isOwnedAt, type Whose, whoseIs } from './whose.ts'

/** What a facade works with. */
export type FacadeParts = {
  readonly stores: Readonly<Record<Owner, EntityStore & FirstAnswers>>
  /** A store's record of a key, under the key that it has. @throws for what can't be told as it is */
  readonly read: Readonly<Record<Owner, (entity: Entity, key: string) => Promise<KeyRecord>>>
  /** The key of the row that has a legacy id; undefined where there is none. */
  readonly keyOfId: (entity: Entity, id: string) => Promise<string | undefined>
  /**
   * Moves a key; a conflict is listed.
   *
   * @param epoch of the move; absent: as it takes to complete the one that has begun
   * @param seen what was just read of both stores
   */
  readonly claim: (
    entity: Entity,
    key: string,
    to: Owner,
    epoch: Epoch | undefined,
    seen?: Readonly<Record<Owner, KeyRecord>>,
  ) => Promise<Claimed>
  readonly routes: Pick<RouteCache, 'current' | 'since' | 'now'>
}

type Stand = Pick<Route, 'stage' | 'epoch' | 'settled'>

/**
 * Whose a key is, by one read where its record at the first store says so, else by both.
 *
 * @param first the store to which it belongs
 */
export const lookAtKey = async (
  { read }: Pick<FacadeParts, 'read'>,
  { entity, key }: { readonly entity: Entity; readonly key: string },
  first: Owner,
  route: Stand,
): Promise<Whose> => {
  const here = await read[first](entity, key)
  if (isOwnedAt(first, here)) return { is: 'owned', owner: first, record: here }
  // Each key was claimed for it by now: what it has no record of is nowhere.
  if (isOver(route) && here.owner === first) return { is: 'nowhere' }
  const there = await read[otherOf(first)](entity, here.key)
  const records = first === 'aurora' ? { aurora: here, dynamo: there } : { aurora: there, dynamo: here }
  const whose = whoseIs(records, first)
  const isOld = first === 'dynamo' && whose.is === 'owned' && whose.record === here
  // The key may have come there since that was read.
  return isOld ? whoseIs({ ...records, dynamo: await read.dynamo(entity, here.key) }, first) : whose
}

/**
 * The key that a client means. Digits may be a row's id, and what a key's hash says is asked of its own key; where no key is to be
 * DynamoDB's, that makes no difference. Once all are, Aurora is asked nothing any more, and digits are a key like any other.
 */
export const keyMeant = async (
  { keyOfId }: Pick<FacadeParts, 'keyOfId'>,
  entity: Entity,
  key: string,
  route: Stand,
): Promise<string> => {
  const mayBeId = entity.keyParts.length === 0 && legacyIdOf(key) !== undefined
  const isAsked = route.stage === 'live' || (route.stage === 'complete' && !isOver(route))
  if (!mayBeId || !isAsked) return key
  return (await keyOfId(entity, key)) ?? key
}
