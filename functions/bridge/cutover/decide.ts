import type { Entity } from '../model/entity.ts'
import { type Owner, otherOf } from '../model/owner.ts'
import type { DecidedRecords } from '../ports/key-records.ts'
import { claimListed } from './listed-claim.ts'

/**
 * Has a key hold what the side has that doesn't own it, and belong to its owner as it did: the key is moved to that side, which keeps
 * what it holds whatever the other one has, and back again with that. Whoever dies in between leaves a key of that side's,
 * with the content that was decided for.
 *
 * @param winner whose content is right, and which doesn't own the key
 * @throws what `claimListed` throws
 */
export const decideFor = async (
  entity: Entity,
  key: string,
  winner: Owner,
  {
    sides,
    parking,
  }: {
    readonly sides: Readonly<Record<Owner, DecidedRecords>>
    readonly parking: Parameters<typeof claimListed>[4]['parking']
  },
): Promise<void> => {
  await claimListed(entity, key, winner, sides, { parking, insists: sides[winner] })
  await claimListed(entity, key, otherOf(winner), sides, { parking })
}
