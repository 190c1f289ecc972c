import * as z from 'zod'
import { UnreadableValueError } from '../errors.ts'
import { type Attribute, type DefaultableOptions, expecting, schemas } from './attribute.ts'

/**
 * A boolean over a TINYINT(1) or BIT(1) column. A legacy application may keep any number in a TINYINT(1): one that is
 * neither 0 nor 1 is not read, since it would be written back as 1. `integer` keeps such a column.
 */
export const boolean = ({
  column,
  as,
  optional = false,
  whenAbsent = null,
}: DefaultableOptions<boolean | null>): Attribute => {
  const schema = z.boolean({ error: expecting('true or false') })
  return {
    kind: 'boolean',
    column,
    as,
    ...schemas({ body: schema, image: schema }, optional, whenAbsent),
    jsonTableType: 'VARCHAR(2) CHARACTER SET ascii',
    toSql: (value) => (typeof value === 'boolean' ? (value ? '1' : '0') : null),
    // A BIT takes the text '1' for the byte 0x31.
    stored: (text) => `CAST(${text} AS UNSIGNED)`,
    asText: (own) => `CAST(${own} + 0 AS CHAR)`,
    fromSql: (value) => {
      if (value === null || value === undefined) return null
      if (typeof value === 'boolean') return value
      const digits = typeof value === 'string' ? value : typeof value === 'object' ? '' : String(value)
      if (digits !== '0' && digits !== '1') throw new UnreadableValueError('must be 0 or 1')
      return digits === '1'
    },
    toItem: (value) => (typeof value === 'boolean' ? { BOOL: value } : { NULL: true }),
    toJson: (value) => (typeof value === 'boolean' ? value : null),
  }
}
