import * as z from 'zod'
import type { Attribute } from './attribute.ts'

/**
 * An attribute whose column the database sets: a generated column, a stamp, what a trigger counts. It is read and never
 * written, on either side. A PUT may send what was read; another value is refused, and any in a POST.
 */
export const readOnly = (attribute: Attribute): Attribute => ({
  ...attribute,
  // Null is what is not given: it is left out of the row.
  body: z.nullable(attribute.body).default(null),
  image: z.nullable(attribute.image).default(null),
  readOnly: true,
})
