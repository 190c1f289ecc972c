import type { Attribute, KeyPart } from './attributes/attribute.ts'
import { uuid } from './attributes/uuid.ts'
import { writerOf } from './columns.ts'
import type { Identity } from './identity.ts'
import { LONGEST_KEY } from './key.ts'

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
    const [name, attribute] = writerOf(column, attributes) ?? []
    if (name === undefined || attribute === undefined)
      throw new TypeError(`the key column "${column}" has no attribute`)
    if (attribute.readOnly === true)
      throw new TypeError(`the key column "${column}" is written by whoever makes a row`)
    if (attribute.body.safeParse(undefined).success)
      throw new TypeError(`the key column "${column}" can't be optional`)
    return attribute.references === undefined
      ? { attribute, name, ...travelling(attribute, collation) }
      : partOfReference(column, name, attribute, collation)
  })
}

/** Whether the key's parts are made of entities that are not defined yet, so that nobody can tell what they are. */
export const isMadeOfLater = (identity: Identity, attributes: Readonly<Record<string, Attribute>>): boolean =>
  identity.kind === 'natural' &&
  identity.columns.some((column) => {
    const [, attribute] = writerOf(column, attributes) ?? []
    return attribute?.references?.isDefined() === false
  })

/** A part that is the key of another entity's row, or a part of it. */
const partOfReference = (
  column: string,
  name: string,
  own: Attribute,
  collation: string | undefined,
): KeyPart => {
  const { columns = [], keyParts: parts = [], entity = '', table = '', idColumn = '' } = own.references ?? {}
  const { record = 'row' } = own.references ?? {}
  if (parts.length === 0)
    return {
      attribute: { ...own, column },
      name,
      type: `VARCHAR(${LONGEST_KEY}) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin`,
      isText: false,
      counted: { entity, table, idColumn, record },
    }
  const at = columns.indexOf(column)
  const part = parts[at]
  if (part === undefined) throw new TypeError(`the key column "${column}" refers to no column of a key`)
  const attribute = { ...part.attribute, column }
  const again = part.isText && collation !== undefined ? travelling(attribute, collation) : undefined
  return { ...part, attribute, name, within: { parts, at }, ...again }
}

/** Why a kind's values can't be a key, which has one text for each of them. */
const REFUSED: Readonly<Record<string, string>> = {
  double: 'its numbers are not exact',
  float: 'its numbers are not exact',
  json: 'it has many texts for one value, and no index',
}

/** The type in which a key's column is compared, and whether it is text. */
const travelling = (
  attribute: Attribute,
  collation: string | undefined,
): Pick<KeyPart, 'type' | 'isText'> => {
  const is = (type: string) => ({ type, isText: false })
  switch (attribute.kind) {
    case 'text':
    case 'char':
    case 'oneOf':
    case 'setOf':
      return { type: textType(attribute, collation), isText: true }
    case 'integer':
      return is(attribute.body.safeParse('-1').success ? 'BIGINT' : 'BIGINT UNSIGNED')
    case 'year':
    case 'bit':
    case 'boolean':
      return is('BIGINT UNSIGNED')
    case 'decimal':
      return is(`DECIMAL(65, ${Math.min(30, 65 - wholeDigits(attribute))})`)
    case 'date':
      return is('DATE')
    case 'datetime':
    case 'timestamp':
      return is('DATETIME(6)')
    case 'time':
      return is('TIME(6)')
    case 'uuid':
      // One that is kept as text is compared by a collation, which doesn't tell small letters from capitals.
      return { type: attribute.jsonTableType, isText: attribute.stored === undefined }
    case 'binary':
    case 'fixedBinary':
      return is(`VARCHAR(${LONGEST_KEY + 1}) CHARACTER SET ascii`)
    default:
      throw new TypeError(
        `the key column "${attribute.column}" can't be of the kind ${attribute.kind}: ${REFUSED[attribute.kind] ?? 'it has no text of its own'}`,
      )
  }
}

/** How many digits a number may have before the point. */
const wholeDigits = ({ body }: Attribute): number => {
  let digits = 65
  while (digits > 1 && !body.safeParse(`1${'0'.repeat(digits - 1)}`).success) digits -= 1
  return digits
}

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
