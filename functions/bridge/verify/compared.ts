import type { ReadRecord } from '../aurora/many-records.ts'
import type { Item } from '../drivers/dynamo/items.ts'
import { authorityIn, isTombstone } from '../dynamo/authority.ts'
import { toRecord } from '../dynamo/dynamo-records.ts'
import { isRowKey } from '../dynamo/item-head.ts'
import { keysOf, readItemKey } from '../dynamo/item-key.ts'
import { belongsTo, nameOfItem } from '../dynamo/items.ts'
import { canonicalRecord, textHash } from '../model/canonical.ts'
import type { Entity } from '../model/entity.ts'
import { BridgeError, InvalidRecordError } from '../model/errors.ts'
import type { Owner } from '../model/owner.ts'
import type { HashedRecord } from './sides.ts'

/** What is there and can't be read is like nothing at the other side: no record has such a text. */
const unreadableAt = (side: Owner, key: string): bigint => textHash(`~~${side} ${key}`)

/** Whether a key is compared: of an entity that isn't mirrored nothing carries over what Aurora owns. */
export const isCompared = (entity: Pick<Entity, 'mirror'>, owner: Owner): boolean =>
  entity.mirror !== undefined || owner === 'dynamo'

/** A row that was read, to be compared; nothing for one that is gone, or isn't compared. */
export const hashedRow = (entity: Entity, record: ReadRecord): HashedRecord | undefined => {
  const { key, state, owner } = record
  if (state === 'absent' || state === 'deleted' || !isCompared(entity, owner)) return undefined
  const hash = state === 'held' ? textHash(canonicalRecord(entity, record)) : unreadableAt('aurora', key)
  return { key, hash }
}

/** An item, to be compared; nothing for a tombstone, another entity's, or one that isn't compared. */
export const hashedItem = (entity: Entity, item: Item): HashedRecord | undefined => {
  if (!belongsTo(entity, item) || isTombstone(item)) return undefined
  const record = recordOfItem(entity, item)
  return record === undefined || record.state === 'held'
    ? record && hashedRow(entity, record)
    : { key: record.key, hash: unreadableAt('dynamo', record.key) }
}

/** What an item is; unread where it can't be told. Nothing for another entity's. */
export const recordOfItem = (entity: Entity, item: Item): ReadRecord | undefined => {
  if (!belongsTo(entity, item)) return undefined
  const read = readItemKey(entity, keysOf(entity, item))
  const key = nameOfItem(entity, item)
  try {
    if (read === undefined || 'fault' in read) throw new InvalidRecordError(read?.fault ?? 'it has no key')
    if (!isRowKey(entity, key))
      throw new InvalidRecordError("its key is not in the form of the entity's keys")
    return toRecord(entity, key, item)
  } catch (error) {
    if (!(error instanceof BridgeError)) throw error
    const version = item[entity.names.version]?.N ?? ''
    return {
      ...authorityIn(item),
      ...{ key, state: 'unread', error, version: /^\d{1,19}$/.test(version) ? BigInt(version) : 0n },
    }
  }
}
