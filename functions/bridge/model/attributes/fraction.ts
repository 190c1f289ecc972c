import { withoutTrailingZeros } from '../values.ts'

/** The digits of a second's fraction that a column may keep at most. */
const MOST = 6

/** @throws TypeError for a precision that no column has */
export const requirePrecision = (column: string, precision: number): void => {
  if (!Number.isInteger(precision) || precision < 0 || precision > MOST)
    throw new TypeError(`${column}: a precision is a whole number from 0 to ${MOST}`)
}

/**
 * A second's fraction with all the digits that its column has. MySQL rounds one with more, MariaDB cuts it: neither may
 * get to see such a one.
 *
 * @param digits what stands behind the point; empty when there is none
 * @returns with its point; undefined when a digit would be lost
 */
export const fitFraction = (digits: string, precision: number): string | undefined => {
  const kept = withoutTrailingZeros(digits)
  if (kept.length > precision) return undefined
  return precision === 0 ? '' : `.${kept.padEnd(precision, '0')}`
}

/** What to say of a fraction that doesn't fit. */
export const fractionLimit = (precision: number): string =>
  precision === 0
    ? 'must not have a fraction of a second'
    : `must not have more than ${precision} digits of a second's fraction`

/** How a kind with a fraction of seconds says what it expects: `hh:mm:ss.sss`. */
export const shownFraction = (precision: number): string =>
  precision === 0 ? '' : `.${'s'.repeat(precision)}`
