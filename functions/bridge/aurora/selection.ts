import { type RawBuilder, sql } from 'kysely'
import type { Attribute, Reference } from '../model/attributes/attribute.ts'
import type { Row } from '../model/change.ts'
import type { ChildRows } from '../model/child-rows.ts'
import type { Entity } from '../model/entity.ts'
import { UnreadableAttributesError, UnreadableValueError } from '../model/errors.ts'
import type { Value } from '../model/values.ts'
import { quoted, selectedPart } from './part-sql.ts'
import { ownKeyOf } from './record-names.ts'
import { isChild } from './statements.ts'

export type SqlRow = Readonly<Record<string, unknown>>

/**
 * What to select of an entity's row `t`: its columns as `c0`, `c1` …, the keys that references stand for, and child
 * rows as one JSON array `n0`, `n1` …, so that a row and its children come from one statement and are of one moment.
 */
export const selected = (entity: Entity): RawBuilder<unknown>[] => [
  ...Object.values(entity.attributes).map((attribute, at) => {
    const { column, references, plain = false, asText = castToText } = attribute
    const own = sql`t.${sql.ref(column)}`
    const name = sql.ref(`c${at}`)
    if (references === undefined) return sql`${plain ? own : sql.raw(asText(`t.\`${column}\``))} AS ${name}`
    const columns = references.columns.map((one) => sql`t.${sql.ref(one)}`)
    const isNone = sql.join(
      columns.map((one) => sql`${one} IS NULL`),
      sql` OR `,
    )
    // A row that is not there is not the same as none.
    return sql`COALESCE((SELECT ${keyOfParent(references)}
      FROM ${sql.table(references.table)} AS p WHERE ${isParent(references)}), IF(${isNone}, NULL, '')) AS ${name}`
  }),
  ...Object.values(entity.children).map(
    (child, at) => sql`(${childrenAsJson(entity, child)}) AS ${sql.ref(`n${at}`)}`,
  ),
]

/** The columns by which a reference finds the row `p`. */
const targetColumns = ({ keyParts, idColumn }: Reference): readonly string[] =>
  keyParts.length === 0 ? [idColumn] : keyParts.map(({ attribute }) => attribute.column)

const isParent = (references: Reference): RawBuilder<unknown> =>
  sql.join(
    targetColumns(references).map(
      (column, at) => sql`p.${sql.ref(column)} = t.${sql.ref(references.columns[at] ?? '')}`,
    ),
    sql` AND `,
  )

/** The key of the row `p`; of several columns their texts as a JSON array. */
const keyOfParent = (reference: Reference): RawBuilder<unknown> => {
  const { keyParts, idColumn } = reference
  if (keyParts.length === 0)
    return sql`COALESCE(${sql.raw(ownKeyOf(reference, 'p'))}, CAST(p.${sql.ref(idColumn)} AS CHAR))`
  const texts = keyParts.map((part) => selectedPart(part, `p.${quoted(part.attribute.column)}`))
  return sql.raw(texts.length === 1 ? texts.join() : `CAST(JSON_ARRAY(${texts.join(', ')}) AS CHAR)`)
}

/** Position first; the order of an aggregate is nobody's promise. */
const childrenAsJson = (entity: Entity, child: ChildRows): RawBuilder<unknown> => {
  const members = Object.values(child.attributes).map(({ column, asText = castToText }) =>
    sql.raw(asText(`c.\`${column}\``)),
  )
  return sql`SELECT JSON_ARRAYAGG(JSON_ARRAY(c.${sql.ref(child.positionColumn)}, ${sql.join(members)}))
    FROM ${sql.table(child.table)} AS c WHERE ${isChild(entity, child)}`
}

const castToText = (column: string): string => `CAST(${column} AS CHAR)`

/**
 * Reads what `selected` selected.
 *
 * @throws UnreadableAttributesError naming each attribute that holds what its kind doesn't know, or wouldn't take back
 */
export const readSelected = (entity: Entity, row: SqlRow): Row => {
  const faults: string[] = []
  const read = (path: string, attribute: Attribute, column: unknown): Value => {
    try {
      return readColumn(attribute, column)
    } catch (error) {
      if (!(error instanceof UnreadableValueError)) throw error
      faults.push(`${path} (${attribute.kind}) ${error.message}`)
      return null
    }
  }
  const values = Object.fromEntries([
    ...Object.entries(entity.attributes).map(([name, attribute], at) => [
      name,
      read(attribute.as ?? name, attribute, row[`c${at}`]),
    ]),
    ...Object.entries(entity.children).map(([name, child], at) => [
      name,
      childrenOf(row[`n${at}`]).map((columns, place) =>
        Object.fromEntries(
          Object.entries(child.attributes).map(([own, attribute], column) => [
            own,
            read(`${child.as ?? name}.${place}.${attribute.as ?? own}`, attribute, columns[column]),
          ]),
        ),
      ),
    ]),
  ])
  if (faults.length > 0) throw new UnreadableAttributesError(entity.name, faults)
  return values
}

/** Nothing is read that an item could not hold, or that could not be written back. */
const readColumn = (attribute: Attribute, column: unknown): Value => {
  const value = attribute.fromSql(column)
  const { error } = value === null ? {} : attribute.image.safeParse(value)
  if (error !== undefined)
    throw new UnreadableValueError(error.issues.map(({ message }) => message).join(', '))
  return value
}

/** The columns of each child row, in the order of their positions. */
const childrenOf = (aggregate: unknown): readonly unknown[][] => {
  const parsed: unknown = typeof aggregate === 'string' ? JSON.parse(aggregate) : []
  const rows = (Array.isArray(parsed) ? parsed : []).filter((row): row is unknown[] => Array.isArray(row))
  return rows.toSorted(([a], [b]) => Number(a) - Number(b)).map(([, ...columns]) => columns)
}
