import type { Field } from './attributes/attribute.ts'
import type { Row } from './change.ts'
import type { Entity } from './entity.ts'
import { isList, isMap, type Value } from './values.ts'

/** A row under the names that JSON and items have for its fields, and for those of its lists' members. */
export const outwardRow = (
  { attributes, children }: Pick<Entity, 'attributes' | 'children'>,
  row: Row,
): Row => ({
  ...renamed(attributes, row),
  ...Object.fromEntries(
    Object.entries(children).flatMap(([name, { as = name, attributes: own }]) => {
      const list = row[name]
      if (list === undefined) return []
      return [
        [as, isList(list) ? list.map((member) => (isMap(member) ? renamed(own, member) : member)) : list],
      ]
    }),
  ),
})

const renamed = (fields: Readonly<Record<string, Field>>, row: Row): { readonly [name: string]: Value } =>
  Object.fromEntries(
    Object.entries(fields).flatMap(([name, { as = name }]) => {
      const value = row[name]
      return value === undefined ? [] : [[as, value]]
    }),
  )
