import { conflictsOf } from '../model/conflict.ts'
import type { Entity } from '../model/entity.ts'
import { outwardParkingOf } from '../model/mirror.ts'
import { conflictSlots } from '../ports/conflict-slots.ts'
import type { Parking } from '../ports/parking.ts'
import type { FoundDifference } from './ledger.ts'
import type { Looked } from './look.ts'

/** Where what has not arrived is listed. */
export type Lists = {
  readonly parking: Pick<Parking, 'parkedAmong'>
  /** The keys of an entity that are in batches which were given up on. */
  readonly undelivered: (entity: Entity) => Promise<ReadonlySet<string>>
}

/**
 * Tells of keys that differ how: those that are listed somewhere are known, and have their payload there.
 *
 * @throws BridgeError where a list can't be read
 */
export const classify = async (
  entity: Entity,
  looked: readonly Looked[],
  { parking, undelivered }: Lists,
): Promise<readonly FoundDifference[]> => {
  if (looked.length === 0) return []
  const keys = looked.map(({ key }) => key)
  const slots = keys.flatMap((key) => conflictSlots(key))
  const [inward, outward, conflicts, given] = await Promise.all([
    parking.parkedAmong(entity.name, keys),
    entity.mirror === undefined ? undefined : parking.parkedAmong(outwardParkingOf(entity.name), keys),
    parking.parkedAmong(conflictsOf(entity.name), slots),
    undelivered(entity),
  ])
  return looked.flatMap(({ key, relation, aurora, dynamo }): FoundDifference[] => {
    if (relation.is === 'agree') return []
    const isListed =
      inward.has(key) || outward?.has(key) === true || conflictSlots(key).some((slot) => conflicts.has(slot))
    const is = isListed ? 'parked' : given.has(key) ? 'undelivered' : relation.is
    return [
      {
        ...{ key, is, fields: relation.fields },
        ...(is !== relation.is && { relation: relation.is }),
        ...(aurora.state !== 'absent' && { aurora: String(aurora.version) }),
        ...(dynamo.state !== 'absent' && { dynamo: String(dynamo.version) }),
        owner: (aurora.state === 'absent' ? dynamo : aurora).owner,
      },
    ]
  })
}
