import { type Attribute, type Reference, writable } from '../model/attributes/attribute.ts'
import { FIELD_END, NULL_FIELD } from '../model/canonical.ts'
import type { Entity } from '../model/entity.ts'
import { hasOwnKey, quoted } from './part-sql.ts'
import { isBeside, ownKeyOf, recordNames } from './record-names.ts'
import { keyInSql, literal, partsInSql, wordsOf } from './triggers/key-text.ts'

/*
 * The text of model/canonical.ts as SQL makes it of a row `t`, with its record. Each field's is made of the very text that is read
 * of the column, so that a row which can't be read never has the text of one that can. Some kinds have no such text in SQL: floating-point
 * numbers, whose digits differ by server; documents, whose members have no order; lists. Of an entity with one of these rows are
 * read, and hashed where everybody else is.
 */

/** How a kind's text is made of its column, and the column types for which that holds. */
type InSql = {
  readonly types: readonly string[]
  readonly text: (column: string, attribute: Attribute) => string
}

const utf8 = (text: string): string => `CONVERT(${text} USING utf8mb4)`
const asRead = (column: string, { asText }: Attribute): string =>
  utf8((asText ?? ((own) => `CAST(${own} AS CHAR)`))(column))

/** Zeros before a number are those of a ZEROFILL column. A text without any other digit keeps its first character. */
const withoutZeros = (text: string): string =>
  `COALESCE(NULLIF(TRIM(LEADING '0' FROM ${text}), ''), LEFT(${text}, 1))`

const withoutFraction = (text: string): string =>
  `IF(LOCATE('.', ${text}) > 0, TRIM(TRAILING '.' FROM TRIM(TRAILING '0' FROM ${text})), ${text})`

/** As a canonical number has it: no zeros at either end, but one before the point. */
const decimalText: InSql['text'] = (column, attribute) => {
  const whole = withoutZeros(withoutFraction(asRead(column, attribute)))
  return `IF(LEFT(${whole}, 1) = '.', CONCAT('0', ${whole}), ${whole})`
}

/** The words that a definition lists, in its order, and how many there are in all: another one is none that could be read. */
const setText: InSql['text'] = (column, attribute) => {
  const held = `${asRead(column, attribute)} COLLATE utf8mb4_bin`
  const words = wordsOf(attribute)
  const each = words.map((word) => `IF(FIND_IN_SET(${literal(word)}, ${held}) > 0, ${literal(word)}, NULL)`)
  const count = `IF(${held} = '', 0, 1 + CHAR_LENGTH(${held}) - CHAR_LENGTH(REPLACE(${held}, ',', '')))`
  return `CONCAT(${utf8(`CONCAT_WS(',', ${each.join(', ')})`)}, '/', ${count})`
}

const TEXTS = ['char', 'varchar', 'tinytext', 'text', 'mediumtext', 'longtext']
const BYTES = ['binary', 'varbinary', 'tinyblob', 'blob', 'mediumblob', 'longblob']
const NUMBERS = ['tinyint', 'smallint', 'mediumint', 'int', 'bigint']
/** MySQL breaks base64 into lines. */
const base64: InSql['text'] = (column) => utf8(`REPLACE(TO_BASE64(${column}), CHAR(10), '')`)
const fractional: InSql['text'] = (column, attribute) => withoutFraction(asRead(column, attribute))

const IN_SQL: Readonly<Record<string, InSql>> = {
  text: { types: TEXTS, text: (column) => utf8(column) },
  char: { types: ['char'], text: (column) => `TRIM(TRAILING ' ' FROM ${utf8(column)})` },
  oneOf: { types: ['enum'], text: asRead },
  setOf: { types: ['set'], text: setText },
  integer: {
    types: NUMBERS,
    text: (column, attribute) => withoutZeros(asRead(column, attribute)),
  },
  year: { types: ['year'], text: asRead },
  bit: { types: ['bit'], text: asRead },
  boolean: { types: ['tinyint', 'bit'], text: asRead },
  decimal: { types: ['decimal'], text: decimalText },
  date: { types: ['date'], text: asRead },
  datetime: { types: ['datetime'], text: fractional },
  timestamp: { types: ['timestamp'], text: fractional },
  time: { types: ['time'], text: fractional },
  uuid: { types: [...TEXTS, ...BYTES], text: asRead },
  binary: { types: BYTES, text: base64 },
  fixedBinary: { types: ['binary'], text: base64 },
}

