import type { Item } from '../drivers/dynamo/items.ts'
import type { Entity } from '../model/entity.ts'
import type { Authority } from '../model/owner.ts'
import type { KeyRecord } from '../ports/key-records.ts'
import { RECORD } from './authority.ts'
import { itemKey } from './item-key.ts'

/** A deleted key as the item itself, emptied. */
export const toTombstone = (
  entity: Entity,
  { key, version, at }: Pick<KeyRecord, 'key' | 'version' | 'at'>,
  to: Authority,
): Item => {
  const { type } = entity.item
  const deleted = at ?? new Date().toISOString()
  return {
    ...itemKey(entity, key),
    ...(type && { [type.attribute]: { S: type.value } }),
    [entity.names.version]: { N: String(version) },
    [entity.names.updatedAt]: { S: deleted },
    [RECORD.deleted]: { S: deleted },
    ...authorityAttributes(to),
  }
}

export const authorityAttributes = ({ owner, epoch }: Authority): Item => ({
  [RECORD.owner]: { S: owner },
  [RECORD.epoch]: { N: String(epoch) },
})
