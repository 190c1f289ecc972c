import { type RawBuilder, sql } from 'kysely'
import type { CountedRows, KeyPart } from '../model/attributes/attribute.ts'
import type { Entity } from '../model/entity.ts'
import { BridgeError } from '../model/errors.ts'
import { keepsDeleted } from '../model/hooks.ts'
import { joinKey, joinTexts, splitKey, splitTexts } from '../model/identity.ts'
import { legacyIdOf } from '../model/key.ts'
import { InvalidPositionError } from '../ports/store.ts'
import {
  comparedRaw,
  comparedTyped,
  hasOwnKey,
  quoted,
  type RawComparison,
  rawPart,
  selectedPart,
} from './part-sql.ts'
import { idOfOwnKey, isBeside, ownKeyOf, recordNames } from './record-names.ts'

/*
 * Where an entity's rows have their keys: in a column beside a counted id, or in the columns of the primary key itself.
 * A column's collation may take another key for the same; then the bytes decide.
 */

type SqlRow = Readonly<Record<string, unknown>>

/** The columns by which others refer to a row. */
export const ownColumns = ({ keyParts, idColumn }: Entity): readonly string[] =>
  keyParts.length === 0 ? [idColumn] : keyParts.map(({ attribute }) => attribute.column)

/** An entity's rows that are counted, by which others know them. */
const countedRowsOf = ({ name, table, idColumn, record }: Entity): CountedRows => ({
  entity: name,
  table,
  idColumn,
  record,
})

/** The names under which `selectedKey` selects what makes a row's key, and its place among the others. */
export const keyNames = ({ keyParts }: Entity): readonly string[] =>
  keyParts.length === 0
    ? ['id', 'backsync_key']
    : keyParts.flatMap((part, at) => (isRawItself(part) ? [`k${at}`] : [`k${at}`, `o${at}`]))

const isRawItself = (part: KeyPart): boolean => rawPart(part, '') === selectedPart(part, '')

/** What to select of a row `t` to know its key, and its place among the others. */
export const selectedKey = (entity: Entity): RawBuilder<unknown>[] =>
  entity.keyParts.length === 0
    ? [
        sql`t.${sql.ref(entity.idColumn)} AS id`,
        sql`${sql.raw(isBeside(entity) ? 's.entity_key' : 't.backsync_key')} AS backsync_key`,
      ]
    : entity.keyParts.flatMap((part, at) => {
        const column = `t.${quoted(part.attribute.column)}`
        const key = sql`${sql.raw(selectedPart(part, column))} AS ${sql.ref(`k${at}`)}`
        if (isRawItself(part)) return [key]
        return [key, sql`${sql.raw(rawPart(part, column))} AS ${sql.ref(`o${at}`)}`]
      })

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

/** As `keyOfSelected`; of a key that has no form, what its columns hold: to name its row by. */
export const nameOfSelected = (entity: Entity, row: SqlRow): string => {
  try {
    return keyOfSelected(entity, row)
  } catch (error) {
    if (error instanceof BridgeError) return rowPosition(entity, row)
    throw error
  }
}

/** Where the next page begins behind this row, whose key may be none. */
export const rowPosition = ({ keyParts }: Entity, row: SqlRow): string =>
  keyParts.length === 0
    ? String(row.id)
    : joinTexts(keyParts.map((part, at) => String(row[`${isRawItself(part) ? 'k' : 'o'}${at}`] ?? '')))

/** Leaves out rows that count as deleted. */
const unlessDeleted = (entity: Entity): RawBuilder<unknown> =>
  keepsDeleted(entity) ? sql.raw(` AND ${recordNames(entity).version} <> 0`) : sql``

/** The condition that finds a row `t`: by its key, or by its id, where no row has a key of these digits. */
export const whichRow = (entity: Entity, key: string): RawBuilder<unknown> =>
  sql`${whichKeyed(entity, key)}${unlessDeleted(entity)}`

const whichKeyed = (entity: Entity, key: string): RawBuilder<unknown> => {
  if (hasOwnKey(entity)) return whichOwn(entity, key)
  const id = legacyIdOf(key)
  const column = sql.ref(entity.idColumn)
  const named = idOfOwnKey(countedRowsOf(entity), key)
  if (id === undefined) return isBeside(entity) ? sql`t.${column} = ${named}` : sql`t.backsync_key = ${key}`
  return sql`t.${column} = COALESCE(${named}, ${id})`
}

const whichOwn = ({ keyParts }: Entity, key: string): RawBuilder<unknown> => {
  const values = splitKey(keyParts, key)
  if (values === undefined) return sql`FALSE`
  const conditions = keyParts.flatMap((part, at) => {
    const column = sql`t.${sql.ref(part.attribute.column)}`
    const text = part.attribute.toSql(values[at] ?? null) ?? ''
    if (part.counted !== undefined) return [sql`${column} = ${idOfCounted(part.counted, text)}`]
    const { before, behind: after, value } = comparedTyped(part, text)
    const found = sql`${column} = ${sql.raw(before)}${value}${sql.raw(after)}`
    if (!part.isText) return [found]
    // One byte more or less is another key, whatever the collation has to say.
    return [found, isInBytes(column, text)]
  })
  return sql.join(conditions, sql` AND `)
}

const isInBytes = (column: RawBuilder<unknown>, text: string): RawBuilder<unknown> =>
  sql`CAST(CONVERT(${column} USING utf8mb4) AS BINARY) = CAST(${text} AS BINARY)`