/** The key of the row that a reference points to; empty for one that is not there, which is no key. */
const referenceText = (references: Reference): string => {
  const { keyParts, idColumn, table, columns } = references
  const key =
    keyParts.length === 0
      ? `COALESCE(${ownKeyOf(references, 'p')}, ${utf8(`CAST(p.${quoted(idColumn)} AS CHAR)`)})`
      : partsInSql(keyParts, 'p')
  const targets = keyParts.length === 0 ? [idColumn] : keyParts.map(({ attribute }) => attribute.column)
  const isParent = targets.map((column, at) => `p.${quoted(column)} = t.${quoted(columns[at] ?? '')}`)
  const isNone = columns.map((column) => `t.${quoted(column)} IS NULL`)
  return `COALESCE((SELECT ${utf8(key)} FROM ${quoted(table)} AS p WHERE ${isParent.join(' AND ')}), IF(${isNone.join(' OR ')}, NULL, ''))`
}

const slot = (text: string): string =>
  `COALESCE(REPLACE(REPLACE(${text}, '~', '~0'), '${FIELD_END}', '~1'), '${NULL_FIELD}')`

/** The key of a row `t` in SQL, with its record beside it as `s` where there is one. */
export const keyOfRowInSql = (entity: Entity): string =>
  isBeside(entity) && !hasOwnKey(entity)
    ? `COALESCE(s.entity_key, ${utf8(`CAST(t.${quoted(entity.idColumn)} AS CHAR)`)})`
    : keyInSql(entity, 't')

/** A statement may have 65,536 characters, and says more than the text. */
const LONGEST = 40_000

/** The types that an entity's columns have in the live table, by the columns' names in small letters. */
export type ColumnTypes = ReadonlyMap<string, string>

/** The text of a row in SQL; or why there is none, for people. */
export type CanonicalSql = { readonly text: string } | { readonly why: string }

/**
 * The text of an entity's rows in SQL.
 *
 * @param types those of the live table: by another one than its kind is for, an attribute's text may be another's
 */
export const canonicalSql = (entity: Entity, types: ColumnTypes): CanonicalSql => {
  const { attributes, children, versions, read } = entity
  const why = (reason: string): CanonicalSql => ({ why: reason })
  const [list] = Object.keys(children)
  if (read !== undefined) return why('its rows are read by code of its own')
  if (list !== undefined) return why(`it has the list ${list}`)
  const texts: string[] = []
  for (const [name, attribute] of writable(attributes)) {
    const { kind, column, references } = attribute
    if (references !== undefined) {
      texts.push(referenceText(references))
      continue
    }
    const known = IN_SQL[kind]
    const type = types.get(column.toLowerCase())
    if (known === undefined) return why(`${name} is of the kind ${kind}`)
    if (type === undefined || !known.types.includes(type))
      return why(`${name} is of the kind ${kind}, and its column ${type ?? 'is not there'}`)
    texts.push(known.text(`t.${quoted(column)}`, attribute))
  }
  try {
    const { version, owner } = recordNames(entity)
    const head = [
      keyOfRowInSql(entity),
      versions === 'counted' ? utf8(`CAST(${version} AS CHAR)`) : "''",
      `IF(${owner} <=> 'dynamo', 'dynamo', 'aurora')`,
    ]
    const text = `CONCAT_WS('${FIELD_END}', ${[...head, ...texts].map(slot).join(', ')})`
    return text.length <= LONGEST ? { text } : why('its text is longer than a statement may be')
  } catch (error) {
    // A key of a kind for which SQL has no text.
    if (error instanceof TypeError) return why(error.message)
    throw error
  }
}

/** The first eight bytes of SHA-256 over a text, as a number. */
export const textHashInSql = (text: string): string =>
  `CAST(CONV(LEFT(SHA2(${text}, 256), 16), 16, 10) AS UNSIGNED)`

/** Which of so many buckets a key is in. @param buckets a power of two */
export const bucketInSql = (key: string, buckets: number): string => `(CRC32(${key}) & ${buckets - 1})`
