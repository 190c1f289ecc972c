import type { ZodError } from 'zod'
import type { Item } from '../drivers/dynamo/items.ts'
import { type Field, writable } from '../model/attributes/attribute.ts'
import type { Change, Row } from '../model/change.ts'
import { type Entity, rowUnderKey } from '../model/entity.ts'
import { BridgeError } from '../model/errors.ts'
import { DecimalText, decodeItem, type Value } from '../model/values.ts'
import type { Stored } from '../ports/stored.ts'
import { itemKey, keysOf, readItemKey } from './item-key.ts'
import { positionOf } from './position.ts'

/**
 * An item in an entity's table that isn't one of it. The client who asks for it did nothing wrong, and no repeat
 * helps: somebody has to repair the item.
 */
export class ForeignItemError extends BridgeError {
  override readonly name = 'ForeignItemError'
  readonly code = 'item.foreign'
  readonly kind = 'configuration'
}

/** Whether an item is one of this entity's, where others have theirs in the same table. */
export const belongsTo = (entity: Entity, item: Item): boolean => {
  const { type } = entity.item
  return (
    readItemKey(entity, keysOf(entity, item)) !== undefined &&
    (type === undefined || item[type.attribute]?.S === type.value)
  )
}

/** The key under which an item that can't be read is named: the entity's, or what stands in its place. */
export const nameOfItem = (entity: Entity, item: Item): string => {
  const read = readItemKey(entity, keysOf(entity, item))
  return read !== undefined && 'key' in read ? read.key : (positionOf(entity, item) ?? '')
}

/**
 * The fields that a write sets: what the database sets is left as somebody else has put it, and what is the item's key
 * never changes.
 */
export const writtenFields = ({
  attributes,
  children,
  keyPlaces,
}: Entity): Readonly<Record<string, Field>> => ({
  ...Object.fromEntries(
    writable(attributes).filter(([name]) => keyPlaces.every(({ field }) => field !== name)),
  ),
  ...children,
})

/** The fields of a row as an item holds them, without key, type, version and time. What is NULL is left out. */
export const toAttributes = (entity: Entity, row: Row): Item =>
  Object.fromEntries(
    Object.entries(writtenFields(entity)).flatMap(([name, field]) => {
      const value = row[name] ?? null
      return value === null ? [] : [[field.as ?? name, field.toItem(value)]]
    }),
  )

/** A new item. @throws NoItemKeyError */
export const toItem = (entity: Entity, { key, version, at }: Change, row: Row): Item => {
  const { item: layout, names } = entity
  const { type } = layout
  return {
    ...itemKey(entity, key),
    ...(type && { [type.attribute]: { S: type.value } }),
    ...toAttributes(entity, row),
    [names.version]: { N: String(version) },
    [names.updatedAt]: { S: at },
  }
}

/**
 * Reads an item, whoever wrote it. Where versions come from the stream, an item may have none: it is 0 then.
 *
 * @throws ForeignItemError when it is not one of this entity: the API then answers 500, and the log says why
 */
export const toStored = (entity: Entity, item: Item): Stored => {
  const values = decode(entity, item)
  const { [entity.names.version]: version, [entity.names.updatedAt]: updatedAt } = values
  const row = entity.image.safeParse(values)
  if (!row.success)
    throw new ForeignItemError(`An item is not a ${entity.name}: ${faultsOf(row.error).join('; ')}`, {
      cause: row.error,
    })
  const read = readItemKey(entity, values)
  if (read === undefined || !belongsTo(entity, item))
    throw new ForeignItemError(`An item is another entity's, not a ${entity.name}`)
  if ('fault' in read) throw new ForeignItemError(`An item is not a ${entity.name}: ${read.fault}`)
  return {
    key: read.key,
    row: withKey(entity, read.key, row.data),
    version: versionOf(entity, version),
    updatedAt: typeof updatedAt === 'string' ? updatedAt : null,
  }
}

const withKey = (entity: Entity, key: string, row: Row): Row => {
  try {
    return rowUnderKey(entity, key, row)
  } catch (cause) {
    throw new ForeignItemError(`An item is not a ${entity.name}: it isn't its key's`, { cause })
  }
}

/** As many as are named: a list of many members may have as many. */
const MOST_NAMED = 10

const faultsOf = ({ issues }: ZodError): readonly string[] =>
  issues.slice(0, MOST_NAMED).map(({ path, message }) => `${path.join('.')} ${message}`)

const versionOf = (entity: Entity, version: Value | undefined): bigint => {
  if (version instanceof DecimalText && /^[1-9]\d*$/.test(version.canonical)) return BigInt(version.canonical)
  if (entity.versions === 'stream' && version === undefined) return 0n
  throw new ForeignItemError(`${entity.names.version} of a ${entity.name} is not a positive integer`)
}

const decode = (entity: Entity, item: Item): Record<string, Value> => {
  try {
    return decodeItem(item, entity.name)
  } catch (cause) {
    throw new ForeignItemError(`An item is not a ${entity.name}`, { cause })
  }
}
