import type { Attribute, KeyPart } from '../../model/attributes/attribute.ts'
import type { Entity } from '../../model/entity.ts'
import { LONGEST_KEY } from '../../model/key.ts'
import { quoted, selectedPart } from '../part-sql.ts'
import { isBeside, ownKeyOf } from '../record-names.ts'

/*
 * A row's key as SQL makes it, in triggers: the very text that `joinKey` makes of its columns. A trigger runs in the session of
 * whoever writes, so nothing here depends on that session's time zone or modes.
 */

/** A row of the table in a trigger, or in a query. */
export type RowAlias = 'NEW' | 'OLD' | (string & {})

/** How the text of a kind is made of its column. */
type TextOf = (column: string, attribute: Attribute) => string

const utf8 = (text: string): string => `CONVERT(${text} USING utf8mb4)`
const asChar = (text: string): string => utf8(`CAST(${text} AS CHAR)`)

/** A ZEROFILL column's number is without its zeros only as the result of an operation. */
const wholeNumber: TextOf = (column) => asChar(`${column} + 0`)

/** How many digits follow a separator in the text of a sample: the attribute itself knows best. */
const digitsBehind = (separator: string, attribute: Attribute, sample: string): number => {
  const text = String(attribute.toJson(attribute.body.parse(sample)))
  const at = text.lastIndexOf(separator)
  return at < 0 ? 0 : text.slice(at + 1).replace(/\D/g, '').length
}

const decimalText: TextOf = (column, attribute) =>
  asChar(`CAST(${column} AS DECIMAL(65, ${digitsBehind('.', attribute, '0')}))`)

const DAY = '%Y-%m-%dT%H:%i:%s'

const momentText = (moment: string, digits: number): string => {
  const whole = utf8(`DATE_FORMAT(${moment}, '${DAY}')`)
  return digits === 0
    ? whole
    : `CONCAT(${whole}, '.', LEFT(${utf8(`DATE_FORMAT(${moment}, '%f')`)}, ${digits}))`
}

const datetimeText: TextOf = (column, attribute) =>
  momentText(column, digitsBehind('.', attribute, '2000-01-01T00:00:00'))

/** By the moment that the column keeps, which is the same in every session. */
const timestampText: TextOf = (column, attribute) => {
  const moment = `(TIMESTAMP('1970-01-01 00:00:00') + INTERVAL UNIX_TIMESTAMP(${column}) SECOND)`
  return `CONCAT(${momentText(moment, digitsBehind('.', attribute, '2000-01-01T00:00:00Z'))}, 'Z')`
}

const timeText: TextOf = (column, attribute) =>
  asChar(`CAST(${column} AS TIME(${digitsBehind('.', attribute, '00:00:00')}))`)

/** The words that a definition lists, in its order, whatever the column's is. */
const setText: TextOf = (column, attribute) => {
  const held = attribute.body.safeParse(wordsOf(attribute))
  const words = held.success && Array.isArray(held.data) ? held.data.map(String) : []
  const each = words.map((word) => `IF(FIND_IN_SET(${literal(word)}, ${column}) > 0, ${literal(word)}, NULL)`)
  return utf8(`CONCAT_WS(',', ${each.join(', ')})`)
}

/** An attribute doesn't tell its words, but in what it says of one that is none of them. */
export const wordsOf = ({ image }: Attribute): readonly string[] => {
  const refused = image.safeParse(['\u0000'])
  const [issue] = refused.success ? [] : refused.error.issues
  return issue?.code === 'invalid_value' ? issue.values.map(String) : []
}

