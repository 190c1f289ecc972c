import { DecimalText, type Value } from '../values.ts'
import { type Attribute, type DefaultableOptions, schemas } from './attribute.ts'
import { numberOf } from './decimal.ts'
import { whole } from './integer.ts'

const FIRST = 1901
const LAST = 2155

const isYear = ({ canonical }: DecimalText): boolean => {
  const year = Number(canonical)
  return canonical === '0' || (Number.isInteger(year) && year >= FIRST && year <= LAST)
}

/** A year over a YEAR column: a number from 1901 to 2155, or 0, the column's 0000. */
export const year = ({
  column,
  as,
  optional = false,
  whenAbsent,
}: DefaultableOptions<number>): Attribute => ({
  ...whole,
  kind: 'year',
  column,
  as,
  ...schemas(
    numberOf(isYear, `must be 0 or a year from ${FIRST} to ${LAST}`),
    optional,
    whenAbsent === undefined ? null : new DecimalText(String(whenAbsent)),
  ),
  jsonTableType: 'VARCHAR(6) CHARACTER SET ascii',
  // Of fewer digits than four the column would make a year of our time: '0' is 2000.
  toSql: (value: Value) => (value instanceof DecimalText ? value.canonical.padStart(4, '0') : null),
})