/** The id of the counted row that has a key. */
const idOfCounted = (counted: NonNullable<KeyPart['counted']>, key: string): RawBuilder<unknown> => {
  const { table, idColumn, record } = counted
  const [from, column] = [sql.table(table), sql.ref(idColumn)]
  const named = idOfOwnKey(counted, key)
  const id = legacyIdOf(key)
  if (id === undefined) return named
  if (record === 'row')
    return sql`COALESCE(${named}, (SELECT ${column} FROM ${from} WHERE ${column} = ${id} AND backsync_key IS NULL))`
  return sql`COALESCE(${named}, (SELECT x.${column} FROM ${from} AS x WHERE x.${column} = ${id} AND ${sql.raw(ownKeyOf(counted, 'x'))} IS NULL))`
}

/** The condition that finds the row `t` at a position of `rowPosition`, by its primary key. @throws InvalidPositionError */
export const whichAt = (entity: Entity, position: string): RawBuilder<unknown> => {
  const { keyParts, idColumn } = entity
  if (keyParts.length === 0) return sql`t.${sql.ref(idColumn)} = ${BigInt(position)}`
  const conditions = rawOf(keyParts, position).flatMap((raw, at) => {
    const found = compared(raw, '=')
    if (keyParts[at]?.isText !== true || typeof raw.value !== 'string') return [found]
    return [found, isInBytes(sql.raw(raw.column), raw.value)]
  })
  return sql.join(conditions, sql` AND `)
}

const rawOf = (parts: readonly KeyPart[], position: string): RawComparison[] => {
  const texts = splitTexts(position, parts.length)
  return parts.map((part, at) => {
    const text = texts[at]
    const raw =
      text === undefined || texts.length !== parts.length
        ? undefined
        : comparedRaw(part, `t.${quoted(part.attribute.column)}`, text)
    if (raw === undefined) throw new InvalidPositionError()
    return raw
  })
}

type Comparison = '=' | '>' | '<' | '<='
const compared = ({ column, before, behind: after, value }: RawComparison, how: Comparison) =>
  sql`${sql.raw(column)} ${sql.raw(how)} ${sql.raw(before)}${value}${sql.raw(after)}`

/** The columns by whose order rows are paged: those of the primary key. */
const orderOf = ({ keyParts, idColumn }: Entity): RawBuilder<unknown> =>
  keyParts.length === 0
    ? sql`t.${sql.ref(idColumn)}`
    : sql.join(keyParts.map(({ attribute }) => sql`t.${sql.ref(attribute.column)}`))

/** A position's values compared with the columns, one column deeper each; `last` says how the last one of each is. */
const stepwise = (entity: Entity, position: string, last: (at: number, all: number) => Comparison) => {
  const raw = rawOf(entity.keyParts, position)
  const alternatives = raw.map((_, deepest) => {
    const steps = raw
      .slice(0, deepest + 1)
      .map((one, at) => compared(one, at === deepest ? last(at, raw.length) : '='))
    return sql`(${sql.join(steps, sql` AND `)})`
  })
  return sql`(${sql.join(alternatives, sql` OR `)})`
}

const isBehind = (entity: Entity, position: string | undefined): RawBuilder<unknown> => {
  const { keyParts, idColumn } = entity
  if (keyParts.length > 0) return position === undefined ? sql`TRUE` : stepwise(entity, position, () => '>')
  const after = position === undefined ? 0n : legacyIdOf(position)
  if (after === undefined) throw new InvalidPositionError()
  return sql`t.${sql.ref(idColumn)} > ${after}`
}

const isUpTo = (entity: Entity, position: string): RawBuilder<unknown> => {
  if (entity.keyParts.length > 0)
    return stepwise(entity, position, (at, all) => (at === all - 1 ? '<=' : '<'))
  const last = legacyIdOf(position)
  if (last === undefined) throw new InvalidPositionError()
  return sql`t.${sql.ref(entity.idColumn)} <= ${last}`
}

/** A part of an entity's rows, in the order of the primary key: behind a position, up to another one; without one to the end. */
export type RowSpan = {
  readonly behind?: string | undefined
  readonly upTo?: string | undefined
}

/** The condition that a row `t` is in a span, and doesn't count as deleted. @throws InvalidPositionError */
export const inSpan = (entity: Entity, { behind: after, upTo }: RowSpan): RawBuilder<unknown> =>
  sql`${isBehind(entity, after)}${upTo === undefined ? sql`` : sql` AND ${isUpTo(entity, upTo)}`}${unlessDeleted(entity)}`

/** What picks the one row of a span that so many come before. @throws InvalidPositionError */
export const behindSoMany = (entity: Entity, span: RowSpan, before: number): RawBuilder<unknown> =>
  sql`WHERE ${inSpan(entity, span)} ORDER BY ${orderOf(entity)} LIMIT 1 OFFSET ${sql.raw(String(before))}`

/**
 * What picks the rows of a page: those behind a position, in the order of the primary key.
 *
 * @param upTo the last id of those that are picked, of rows that are counted. @default all
 * @throws InvalidPositionError
 */
export const behind = (
  entity: Entity,
  position: string | undefined,
  limit: number,
  upTo?: bigint,
): RawBuilder<unknown> => {
  const last = upTo === undefined || entity.keyParts.length > 0 ? undefined : String(upTo)
  return sql`WHERE ${inSpan(entity, { behind: position, upTo: last })} ORDER BY ${orderOf(entity)} LIMIT ${sql.raw(String(limit))}`
}