const uuidText: TextOf = (column, attribute) => {
  if (attribute.stored === undefined) return utf8(column)
  const hex = utf8(`LOWER(HEX(${column}))`)
  const sample = '00000000-1111-2222-3333-444444444444'
  const isSwapped = attribute.toSql(sample)?.startsWith('2') === true
  const parts = isSwapped
    ? [
        [9, 8],
        [5, 4],
        [1, 4],
        [17, 4],
        [21, 12],
      ]
    : [
        [1, 8],
        [9, 4],
        [13, 4],
        [17, 4],
        [21, 12],
      ]
  return `CONCAT_WS('-', ${parts.map(([from, length]) => `SUBSTR(${hex}, ${from}, ${length})`).join(', ')})`
}

/** MySQL breaks base64 into lines. */
const base64Text: TextOf = (column) => utf8(`REPLACE(TO_BASE64(${column}), '\\n', '')`)

const TEXTS: Readonly<Record<string, TextOf>> = {
  text: utf8,
  char: utf8,
  oneOf: (column) => asChar(column),
  setOf: setText,
  integer: wholeNumber,
  year: wholeNumber,
  bit: wholeNumber,
  boolean: (column) =>
    utf8(`IF(${column} + 0 = 1, 'true', IF(${column} + 0 = 0, 'false', CAST(${column} + 0 AS CHAR)))`),
  decimal: decimalText,
  date: (column) => asChar(column),
  datetime: datetimeText,
  timestamp: timestampText,
  time: timeText,
  uuid: uuidText,
  binary: base64Text,
  fixedBinary: base64Text,
}

/** What a part's text has to be escaped for among others: only of these kinds it may have a separator in it. */
const HAS_ANY: ReadonlySet<string> = new Set(['text', 'char', 'oneOf', 'setOf'])

/** A text as a literal, in a session where a backslash escapes. */
export const literal = (text: string): string => `'${text.replaceAll('\\', '\\\\').replaceAll("'", "''")}'`

const partText = (part: KeyPart, row: RowAlias): string => {
  const { attribute, counted } = part
  const column = `${row}.${quoted(attribute.column)}`
  if (counted !== undefined) return utf8(selectedPart(part, column))
  const text = TEXTS[attribute.kind]
  if (text === undefined)
    throw new TypeError(
      `the key column "${attribute.column}" is of the kind ${attribute.kind}, whose text SQL can't make`,
    )
  return text(column, attribute)
}

const escaped = (text: string): string => `REPLACE(REPLACE(${text}, '~', '~0'), ',', '~1')`

/** The key of a row whose key is the primary key's columns. @throws TypeError as `keyInSql` */
export const partsInSql = (parts: readonly KeyPart[], row: RowAlias): string => {
  const [first, ...others] = parts
  if (first !== undefined && others.length === 0) return partText(first, row)
  const texts = parts.map((part) => {
    const text = partText(part, row)
    return part.counted !== undefined || HAS_ANY.has(part.attribute.kind) ? escaped(text) : text
  })
  return `CONCAT_WS(',', ${texts.join(', ')})`
}

/**
 * A row's key in SQL.
 *
 * @throws TypeError for a kind of key that SQL has no text for, by its column's name
 */
export const keyInSql = (entity: Entity, row: RowAlias): string => {
  const { name, table, idColumn, record, keyParts } = entity
  if (keyParts.length > 0) return partsInSql(keyParts, row)
  const id = asChar(`${row}.${quoted(idColumn)}`)
  const own = isBeside(entity)
    ? ownKeyOf({ entity: name, table, idColumn, record }, row)
    : `${row}.backsync_key`
  return `COALESCE(${own}, ${id})`
}

/** Whether a text is a key: of some columns one may be too long, empty or end with a blank; undefined where each is one. */
export const isKeyInSql = ({ keyParts }: Entity, text: string): string | undefined =>
  keyParts.some(
    ({ counted, attribute: { kind } }) => counted !== undefined || HAS_ANY.has(kind) || kind === 'binary',
  )
    ? `CHAR_LENGTH(${text}) BETWEEN 1 AND ${LONGEST_KEY} AND RIGHT(HEX(${text}), 2) <> '20'`
    : undefined
