import mysql, { type ExecuteValues, type FieldPacket } from 'mysql2'
import { toField, UnsupportedValueError } from '../data-api/fields.ts'

// mysql2 defines it by a getter, which an ESM import by name doesn't see.
const { TypedParameter } = mysql

/**
 * A statement's parameter for the prepared protocol. What becomes what, and what is refused, is the table of `toField`
 * in `../data-api/fields.ts`: a value takes the same form on both ways into the database.
 *
 * @throws UnsupportedValueError
 */
export const toBinding = (value: unknown): ExecuteValues => {
  const field = toField(value)
  if (field.stringValue !== undefined) return field.stringValue
  // By itself the driver sends every number as a double, which LIMIT refuses.
  if (field.longValue !== undefined) return TypedParameter.LONGLONG(BigInt(field.longValue))
  if (field.doubleValue !== undefined) return TypedParameter.DOUBLE(field.doubleValue)
  if (field.booleanValue !== undefined) return field.booleanValue
  if (field.blobValue !== undefined) return Buffer.from(field.blobValue)
  return null
}

type Decode = (value: unknown) => unknown

/** @see https://dev.mysql.com/doc/dev/mysql-server/latest/field__types_8h.html */
const types = {
  TINY: 1,
  SHORT: 2,
  LONG: 3,
  FLOAT: 4,
  DOUBLE: 5,
  TIMESTAMP: 7,
  LONGLONG: 8,
  INT24: 9,
  TIME: 11,
  DATETIME: 12,
  YEAR: 13,
  BIT: 16,
  VECTOR: 242,
  JSON: 245,
  GEOMETRY: 255,
} as const

const UNSIGNED = 32
const BINARY_CHARSET = 63

/** A row's values by their columns' labels, in the forms of the table of `fromField` in `../data-api/fields.ts`. */
export type RowDecoder = (row: readonly unknown[]) => Record<string, unknown>

/**
 * Reads the rows of one result set; NULL is null in every column. Of two columns with one label the last one counts.
 *
 * @throws UnsupportedValueError for a column whose type the Data API doesn't return either (GEOMETRY, VECTOR)
 */
export const rowDecoder = (fields: readonly FieldPacket[]): RowDecoder => {
  const columns = fields.map((field) => ({ label: field.name, decode: decoderOf(field) }))
  return (row) =>
    Object.fromEntries(
      columns.map(({ label, decode }, at) => {
        const value = row[at]
        return [label, value === null || value === undefined ? null : decode(value)]
      }),
    )
}

const decoderOf = (field: FieldPacket): Decode => {
  const length = field.columnLength ?? 0
  const unsigned = typeof field.flags === 'number' && (field.flags & UNSIGNED) !== 0
  switch (field.columnType ?? field.type) {
    case types.TINY:
      // BOOL is TINYINT(1): a width of one is all that tells it from a number.
      return length === 1 ? (value) => Number(value) !== 0 : Number
    case types.SHORT:
    case types.INT24:
    case types.LONG:
    case types.FLOAT:
    case types.DOUBLE:
      return Number
    case types.LONGLONG:
      return unsigned
        ? (value) => BigInt.asUintN(64, BigInt(String(value)))
        : (value) => BigInt(String(value))
    case types.BIT:
      return length === 1 ? (value) => bytes(value).some((byte) => byte !== 0) : bytes
    case types.YEAR:
      return (value) => String(value).padStart(4, '0')
    case types.TIME:
    case types.DATETIME:
    case types.TIMESTAMP:
      return (value) => withFraction(String(value), field.decimals)
    case types.JSON:
      return String
    case types.GEOMETRY:
    case types.VECTOR:
      throw new UnsupportedValueError(`Column ${field.name} has a type that is not supported`)
    default:
      return field.characterSet === BINARY_CHARSET
        ? (value) => (typeof value === 'string' ? value : bytes(value))
        : (value) => (value instanceof Uint8Array ? bytes(value) : String(value))
  }
}

/** A copy: the driver's buffer is a view that would keep the whole packet alive. */
const bytes = (value: unknown): Uint8Array =>
  value instanceof Uint8Array ? new Uint8Array(value) : new Uint8Array(Buffer.from(String(value)))

/** The driver drops a fraction of zeros; MySQL's own text has as many digits as the column. */
const withFraction = (text: string, digits: number): string => {
  if (digits < 1 || digits > 6) return text
  const [whole = '', fraction = ''] = text.split('.')
  return `${whole}.${fraction.padEnd(digits, '0')}`
}
