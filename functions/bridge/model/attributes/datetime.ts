import {
  type Attribute,
  type AttributeOptions,
  fromText,
  normalised,
  type Reading,
  schemas,
  textual,
} from './attribute.ts'
import { isDate } from './date.ts'
import { fitFraction, fractionLimit, requirePrecision, shownFraction } from './fraction.ts'

const FORM = /^(\d{4}-\d{2}-\d{2})T((?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d)(?:\.(\d+))?$/

/**
 * A local date and time over a DATETIME column: ISO 8601 without a zone, `2026-11-22T10:00:00`, from the year 1000 to
 * 9999, in nobody's time zone. It is stored as it was sent; a zone or an offset is refused, since nobody could say what
 * it was to be converted to.
 *
 * @param precision digits of the second's fraction, 0 to 6, as the column has; zeros are added, others refused
 */
export const datetime = ({
  column,
  as,
  precision = 0,
  optional = false,
}: AttributeOptions & { readonly precision?: number }): Attribute => {
  requirePrecision(column, precision)
  const what = `a date and time without a zone, as YYYY-MM-DDThh:mm:ss${shownFraction(precision)}`
  const read = (text: string): Reading => {
    const [, date = '', time = '', digits = ''] = FORM.exec(text) ?? []
    if (!isDate(date)) return { fault: `must be ${what}` }
    const fraction = fitFraction(digits, precision)
    return fraction === undefined
      ? { fault: fractionLimit(precision) }
      : { value: `${date}T${time}${fraction}` }
  }
  const schema = normalised(what, read)
  return {
    ...textual,
    kind: 'datetime',
    column,
    as,
    ...schemas({ body: schema, image: schema }, optional, null),
    jsonTableType: 'VARCHAR(28) CHARACTER SET ascii',
    toSql: (value) => (typeof value === 'string' ? value.replace('T', ' ') : null),
    fromSql: fromText((text) => {
      const reading = read(text.replace(' ', 'T'))
      return 'value' in reading ? reading.value : undefined
    }),
  }
}
