import type { CountedRows, KeyPart } from '../model/attributes/attribute.ts'
import type { Entity } from '../model/entity.ts'
import { splitKey } from '../model/identity.ts'
import { legacyIdOf } from '../model/key.ts'
import { besideCounted, ownKeyOf } from './record-names.ts'

/*
 * A key's parts in SQL: those of a row's own key, and those of a key that a reference names. In the document `j` a part's
 * text stands under a prefix and its place, as `n0`. One that stands for another entity's counted id has the legacy id that
 * it may be behind it, as `n0i`; that row is joined by its key as `n0p`, and by its id as `n0q`.
 */

export const quoted = (name: string): string => `\`${name}\``
const castToText = (column: string): string => `CAST(${column} AS CHAR)`
const same = (text: string): string => text

/** Whether an entity's rows are known by the columns of their primary key. */
export const hasOwnKey = ({ keyParts }: Pick<Entity, 'keyParts'>): boolean => keyParts.length > 0

/** The id by which a counted row's key may be found, as it travels. */
export type IdOf = (of: Pick<CountedRows, 'entity' | 'record'>, key: string) => string | null

/** The legacy id that a key is. */
export const idOfDigits: IdOf = (_, key) => idText(key)

const idText = (key: string): string | null => {
  const id = legacyIdOf(key)
  return id === undefined ? null : String(id)
}

/** Places that some parts take in the document. */
export const placesOfParts = (parts: readonly KeyPart[]): number =>
  parts.reduce((sum, { counted }) => sum + (counted ? 2 : 1), 0)

/** What of a key stands at the places of its parts; undefined for what is no key of them. */
export const documentTexts = (
  parts: readonly KeyPart[],
  key: string,
  idOf: IdOf = idOfDigits,
): (string | null)[] | undefined =>
  splitKey(parts, key)?.flatMap((value, at) => {
    const { attribute, counted } = parts[at] ?? {}
    const text = attribute?.toSql(value) ?? null
    return counted ? [text, idOf(counted, text ?? '')] : [text]
  })

/** A column of a JSON_TABLE over the document. JSON's null is NULL. */
export const documentColumn = (name: string, type: string, place: number | string): string =>
  `${name} ${type} PATH '$[${place}]' NULL ON EMPTY ERROR ON ERROR`

/** The columns of parts in the document. @param place of the first */
export const partColumns = (parts: readonly KeyPart[], prefix: string, place: number): string[] => {
  let next = place
  return parts.flatMap(({ type, counted }, at) => {
    const text = documentColumn(`${prefix}${at}`, type, next)
    next += 1
    if (!counted) return [text]
    next += 1
    return [text, documentColumn(`${prefix}${at}i`, 'BIGINT', next - 1)]
  })
}

/** Joins the counted rows whose keys are among the parts. */
export const countedJoins = (parts: readonly KeyPart[], prefix: string): string =>
  parts
    .flatMap(({ counted }, at) => (counted ? [countedJoin(counted, `${prefix}${at}`)] : []))
    .map((join) => ` ${join} `)
    .join('')

const countedJoin = (counted: CountedRows, of: string): string =>
  joinCounted(counted, {
    key: `j.${of}`,
    id: `j.${of}i`,
    row: `${of}p`,
    byId: `${of}q`,
  })

/** Where a counted row's key and id stand in the document, and what the row is joined as. */
type CountedPlace = { readonly key: string; readonly id: string; readonly row: string; readonly byId: string }

/** Joins the counted row of a key as `row`, or as `byId` where it has no key of its own. */
export const joinCounted = (counted: CountedRows, { key, id, row, byId }: CountedPlace): string => {
  const { table, idColumn, record } = counted
  if (record === 'sideTable') {
    const { joined, has } = besideCounted(counted, row, `${row}r`)
    return `LEFT JOIN ${joined} ON ${has(id, key)}`
  }
  return (
    `LEFT JOIN ${quoted(table)} AS ${row} ON ${row}.backsync_key = ${key} ` +
    `LEFT JOIN ${quoted(table)} AS ${byId} ON ${byId}.${quoted(idColumn)} = ${id} AND ${byId}.backsync_key IS NULL`
  )
}

/** The id of the row that `joinCounted` has joined; NULL without one. */
export const idOfJoined = (
  { idColumn, record }: Pick<CountedRows, 'idColumn' | 'record'>,
  { row, byId }: Pick<CountedPlace, 'row' | 'byId'>,
): string =>
  record === 'sideTable'
    ? `${row}.${quoted(idColumn)}`
    : `COALESCE(${row}.${quoted(idColumn)}, ${byId}.${quoted(idColumn)})`

/** What a part's column holds, of its text in the document; NULL where that is a row that is not there. */
export const partValue = ({ attribute, counted }: KeyPart, of: string): string =>
  counted ? idOfJoined(counted, { row: `${of}p`, byId: `${of}q` }) : (attribute.stored ?? same)(`j.${of}`)

/** Whether a row has a key, by index; another one that its collation takes for the same is among them. */
export const equalParts = (parts: readonly KeyPart[], alias: string, prefix: string): string =>
  parts
    .map((part, at) => `${alias}.${quoted(part.attribute.column)} = ${partValue(part, `${prefix}${at}`)}`)
    .join(' AND ')

