import type { Entity } from '../model/entity.ts'
import { type Epoch, laterMove, type Owner } from '../model/owner.ts'
import { WrittenSinceRestoreError } from '../ports/claim-errors.ts'
import { type DecidedRecords, isBeyond, type KeyRecord } from '../ports/key-records.ts'
import { claim } from './claim.ts'
import { claimListed, listMet } from './listed-claim.ts'

export type RecoverKeyParts = {
  readonly sides: Readonly<Record<Owner, DecidedRecords>>
  readonly parking: Parameters<typeof claimListed>[4]['parking']
}

/**
 * Gives a key to the store that has survived, after the other one was restored to what it held before.
 *
 * What the survivor holds is kept, also of keys that are the other one's: it is what that store had accepted later, as the mirror
 * has brought it. Only where the restored store still holds something later of a key of its own, which the mirror had not brought
 * yet, or something of a key that the survivor has never heard of, is that carried over. What it holds beside that, since
 * somebody has written there after the restore, is listed as a conflict with both images.
 *
 * @param move the store that has survived, and the number of the move that gives it all keys
 * @throws what `claimListed` throws
 */
export const recoverKey = async (
  entity: Entity,
  key: string,
  move: { readonly survivor: Owner; readonly epoch: Epoch },
  { sides, parking }: RecoverKeyParts,
): Promise<void> => {
  const { survivor, epoch } = move
  const aurora = await sides.aurora.read(entity, key)
  const dynamo = await sides.dynamo.read(entity, aurora.key)
  const [own, restored] = survivor === 'aurora' ? [aurora, dynamo] : [dynamo, aurora]
  const latest = laterMove(own.epoch, restored.epoch)
  const isThere = own.owner === survivor && restored.owner === survivor && own.epoch === restored.epoch
  if (isThere && latest >= epoch) return
  // What was the survivor's own, and is nowhere there, was deleted: a resync deletes it here too.
  if (isUnheardOf(own) && latest === 0n && restored.owner === survivor) return
  // A key that was moved by hand may be of a later move than its route, or of one with the same number.
  const isOfOther = [own, restored].some((record) => record.epoch === epoch && record.owner !== survivor)
  const numbered = latest > epoch || isOfOther ? {} : { epoch }
  if (isUnheardOf(own) || isLater(restored, own, survivor)) {
    await claimListed(entity, own.key, survivor, sides, { ...numbered, parking })
    return
  }
  if (isBeyond(restored, own))
    await listMet(
      entity,
      survivor,
      { aurora, dynamo, error: new WrittenSinceRestoreError(entity) },
      { parking },
    )
  await claim(entity, own.key, survivor, sides, { ...numbered, insists: sides[survivor] })
}

/** Whether a store knows nothing of a key, or only that somebody was about to bring it. */
const isUnheardOf = ({ state, version }: KeyRecord): boolean => state === 'absent' && version === 0n

/** Whether the restored store holds what it has accepted itself, and the mirror had not brought. */
const isLater = (restored: KeyRecord, own: KeyRecord, survivor: Owner): boolean => {
  if (restored.version <= own.version) return false
  if (restored.owner === own.owner) return own.owner !== survivor && restored.epoch === own.epoch
  // It was taken away there, and has not been brought yet: by a run that was killed, or before.
  return restored.owner === survivor && restored.epoch > own.epoch
}
