import * as z from 'zod'
import { type Attribute, type DefaultableOptions, expecting, schemas, textual } from './attribute.ts'
import { bytesIn, type Charset, holdsText, isCharset } from './charsets.ts'

/** Characters as MySQL counts them: code points, not UTF-16 units. */
const characters = (text: string): number => [...text].length

/** Text of at most so many characters. A lone surrogate has no UTF-8 form: both stores would silently replace it. */
const fitting = (maxLength: number, charset: Charset, maxBytes: number) => {
  const formed = z
    .string({ error: expecting('a string') })
    .refine(
      // In units of UTF-16 it has no fewer than characters.
      (value) => value.length <= maxLength || characters(value) <= maxLength,
      `must not be longer than ${maxLength} characters`,
    )
    .refine((value) => value.isWellFormed(), 'must be well-formed Unicode')
  const bounded = Number.isFinite(maxBytes)
    ? formed.refine(
        (value) => bytesIn(charset, value) <= maxBytes,
        `must not have more than ${maxBytes} bytes`,
      )
    : formed
  // What every text passes is no check: each of them is paid for by every row.
  if (charset === 'utf8mb4') return bounded
  return bounded.refine(
    (value) => holdsText(charset, value),
    `must not have characters that ${charset} lacks`,
  )
}

/** What the kinds of text can be told. */
export type TextOptions = DefaultableOptions<string | null> & {
  /** The fewest characters that a client may send: an adopted column that holds empty texts needs 0. @default 1 */
  readonly minLength?: number
  /** The most bytes, for a TEXT, whose width is counted in them: 255, 65,535 or 16,777,215. @default any number */
  readonly maxBytes?: number
  /** The column's character set: what it lacks is refused on both sides. @default 'utf8mb4' */
  readonly charset?: Charset
}

/**
 * The schemas of a text.
 *
 * @throws TypeError for a length or a character set that there is not
 */
export const schemasOfText = (
  maxLength: number,
  { column, minLength = 1, maxBytes = Number.POSITIVE_INFINITY, charset = 'utf8mb4' }: TextOptions,
) => {
  if (!Number.isInteger(maxLength) || maxLength < 1)
    throw new TypeError(`${column}: a text has a length of at least 1`)
  if (!Number.isInteger(minLength) || minLength < 0 || minLength > maxLength)
    throw new TypeError(`${column}: minLength is a whole number from 0 to ${maxLength}`)
  if (!isCharset(charset)) throw new TypeError(`${column}: the character set is not known`)
  const image = fitting(maxLength, charset, maxBytes)
  const fewest = minLength === 1 ? 'must not be empty' : `must have at least ${minLength} characters`
  return { body: image.refine((value) => characters(value) >= minLength, fewest), image }
}

/**
 * A text attribute over a VARCHAR or TEXT column. Every character is kept as it came.
 *
 * @param maxLength in characters (code points), as in VARCHAR(maxLength)
 */
export const text = ({
  maxLength,
  optional = false,
  whenAbsent = null,
  ...options
}: TextOptions & { readonly maxLength: number }): Attribute => ({
  ...textual,
  kind: 'text',
  column: options.column,
  as: options.as,
  ...schemas(schemasOfText(maxLength, options), optional, whenAbsent),
  jsonTableType: textColumn(maxLength),
  plain: true,
})

/** A JSON_TABLE column for a text of so many characters; beyond VARCHAR's width a LONGTEXT. */
export const textColumn = (maxLength: number): string =>
  `${maxLength < 16_000 ? `VARCHAR(${maxLength + 1})` : 'LONGTEXT'} CHARACTER SET utf8mb4`