/** Whether the row that `equalParts` has found has this very key; undefined where it can have no other. */
export const exactParts = (parts: readonly KeyPart[], alias: string, prefix: string): string | undefined => {
  const texts = parts.flatMap(({ isText, attribute }, at) =>
    isText ? [inBytes(`${alias}.${quoted(attribute.column)}`, `j.${prefix}${at}`)] : [],
  )
  return texts.length === 0 ? undefined : texts.join(' AND ')
}

/** The row has this very key. */
export const keyedBy = (parts: readonly KeyPart[], alias: string, prefix: string): string =>
  [equalParts(parts, alias, prefix), exactParts(parts, alias, prefix)]
    .filter((part) => part !== undefined)
    .join(' AND ')

/** Whether a column's bytes are a text's. */
const inBytes = (column: string, text: string): string =>
  `CAST(CONVERT(${column} USING utf8mb4) AS BINARY) = CAST(CONVERT(${text} USING utf8mb4) AS BINARY)`

/** Whether the texts of two keys of these parts are the same. @param prefix of the one in the document, and `other` of the other */
export const sameTexts = (parts: readonly KeyPart[], prefix: string, other: string): string =>
  parts
    .map(({ isText }, at) => {
      const [one, two] = [`j.${prefix}${at}`, `j.${other}${at}`]
      return isText ? inBytes(one, two) : `${one} = ${two}`
    })
    .join(' AND ')

/** A part's text of the column that holds it, as its attribute reads it; empty for a row that is not there. */
export const selectedPart = ({ attribute, counted }: KeyPart, column: string): string => {
  if (counted === undefined) return (attribute.asText ?? castToText)(column)
  const id = `x.${quoted(counted.idColumn)}`
  return `COALESCE((SELECT COALESCE(${ownKeyOf(counted, 'x')}, ${castToText(id)})
    FROM ${quoted(counted.table)} AS x WHERE ${id} = ${column}), '')`
}

/** By number: that is the order of the column, and of its index. */
const isOrderedByNumber = ({ attribute: { kind } }: KeyPart): boolean => kind === 'oneOf' || kind === 'setOf'

/** What a part's column holds as a text by which rows are ordered and found, whether it can be read or not. */
export const rawPart = (part: KeyPart, column: string): string => {
  if (part.counted) return castToText(column)
  return isOrderedByNumber(part) ? castToText(`${column} + 0`) : selectedPart(part, column)
}

/** A column of a row, and what it is compared with: a parameter in SQL that stands before and behind it. */
export type RawComparison = {
  readonly column: string
  readonly value: bigint | string
  readonly before: string
  readonly behind: string
}

const NUMBERS: ReadonlySet<string> = new Set(['integer', 'year', 'bit', 'boolean'])
const TEXTS: ReadonlySet<string> = new Set(['text', 'char', 'uuid'])

/**
 * How a part's column is compared with a text that `rawPart` gave.
 *
 * @returns undefined for a text that it can't have given
 */
export const comparedRaw = (part: KeyPart, column: string, text: string): RawComparison | undefined => {
  const plain = { column, before: '', behind: '' }
  const isWhole = /^-?\d{1,20}$/.test(text)
  if (part.counted) return isWhole ? { ...plain, value: BigInt(text) } : undefined
  if (isOrderedByNumber(part))
    return isWhole ? { ...plain, column: `${column} + 0`, value: BigInt(text) } : undefined
  const { kind, stored } = part.attribute
  if (NUMBERS.has(kind)) return isWhole ? { ...plain, value: BigInt(text) } : undefined
  if (kind === 'decimal')
    return /^-?\d+(?:\.\d+)?$/.test(text) ? { ...plain, ...cast(part.type), value: text } : undefined
  if (TEXTS.has(kind) && stored === undefined) return { ...plain, value: text }
  const read = readable(part, text)
  if (read !== undefined) return { ...plain, ...typed(part), value: read }
  // No literal of the column's type: its texts sort as its values do.
  return part.type.startsWith('DATE') ? { ...plain, column: castToText(column), value: text } : undefined
}

/** A part's value as a parameter, in the type by which its column is found. @param text as it is stored */
export const comparedTyped = (part: KeyPart, text: string): Omit<RawComparison, 'column'> => {
  if (NUMBERS.has(part.attribute.kind)) return { before: '', behind: '', value: BigInt(text) }
  return { ...typed(part), value: text }
}

const cast = (type: string) => ({ before: 'CAST(', behind: ` AS ${type})` })

const typed = ({ attribute: { kind, stored }, type }: KeyPart) => {
  if (kind === 'decimal' || kind === 'datetime' || kind === 'timestamp' || kind === 'time') return cast(type)
  const [before = '', behind = ''] = (stored ?? same)('?').split('?')
  return { before, behind }
}

/** The text as it is stored; undefined for what the attribute would not read. */
const readable = ({ attribute }: KeyPart, text: string): string | undefined => {
  try {
    const value = attribute.fromSql(text)
    return attribute.image.safeParse(value).success ? (attribute.toSql(value) ?? undefined) : undefined
  } catch {
    return undefined
  }
}
