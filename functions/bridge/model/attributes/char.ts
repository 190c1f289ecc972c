import * as z from 'zod'
import type { Value } from '../values.ts'
import { type Attribute, expecting, schemas, textual } from './attribute.ts'
import { schemasOfText, type TextOptions, textColumn } from './text.ts'

/** MySQL pads a CHAR with blanks and can't tell them from a text's own, which are gone when it is read. */
const withoutTrailingBlanks = (text: string): string => {
  let end = text.length
  while (end > 0 && text[end - 1] === ' ') end -= 1
  return text.slice(0, end)
}

/**
 * A text attribute over a CHAR column. Trailing blanks are cut before it is stored on either side, as the column would.
 *
 * @param length in characters (code points), as in CHAR(length)
 */
export const char = ({
  length,
  optional = false,
  whenAbsent = null,
  ...options
}: TextOptions & { readonly length: number }): Attribute => {
  const { body, image } = schemasOfText(length, options)
  const cut = (schema: z.ZodType<Value, string>): z.ZodType<Value> =>
    z
      .string({ error: expecting('a string') })
      .transform(withoutTrailingBlanks)
      .pipe(schema)
  return {
    ...textual,
    kind: 'char',
    column: options.column,
    as: options.as,
    ...schemas({ body: cut(body), image: cut(image) }, optional, whenAbsent),
    jsonTableType: textColumn(length),
    plain: true,
    fromSql: (value) => {
      const text = textual.fromSql(value)
      // The session may have PAD_CHAR_TO_FULL_LENGTH.
      return typeof text === 'string' ? withoutTrailingBlanks(text) : text
    },
  }
}
