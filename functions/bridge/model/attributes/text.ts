import * as z from 'zod'
import { type Attribute, type DefaultableOptions, expecting, schemas } from './attribute.ts'

/** Characters as MySQL counts them: code points, not UTF-16 units. */
const characters = (text: string): number => [...text].length

/** Text of at most so many characters. A lone surrogate has no UTF-8 form: both stores would silently replace it. */
const fitting = (maxLength: number) =>
  z
    .string({ error: expecting('a string') })
    .refine((value) => characters(value) <= maxLength, `must not be longer than ${maxLength} characters`)
    .refine((value) => value.isWellFormed(), 'must be well-formed Unicode')

/**
 * A text attribute over a VARCHAR or TEXT column. Every character is kept as it came.
 *
 * @param maxLength in characters (code points), as in VARCHAR(maxLength)
 */
export const text = ({
  column,
  maxLength,
  optional = false,
  whenAbsent = null,
}: DefaultableOptions<string | null> & { readonly maxLength: number }): Attribute => ({
  column,
  ...schemas(
    { body: fitting(maxLength).min(1, 'must not be empty'), image: fitting(maxLength) },
    optional,
    whenAbsent,
  ),
  jsonTableType: textColumn(maxLength),
  toSql: (value) => (typeof value === 'string' ? value : null),
  fromSql: (value) => (typeof value === 'string' ? value : null),
  toItem: (value) => (typeof value === 'string' ? { S: value } : { NULL: true }),
  toJson: (value) => (typeof value === 'string' ? value : null),
})

/** A JSON_TABLE column for a text of so many characters; beyond VARCHAR's width a LONGTEXT. */
export const textColumn = (maxLength: number): string =>
  `${maxLength < 16_000 ? `VARCHAR(${maxLength + 1})` : 'LONGTEXT'} CHARACTER SET utf8mb4`
