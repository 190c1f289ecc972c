import * as z from 'zod'
import { type Attribute, type DefaultableOptions, expecting, schemas } from './attribute.ts'
import { textColumn } from './text.ts'

/**
 * One of a few words over an ENUM column. The words are told apart by case: MySQL would take `EASY` for `easy`, and
 * the two stores would differ.
 */
export const oneOf = ({
  column,
  values,
  optional = false,
  whenAbsent = null,
}: DefaultableOptions<string | null> & { readonly values: readonly [string, ...string[]] }): Attribute => {
  const schema = z.enum(values, { error: expecting(`one of ${values.join(', ')}`) })
  return {
    column,
    ...schemas({ body: schema, image: schema }, optional, whenAbsent),
    jsonTableType: textColumn(Math.max(...values.map((value) => value.length))),
    toSql: (value) => (typeof value === 'string' ? value : null),
    fromSql: (value) => (typeof value === 'string' ? value : null),
    toItem: (value) => (typeof value === 'string' ? { S: value } : { NULL: true }),
    toJson: (value) => (typeof value === 'string' ? value : null),
  }
}
