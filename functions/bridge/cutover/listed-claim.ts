import { toJsonText } from '../drivers/dynamo/json-text.ts'
import { toAttributeValue } from '../model/attribute-values.ts'
import { laterVersion } from '../model/change.ts'
import { conflictsOf, isForeignWrite } from '../model/conflict.ts'
import type { Entity } from '../model/entity.ts'
import { outwardRow } from '../model/outward.ts'
import { type Owner, otherOf } from '../model/owner.ts'
import { isBeyond, type KeyRecord } from '../ports/key-records.ts'
import type { Parked, ParkedHead, Parking } from '../ports/parking.ts'
import { arrivalOf } from '../ports/place.ts'
import { type Claimed, type ClaimOptions, type ClaimSides, claim, type Unmovable } from './claim.ts'

type ListedClaimOptions = Omit<ClaimOptions, 'unmovable'> & {
  readonly parking: Pick<Parking, 'park' | 'parkedAmong' | 'resolve'>
  /** @default the system's clock */
  readonly now?: () => Date
}

/**
 * As `claim`, whose conflicts are listed among those of the entity, with both images, until somebody drops them or the key has
 * moved. A key is listed once: what was set aside of it stays as it is, however often the same is asked for.
 *
 * @throws what `claim` throws; BridgeError when a conflict can't be listed
 */
export const claimListed = async (
  entity: Entity,
  key: string,
  to: Owner,
  sides: ClaimSides,
  { parking, now = () => new Date(), ...options }: ListedClaimOptions,
): Promise<Claimed> => {
  const claimed = await claim(entity, key, to, sides, {
    ...options,
    unmovable: (met) => list(entity, to, met, { parking, now }),
  })
  if (claimed.done === 'moved') await endListed(entity, claimed.record.key, sides, { parking, now })
  return claimed
}

type Lists = Required<Pick<ListedClaimOptions, 'parking' | 'now'>>

const list = async (entity: Entity, to: Owner, met: Unmovable, { parking, now }: Lists): Promise<void> => {
  const parked = toParked(entity, to, met)
  const known = await listedOf(entity, parked.key, parking)
  // A foreign write is in no store any more once it is written over: what is listed of it must not be.
  if (known !== undefined && (isForeignWrite(known) || isSame(known, parked))) return
  await parking.park([parked], now())
}

const isSame = (known: ParkedHead, { code, message, version }: Parked): boolean =>
  known.code === code && known.message === message && known.version === version

/** Ends what a claim has listed, where neither side has anything any more that the other one lacks. */
const endListed = async (
  entity: Entity,
  key: string,
  sides: ClaimSides,
  { parking, now }: Lists,
): Promise<void> => {
  const known = await listedOf(entity, key, parking)
  if (known === undefined || isForeignWrite(known)) return
  const records = {
    aurora: await sides.aurora.read(entity, key),
    dynamo: await sides.dynamo.read(entity, key),
  }
  const { owner } = records.aurora
  if (records.dynamo.owner !== owner || isBeyond(records[otherOf(owner)], records[owner])) return
  const of = { entity: conflictsOf(entity.name), key }
  await parking.resolve(of, { upTo: arrivalOf(known), how: 'superseded', at: now() })
}

const listedOf = async (
  { name }: Entity,
  key: string,
  parking: Lists['parking'],
): Promise<ParkedHead | undefined> => (await parking.parkedAmong(conflictsOf(name), [key])).get(key)

const NAMES = { aurora: 'Aurora', dynamo: 'DynamoDB' } as const

const toParked = (entity: Entity, to: Owner, { aurora, dynamo, error }: Unmovable): Parked => ({
  entity: conflictsOf(entity.name),
  key: aurora.key,
  version: laterVersion(aurora.version, dynamo.version),
  class: 'data',
  code: error.code,
  message: `The key could not be moved to ${NAMES[to]}. ${error.message}`,
  byArrival: true,
  payload: toJsonText({ to, aurora: shown(entity, aurora), dynamo: shown(entity, dynamo) }),
})

/** A record with its row as DynamoDB would have it. */
const shown = (entity: Entity, record: KeyRecord) => {
  const { state, version, owner, epoch, at } = record
  return {
    ...{ state, version: String(version), owner, epoch: String(epoch), at },
    ...(record.state === 'held' && { row: toAttributeValue(outwardRow(entity, record.row)).M }),
  }
}
