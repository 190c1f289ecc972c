import { type RawBuilder, sql } from 'kysely'
import type { Entity } from '../model/entity.ts'
import { joinKey, type KeyPart, splitKey } from '../model/identity.ts'
import { legacyIdOf } from '../model/key.ts'
import { InvalidPositionError } from '../ports/store.ts'

/*
 * Where an entity's rows have their keys: in a column beside a counted id, or in the columns of the primary key itself.
 * A column's collation may take another key for the same; then the bytes decide.
 */

type SqlRow = Readonly<Record<string, unknown>>

/** Whether rows are known by the columns of their primary key. */
export const hasOwnKey = ({ keyParts }: Entity): boolean => keyParts.length > 0

const quoted = (name: string): string => `\`${name}\``
const castToText = (column: string): string => `CAST(${column} AS CHAR)`
const same = (text: string): string => text

/** Whether a column's bytes are a text's. */
const inBytes = (column: string, text: string): string =>
  `CAST(CONVERT(${column} USING utf8mb4) AS BINARY) = CAST(CONVERT(${text} USING utf8mb4) AS BINARY)`

/** Joins on the key that the document's row `j` has, by index; another one of the same collation is among them. */
export const equalParts = ({ keyParts }: Entity, alias: string): string =>
  keyParts
    .map(
      ({ attribute: { column, stored = same } }, at) => `${alias}.${quoted(column)} = ${stored(`j.n${at}`)}`,
    )
    .join(' AND ')

/** Whether the row that `equalParts` has found has this very key; undefined where it can have no other. */
export const exactParts = ({ keyParts }: Entity, alias: string): string | undefined => {
  const texts = keyParts.flatMap(({ isText, attribute }, at) =>
    isText ? [inBytes(`${alias}.${quoted(attribute.column)}`, `j.n${at}`)] : [],
  )
  return texts.length === 0 ? undefined : texts.join(' AND ')
}

/** The names under which `selectedKey` selects what makes a row's key. */
export const keyNames = ({ keyParts }: Entity): readonly string[] =>
  keyParts.length === 0 ? ['id', 'backsync_key'] : keyParts.map((_, at) => `k${at}`)

/** What to select of a row `t` to know its key. */
export const selectedKey = ({ keyParts, idColumn }: Entity): RawBuilder<unknown>[] =>
  keyParts.length === 0
    ? [sql`t.${sql.ref(idColumn)} AS id`, sql`t.backsync_key AS backsync_key`]
    : keyParts.map(
        ({ attribute: { column, asText = castToText } }, at) =>
          sql`${sql.raw(asText(`t.${quoted(column)}`))} AS ${sql.ref(`k${at}`)}`,
      )

/** The key of a row of which `selectedKey` was selected. @throws UnreadableValueError */
export const keyOfSelected = ({ keyParts }: Entity, row: SqlRow): string => {
  if (keyParts.length > 0)
    return joinKey(
      keyParts,
      keyParts.map(({ attribute }, at) => attribute.fromSql(row[`k${at}`])),
    )
  const { backsync_key: key, id } = row
  return typeof key === 'string' ? key : String(id)
}

/** The condition that finds a row `t`: by its key, or by its id, where no row has a key of these digits. */
export const whichRow = (entity: Entity, key: string): RawBuilder<unknown> => {
  if (hasOwnKey(entity)) return whichOwn(entity, key)
  const id = legacyIdOf(key)
  if (id === undefined) return sql`t.backsync_key = ${key}`
  const column = sql.ref(entity.idColumn)
  const named = sql`(SELECT ${column} FROM ${sql.table(entity.table)} WHERE backsync_key = ${key})`
  return sql`t.${column} = COALESCE(${named}, ${id})`
}

const whichOwn = ({ keyParts }: Entity, key: string): RawBuilder<unknown> => {
  const texts = textsOf(keyParts, key)
  if (texts === undefined) return sql`FALSE`
  const conditions = keyParts.flatMap((part, at) => {
    const column = sql`t.${sql.ref(part.attribute.column)}`
    const text = texts[at]
    const found = sql`${column} = ${typedValue(part, text)}`
    if (!part.isText) return [found]
    // One byte more or less is another key, whatever the collation has to say.
    return [found, sql`CAST(CONVERT(${column} USING utf8mb4) AS BINARY) = CAST(${text} AS BINARY)`]
  })
  return sql.join(conditions, sql` AND `)
}

/** The texts of a key's parts as they are stored; undefined for what is no key. */
const textsOf = (parts: readonly KeyPart[], key: string): (string | null)[] | undefined =>
  splitKey(parts, key)?.map((value, at) => parts[at]?.attribute.toSql(value) ?? null)

/** A part's value as a parameter, with the type by which its column is found. */
const typedValue = ({ attribute, type }: KeyPart, text: string | null | undefined): RawBuilder<unknown> => {
  if (attribute.kind === 'integer') return sql`${BigInt(text ?? '0')}`
  if (attribute.kind === 'decimal') return sql`CAST(${text} AS ${sql.raw(type)})`
  if (attribute.stored === undefined) return sql`${text}`
  const [before = '', after = ''] = attribute.stored('?').split('?')
  return sql`${sql.raw(before)}${text}${sql.raw(after)}`
}

/**
 * What picks the rows of a page: those behind a position, in the order of the primary key.
 *
 * @throws InvalidPositionError
 */
export const behind = (entity: Entity, position: string | undefined, limit: number): RawBuilder<unknown> => {
  const { keyParts, idColumn } = entity
  const most = sql`LIMIT ${sql.raw(String(limit))}`
  if (keyParts.length === 0) {
    const after = position === undefined ? 0n : legacyIdOf(position)
    if (after === undefined) throw new InvalidPositionError()
    const id = sql`t.${sql.ref(idColumn)}`
    return sql`WHERE ${id} > ${after} ORDER BY ${id} ${most}`
  }
  const order = sql.join(keyParts.map(({ attribute }) => sql`t.${sql.ref(attribute.column)}`))
  if (position === undefined) return sql`WHERE TRUE ORDER BY ${order} ${most}`
  const texts = textsOf(keyParts, position)
  if (texts === undefined) throw new InvalidPositionError()
  const alternatives = keyParts.map((_, last) =>
    sql.join(
      keyParts.slice(0, last + 1).map((part, at) => {
        const column = sql`t.${sql.ref(part.attribute.column)}`
        return sql`${column} ${sql.raw(at === last ? '>' : '=')} ${typedValue(part, texts[at])}`
      }),
      sql` AND `,
    ),
  )
  const later = alternatives.map((one) => sql`(${one})`)
  return sql`WHERE (${sql.join(later, sql` OR `)}) ORDER BY ${order} ${most}`
}
