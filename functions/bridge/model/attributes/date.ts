import * as z from 'zod'
import { type Attribute, type AttributeOptions, expecting, schemas, textual } from './attribute.ts'

/** MySQL's DATE begins with the year 1000 and knows the Gregorian calendar only, as JavaScript does. */
export const isDate = (text: string): boolean => {
  if (!/^[1-9]\d{3}-\d{2}-\d{2}$/.test(text)) return false
  const parsed = new Date(`${text}T00:00:00Z`)
  // JavaScript takes 30 February for 2 March.
  return !Number.isNaN(parsed.getTime()) && parsed.toISOString().startsWith(text)
}

/** A calendar date over a DATE column: `YYYY-MM-DD`, from the year 1000 to 9999, in no time zone. */
export const date = ({ column, as, optional = false }: AttributeOptions): Attribute => {
  const schema = z
    .string({ error: expecting('a date, as YYYY-MM-DD') })
    .refine(isDate, 'must be a date, as YYYY-MM-DD')
  return {
    ...textual,
    kind: 'date',
    column,
    as,
    ...schemas({ body: schema, image: schema }, optional, null),
    jsonTableType: 'VARCHAR(11) CHARACTER SET ascii',
  }
}
