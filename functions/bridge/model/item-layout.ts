import type { Attribute, KeyPart } from './attributes/attribute.ts'

/** Where an entity's items are, when its table is shared with others or its key attribute has another name. */
export type ItemLayout = KeyLayout & {
  /** The table's name in this project: entities that name the same one share it, and its stream. */
  readonly table: string
  /** The table's partition key. */
  readonly keyAttribute: string
  /** The type of the partition key. @default 'S' */
  readonly keyType?: KeyType
  /** The table's sort key. @default none */
  readonly sort?: SortLayout
  /** The attribute and value that tell this entity's items from the others'. */
  readonly type?: { readonly attribute: string; readonly value: string }
}

/** A table's sort key, and what an entity has in it. */
export type SortLayout = KeyLayout & {
  readonly attribute: string
  /** @default 'S' */
  readonly type?: KeyType
}

/** What stands in an attribute of an item's primary key: the entity's key, if nothing else is said. */
type KeyLayout = {
  /** What stands before the key, or before its parts: `RECIPE#`. */
  readonly prefix?: string
  /** Of a natural key of several columns, the attributes that stand in it; several of them are joined as in the key. */
  readonly parts?: readonly string[]
  /** What stands in it for every item of the entity, instead of the key: `PROFILE`. */
  readonly value?: string
}

/** A number stands for the same key only where its digits are all there is to it. */
type KeyType = 'S' | 'N'

/** An attribute of an item's primary key, with all that is needed to make it of a key and to tell the key from it. */
export type KeyPlace = {
  readonly attribute: string
  readonly type: KeyType
  readonly prefix: string
  /** What it is for every item of the entity; undefined where it has to do with the key. */
  readonly value: string | undefined
  /** The parts of the key that stand in it; undefined for the key as a whole. */
  readonly parts: readonly KeyPart[] | undefined
  /** The entity's name of the attribute that this very place is: it is stored once, as the key. */
  readonly field: string | undefined
}

/**
 * The attributes of the primary key of an entity's items, partition key first.
 *
 * @throws TypeError for a layout from which not every key can be told
 */
export const keyPlacesOf = (
  { keyAttribute, keyType = 'S', sort, table: _, type: __, ...partition }: ItemLayout,
  keyParts: readonly KeyPart[],
): readonly KeyPlace[] => {
  const places = [
    placeOf({ ...partition, attribute: keyAttribute, type: keyType }, keyParts),
    ...(sort === undefined ? [] : [placeOf(sort, keyParts)]),
  ]
  const [first, second] = places
  if (first?.attribute === second?.attribute)
    throw new TypeError(`"${keyAttribute}" can't be partition and sort key at once`)
  const isWhole = places.some(({ value, parts }) => value === undefined && parts === undefined)
  const lacking = keyParts.filter((part) => !places.some(({ parts = [] }) => parts.includes(part)))
  if (!isWhole && (keyParts.length === 0 || lacking.length > 0))
    throw new TypeError(
      `the key of its items lacks ${keyParts.length === 0 ? 'its key' : lacking.map(({ name }) => `"${name}"`).join(', ')}`,
    )
  return places
}

const placeOf = (
  { attribute, type = 'S', prefix = '', value, parts: names }: SortLayout,
  keyParts: readonly KeyPart[],
): KeyPlace => {
  const fail = (why: string): never => {
    throw new TypeError(`the key attribute "${attribute}" ${why}`)
  }
  const isText = type === 'S'
  if (attribute === '' || attribute.length > LONGEST_NAME || !attribute.isWellFormed())
    fail('has no name that DynamoDB takes')
  if (!isText && type !== 'N') fail('is of type S or N')
  if (value !== undefined && (names !== undefined || prefix !== ''))
    fail('is a constant, or has parts of the key')
  if (value === '') fail('is empty')
  if (!isText && (value !== undefined || prefix !== '')) fail('is a number, and holds no text')
  if (names !== undefined && new Set(names).size < names.length) fail('has a part of the key twice')
  if (names?.length === 0) fail('has none of the parts of the key')
  const named = names?.map(
    (name) =>
      keyParts.find((part) => part.name === name) ?? fail(`has "${name}", which is no part of the key`),
  )
  // The only part of a key is the key, and a number is always a part.
  const parts = named ?? (!isText && keyParts.length === 1 ? keyParts : undefined)
  const [only, ...others] = parts ?? []
  if (!isText && (only === undefined || others.length > 0 || !NUMBERS.has(only.attribute.kind)))
    fail('is a number: a key that is one has a single natural part of the kind integer or decimal')
  const held = parts ?? (value === undefined && keyParts.length === 1 ? keyParts : [])
  return { attribute, type, prefix, value, parts, field: fieldOf({ attribute, type, prefix }, held, fail) }
}

/** DynamoDB takes no longer name for a key. */
const LONGEST_NAME = 255

/** Kinds of which no value has more digits than a number in DynamoDB. */
const NUMBERS = new Set(['integer', 'decimal'])

/** The name of the attribute that a place is, where its name is also that attribute's. */
const fieldOf = (
  { attribute, type, prefix }: Pick<KeyPlace, 'attribute' | 'type' | 'prefix'>,
  held: readonly KeyPart[],
  fail: (why: string) => never,
): string | undefined => {
  const part = held.find((one) => one.name !== undefined && (one.attribute.as ?? one.name) === attribute)
  if (part === undefined) return undefined
  if (held.length > 1 || prefix !== '') fail(`is the attribute "${part.name}" itself, and more than that`)
  if (itemType(part.attribute) !== type)
    fail(`is the attribute "${part.name}" itself, which is of type ${itemType(part.attribute)}`)
  return part.name
}

const itemType = ({ kind }: Attribute): KeyType => (NUMBERS.has(kind) ? 'N' : 'S')

/** A primary key in words; a text attribute is its name alone. */
export const describeKey = (places: readonly Pick<KeyPlace, 'attribute' | 'type'>[]): string =>
  places.map(({ attribute, type }) => (type === 'S' ? attribute : `${attribute} (${type})`)).join(' + ')

/** Whether no item's primary key may be both one entity's and another's, of the same table. */
export const haveOtherKeys = (one: readonly KeyPlace[], other: readonly KeyPlace[]): boolean =>
  one.some((place, at) => {
    const that = other[at]
    return that !== undefined && areApart(place, that)
  })

const areApart = (one: KeyPlace, other: KeyPlace): boolean => {
  if (one.type === 'N' || other.type === 'N') return false
  const [mine, theirs] = [one.value ?? one.prefix, other.value ?? other.prefix]
  if (one.value !== undefined && other.value !== undefined) return mine !== theirs
  return (
    (other.value !== undefined || !mine.startsWith(theirs)) &&
    (one.value !== undefined || !theirs.startsWith(mine))
  )
}
