import type { AttributeValue } from '@aws-sdk/client-dynamodb'
import type { Row } from '../change.ts'
import type { Entity } from '../entity.ts'
import { BridgeError } from '../errors.ts'
import type { Stored } from '../store.ts'
import { DecimalText, decodeItem, type Value } from '../values.ts'

export type Item = Record<string, AttributeValue>

/**
 * An item in an entity's table that isn't one of it. The client who asks for it did nothing wrong, and no repeat
 * helps: somebody has to repair the item.
 */
export class ForeignItemError extends BridgeError {
  override readonly name = 'ForeignItemError'
  readonly code = 'item.foreign'
  readonly kind = 'configuration'
}

/** The attributes of a row as an item holds them, without key, version and time. */
export const toAttributes = (entity: Entity, row: Row): Item =>
  Object.fromEntries(
    Object.entries(entity.attributes).map(([name, attribute]) => [name, attribute.toItem(row[name] ?? null)]),
  )

/**
 * Reads an item, whoever wrote it.
 *
 * @throws ForeignItemError when it is not one of this entity: the API then answers 500, and the log says why
 */
export const toStored = (entity: Entity, item: Item): Stored => {
  const values = decode(entity, item)
  const { [entity.keyName]: key, version, updatedAt } = values
  const row = entity.image.safeParse(values)
  if (!row.success) throw new ForeignItemError(`An item is not a ${entity.name}`, { cause: row.error })
  if (typeof key !== 'string') throw new ForeignItemError(`${entity.keyName} of an item is not a string`)
  if (!(version instanceof DecimalText) || !/^[1-9]\d*$/.test(version.text))
    throw new ForeignItemError(`version of a ${entity.name} is not a positive integer`)
  return {
    key,
    row: row.data,
    version: BigInt(version.text),
    updatedAt: typeof updatedAt === 'string' ? updatedAt : null,
  }
}

const decode = (entity: Entity, item: Item): Record<string, Value> => {
  try {
    return decodeItem(item, entity.name)
  } catch (cause) {
    throw new ForeignItemError(`An item is not a ${entity.name}`, { cause })
  }
}
