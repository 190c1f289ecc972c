import type { AttributeValue } from '@aws-sdk/client-dynamodb'
import type { Item } from '../drivers/dynamo/items.ts'
import type { KeyPart } from '../model/attributes/attribute.ts'
import type { Entity } from '../model/entity.ts'
import { BridgeError } from '../model/errors.ts'
import { joinKey, splitKey } from '../model/identity.ts'
import type { KeyPlace } from '../model/item-layout.ts'
import { DecimalText, sameValue, type Value } from '../model/values.ts'

/** No item of the entity can have the key: it is no key of the entity's, or longer than DynamoDB takes. */
export class NoItemKeyError extends BridgeError {
  override readonly name = 'NoItemKeyError'
  readonly code = 'key.no-item'
  readonly kind = 'data'

  constructor({ name }: Pick<Entity, 'name'>) {
    super(`No item of a ${name} can have this key`)
  }
}

/** The longest values of a partition key and of a sort key, in bytes of UTF-8. */
export const LONGEST: readonly [number, number] = [2048, 1024]

/**
 * The primary key of an entity's item.
 *
 * @throws NoItemKeyError
 */
export const itemKey = (entity: Entity, key: string): Item => {
  const item = findItemKey(entity, key)
  if (item === undefined) throw new NoItemKeyError(entity)
  return item
}

/** As `itemKey`; undefined for a key that no item can have. */
export const findItemKey = ({ keyPlaces, keyParts }: Entity, key: string): Item | undefined => {
  const isInParts = keyPlaces.some(({ parts }) => parts !== undefined)
  const values = isInParts ? splitKey(keyParts, key) : []
  if (values === undefined) return undefined
  const partOf = (part: KeyPart): Value => values[keyParts.indexOf(part)] ?? null
  const entries = keyPlaces.map((place, at): [string, AttributeValue] | undefined => {
    if (place.type === 'N') return [place.attribute, { N: digitsOf(place.parts?.map(partOf)[0] ?? null) }]
    const text = textOf(place, key, partOf)
    const isTaken = text !== '' && Buffer.byteLength(text) <= (LONGEST[at] ?? 0)
    return isTaken ? [place.attribute, { S: text }] : undefined
  })
  return entries.every((entry) => entry !== undefined) ? Object.fromEntries(entries) : undefined
}

const digitsOf = (value: Value): string => (value instanceof DecimalText ? value.canonical : '')

const textOf = (
  { value, prefix, parts }: KeyPlace,
  key: string,
  partOf: (part: KeyPart) => Value,
): string => {
  if (value !== undefined) return value
  return `${prefix}${parts === undefined ? key : joinKey(parts, parts.map(partOf))}`
}

/** The key that an item's primary key stands for, or why it stands for none though it is in the entity's place. */
export type ItemKey = { readonly key: string } | { readonly fault: string }

/**
 * The inverse of `itemKey`. Whether a key that stands in the item as a whole is in the form of the entity's keys is for
 * the caller to ask.
 *
 * @param keys the attributes of the primary key at least
 * @returns undefined for the primary key of something else: it has not what each of the entity's has, or is two keys'
 */
export const readItemKey = (
  { keyPlaces, keyParts }: Entity,
  keys: Readonly<Record<string, Value | undefined>>,
): ItemKey | undefined => {
  const [only, another] = keyPlaces
  return only !== undefined && another === undefined && only.parts === undefined && only.value === undefined
    ? readWhole(only, keys[only.attribute])
    : readPlaces({ keyPlaces, keyParts }, keys)
}

/** The usual one: the key stands in the partition key, as a whole. */
const readWhole = (place: KeyPlace, value: Value | undefined): ItemKey | undefined => {
  const key = ownText(place, value)
  if (key !== undefined) return { key }
  return place.prefix === '' ? { fault: notAKey(place) } : undefined
}

const notAKey = ({ attribute, type }: KeyPlace): string =>
  `${attribute} is not a ${type === 'N' ? 'number' : 'string'} key`

const readPlaces = (
  { keyPlaces, keyParts }: Pick<Entity, 'keyPlaces' | 'keyParts'>,
  keys: Readonly<Record<string, Value | undefined>>,
): ItemKey | undefined => {
  const wholes = new Set<string>()
  const values = new Map<KeyPart, Value>()
  let fault: string | undefined
  for (const place of keyPlaces) {
    const { attribute, prefix, parts } = place
    const text = ownText(place, keys[attribute])
    if (text === undefined) {
      if (place.value !== undefined || prefix !== '') return undefined
      fault ??= notAKey(place)
    } else if (place.value === undefined && parts === undefined) wholes.add(text)
    else if (parts !== undefined) {
      const read = splitKey(parts, text)
      if (read === undefined) fault ??= `${attribute} is not in the form of the entity's keys`
      for (const [at, part] of parts.entries()) values.set(part, read?.[at] ?? null)
    }
  }
  if (fault !== undefined) return { fault }
  if (values.size === keyParts.length && keyParts.length > 0)
    wholes.add(
      joinKey(
        keyParts,
        keyParts.map((part) => values.get(part) ?? null),
      ),
    )
  const [key, another] = wholes
  if (key === undefined || another !== undefined) return undefined
  return hasOtherParts(keyParts, key, values) ? undefined : { key }
}

/** Whether an attribute has a part of another key than the one that another attribute has as a whole. */
const hasOtherParts = (
  keyParts: readonly KeyPart[],
  key: string,
  values: ReadonlyMap<KeyPart, Value>,
): boolean => {
  if (values.size === 0) return false
  const own = splitKey(keyParts, key) ?? []
  return keyParts.some(
    (part, at) => values.has(part) && !sameValue(values.get(part) ?? null, own[at] ?? null),
  )
}

/** What a place has of the key; undefined where it isn't what the entity has there. */
const ownText = ({ type, value, prefix, parts }: KeyPlace, of: Value | undefined): string | undefined => {
  if (type === 'N') return of instanceof DecimalText ? joinKey(parts ?? [], [of]) : undefined
  if (typeof of !== 'string') return undefined
  if (value !== undefined) return of === value ? of : undefined
  return of.startsWith(prefix) ? of.slice(prefix.length) : undefined
}

/** The attributes of an item's primary key, for `readItemKey`. */
export const keysOf = ({ keyPlaces }: Entity, item: Item): Readonly<Record<string, Value | undefined>> =>
  Object.fromEntries(
    keyPlaces.map(({ attribute }) => {
      const { S, N } = item[attribute] ?? {}
      return [attribute, N === undefined ? S : new DecimalText(N)]
    }),
  )
