import type { ColumnMetadata, Field, SqlParameter } from '@aws-sdk/client-rds-data'
import { BridgeError } from '../../model/errors.ts'

/** A value that has no form in the Data API. It is refused by its type, never turned into NULL. */
export class UnsupportedValueError extends BridgeError {
  override readonly name = 'UnsupportedValueError'
  readonly code = 'data-api.unsupported-value'
  readonly kind = 'configuration'
}

/**
 * A statement's parameter.
 *
 * | JavaScript | Data API |
 * | --- | --- |
 * | null, undefined | isNull |
 * | bigint, safe integer | longValue, exact |
 * | other finite number | doubleValue |
 * | boolean | booleanValue |
 * | string (also DECIMAL, dates, JSON: MySQL converts, strictly) | stringValue, no type hint |
 * | Uint8Array | blobValue |
 * | Date | stringValue, UTC, milliseconds |
 *
 * @throws UnsupportedValueError for anything else
 */
export const toField = (value: unknown): Field => {
  if (value === null || value === undefined) return { isNull: true }
  switch (typeof value) {
    case 'string':
      return { stringValue: value }
    case 'boolean':
      return { booleanValue: value }
    case 'bigint':
      // The wire holds any 64-bit integer exactly; beyond 2^63-1 (BIGINT UNSIGNED) MySQL converts text exactly.
      return value > 2n ** 63n - 1n || value < -(2n ** 63n)
        ? { stringValue: String(value) }
        : longField(value)
    case 'number':
      if (Number.isSafeInteger(value) && !Object.is(value, -0)) return { longValue: value }
      if (Number.isFinite(value)) return { doubleValue: value }
      throw new UnsupportedValueError('A number that is not finite has no SQL form')
  }
  if (value instanceof Uint8Array) return { blobValue: value }
  if (value instanceof Date) return { stringValue: toSqlTime(value) }
  throw new UnsupportedValueError(`A value of type ${typeof value} has no SQL form`)
}

const toSqlTime = (date: Date): string => {
  if (Number.isNaN(date.getTime()))
    throw new UnsupportedValueError('A date that is not valid has no SQL form')
  return date.toISOString().slice(0, -1).replace('T', ' ')
}

/** Beyond 2^53 the digits travel as text, which MySQL takes exactly: the client's model knows only JavaScript numbers. */
const longField = (value: bigint): Field =>
  value >= BigInt(Number.MIN_SAFE_INTEGER) && value <= BigInt(Number.MAX_SAFE_INTEGER)
    ? { longValue: Number(value) }
    : { stringValue: String(value) }

export const toParameter = (name: string, value: unknown): SqlParameter => ({ name, value: toField(value) })

/** `java.sql.Types.BIGINT`, by which the service names a column's type. */
const BIGINT = -5
const INTEGERS: ReadonlySet<number | undefined> = new Set([-6, 4, 5])

/**
 * A result's value. Integers are asked for as text (`longReturnType: STRING`), so that none is rounded on its way.
 *
 * | column | JavaScript |
 * | --- | --- |
 * | BIGINT | bigint |
 * | TINYINT to INT | number |
 * | FLOAT, DOUBLE | number |
 * | TINYINT(1), BIT(1) | boolean |
 * | BINARY, BLOB | Uint8Array |
 * | DECIMAL, dates, JSON, text | string |
 */
export const fromField = (field: Field, column: ColumnMetadata | undefined): unknown => {
  if (field.isNull === true) return null
  if (field.stringValue !== undefined) {
    if (column?.type === BIGINT) return BigInt(field.stringValue)
    return INTEGERS.has(column?.type) ? Number(field.stringValue) : field.stringValue
  }
  if (field.longValue !== undefined)
    return column?.type === BIGINT ? BigInt(field.longValue) : field.longValue
  if (field.doubleValue !== undefined) return field.doubleValue
  if (field.booleanValue !== undefined) return field.booleanValue
  if (field.blobValue !== undefined) return field.blobValue
  throw new UnsupportedValueError(`Column ${column?.label ?? '?'} has a kind of value that is not known`)
}
