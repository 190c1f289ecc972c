import type { AttributeValue } from '@aws-sdk/client-dynamodb'
import type { Row } from '../change.ts'
import type { Entity } from '../entity.ts'
import { InvalidRecordError } from '../errors.ts'
import type { Stored } from '../store.ts'
import { DecimalText, decodeItem } from '../values.ts'

export type Item = Record<string, AttributeValue>

/** The attributes of a row as an item holds them, without key, version and time. */
export const toAttributes = (entity: Entity, row: Row): Item =>
  Object.fromEntries(
    Object.entries(entity.attributes).map(([name, attribute]) => [name, attribute.toItem(row[name] ?? null)]),
  )

/**
 * Reads an item, whoever wrote it.
 *
 * @throws InvalidRecordError when it is not one of this entity: the API then answers 500, and the log says why
 */
export const toStored = (entity: Entity, item: Item): Stored => {
  const values = decodeItem(item, entity.name)
  const { [entity.keyName]: key, version, updatedAt } = values
  const row = entity.image.safeParse(values)
  if (!row.success) throw new InvalidRecordError(`An item is not a ${entity.name}`, { cause: row.error })
  if (typeof key !== 'string') throw new InvalidRecordError(`${entity.keyName} of an item is not a string`)
  if (!(version instanceof DecimalText) || !/^[1-9]\d*$/.test(version.text))
    throw new InvalidRecordError(`version of a ${entity.name} is not a positive integer`)
  return {
    key,
    row: row.data,
    version: BigInt(version.text),
    updatedAt: typeof updatedAt === 'string' ? updatedAt : null,
  }
}
