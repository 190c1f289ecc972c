import type { Item } from '../drivers/dynamo/items.ts'
import { type Change, holdsAll, type Row } from '../model/change.ts'
import type { Entity } from '../model/entity.ts'
import { BridgeError } from '../model/errors.ts'
import type { Overruled } from '../model/outcome.ts'
import { authorityIn, isTombstone, RECORD } from './authority.ts'
import { belongsTo, toStored, writtenFields } from './items.ts'

/** What an item says against a change of Aurora's that was not written over it. */
export type MirrorVerdict =
  /** It is what the change makes. */
  | { readonly is: 'repeat' }
  | { readonly is: 'overruled'; readonly overruled: Overruled }
  | { readonly is: 'refused'; readonly error: Error }
  /** Nothing, by now. */
  | { readonly is: 'open' }

/** The key is an item of something else, where several share a table. */
export class ItemTakenError extends BridgeError {
  override readonly name = 'ItemTakenError'
  readonly code = 'item.taken'
  readonly kind = 'data'

  constructor({ name }: Pick<Entity, 'name'>) {
    super(`What DynamoDB has under the key of this ${name} is no ${name}`)
  }
}

/**
 * Whose the item is comes first, then its version. An item that says of no mirror that it made it, or holds other content than
 * the mirror has left, is a foreign write: DynamoDB has accepted what it had no right to.
 */
export const verdictOf = (entity: Entity, change: Change, found: Item | undefined): MirrorVerdict => {
  if (found === undefined || Object.keys(found).length === 0) return { is: 'open' }
  if (!belongsTo(entity, found)) return { is: 'refused', error: new ItemTakenError(entity) }
  const version = counted(found[entity.names.version]?.N)
  const op = isTombstone(found) ? 'delete' : 'upsert'
  const row = async () => (op === 'delete' ? undefined : rowOf(entity, found))
  const authority = authorityIn(found)
  const { epoch = 0n } = change
  const overruled = (more: Partial<Overruled> = {}, owner = authority.owner): MirrorVerdict => ({
    is: 'overruled',
    overruled: { change, held: { version, op, row, owner, epoch: authority.epoch }, ...more },
  })
  if (authority.epoch > epoch) return overruled({ authority: 'late' })
  // By the record that the change was read from the key is Aurora's, whatever somebody has put there.
  if (isForeign(entity, found)) return overruled({ authority: 'foreign' }, 'aurora')
  if (version > change.version) return overruled()
  if (version < change.version) return { is: 'open' }
  return isSame(entity, change, found) ? { is: 'repeat' } : overruled()
}

/** Whether an item of a key that Aurora owns is not as the mirror, or a claim, has left it. */
export const isForeign = ({ names }: Pick<Entity, 'names'>, item: Item): boolean => {
  const { [names.version]: version, [RECORD.mirrored]: stamp } = item
  if (authorityIn(item).owner !== 'aurora') return true
  return stamp === undefined ? version !== undefined && !isCounted(version.N) : stamp.N !== version?.N
}

const isCounted = (version: string | undefined): boolean => /^\d{1,38}$/.test(version ?? '')
const counted = (version: string | undefined): bigint => (isCounted(version) ? BigInt(version ?? '0') : 0n)

const isSame = (entity: Entity, change: Change, found: Item): boolean => {
  if (change.op === 'delete' || isTombstone(found)) return change.op === 'delete' && isTombstone(found)
  const row = rowOf(entity, found)
  return row !== undefined && holdsAll(row, written(entity, change.row))
}

/** What of a row an item has: columns that the database sets stay in Aurora. */
const written = (entity: Entity, row: Row): Row => {
  const own = writtenFields(entity)
  return Object.fromEntries(Object.entries(row).filter(([name]) => own[name] !== undefined))
}

/** The item's content; undefined where it is none of the entity's form. */
const rowOf = (entity: Entity, item: Item): Row | undefined => {
  try {
    return toStored(entity, item).row
  } catch (error) {
    if (error instanceof BridgeError) return undefined
    throw error
  }
}
