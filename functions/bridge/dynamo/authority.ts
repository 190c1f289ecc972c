import type { Item } from '../drivers/dynamo/items.ts'
import type { Entity } from '../model/entity.ts'
import { InvalidRecordError } from '../model/errors.ts'
import type { Authority } from '../model/owner.ts'
import { DecimalText } from '../model/values.ts'

/*
 * Whose a key is, as an item says it. An item of which nobody has said anything is DynamoDB's. A key that is deleted may
 * have a tombstone: the item itself, emptied.
 */

/** The attributes that an item has beside the entity's own. */
export const RECORD = {
  owner: 'backsync_owner',
  epoch: 'backsync_epoch',
  /** There in a tombstone: the time of the delete. */
  deleted: 'backsync_deleted',
  /** When DynamoDB may remove a tombstone, in seconds. */
  expires: 'backsync_expires',
  /** The version of what a mirror has written last: any other content is somebody else's. */
  mirrored: 'backsync_mirrored',
} as const

/** Attribute values as they come, of an item or of a record's image. */
type Attributes = Readonly<Record<string, unknown>>

const member = (value: unknown, type: 'S' | 'N'): string | undefined => {
  if (typeof value !== 'object' || value === null) return undefined
  const text: unknown = Reflect.get(value, type)
  return typeof text === 'string' ? text : undefined
}

const NEVER_MOVED: Authority = { owner: 'dynamo', epoch: 0n }

/** @throws InvalidRecordError for what is neither store, or no number of a move */
export const authorityOf = (item: Attributes): Authority => {
  const { [RECORD.owner]: given, [RECORD.epoch]: number } = item
  if (given === undefined && number === undefined) return NEVER_MOVED
  const owner = given === undefined ? 'dynamo' : member(given, 'S')
  const epoch = number === undefined ? '0' : member(number, 'N')
  if (owner !== 'aurora' && owner !== 'dynamo')
    throw new InvalidRecordError(`${RECORD.owner} is neither "aurora" nor "dynamo"`)
  if (epoch === undefined || !/^\d{1,18}$/.test(epoch))
    throw new InvalidRecordError(`${RECORD.epoch} is not the number of a move`)
  return { owner, epoch: BigInt(epoch) }
}

/** As `authorityOf`; what says nothing that can be read is an item of which nobody has said anything. */
export const authorityIn = (item: Attributes): Authority => {
  try {
    return authorityOf(item)
  } catch (error) {
    if (!(error instanceof InvalidRecordError)) throw error
    return NEVER_MOVED
  }
}

export const isTombstone = (item: Attributes): boolean => item[RECORD.deleted] !== undefined

/**
 * Whether a tombstone is of a key that never was: it only says whose the key would be.
 *
 * @param tombstone as it came, or decoded
 * @param version the name of its version
 */
export const isNever = (tombstone: Attributes, version: string): boolean => {
  const value = tombstone[version]
  return (value instanceof DecimalText ? value.canonical : member(value, 'N')) === '0'
}

/** Whether an item is as the mirror from Aurora has left it. */
export const isMirrored = (
  { [RECORD.mirrored]: stamp, ...item }: Attributes,
  names: Pick<Entity['names'], 'version'>,
): boolean => member(stamp, 'N') !== undefined && member(stamp, 'N') === member(item[names.version], 'N')

/** The condition that an item is DynamoDB's to write, and no tombstone. */
export const OURS = {
  expression: '(attribute_not_exists(#owner) OR #owner = :dynamo) AND attribute_not_exists(#deleted)',
  names: { '#owner': RECORD.owner, '#deleted': RECORD.deleted },
  values: { ':dynamo': { S: 'dynamo' } },
} as const

/** What a new item keeps of the tombstone that it takes the place of. */
export const kept = ({ [RECORD.owner]: owner, [RECORD.epoch]: epoch }: Item): Item => ({
  ...(owner && { [RECORD.owner]: owner }),
  ...(epoch && { [RECORD.epoch]: epoch }),
})
