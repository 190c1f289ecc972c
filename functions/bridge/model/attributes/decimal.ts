import * as z from 'zod'
import { UnreadableValueError } from '../errors.ts'
import { DecimalText, type Value, withoutTrailingZeros } from '../values.ts'
import { type Attribute, type DefaultableOptions, expecting, schemas } from './attribute.ts'

export const NUMBER = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d{1,3})?$/

/** How MySQL writes a number that is no double: a ZEROFILL column's has zeros before it. */
const READ = /^-?\d+(?:\.\d+)?$/

/** A canonical form whose digits can be counted: not one with an exponent beyond any store's range. */
const PLAIN = /^-?\d+(?:\.\d+)?$/

/** Significant digits that a number in DynamoDB has at most; a DECIMAL column may have more. */
const MOST_DIGITS = 38

const isKept = ({ canonical }: DecimalText): boolean =>
  withoutTrailingZeros(canonical.replace(/[-.]/g, '').replace(/^0+/, '')).length <= MOST_DIGITS

/**
 * An exact number over a DECIMAL(precision, scale) column. Clients send a JSON number or its text and get text with
 * all of the scale's digits: a JSON parser would round. More digits than the column has are refused, because MySQL
 * rounds a fraction without an error.
 */
export const decimal = ({
  column,
  as,
  precision,
  scale,
  optional = false,
  whenAbsent,
}: DefaultableOptions<string> & { readonly precision: number; readonly scale: number }): Attribute => {
  const fits = ({ canonical, digits }: DecimalText): boolean =>
    PLAIN.test(canonical) && digits.whole <= precision - scale && digits.fraction <= scale
  const limit = `must not have more than ${precision - scale} digits before the point and ${scale} behind it`
  const whole = `must be a whole number of at most ${precision} digits`
  const number = numberOf(fits, scale === 0 ? whole : limit)
  const format = (value: DecimalText): string => {
    const [whole = '0', fraction = ''] = value.canonical.split('.')
    return scale === 0 ? whole : `${whole}.${fraction.padEnd(scale, '0')}`
  }
  return {
    kind: 'decimal',
    column,
    as,
    ...schemas(number, optional, whenAbsent === undefined ? null : new DecimalText(whenAbsent)),
    // Sign, point and one character more than fits.
    jsonTableType: `VARCHAR(${precision + 3}) CHARACTER SET ascii`,
    ...numeric,
    // As text, 12.5 and 12.50 would differ.
    same: (column, text) => `${column} <=> CAST(${text} AS DECIMAL(${precision}, ${scale}))`,
    toJson: (value) => (value instanceof DecimalText ? format(value) : null),
  }
}

/**
 * The schemas of a number.
 *
 * @param fits what its column holds
 * @param limit what to say of one that doesn't fit
 */
export const numberOf = (fits: (value: DecimalText) => boolean, limit: string) => {
  const image = z.instanceof(DecimalText, { error: expecting('a number') }).refine(fits, limit)
  const body = z
    .union([z.instanceof(DecimalText), z.string()], { error: expecting('a number') })
    .transform((value) => (typeof value === 'string' ? new DecimalText(value) : value))
    .refine((value) => NUMBER.test(value.text), { error: 'must be a number', abort: true })
    .refine(isKept, { error: `must not have more than ${MOST_DIGITS} digits`, abort: true })
    .refine(fits, limit)
  return { body, image } satisfies { body: z.ZodType<Value>; image: z.ZodType<Value> }
}

/** How every kind of number travels: as its digits. */
export const numeric = {
  toSql: (value: Value) => (value instanceof DecimalText ? value.canonical : null),
  fromSql: (value: unknown): Value => {
    if (value === null || value === undefined) return null
    const isDigits =
      typeof value === 'bigint' ||
      typeof value === 'number' ||
      (typeof value === 'string' && READ.test(value))
    // A driver that gives a boolean for a TINYINT(1) has lost the number.
    if (!isDigits) throw new UnreadableValueError('is in a form that its kind does not know')
    return new DecimalText(new DecimalText(String(value)).canonical)
  },
  toItem: (value: Value) => (value instanceof DecimalText ? { N: value.canonical } : { NULL: true as const }),
}
