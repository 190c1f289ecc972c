import type { KeyPart } from './attributes/attribute.ts'
import type { Row } from './change.ts'
import { InvalidRecordError } from './errors.ts'
import { faultOfKey } from './key.ts'
import { sameValue, type Value } from './values.ts'

/** How the keys of an entity are made. */
export type Identity =
  | { readonly kind: 'autoIncrement'; readonly column: string }
  | { readonly kind: 'natural'; readonly columns: readonly string[]; readonly collation?: string }
  | { readonly kind: 'uuid'; readonly column: string }

/** The database counts the rows; a key stands beside the id in a column of its own, which adoption adds. */
export const autoIncrement = (column: string): Identity => ({ kind: 'autoIncrement', column })

/**
 * The key is what the columns of the primary key hold, in the order of that key. Each is an attribute of the entity, too,
 * or one of a reference's columns.
 *
 * @param collation of the key's text columns, as `latin1_swedish_ci`: without it the index could not find a text
 */
export const natural = (
  columns: readonly string[],
  { collation }: { readonly collation?: string } = {},
): Identity => ({ kind: 'natural', columns, ...(collation !== undefined && { collation }) })

/** The key is a UUID in a BINARY(16), its bytes in their order: the primary key, and no attribute. */
export const uuidKey = (column: string): Identity => ({ kind: 'uuid', column })

/**
 * A key of the values of its parts. One part is its own text; of several none can run into the next one.
 *
 * @param values in the order of the parts
 */
export const joinKey = (parts: readonly KeyPart[], values: readonly Value[]): string =>
  joinTexts(parts.map((part, at) => textOf(part, values[at] ?? null)))

/** Several texts as one, from which they can be told apart again; of one itself. */
export const joinTexts = (texts: readonly string[]): string =>
  texts.length === 1 ? (texts[0] ?? '') : texts.map(escaped).join(SEPARATOR)

/** The texts that `joinTexts` has joined. @param count how many */
export const splitTexts = (text: string, count: number): readonly string[] =>
  count === 1 ? [text] : text.split(SEPARATOR).map(unescaped)

/** Needs no escape in a path. */
const SEPARATOR = ','
const escaped = (text: string): string => text.replaceAll('~', '~0').replaceAll(SEPARATOR, '~1')
const unescaped = (text: string): string => text.replaceAll('~1', SEPARATOR).replaceAll('~0', '~')

const textOf = ({ attribute }: KeyPart, value: Value): string => String(attribute.toJson(value) ?? '')

/** A part's text in the form in which a client sends its value. */
const sentAs = ({ attribute: { kind } }: KeyPart, text: string): unknown => {
  if (kind === 'boolean') return text === 'true' || (text === 'false' ? false : text)
  if (kind === 'setOf') return text === '' ? [] : text.split(',')
  return text
}

/**
 * The values of a key's parts.
 *
 * @returns undefined for a text that is no key, or another form of one: each key has one text only
 */
export const splitKey = (parts: readonly KeyPart[], key: string): readonly Value[] | undefined => {
  const texts = splitTexts(key, parts.length)
  if (texts.length !== parts.length || faultOfKey(key) !== undefined) return undefined
  const values: Value[] = []
  for (const [at, part] of parts.entries()) {
    const read = part.attribute.body.safeParse(sentAs(part, texts[at] ?? ''))
    if (!read.success) return undefined
    values.push(read.data)
  }
  return joinKey(parts, values) === key ? values : undefined
}

/** A part's value in a row: the attribute's own, or what of the other row's key it is. */
const valueIn = ({ name = '', within }: KeyPart, row: Row): Value => {
  const value = row[name] ?? null
  if (within === undefined || typeof value !== 'string') return value
  return splitKey(within.parts, value)?.[within.at] ?? null
}

/** The key that a row says it has. */
export const keyOfRow = (parts: readonly KeyPart[], row: Row): string =>
  joinKey(
    parts,
    parts.map((part) => valueIn(part, row)),
  )

/** The names of the attributes by which a row is another one's than its key says. */
export const otherParts = (parts: readonly KeyPart[], key: string, row: Row): string[] => {
  const values = splitKey(parts, key) ?? []
  const names = parts.flatMap((part, at) =>
    part.name === undefined || sameValue(valueIn(part, row), values[at] ?? null) ? [] : [part.name],
  )
  return [...new Set(names)]
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
  const missing = parts.flatMap(({ name, within }, at) => {
    if (name === undefined || (row[name] ?? null) !== null) return []
    if (within === undefined) return [[name, values[at] ?? null]]
    const told = toldBy(name, within.parts, parts, values)
    return told === undefined ? [] : [[name, told]]
  })
  const whole = missing.length === 0 ? row : { ...row, ...Object.fromEntries(missing) }
  const others = otherParts(parts, key, whole)
  if (others.length === 0) return whole
  const names = parts.flatMap(({ name = '', attribute }) =>
    others.includes(name) ? [attribute.as ?? name] : [],
  )
  throw new InvalidRecordError(`The row is another key's by ${names.join(', ')}`)
}

/** The key that a reference names, where each of its parts is one of this key's. */
const toldBy = (
  name: string,
  wanted: readonly KeyPart[],
  parts: readonly KeyPart[],
  values: readonly Value[],
): string | undefined => {
  const known = wanted.map((_, at) => parts.findIndex((one) => one.name === name && one.within?.at === at))
  return known.includes(-1)
    ? undefined
    : joinKey(
        wanted,
        known.map((at) => values[at] ?? null),
      )
}
