import * as z from 'zod'
import { toAttributeValue } from '../attribute-values.ts'
import { UnreadableValueError } from '../errors.ts'
import { jsonValue, parseExactJson, toExactJson } from '../exact-json.ts'
import { DecimalText, isList, isMap, PROTO, type Value } from '../values.ts'
import { type Attribute, type AttributeOptions, fromText, type Json, schemas } from './attribute.ts'

/** DynamoDB nests 32 levels deep; the attribute itself is one. */
const DEEPEST = 31

/**
 * What a JSON column can't hold exactly; undefined when it can. MySQL keeps a whole number of 64 bits, and any other as
 * a double: a number with more digits would be rounded without a word.
 */
const fault = (value: unknown, depth = 1): string | undefined => {
  if (depth > DEEPEST) return `is nested deeper than ${DEEPEST} levels`
  if (value instanceof DecimalText) {
    if (!isExact(value)) return 'has a number that JSON columns round'
    return isInRange(value) ? undefined : 'has a number that is beyond the range of DynamoDB'
  }
  if (value instanceof Uint8Array) return 'holds binary, which JSON columns have no form for'
  if (value instanceof Set) return 'holds a set, which JSON columns have no form for'
  if (typeof value === 'string')
    return value.isWellFormed() ? undefined : 'holds text that is not well-formed Unicode'
  if (Array.isArray(value)) return value.map((member) => fault(member, depth + 1)).find(Boolean)
  if (typeof value !== 'object' || value === null) return undefined
  if (Object.hasOwn(value, PROTO)) return `has a member ${PROTO}, which not every reader keeps`
  if (Object.keys(value).some((name) => !name.isWellFormed()))
    return 'holds a name that is not well-formed Unicode'
  return Object.values(value)
    .map((member) => fault(member, depth + 1))
    .find(Boolean)
}

const isExact = ({ canonical }: DecimalText): boolean => {
  if (/^-?\d+$/.test(canonical)) {
    const whole = BigInt(canonical)
    if (whole >= -(2n ** 63n) && whole < 2n ** 64n) return true
  }
  return new DecimalText(String(Number(canonical))).canonical === canonical
}

/** @see DynamoDB developer guide, data types: 1E-130 to 9.99…E+125, of either sign */
const isInRange = ({ canonical }: DecimalText): boolean => {
  const amount = Math.abs(Number(canonical))
  return amount === 0 || (amount >= 1e-130 && amount < 1e126)
}

const schema: z.ZodType<Value> = z.unknown().transform((input, context): Value => {
  const problem = input === undefined ? 'is required' : fault(input)
  const value = problem === undefined ? jsonValue(input) : undefined
  if (value !== undefined) return value
  context.addIssue({ code: 'custom', message: problem ?? 'must be JSON' })
  return z.NEVER
})

/**
 * A document of any shape over a JSON column: a map, list, text, number or boolean. JSON's null is NULL; a column that
 * holds it as a document is not read, since NULL would be written back.
 */
export const json = ({ column, as, optional = false }: AttributeOptions): Attribute => ({
  kind: 'json',
  column,
  as,
  ...schemas(
    { body: schema.refine((value) => value !== null, 'must not be null'), image: schema },
    optional,
    null,
  ),
  jsonTableType: 'LONGTEXT CHARACTER SET utf8mb4',
  plain: true,
  toSql: (value) => (value === null ? null : toExactJson(value)),
  // MySQL keeps a form of its own; MariaDB keeps the text, and knows no type JSON. Each reads its own line only.
  same: (column, text) =>
    `(/*!80000 ${column} <=> CAST(${text} AS JSON) *//*M! CAST(${column} AS BINARY) <=> CAST(${text} AS BINARY) */)`,
  fromSql: fromText((text) => {
    const document = parsed(text)
    if (document === null) throw new UnreadableValueError("must not be JSON's null")
    return document
  }),
  toItem: (value) => (value === null ? { NULL: true } : toAttributeValue(value)),
  toJson: (value) => plain(value),
})

const parsed = (text: string): Value | undefined => {
  try {
    return jsonValue(parseExactJson(text))
  } catch (error) {
    // MariaDB's JSON column is text, and older rows may be anything.
    if (error instanceof SyntaxError) return undefined
    throw error
  }
}

/** Numbers here are exact as doubles or are 64-bit integers; those beyond 2^53 become text. */
const plain = (value: Value): Json => {
  if (value instanceof DecimalText) {
    const number = Number(value.canonical)
    return new DecimalText(String(number)).canonical === value.canonical ? number : value.canonical
  }
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return value
  if (isList(value)) return value.map(plain)
  return isMap(value)
    ? Object.fromEntries(Object.entries(value).map(([name, member]) => [name, plain(member)]))
    : null
}
