import { DecimalText } from '../values.ts'
import { type Attribute, type DefaultableOptions, schemas } from './attribute.ts'
import { whole, wholeNumbers } from './integer.ts'

/**
 * The bits of a BIT(length) column as the whole number that they make, from 0 to 2^length - 1; beyond 2^53 as text.
 * `boolean` is for a BIT(1) that means yes or no.
 *
 * @param length from 1 to 64
 */
export const bit = ({
  column,
  as,
  length,
  optional = false,
  whenAbsent,
}: DefaultableOptions<bigint> & { readonly length: number }): Attribute => {
  if (!Number.isInteger(length) || length < 1 || length > 64)
    throw new TypeError(`${column}: a BIT has 1 to 64 bits`)
  return {
    ...whole,
    kind: 'bit',
    column,
    as,
    ...schemas(
      wholeNumbers(0n, 2n ** BigInt(length) - 1n),
      optional,
      whenAbsent === undefined ? null : new DecimalText(String(whenAbsent)),
    ),
    jsonTableType: 'VARCHAR(22) CHARACTER SET ascii',
    // Text would be stored as its bytes, and read as bytes.
    stored: (text) => `CAST(${text} AS UNSIGNED)`,
    asText: (own) => `CAST(${own} + 0 AS CHAR)`,
  }
}
