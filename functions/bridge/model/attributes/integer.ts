import { DecimalText, type Value } from '../values.ts'
import { type Attribute, type DefaultableOptions, type Json, schemas } from './attribute.ts'
import { numberOf, numeric } from './decimal.ts'

/**
 * A whole number over a column from TINYINT to BIGINT, TINYINT(1) among them. Clients get a JSON number; one beyond 2^53 as text, which no parser
 * rounds.
 *
 * @param min the smallest that the column holds; also the API's limit
 * @param max the largest
 */
export const integer = ({
  column,
  as,
  min = -(2n ** 31n),
  max = 2n ** 31n - 1n,
  optional = false,
  whenAbsent,
}: DefaultableOptions<bigint> & { readonly min?: bigint; readonly max?: bigint }): Attribute => {
  return {
    kind: 'integer',
    column,
    as,
    ...schemas(
      wholeNumbers(min, max),
      optional,
      whenAbsent === undefined ? null : new DecimalText(String(whenAbsent)),
    ),
    jsonTableType: 'VARCHAR(22) CHARACTER SET ascii',
    ...whole,
  }
}

/** The schemas of whole numbers of a range. */
export const wholeNumbers = (min: bigint, max: bigint) =>
  numberOf(({ canonical }) => {
    if (!/^-?\d+$/.test(canonical)) return false
    const number = BigInt(canonical)
    return number >= min && number <= max
  }, `must be a whole number from ${min} to ${max}`)

/** How whole numbers travel. */
export const whole = {
  ...numeric,
  toJson: (value: Value): Json => {
    if (!(value instanceof DecimalText)) return null
    const number = Number(value.canonical)
    return Number.isSafeInteger(number) ? number : value.canonical
  },
}
