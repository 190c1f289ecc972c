import { toJsonText } from '../drivers/dynamo/json-text.ts'
import { toAttributeValue } from '../model/attribute-values.ts'
import { laterVersion } from '../model/change.ts'
import { conflictsOf, isForeignWrite } from '../model/conflict.ts'
import type { Entity } from '../model/entity.ts'
import { BridgeError } from '../model/errors.ts'
import { outwardRow } from '../model/outward.ts'
import { type Authority, type Owner, otherOf } from '../model/owner.ts'
import { conflictSlots } from '../ports/conflict-slots.ts'
import { isBeyond, type KeyRecord } from '../ports/key-records.ts'
import type { Parked, ParkedHead, Parking } from '../ports/parking.ts'
import { arrivalOf } from '../ports/place.ts'
import { type Claimed, type ClaimOptions, type ClaimSides, claim, type Unmovable } from './claim.ts'
import { type ClaimedSet, claimSet } from './claim-set.ts'

type ListedClaimOptions = Omit<ClaimOptions, 'unmovable'> & {
  readonly parking: Pick<Parking, 'park' | 'parkedAmong' | 'resolve'>
  /** @default the system's clock */
  readonly now?: () => Date
}

/**
 * As `claim`, whose conflicts, and what it can't read, are listed among those of the entity, with both images, until somebody
 * drops them or the key has moved. A key is listed once: what was set aside of it stays as it is, however often the same is asked
 * for.
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
  let isTold = false
  const claimed = await claim(entity, key, to, sides, {
    ...options,
    unmovable: async (met) => {
      isTold = true
      await list(toParked(entity, to, met), { parking, now })
    },
  }).catch(async (error: unknown) => {
    if (!isTold && isUnreadable(error))
      await list(await unreadableToParked(entity, key, to, { sides, error }), { parking, now })
    throw error
  })
  if (claimed.done === 'moved') await endListed(entity, claimed.record.key, sides, { parking, now })
  return claimed
}

/**
 * As `claimSet`, whose conflicts are listed as those of `claimListed`, and what was listed of a key ends where it has moved.
 *
 * @throws what `claimSet` throws
 */
export const claimSetListed = async (
  entity: Entity,
  keys: readonly string[],
  move: Authority,
  {
    parking,
    now = () => new Date(),
    ...parts
  }: Omit<Parameters<typeof claimSet>[3], 'unmovable'> & Pick<ListedClaimOptions, 'parking' | 'now'>,
): Promise<ClaimedSet> => {
  const claimed = await claimSet(entity, keys, move, {
    ...parts,
    unmovable: (met) => list(toParked(entity, move.owner, met), { parking, now }),
  })
  const moved = [...claimed.moved]
  const listed = await parking.parkedAmong(conflictsOf(entity.name), moved.map(nameOf))
  for (const key of moved)
    if (listed.has(nameOf(key))) await endListed(entity, key, parts.sides, { parking, now })
  return claimed
}

/**
 * Lists what both sides hold of a key, for a person to look at: one of the two is about to be written over.
 *
 * @param met.error why, in its code and message
 */
export const listMet = (
  entity: Entity,
  to: Owner,
  met: Unmovable,
  { parking, now = () => new Date() }: Pick<ListedClaimOptions, 'parking' | 'now'>,
): Promise<void> => list({ ...toParked(entity, to, met), message: met.error.message }, { parking, now })

type Lists = Required<Pick<ListedClaimOptions, 'parking' | 'now'>>

const list = async (parked: Parked, { parking, now }: Lists): Promise<void> => {
  const known = (await parking.parkedAmong(parked.entity, [parked.key])).get(parked.key)
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
  const of = { entity: conflictsOf(entity.name), key: nameOf(key) }
  await parking.resolve(of, { upTo: arrivalOf(known), how: 'superseded', at: now() })
}

/** The first of a key's names: what a claim has met is listed once. */
const nameOf = (key: string): string => conflictSlots(key)[0] ?? key

const listedOf = async (
  { name }: Entity,
  key: string,
  parking: Lists['parking'],
): Promise<ParkedHead | undefined> =>
  (await parking.parkedAmong(conflictsOf(name), [nameOf(key)])).get(nameOf(key))

const NAMES = { aurora: 'Aurora', dynamo: 'DynamoDB' } as const

const toParked = (entity: Entity, to: Owner, { aurora, dynamo, error }: Unmovable): Parked => ({
  entity: conflictsOf(entity.name),
  key: nameOf(aurora.key),
  version: laterVersion(aurora.version, dynamo.version),
  class: 'data',
  code: error.code,
  message: `The key could not be moved to ${NAMES[to]}. ${error.message}`,
  byArrival: true,
  payload: toJsonText({ to, aurora: shown(entity, aurora), dynamo: shown(entity, dynamo) }),
})

/** Codes of errors that say something of what is there, and nothing of the way to it. */
const OF_WHAT_IS_THERE: ReadonlySet<string> = new Set([
  'item.foreign',
  'row.unreadable',
  'row.too-large',
  'value.unreadable',
])

const isUnreadable = (error: unknown): error is BridgeError =>
  error instanceof BridgeError && OF_WHAT_IS_THERE.has(error.code)

/** What can't be read can't be taken over: nothing is changed of it, and each side is shown as far as that goes. */
const unreadableToParked = async (
  entity: Entity,
  key: string,
  to: Owner,
  { sides, error }: { readonly sides: ClaimSides; readonly error: BridgeError },
): Promise<Parked> => {
  const look = async (side: Owner) => {
    try {
      return { record: await sides[side].read(entity, key) }
    } catch (fault) {
      if (!isUnreadable(fault)) throw fault
      return { fault }
    }
  }
  const seen = { aurora: await look('aurora'), dynamo: await look('dynamo') }
  const image = ({ record, fault }: { readonly record?: KeyRecord; readonly fault?: BridgeError }) =>
    record === undefined
      ? { state: 'unreadable', code: fault?.code, why: fault?.message }
      : shown(entity, record)
  const known = Object.values(seen).flatMap(({ record }) => record ?? [])
  const version = known.map((record) => record.version).reduce(laterVersion, 0n)
  return {
    entity: conflictsOf(entity.name),
    key: nameOf(known[0]?.key ?? key),
    ...(version > 0n && { version }),
    class: 'data',
    code: error.code,
    message: `The key could not be moved to ${NAMES[to]}, since what is there can't be read. ${error.message}`,
    byArrival: true,
    payload: toJsonText({ to, aurora: image(seen.aurora), dynamo: image(seen.dynamo) }),
  }
}

/** A record with its row as DynamoDB would have it. */
const shown = (entity: Entity, record: KeyRecord) => {
  const { state, version, owner, epoch, at } = record
  return {
    ...{ state, version: String(version), owner, epoch: String(epoch), at },
    ...(record.state === 'held' && { row: toAttributeValue(outwardRow(entity, record.row)).M }),
  }
}
