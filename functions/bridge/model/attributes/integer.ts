import { DecimalText } from '../values.ts'
import { type Attribute, type DefaultableOptions, schemas } from './attribute.ts'
import { numberOf, numeric } from './decimal.ts'

/**
 * A whole number over an INT or BIGINT column. Clients get a JSON number; one beyond 2^53 as text, which no parser
 * rounds.
 *
 * @param min the smallest that the column holds; also the API's limit
 * @param max the largest
 */
export const integer = ({
  column,
  min = -(2n ** 31n),
  max = 2n ** 31n - 1n,
  optional = false,
  whenAbsent,
}: DefaultableOptions<bigint> & { readonly min?: bigint; readonly max?: bigint }): Attribute => {
  const inRange = (value: DecimalText): boolean => {
    const { canonical } = value
    return /^-?\d+$/.test(canonical) && BigInt(canonical) >= min && BigInt(canonical) <= max
  }
  return {
    column,
    ...schemas(
      numberOf(inRange, `must be a whole number from ${min} to ${max}`),
      optional,
      whenAbsent === undefined ? null : new DecimalText(String(whenAbsent)),
    ),
    jsonTableType: 'VARCHAR(22) CHARACTER SET ascii',
    ...numeric,
    toJson: (value) => {
      if (!(value instanceof DecimalText)) return null
      const number = Number(value.canonical)
      return Number.isSafeInteger(number) ? number : value.canonical
    },
  }
}
