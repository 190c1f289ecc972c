import type { AttributeValue } from '@aws-sdk/client-dynamodb'
import type { Item } from '../drivers/dynamo/items.ts'
import type { Entity } from '../model/entity.ts'
import type { Authority } from '../model/owner.ts'
import type { KeyRecord } from '../ports/key-records.ts'
import { RECORD } from './authority.ts'
import { itemKey } from './item-key.ts'

/**
 * A deleted key as the item itself, emptied. One that says that the key is Aurora's never expires, and neither does one of a
 * key that never was: without it DynamoDB would take a write of it.
 *
 * @param now when it is made: from then on it is kept for as long as the entity says
 */
export const toTombstone = (
  entity: Entity,
  { key, version, at }: Pick<KeyRecord, 'key' | 'version' | 'at'>,
  to: Authority,
  now: Date = new Date(),
): Item => {
  const { type } = entity.item
  const deleted = at ?? now.toISOString()
  return {
    ...itemKey(entity, key),
    ...(type && { [type.attribute]: { S: type.value } }),
    [entity.names.version]: { N: String(version) },
    [entity.names.updatedAt]: { S: deleted },
    [RECORD.deleted]: { S: deleted },
    ...authorityAttributes(to),
    ...(to.owner === 'dynamo' && version > 0n && { [RECORD.expires]: expiryOf(entity, now) }),
  }
}

/** When DynamoDB may remove a tombstone: as its TTL takes it, in seconds. */
export const expiryOf = ({ tombstoneDays }: Entity, now: Date): AttributeValue => ({
  N: String(Math.ceil(now.getTime() / 1000) + tombstoneDays * DAY),
})

const DAY = 24 * 3600

export const authorityAttributes = ({ owner, epoch }: Authority): Item => ({
  [RECORD.owner]: { S: owner },
  [RECORD.epoch]: { N: String(epoch) },
})
