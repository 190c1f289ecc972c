import * as z from 'zod'
import { type Attribute, type DefaultableOptions, expecting, schemas } from './attribute.ts'

/** A boolean over a TINYINT(1) column. */
export const boolean = ({
  column,
  optional = false,
  whenAbsent = null,
}: DefaultableOptions<boolean | null>): Attribute => {
  const schema = z.boolean({ error: expecting('true or false') })
  return {
    column,
    ...schemas({ body: schema, image: schema }, optional, whenAbsent),
    jsonTableType: 'VARCHAR(2) CHARACTER SET ascii',
    toSql: (value) => (typeof value === 'boolean' ? (value ? '1' : '0') : null),
    // A legacy application may keep any number in a TINYINT(1): what isn't 0 is true, as in SQL.
    fromSql: (value) =>
      value === null || value === undefined ? null : value !== false && String(value) !== '0',
    toItem: (value) => (typeof value === 'boolean' ? { BOOL: value } : { NULL: true }),
    toJson: (value) => (typeof value === 'boolean' ? value : null),
  }
}
