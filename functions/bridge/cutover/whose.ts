import { type Epoch, type Owner, otherOf } from '../model/owner.ts'
import type { KeyRecord } from '../ports/key-records.ts'

/** Whose a key is, as both stores say it together. */
export type Whose =
  | {
      readonly is: 'owned'
      readonly owner: Owner
      readonly record: KeyRecord
      /** What both were read as, where both were. */
      readonly records?: Readonly<Record<Owner, KeyRecord>>
    }
  /** A move of it has stopped half way: nobody may write it, and the record of the larger version is what it holds. */
  | {
      readonly is: 'half'
      readonly to: Owner
      readonly epoch: Epoch
      readonly record: KeyRecord
      /** The store whose record that is. */
      readonly from: Owner
    }
  | { readonly is: 'nowhere' }

/** Whether a store has no record of a key: then its word counts for nothing, whatever stands for it. */
const saysNothing = (side: Owner, { state, epoch, owner }: KeyRecord): boolean =>
  state === 'absent' && epoch === 0n && owner === side

/** Whether a store's record by itself says that the key is this store's: then nobody else need be asked. */
export const isOwnedAt = (side: Owner, record: KeyRecord): boolean =>
  record.owner === side && !saysNothing(side, record)

/**
 * Tells whose a key is by what both stores say. They were read one behind the other: a key that was moved in between shows at
 * one of them at least.
 *
 * @param first the store to which the key belongs: where both take it for theirs, that one has it
 */
export const whoseIs = (records: Readonly<Record<Owner, KeyRecord>>, first: Owner): Whose => {
  for (const side of [first, otherOf(first)])
    if (isOwnedAt(side, records[side])) return { is: 'owned', owner: side, record: records[side], records }
  const { aurora, dynamo } = records
  const silent = (['aurora', 'dynamo'] as const).filter((side) => saysNothing(side, records[side]))
  if (silent.length === 2) return { is: 'nowhere' }
  const [alone] = silent
  // Its record is gone, and it was never moved: a delete that nobody has counted, or one that is on its way.
  if (alone !== undefined && (alone === 'dynamo' || records[otherOf(alone)].epoch === 0n))
    return { is: 'owned', owner: alone, record: records[alone] }
  const to =
    alone ?? (aurora.epoch === dynamo.epoch ? first : aurora.epoch > dynamo.epoch ? 'dynamo' : 'aurora')
  const from = aurora.version > dynamo.version ? 'aurora' : 'dynamo'
  return { is: 'half', to, epoch: records[otherOf(to)].epoch, record: records[from], from }
}
