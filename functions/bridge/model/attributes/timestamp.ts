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

const FORM =
  /^(\d{4}-\d{2}-\d{2})T((?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d)(?:\.(\d+))?(?:Z|([+-])([01]\d|2[0-3]):([0-5]\d))$/

/** What a TIMESTAMP holds, in seconds since 1970: 0 is its zero value. */
const FIRST = 1
const LAST = 2 ** 31 - 1

/**
 * An instant over a TIMESTAMP column: ISO 8601 in UTC, `2026-11-22T03:00:00Z`, from 1970-01-01T00:00:01Z to
 * 2038-01-19T03:14:07Z and its fraction. Another offset is converted before it is stored on either side. Every session
 * of the bridge is in UTC, so that the column keeps just this.
 *
 * @param precision digits of the second's fraction, 0 to 6, as the column has; zeros are added, others refused
 */
export const timestamp = ({
  column,
  as,
  precision = 0,
  optional = false,
}: AttributeOptions & { readonly precision?: number }): Attribute => {
  requirePrecision(column, precision)
  const what = `an instant, as YYYY-MM-DDThh:mm:ss${shownFraction(precision)}Z`
  const read = (text: string): Reading => {
    const [, date = '', time = '', digits = '', sign = '+', hours = '00', minutes = '00'] =
      FORM.exec(text) ?? []
    if (!isDate(date)) return { fault: `must be ${what}` }
    const offset = (Number(hours) * 60 + Number(minutes)) * (sign === '-' ? -60 : 60)
    const seconds = Date.parse(`${date}T${time}Z`) / 1000 - offset
    if (seconds < FIRST || seconds > LAST)
      return { fault: 'must be from 1970-01-01T00:00:01Z to 2038-01-19T03:14:07Z' }
    const fraction = fitFraction(digits, precision)
    if (fraction === undefined) return { fault: fractionLimit(precision) }
    return { value: `${new Date(seconds * 1000).toISOString().slice(0, 19)}${fraction}Z` }
  }
  const schema = normalised(what, read)
  return {
    ...textual,
    kind: 'timestamp',
    column,
    as,
    ...schemas({ body: schema, image: schema }, optional, null),
    jsonTableType: 'VARCHAR(28) CHARACTER SET ascii',
    toSql: (value) => (typeof value === 'string' ? value.replace('T', ' ').replace('Z', '') : null),
    fromSql: fromText((text) => {
      const reading = read(`${text.replace(' ', 'T')}Z`)
      return 'value' in reading ? reading.value : undefined
    }),
  }
}
