import {
  type Attribute,
  type AttributeOptions,
  fromText,
  normalised,
  type Reading,
  schemas,
  textual,
} from './attribute.ts'
import { fitFraction, fractionLimit, requirePrecision, shownFraction } from './fraction.ts'

const FORM = /^(-?)(\d{2,3}):([0-5]\d):([0-5]\d)(?:\.(\d+))?$/
const LONGEST = '838:59:59'

/**
 * A time of day or a span over a TIME column: `hh:mm:ss`, with a sign and a third digit of the hours where it needs
 * them, from -838:59:59 to 838:59:59. A zero has no sign.
 *
 * @param precision digits of the second's fraction, 0 to 6, as the column has; zeros are added, others refused
 */
export const time = ({
  column,
  as,
  precision = 0,
  optional = false,
}: AttributeOptions & { readonly precision?: number }): Attribute => {
  requirePrecision(column, precision)
  const what = `a time, as hh:mm:ss${shownFraction(precision)}`
  const read = (text: string): Reading => {
    const [matched, sign = '', hours = '', minutes = '', seconds = '', digits = ''] = FORM.exec(text) ?? []
    if (matched === undefined) return { fault: `must be ${what}` }
    const fraction = fitFraction(digits, precision)
    if (fraction === undefined) return { fault: fractionLimit(precision) }
    const amount = `${String(Number(hours)).padStart(2, '0')}:${minutes}:${seconds}`
    const isPartial = /[1-9]/.test(fraction)
    const padded = amount.padStart(LONGEST.length, '0')
    if (padded > LONGEST || (padded === LONGEST && isPartial))
      return { fault: `must be from -${LONGEST} to ${LONGEST}` }
    const isZero = !/[1-9]/.test(amount) && !isPartial
    return { value: `${isZero ? '' : sign}${amount}${fraction}` }
  }
  const schema = normalised(what, read)
  return {
    ...textual,
    kind: 'time',
    column,
    as,
    ...schemas({ body: schema, image: schema }, optional, null),
    jsonTableType: 'VARCHAR(20) CHARACTER SET ascii',
    fromSql: fromText((text) => {
      const reading = read(text)
      return 'value' in reading ? reading.value : undefined
    }),
  }
}
