import * as z from 'zod'
import { faultOfKey, LONGEST_KEY } from '../key.ts'
import { type Attribute, type AttributeOptions, expecting, schemas } from './attribute.ts'
import { textColumn } from './text.ts'

/**
 * The key of another entity's row, over a foreign key column that holds that row's id. A change whose row is not there
 * yet waits for it.
 *
 * @param to the entity that is referred to
 */
export const reference = ({
  column,
  to,
  optional = false,
}: AttributeOptions & {
  readonly to: { readonly name: string; readonly table: string; readonly idColumn: string }
}): Attribute => {
  const key = z.string({ error: expecting(`the key of a ${to.name}`) }).superRefine((text, context) => {
    const fault = faultOfKey(text)
    if (fault !== undefined) context.addIssue({ code: 'custom', message: fault })
  })
  return {
    column,
    ...schemas({ body: key, image: key }, optional, null),
    jsonTableType: `${textColumn(LONGEST_KEY)} COLLATE utf8mb4_bin`,
    toSql: (value) => (typeof value === 'string' ? value : null),
    fromSql: (value) => (typeof value === 'string' ? value : null),
    toItem: (value) => (typeof value === 'string' ? { S: value } : { NULL: true }),
    toJson: (value) => (typeof value === 'string' ? value : null),
    references: { entity: to.name, table: to.table, idColumn: to.idColumn },
  }
}
