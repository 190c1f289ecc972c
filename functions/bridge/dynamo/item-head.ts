import type { AttributeValue, DynamoDBClient } from '@aws-sdk/client-dynamodb'
import type { Item } from '../drivers/dynamo/items.ts'
import type { Version } from '../model/change.ts'
import type { Entity } from '../model/entity.ts'
import { InvalidRecordError } from '../model/errors.ts'
import { splitKey } from '../model/identity.ts'
import { faultOfKey } from '../model/key.ts'
import { ISO, isoTime, isStorable } from '../normalise/stream-record.ts'
import type { ItemHead } from '../ports/item-head.ts'
import type { Deadline } from '../runtime/deadline.ts'
import type { Tables } from '../runtime/tables.ts'
import { authorityOf } from './authority.ts'
import { readItem } from './get-item.ts'
import { findItemKey, keysOf, readItemKey } from './item-key.ts'
import { belongsTo } from './items.ts'

/**
 * Reads the head of an item that is DynamoDB's own, by no move.
 *
 * @returns undefined for what is another entity's, Aurora's, of a move, or under a key that no row can have
 * @throws InvalidRecordError naming the key, for an item that says of its owner what can't be
 */
export const readOwnHead = (entity: Entity, item: Item): ItemHead | undefined => {
  if (!belongsTo(entity, item)) return undefined
  const read = readItemKey(entity, keysOf(entity, item))
  if (read === undefined || 'fault' in read || !isRowKey(entity, read.key)) return undefined
  const { owner, epoch } = authority(entity, read.key, item)
  if (owner !== 'dynamo' || epoch > 0n) return undefined
  return headOf(entity, read.key, item)
}

type Parts = { readonly client: DynamoDBClient; readonly tables: Tables; readonly deadline: Deadline }

/**
 * The head of the item that a key has now, strongly consistent, whoever owns it; undefined where there is none.
 *
 * @throws DynamoError, DeadlineError
 */
export const readCurrentHead = async (
  entity: Entity,
  key: string,
  parts: Parts,
): Promise<ItemHead | undefined> => {
  const item = await readItem(parts, entity, findItemKey(entity, key))
  return item && belongsTo(entity, item) ? headOf(entity, key, item) : undefined
}

/** Whether a row may have a key, of those that came from items. */
export const isRowKey = ({ keyParts }: Entity, key: string): boolean =>
  faultOfKey(key) === undefined && (keyParts.length === 0 || splitKey(keyParts, key) !== undefined)

const authority = ({ name }: Entity, key: string, item: Item) => {
  try {
    return authorityOf(item)
  } catch (cause) {
    if (!(cause instanceof InvalidRecordError)) throw cause
    throw new InvalidRecordError(`The item of ${name} ${key} can't be taken over: ${cause.message}`, {
      cause,
    })
  }
}

/** By the names that the entity's items have for version and time. */
const headOf = ({ names }: Entity, key: string, item: Item): ItemHead => ({
  key,
  version: versionOf(item[names.version]),
  at: timeOf(item[names.updatedAt]),
})

const versionOf = (version: AttributeValue | undefined): Version =>
  /^[1-9]\d{0,18}$/.test(version?.N ?? '') ? BigInt(version?.N ?? '0') : 0n

const timeOf = (updatedAt: AttributeValue | undefined): string | undefined => {
  const written = ISO.test(updatedAt?.S ?? '') ? Date.parse(updatedAt?.S ?? '') : Number.NaN
  return isStorable(written) ? isoTime(written) : undefined
}
