import type { Attribute } from './attributes/attribute.ts'
import { uuid } from './attributes/uuid.ts'
import type { Row } from './change.ts'
import { InvalidRecordError } from './errors.ts'
import { faultOfKey } from './key.ts'
import { DecimalText, sameValue, type Value } from './values.ts'

/** How the keys of an entity are made. */
export type Identity =
  | { readonly kind: 'autoIncrement'; readonly column: string }
  | { readonly kind: 'natural'; readonly columns: readonly string[]; readonly collation?: string }
  | { readonly kind: 'uuid'; readonly column: string }

/** The database counts the rows; a key stands beside the id in a column of its own, which adoption adds. */
export const autoIncrement = (column: string): Identity => ({ kind: 'autoIncrement', column })

/**
 * The key is what the columns of the primary key hold, in the order of that key. Each is an attribute of the entity, too.
 *
 * @param collation of the key's text columns, as `latin1_swedish_ci`: without it the index could not find a text
 */
export const natural = (
  columns: readonly string[],
  { collation }: { readonly collation?: string } = {},
): Identity => ({ kind: 'natural', columns, ...(collation !== undefined && { collation }) })

/** The key is a UUID in a BINARY(16), its bytes in their order: the primary key, and no attribute. */
export const uuidKey = (column: string): Identity => ({ kind: 'uuid', column })

/** A column of a primary key that is the key itself. */
export type KeyPart = {
  readonly attribute: Attribute
  /** The entity's name for it; undefined for one that is no attribute. */
  readonly name: string | undefined
  /** The type in which it travels, as its index wants it. */
  readonly type: string
  /** Its column compares by a collation, which may take others for the same. */
  readonly isText: boolean
}

/**
 * The parts of an entity's key.
 *
 * @returns none where a key stands in a column of its own
 * @throws TypeError for columns that can't be a key
 */
export const keyPartsOf = (
  identity: Identity,
  attributes: Readonly<Record<string, Attribute>>,
): readonly KeyPart[] => {
  if (identity.kind === 'autoIncrement') return []
  if (identity.kind === 'uuid') {
    const attribute = uuid({ column: identity.column })
    return [{ attribute, name: undefined, type: attribute.jsonTableType, isText: false }]
  }
  const { columns, collation } = identity
  if (columns.length === 0) throw new TypeError('a natural key has at least one column')
  if (new Set(columns).size < columns.length) throw new TypeError('a column is twice in its key')
  return columns.map((column) => {
    const [name, attribute] = Object.entries(attributes).find(([, one]) => one.column === column) ?? []
    if (attribute === undefined) throw new TypeError(`the key column "${column}" has no attribute`)
    if (attribute.readOnly === true)
      throw new TypeError(`the key column "${column}" is written by whoever makes a row`)
    if (attribute.references !== undefined)
      throw new TypeError(`the key column "${column}" can't be a reference: give it the kind of its column`)
    if (attribute.body.safeParse(undefined).success)
      throw new TypeError(`the key column "${column}" can't be optional`)
    const isText = attribute.kind === 'text' || attribute.kind === 'char'
    return { attribute, name, isText, type: isText ? textType(attribute, collation) : typeOf(attribute) }
  })
}

/** The type in which a key's column is compared. */
const typeOf = (attribute: Attribute): string => {
  switch (attribute.kind) {
    case 'integer':
      return attribute.body.safeParse('-1').success ? 'BIGINT' : 'BIGINT UNSIGNED'
    case 'decimal':
      return `DECIMAL(65, ${scaleOf(attribute)})`
    case 'date':
      return 'DATE'
    case 'uuid':
      return attribute.jsonTableType
    default:
      throw new TypeError(`the key column "${attribute.column}" can't be of the kind ${attribute.kind}`)
  }
}

/** With a larger scale than the column's there would be less room before the point. */
const scaleOf = ({ toJson }: Attribute): number =>
  String(toJson(new DecimalText('0'))).split('.')[1]?.length ?? 0

