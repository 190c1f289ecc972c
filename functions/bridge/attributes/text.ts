import * as z from 'zod'
import type { Attribute } from './attribute.ts'

/** Characters as MySQL counts them: code points, not UTF-16 units. */
const characters = (text: string): number => [...text].length

/**
 * A text attribute over a VARCHAR column, required of clients. Every character is kept as it came; a lone surrogate
 * has no UTF-8 form and is refused, because both stores would silently replace it.
 *
 * @param maxLength in characters (code points), as in VARCHAR(maxLength)
 */
export const text = ({ column, maxLength }: { column: string; maxLength: number }): Attribute => {
  const fitting = z
    .string({ error: (issue) => (issue.input === undefined ? 'is required' : 'must be a string') })
    .refine((value) => characters(value) <= maxLength, `must not be longer than ${maxLength} characters`)
    .refine((value) => value.isWellFormed(), 'must be well-formed Unicode')
  return {
    column,
    body: fitting.min(1, 'must not be empty'),
    image: fitting.nullable().default(null),
    jsonTableType: `VARCHAR(${maxLength + 1}) CHARACTER SET utf8mb4`,
    toSql: (value) => (typeof value === 'string' ? value : null),
    fromSql: (value) => (typeof value === 'string' ? value : null),
    toItem: (value) => (typeof value === 'string' ? { S: value } : { NULL: true }),
  }
}
