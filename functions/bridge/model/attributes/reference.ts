import * as z from 'zod'
import { UnreadableValueError } from '../errors.ts'
import { faultOfKey, LONGEST_KEY } from '../key.ts'
import { type Attribute, type AttributeOptions, expecting, fromText, schemas, textual } from './attribute.ts'
import { textColumn } from './text.ts'

/**
 * The key of another entity's row, over a foreign key column that holds that row's id. A change whose row is not there
 * yet waits for it.
 *
 * @param to the entity that is referred to
 * @throws TypeError for an entity whose key is its primary key
 */
export const reference = ({
  column,
  as,
  to,
  optional = false,
}: AttributeOptions & {
  readonly to: {
    readonly name: string
    readonly table: string
    readonly idColumn: string
    readonly keyParts?: readonly unknown[]
  }
}): Attribute => {
  if ((to.keyParts ?? []).length > 0)
    throw new TypeError(
      `${column}: a reference finds rows by a counted id, and ${to.name} has none: give the column its own kind`,
    )
  const key = z.string({ error: expecting(`the key of a ${to.name}`) }).superRefine((text, context) => {
    const fault = faultOfKey(text)
    if (fault !== undefined) context.addIssue({ code: 'custom', message: fault })
  })
  return {
    ...textual,
    kind: 'reference',
    column,
    as,
    ...schemas({ body: key, image: key }, optional, null),
    jsonTableType: `${textColumn(LONGEST_KEY)} COLLATE utf8mb4_bin`,
    fromSql: fromText((text) => {
      if (text === '') throw new UnreadableValueError(`names a ${to.name} that is not there`)
      return text
    }),
    references: { entity: to.name, table: to.table, idColumn: to.idColumn },
  }
}
