import * as z from 'zod'
import { DecimalText, type Value, withoutTrailingZeros } from '../values.ts'
import {
  type Attribute,
  type DefaultableOptions,
  expecting,
  fromText,
  schemas,
  textual,
} from './attribute.ts'
import { NUMBER } from './decimal.ts'

/** What DynamoDB's numbers hold, of either sign, beside 0. */
const SMALLEST_NUMBER = 1e-130
const LARGEST_NUMBER = 1e126

/** What the kinds over floating-point columns can be told. */
export type FloatingOptions = DefaultableOptions<number> & {
  /** For a FLOAT(precision, scale) or DOUBLE(precision, scale), which rounds to so many digits behind the point. */
  readonly digits?: { readonly precision: number; readonly scale: number }
}

/** How a floating-point column keeps numbers. */
type Format = {
  readonly name: string
  /** The nearest number that it holds; infinite beyond its range. */
  readonly nearest: (number: number) => number
  /** The shortest text that only this one of its numbers is the nearest to. */
  readonly shortest: (number: number) => string
}

/**
 * An attribute over a floating-point column, whose values are texts: the shortest that mean the same number. A number
 * of other digits is refused where the column would have to round it. -0 is 0: MariaDB keeps no other.
 *
 * In an item it is a number, and where the range of those ends, text.
 */
export const floating = (
  { column, as, digits, optional = false, whenAbsent }: FloatingOptions,
  { name, nearest, shortest }: Format,
): Omit<Attribute, 'kind'> => {
  const own = digits === undefined ? name : `${name}(${digits.precision}, ${digits.scale})`
  const form = (text: string): string | undefined => {
    const held = nearest(Number(text))
    if (!Number.isFinite(held)) return undefined
    const canonical = shortest(held === 0 ? 0 : held)
    if (digits !== undefined && !hasAtMost(canonical, digits)) return undefined
    return [canonical, String(held)].some((one) => amountOf(one) === amountOf(text)) ? canonical : undefined
  }
  const schema = z
    .union([z.instanceof(DecimalText), z.string()], { error: expecting('a number') })
    .transform((value) => (typeof value === 'string' ? value : value.text))
    .refine((text) => NUMBER.test(text), { error: 'must be a number', abort: true })
    .transform((text, context): Value => {
      const canonical = form(text)
      if (canonical !== undefined) return canonical
      context.addIssue({ code: 'custom', message: `must be a number that a ${own} holds without rounding` })
      return z.NEVER
    })
  return {
    ...textual,
    column,
    as,
    ...schemas(
      { body: schema, image: schema },
      optional,
      whenAbsent === undefined ? null : shortest(nearest(whenAbsent)),
    ),
    jsonTableType: 'VARCHAR(32) CHARACTER SET ascii',
    // Of the largest FLOAT the shortest text is a little larger than the column takes.
    toSql: (value) => (typeof value === 'string' ? String(nearest(Number(value))) : null),
    fromSql: fromText((text) => {
      const held = nearest(Number(text))
      return NUMBER.test(text) && Number.isFinite(held) ? shortest(held === 0 ? 0 : held) : undefined
    }),
    toItem: (value) => {
      if (typeof value !== 'string') return { NULL: true }
      const size = Math.abs(Number(value))
      return size === 0 || (size >= SMALLEST_NUMBER && size < LARGEST_NUMBER) ? { N: value } : { S: value }
    },
  }
}

/** Whether a number in its shortest form has no more digits than so many in all, of them so many behind the point. */
const hasAtMost = (
  text: string,
  { precision, scale }: { readonly precision: number; readonly scale: number },
): boolean => {
  const amount = amountOf(text)
  if (amount === '0') return true
  const [digits = '', exponent = ''] = amount.replace(/^-/, '').split('e')
  const behind = -Number(exponent)
  return behind <= scale && digits.length - behind <= precision - scale
}

/** A text that decimal numbers share exactly when they are the same, of any exponent. */
const amountOf = (text: string): string => {
  const [, sign = '', whole = '', fraction = '', exponent = '0'] =
    /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/.exec(text) ?? []
  const digits = `${whole}${fraction}`.replace(/^0+/, '')
  const kept = withoutTrailingZeros(digits)
  if (kept === '') return '0'
  return `${sign}${kept}e${Number(exponent) - fraction.length + digits.length - kept.length}`
}
