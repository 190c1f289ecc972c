import * as z from 'zod'
import { isList, type Value } from '../values.ts'
import { type Attribute, type AttributeOptions, expecting, fromText, schemas } from './attribute.ts'
import { textColumn } from './text.ts'
import { requireWords } from './words.ts'

/** As many members as a SET column has at most. */
const MOST = 64

/**
 * Some of a few words over a SET column: a list in the order of the definition, `[]` for none. Another order, or a word
 * twice, means the same to the column and is put right before it is stored on either side. Words are told apart by case.
 * An item may hold them as a list or as a set of texts.
 *
 * @param values in the order of the column
 */
export const setOf = ({
  column,
  as,
  values,
  optional = false,
  whenAbsent,
}: AttributeOptions & {
  readonly values: readonly [string, ...string[]]
  /** What an absent attribute means, on both sides. @default NULL */
  readonly whenAbsent?: readonly string[]
}): Attribute => {
  requireWords(column, values)
  if (values.length > MOST) throw new TypeError(`${column}: a SET has ${MOST} words at most`)
  if (values.some((value) => value === '' || value.includes(',')))
    throw new TypeError(`${column}: a word of a SET is not empty and has no comma`)
  const inOrder = (words: Iterable<string>): readonly string[] => {
    const held = new Set(words)
    return values.filter((value) => held.has(value))
  }
  const what = `a list of some of ${values.join(', ')}`
  const list = z.array(z.enum(values, { error: `must be one of ${values.join(', ')}` }), {
    error: expecting(what),
  })
  const image = z.preprocess((value) => (value instanceof Set ? [...value] : value), list)
  const words = (value: Value): readonly string[] | undefined =>
    isList(value) ? value.filter((word) => typeof word === 'string') : undefined
  return {
    kind: 'setOf',
    column,
    as,
    ...schemas(
      { body: list.transform(inOrder), image: image.transform(inOrder) },
      optional,
      whenAbsent === undefined ? null : inOrder(whenAbsent),
    ),
    jsonTableType: textColumn(values.join(',').length),
    toSql: (value) => words(value)?.join(',') ?? null,
    fromSql: fromText((text) => {
      const held = text === '' ? [] : text.split(',')
      return held.every((word) => values.includes(word)) ? inOrder(held) : undefined
    }),
    toItem: (value) => {
      const held = words(value)
      return held === undefined ? { NULL: true } : { L: held.map((word) => ({ S: word })) }
    },
    toJson: (value) => words(value) ?? null,
  }
}
