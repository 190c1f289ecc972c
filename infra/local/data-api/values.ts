import { type Column, isBinary, isBoolean, isUnsigned, typeNameOf, types } from './columns.ts'
import { DataApiError } from './errors.ts'

/** How the caller wants numbers: `resultSetOptions` with its defaults filled in. */
export type ResultOptions = {
  readonly decimals: 'STRING' | 'DOUBLE_OR_LONG'
  readonly longs: 'STRING' | 'LONG'
}

/**
 * A value as the answer carries it: the kind is the Field's member; the text is JSON, ready to be written. Numbers are
 * text from MySQL to the wire, so that 64 bits stay 64 bits.
 */
export type Encoded = {
  readonly kind: 'stringValue' | 'longValue' | 'doubleValue' | 'booleanValue' | 'blobValue'
  readonly json: string
  /** bytes of the value itself, which count towards the result's limit */
  readonly bytes: number
}

/** Turns one column's values, as mysql2 gives them, into Fields. Never called with NULL. */
export type Encoder = (value: unknown) => Encoded

const text = (value: string): Encoded => ({
  kind: 'stringValue',
  json: JSON.stringify(value),
  bytes: Buffer.byteLength(value),
})

const long = (digits: string): Encoded => ({ kind: 'longValue', json: digits, bytes: 8 })

const double = (value: number): Encoded => ({ kind: 'doubleValue', json: JSON.stringify(value), bytes: 8 })

const boolean = (value: boolean): Encoded => ({ kind: 'booleanValue', json: String(value), bytes: 1 })

const asBuffer = (value: unknown): Buffer => (Buffer.isBuffer(value) ? value : Buffer.from(String(value)))

const blob = (value: unknown): Encoded => {
  const bytes = asBuffer(value)
  return { kind: 'blobValue', json: `"${bytes.toString('base64')}"`, bytes: bytes.length }
}

/** mysql2 drops a fraction of zeros, MySQL's own text has as many digits as the column. */
const withFraction = (value: string, digits: number): string => {
  if (digits < 1 || digits > 6) return value
  const [whole = '', fraction = ''] = value.split('.')
  return `${whole}.${fraction.padEnd(digits, '0')}`
}

const fitsLong = (digits: string, column: Column): boolean => {
  const value = BigInt(digits)
  return value >= -(2n ** 63n) && value < 2n ** 63n && column.decimals === 0
}

const decimal = (value: string, column: Column, options: ResultOptions): Encoded => {
  if (options.decimals === 'STRING') return text(value)
  if (column.decimals === 0 && fitsLong(value, column)) return longAs(value, options)
  return double(Number(value))
}

const longAs = (digits: string, { longs }: ResultOptions): Encoded =>
  longs === 'STRING' ? text(digits) : long(digits)

const UNSUPPORTED: readonly number[] = [types.GEOMETRY, types.VECTOR]

/**
 * The encoder for a column.
 *
 * @throws UnsupportedResultException for a type that the Data API doesn't return
 * @see https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/data-api.calling.html
 */
export const encoderFor = (column: Column, options: ResultOptions): Encoder => {
  if (UNSUPPORTED.includes(column.type)) {
    throw new DataApiError(
      'UnsupportedResultException',
      `The result contains the unsupported data type ${typeNameOf(column)}`,
    )
  }
  if (column.json) return (value) => text(String(value))
  switch (column.type) {
    case types.TINY:
      if (isBoolean(column)) return (value) => boolean(Number(value) !== 0)
      return (value) => longAs(String(value), options)
    case types.SHORT:
    case types.INT24:
    case types.LONG:
      return (value) => longAs(String(value), options)
    case types.LONGLONG:
      return isUnsigned(column)
        ? (value) => longAs(BigInt.asUintN(64, BigInt(String(value))).toString(), options)
        : (value) => longAs(String(value), options)
    case types.FLOAT:
    case types.DOUBLE:
      return (value) => double(Number(value))
    case types.DECIMAL:
    case types.NEWDECIMAL:
      return (value) => decimal(String(value), column, options)
    case types.BIT:
      if (column.length === 1) return (value) => boolean(asBuffer(value).some((byte) => byte !== 0))
      return blob
    case types.YEAR:
      return (value) => text(String(value).padStart(4, '0'))
    case types.TIME:
    case types.DATETIME:
    case types.TIMESTAMP:
      return (value) => text(withFraction(String(value), column.decimals))
    case types.DATE:
      return (value) => text(String(value))
    default:
      return isBinary(column) ? blob : (value) => (Buffer.isBuffer(value) ? blob(value) : text(String(value)))
  }
}
