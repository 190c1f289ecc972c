import * as z from 'zod'
import {
  type Attribute,
  type DefaultableOptions,
  expecting,
  fromText,
  schemas,
  textual,
} from './attribute.ts'
import { textColumn } from './text.ts'
import { requireWords } from './words.ts'

/** What stands for an ENUM's error value where the column may also hold an empty word: no word has this character. */
const ERROR_VALUE = '\u0000'

/**
 * One of a few words over an ENUM column. The words are told apart by case: MySQL would take `EASY` for `easy`, and
 * the two stores would differ. An ENUM's error value (index 0), which a lax session has left, is not read, since no
 * strict session writes it back; `''` is a word only where it is one of the column's.
 */
export const oneOf = ({
  column,
  as,
  values,
  optional = false,
  whenAbsent = null,
}: DefaultableOptions<string | null> & { readonly values: readonly [string, ...string[]] }): Attribute => {
  requireWords(column, values)
  const schema = z.enum(values, { error: expecting(`one of ${values.join(', ')}`) })
  return {
    ...textual,
    kind: 'oneOf',
    column,
    as,
    ...schemas({ body: schema, image: schema }, optional, whenAbsent),
    jsonTableType: textColumn(Math.max(...values.map((value) => value.length))),
    asText: values.includes('')
      ? (own) => `CAST(IF(${own} + 0 = 0, '\\0', ${own}) AS CHAR)`
      : (own) => `CAST(${own} AS CHAR)`,
    fromSql: fromText((text) => (text === ERROR_VALUE ? undefined : text)),
  }
}
