import { type RawBuilder, sql } from 'kysely'
import type { Row } from '../model/change.ts'
import type { ChildRows } from '../model/child-rows.ts'
import type { Entity } from '../model/entity.ts'
import type { Value } from '../model/values.ts'

export type SqlRow = Readonly<Record<string, unknown>>

/**
 * What to select of an entity's row `t`: its columns as `c0`, `c1` …, the keys that references stand for, and child
 * rows as one JSON array `n0`, `n1` …, so that a row and its children come from one statement and are of one moment.
 */
export const selected = (entity: Entity): RawBuilder<unknown>[] => [
  ...Object.values(entity.attributes).map(({ column, references }, at) => {
    const own = sql`t.${sql.ref(column)}`
    const name = sql.ref(`c${at}`)
    if (references === undefined) return sql`${own} AS ${name}`
    const id = sql`p.${sql.ref(references.idColumn)}`
    return sql`(SELECT COALESCE(p.backsync_key, CAST(${id} AS CHAR))
      FROM ${sql.table(references.table)} AS p WHERE ${id} = ${own}) AS ${name}`
  }),
  ...Object.values(entity.children).map(
    (child, at) => sql`(${childrenAsJson(entity, child)}) AS ${sql.ref(`n${at}`)}`,
  ),
]

/** Position first; the order of an aggregate is nobody's promise. */
const childrenAsJson = (entity: Entity, child: ChildRows): RawBuilder<unknown> => {
  const members = Object.values(child.attributes).map(({ column, asText = castToText }) =>
    sql.raw(asText(`c.\`${column}\``)),
  )
  return sql`SELECT JSON_ARRAYAGG(JSON_ARRAY(c.${sql.ref(child.positionColumn)}, ${sql.join(members)}))
    FROM ${sql.table(child.table)} AS c
    WHERE c.${sql.ref(child.parentColumn)} = t.${sql.ref(entity.idColumn)}`
}

const castToText = (column: string): string => `CAST(${column} AS CHAR)`

/** Reads what `selected` selected. */
export const readSelected = (entity: Entity, row: SqlRow): Row =>
  Object.fromEntries([
    ...Object.entries(entity.attributes).map(([name, attribute], at) => [
      name,
      attribute.fromSql(row[`c${at}`]),
    ]),
    ...Object.entries(entity.children).map(([name, child], at) => [name, readChildren(child, row[`n${at}`])]),
  ])

const readChildren = (child: ChildRows, aggregate: unknown): Value => {
  const parsed: unknown = typeof aggregate === 'string' ? JSON.parse(aggregate) : []
  const rows = (Array.isArray(parsed) ? parsed : []).filter((row): row is unknown[] => Array.isArray(row))
  return rows
    .toSorted(([a], [b]) => Number(a) - Number(b))
    .map(([, ...columns]) =>
      Object.fromEntries(
        Object.entries(child.attributes).map(([name, attribute], at) => [
          name,
          attribute.fromSql(columns[at]),
        ]),
      ),
    )
}