/** The character sets of collations by how their names begin. */
const COLLATION = /^(utf8mb4|utf8mb3|utf8|latin1|ascii)_[a-z0-9_]+$/

const textType = ({ column, jsonTableType, body }: Attribute, collation: string | undefined): string => {
  const [, named] = COLLATION.exec(collation ?? '') ?? []
  if (named === undefined)
    throw new TypeError(`the key column "${column}" is text: say its collation, as utf8mb4_general_ci`)
  const charset = named === 'utf8' ? 'utf8mb3' : named
  const [, width] = /^VARCHAR\((\d+)\)/.exec(jsonTableType) ?? []
  if (width === undefined) throw new TypeError(`the key column "${column}" is longer than a key may be`)
  // What the column's character set lacks would come back as a question mark, and be taken for one.
  if (charset !== 'utf8mb4' && body.safeParse('🍲').success)
    throw new TypeError(`the key column "${column}" needs the charset of its collation, ${charset}`)
  return `VARCHAR(${width}) CHARACTER SET ${charset} COLLATE ${collation}`
}

/**
 * A key of the values of its parts. One part is its own text; of several none can run into the next one.
 *
 * @param values in the order of the parts
 */
export const joinKey = (parts: readonly KeyPart[], values: readonly Value[]): string => {
  const texts = parts.map((part, at) => textOf(part, values[at] ?? null))
  return texts.length === 1 ? (texts[0] ?? '') : texts.map(escaped).join(SEPARATOR)
}

/** Needs no escape in a path. */
const SEPARATOR = ','
const escaped = (text: string): string => text.replaceAll('~', '~0').replaceAll(SEPARATOR, '~1')
const unescaped = (text: string): string => text.replaceAll('~1', SEPARATOR).replaceAll('~0', '~')

const textOf = ({ attribute }: KeyPart, value: Value): string => String(attribute.toJson(value) ?? '')

/**
 * The values of a key's parts.
 *
 * @returns undefined for a text that is no key, or another form of one: each key has one text only
 */
export const splitKey = (parts: readonly KeyPart[], key: string): readonly Value[] | undefined => {
  const texts = parts.length === 1 ? [key] : key.split(SEPARATOR).map(unescaped)
  if (texts.length !== parts.length || faultOfKey(key) !== undefined) return undefined
  const values: Value[] = []
  for (const [at, { attribute }] of parts.entries()) {
    const read = attribute.body.safeParse(texts[at])
    if (!read.success) return undefined
    values.push(read.data)
  }
  return joinKey(parts, values) === key ? values : undefined
}

/** The key that a row says it has. */
export const keyOfRow = (parts: readonly KeyPart[], row: Row): string =>
  joinKey(
    parts,
    parts.map(({ name = '' }) => row[name] ?? null),
  )

/** The names of the attributes by which a row is another one's than its key says. */
export const otherParts = (parts: readonly KeyPart[], key: string, row: Row): string[] => {
  const values = splitKey(parts, key) ?? []
  return parts.flatMap(({ name }, at) =>
    name === undefined || sameValue(row[name] ?? null, values[at] ?? null) ? [] : [name],
  )
}

/**
 * A row with what its key says where it says nothing itself.
 *
 * @throws InvalidRecordError for a key in another form, and for a row that is another key's
 */
export const rowOfKey = (parts: readonly KeyPart[], key: string, row: Row): Row => {
  if (parts.length === 0) return row
  const values = splitKey(parts, key)
  if (values === undefined) throw new InvalidRecordError("The key is not in the form of the entity's keys")
  const missing = parts.flatMap(({ name }, at) =>
    name !== undefined && (row[name] ?? null) === null ? [[name, values[at] ?? null]] : [],
  )
  const whole = missing.length === 0 ? row : { ...row, ...Object.fromEntries(missing) }
  const others = otherParts(parts, key, whole)
  if (others.length === 0) return whole
  const names = parts.flatMap(({ name = '', attribute }) =>
    others.includes(name) ? [attribute.as ?? name] : [],
  )
  throw new InvalidRecordError(`The row is another key's by ${names.join(', ')}`)
}
