import { type RawBuilder, sql } from 'kysely'
import { type Attribute, columnsOf, type Reference, writable } from '../model/attributes/attribute.ts'
import { sharedColumns } from '../model/columns.ts'
import type { Entity } from '../model/entity.ts'
import { placesOf } from './document.ts'
import {
  countedJoins,
  documentColumn,
  idOfJoined,
  joinCounted,
  keyedBy,
  partColumns,
  partValue,
  quoted,
  sameTexts,
} from './part-sql.ts'
import { KEY } from './record-place.ts'

/*
 * The rows that a change refers to, in SQL. What a reference names stands in the document `j` as a key `c0` with the legacy
 * id `r0` that it may be or, of a key that is made of columns, as the texts `c0_0`, `c0_1` … of these. The row is joined as
 * `p0`; one with a counted id that has no key of its own as `q0`.
 */

type Sql = RawBuilder<unknown>

const raw = (text: string): Sql => sql.raw(text)
const asItIs = (text: string): string => text

/** Those that are written, by name. */
export const attributesOf = (entity: Entity): Attribute[] => writable(entity.attributes).map(([, one]) => one)

/** A reference with its place among the attributes and in the document, and which of its columns it writes itself. */
type Referring = {
  readonly at: number
  readonly place: number
  readonly type: string
  readonly to: Reference
  /** It may name the very row that it is of, whose columns are known before that is there. */
  readonly maybeItself: boolean
  readonly columns: readonly { readonly name: string; readonly of: number; readonly isKey: boolean }[]
}

const referencesOf = (entity: Entity): Referring[] => {
  const places = placesOf(entity).attributes
  const shared = sharedColumns(entity.attributes)
  return writable(entity.attributes).flatMap(([name, { references: to, jsonTableType: type }], at) => {
    if (to === undefined) return []
    const others = new Set(shared.flatMap((one) => (one.reference === name ? [one.at] : [])))
    const columns = to.columns.flatMap((column, of) =>
      others.has(of) ? [] : [{ name: column, of, isKey: isOfKey(entity, column) }],
    )
    const maybeItself = to.entity === entity.name && to.keyParts.length > 0
    return [{ at, place: places[at] ?? Number.NaN, type, to, maybeItself, columns }]
  })
}

const isOfKey = ({ keyParts }: Entity, column: string): boolean =>
  keyParts.some(({ attribute }) => attribute.column === column)

const textsOfReference = ({ at }: Referring): string => `c${at}_`

/** The columns of what references name in the document. */
export const referenceColumns = (entity: Entity): string[] =>
  referencesOf(entity).flatMap((one) =>
    one.to.keyParts.length === 0
      ? [
          documentColumn(`c${one.at}`, one.type, one.place),
          documentColumn(`r${one.at}`, 'BIGINT', one.place + 1),
        ]
      : partColumns(one.to.keyParts, textsOfReference(one), one.place),
  )

/** Joins the rows that references name. */
export const parents = (entity: Entity): Sql => raw(referencesOf(entity).map(joinOf).join(' '))

const joinOf = (one: Referring): string => {
  const { at, to } = one
  if (to.keyParts.length > 0) {
    const texts = textsOfReference(one)
    return `${countedJoins(to.keyParts, texts)} LEFT JOIN ${quoted(to.table)} AS p${at} ON ${keyedBy(to.keyParts, `p${at}`, texts)}`
  }
  return joinCounted(to, { key: `j.c${at}`, id: `j.r${at}`, row: `p${at}`, byId: `q${at}` })
}

/** What one of a reference's columns holds: NULL without a row. */
const parentValue = (one: Referring, of: number): string => {
  const { at, to, maybeItself } = one
  const part = to.keyParts[of]
  if (part === undefined) return idOfJoined(to, { row: `p${at}`, byId: `q${at}` })
  const joined = `p${at}.${quoted(part.attribute.column)}`
  if (!maybeItself) return joined
  const texts = textsOfReference(one)
  return `IF(${sameTexts(to.keyParts, KEY, texts)}, ${partValue(part, `${texts}${of}`)}, ${joined})`
}

const isNone = (one: Referring): string =>
  one.to.keyParts.length === 0 ? `j.c${one.at} IS NULL` : `j.${textsOfReference(one)}0 IS NULL`

/**
 * Every row that is referred to is there. What is a part of the key of a row `t` that is there refers to what it did when
 * that was made, and is not written again.
 */
export const parentsFound = (entity: Entity): Sql =>
  raw(
    referencesOf(entity)
      .map((one) => {
        const found = `${isNone(one)} OR ${parentValue(one, 0)} IS NOT NULL`
        const isOfRow = one.to.columns.every((column) => isOfKey(entity, column))
        return ` AND (${isOfRow ? `t.${quoted(entity.idColumn)} IS NOT NULL OR ` : ''}${found})`
      })
      .join(''),
  )

/** The legacy table's columns, and what is stored in each. */
export type Assignment = {
  readonly column: string
  readonly value: Sql
  readonly isKey: boolean
  /** The attribute that it is of, by its place among those that are written. */
  readonly at: number
}

export const assignments = (entity: Entity): readonly Assignment[] => {
  const references = new Map(referencesOf(entity).map((one) => [one.at, one]))
  return attributesOf(entity).flatMap((attribute, at): Assignment[] => {
    const { column, stored = asItIs } = attribute
    const reference = references.get(at)
    if (reference === undefined)
      return [{ column, at, isKey: isOfKey(entity, column), value: raw(stored(`j.c${at}`)) }]
    return reference.columns.map(({ name, of, isKey }) => ({
      column: name,
      at,
      isKey,
      value: raw(parentValue(reference, of)),
    }))
  })
}

/** What sets references that rows lack, of these columns: its assignments, and the condition that one is lacking. */
export const lacking = (entity: Entity, columns: readonly string[]) => {
  const loose = referencesOf(entity).filter((one) => one.columns.some(({ name }) => columns.includes(name)))
  return {
    set: loose.flatMap((one) =>
      one.columns.map(({ name, of }) => ({ column: name, value: raw(parentValue(one, of)) })),
    ),
    isLacking: loose.flatMap((one) => one.columns.map(({ name }) => sql`t.${sql.ref(name)} IS NULL`)),
  }
}

/** The condition that a row `t` lacks a reference which the document names; for each of its references. */
export const isDangling = (entity: Entity): Sql[] =>
  referencesOf(entity)
    .filter(({ columns }) => columns.length > 0)
    .map(
      (one) =>
        sql`(NOT (${raw(isNone(one))}) AND (${sql.join(
          one.columns.map(({ name }) => sql`t.${sql.ref(name)} IS NULL`),
          sql` OR `,
        )}))`,
    )

/** The columns of an entity's reference that no other attribute writes, and that are no part of its key. */
export const looseColumns = (entity: Entity, name: string): readonly string[] => {
  const attribute = entity.attributes[name]
  if (attribute?.references === undefined) return []
  const shared = new Set(
    sharedColumns(entity.attributes).flatMap((one) => (one.reference === name ? [one.at] : [])),
  )
  const own = columnsOf(attribute).filter((_, at) => !shared.has(at))
  return own.some((column) => isOfKey(entity, column)) ? [] : own
}
