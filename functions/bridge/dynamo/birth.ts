import { isDeepStrictEqual } from 'node:util'
import type { Item } from '../drivers/dynamo/items.ts'
import type { Change, Row } from '../model/change.ts'
import type { Entity } from '../model/entity.ts'
import { InvalidRecordError } from '../model/errors.ts'
import { type Epoch, laterMove } from '../model/owner.ts'
import { NotTheOwnerError } from '../ports/store.ts'
import { authorityOf, isTombstone, kept, RECORD } from './authority.ts'
import { absent, buried, type Condition } from './conditions.ts'
import { belongsTo, toItem } from './items.ts'

/** A new item, and the condition that it doesn't take the place of another one. */
export type Birth = { readonly item: Item; readonly free: Condition }

export const firstOf = (entity: Entity, change: Change): Birth => ({
  item: { ...toItem(entity, change, rowOf(change)), ...bornIn(change.epoch) },
  free: absent(entity),
})

/**
 * A create in the place of a tombstone, above its version. Each of them is tried once: whoever comes in between has made
 * the key his own.
 *
 * @returns undefined where what stands there is none, or the very one that was tried
 * @throws NotTheOwnerError when the key is Aurora's
 */
export const birthOver = (
  entity: Entity,
  change: Change,
  last: Birth,
  found: Item | undefined,
): Birth | undefined => {
  if (found === undefined || !belongsTo(entity, found)) return undefined
  requireOurs(entity, change.key, found)
  const free = buried(entity, found)
  if (!isTombstone(found) || isDeepStrictEqual(last.free, free)) return undefined
  const version = BigInt(found[entity.names.version]?.N ?? '0') + 1n
  const above = version < change.version ? change : { ...change, version }
  const epoch = laterMove(authorityOf(found).epoch, change.epoch ?? 0n)
  return { item: { ...toItem(entity, above, rowOf(change)), ...kept(found), ...bornIn(epoch) }, free }
}

/** What an item says that is made by who knows a move: nobody who knows an earlier one takes it for one that is still to be moved. */
const bornIn = (epoch: Epoch = 0n): Item =>
  epoch === 0n ? {} : { [RECORD.owner]: { S: 'dynamo' }, [RECORD.epoch]: { N: String(epoch) } }

/** @throws NotTheOwnerError */
export const requireOurs = (entity: Entity, key: string, item: Item): void => {
  const { owner } = authorityOf(item)
  if (owner !== 'dynamo') throw new NotTheOwnerError(entity, key, owner)
}

/** @throws InvalidRecordError */
export const rowOf = (change: Change): Row => {
  if (change.op !== 'upsert') throw new InvalidRecordError('A create carries a row')
  return change.row
}
