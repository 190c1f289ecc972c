import mysql, { type ExecuteValues } from 'mysql2'
import { DataApiError, type ErrorForm, invalid } from './errors.ts'
import type { FieldValue, Parameter } from './request.ts'

// mysql2 defines it by a getter, which an ESM import by name doesn't see.
const { TypedParameter } = mysql

const INT64 = { min: -(2n ** 63n), max: 2n ** 63n - 1n }

/** The text forms that AWS documents; the fraction is left free, since MySQL takes six digits. */
const FORMATS = {
  DATE: /^\d{4}-\d{2}-\d{2}$/,
  TIME: /^-?\d{2,3}:\d{2}:\d{2}(\.\d+)?$/,
  TIMESTAMP: /^\d{4}-\d{2}-\d{2} \d{2}:\d{2}:\d{2}(\.\d+)?$/,
  DECIMAL: /^[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?$/,
  UUID: /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i,
} as const

const isJson = (text: string): boolean => {
  try {
    JSON.parse(text)
    return true
  } catch (error) {
    if (error instanceof SyntaxError) return false
    throw error
  }
}

const hinted = (text: string, hint: NonNullable<Parameter['typeHint']>, name: string): ExecuteValues => {
  if (hint === 'JSON' ? !isJson(text) : !FORMATS[hint].test(text))
    throw invalid(`The value of parameter ${name} is not of the form of type hint ${hint}`)
  if (hint === 'DECIMAL') return TypedParameter.NEWDECIMAL(text)
  // As AWS does on MySQL: sixteen bytes, which a text column refuses (errno 1366) and BINARY(16) takes.
  if (hint === 'UUID') return Buffer.from(text.replaceAll('-', ''), 'hex')
  return text
}

const long = (value: number | bigint, name: string): ExecuteValues => {
  const exact = BigInt(value)
  if (exact < INT64.min || exact > INT64.max) {
    throw new DataApiError('SerializationException', `The longValue of parameter ${name} is beyond 64 bits`)
  }
  return TypedParameter.LONGLONG(exact)
}

const double = (value: number | bigint | string, name: string): ExecuteValues => {
  const number = Number(value)
  if (!Number.isFinite(number)) throw invalid(`MySQL has no value for the doubleValue of parameter ${name}`)
  return TypedParameter.DOUBLE(number)
}

const members = (value: FieldValue): number =>
  Object.values(value).filter((member) => member !== undefined).length

/** One parameter as the prepared protocol takes it. */
const bindOne = ({ name, value, typeHint }: Parameter): ExecuteValues => {
  if (value.arrayValue !== undefined) throw invalid('Array parameters are not supported')
  if (members(value) !== 1) throw invalid(`The value of parameter ${name} must have exactly one member`)
  if (value.isNull !== undefined) {
    if (value.isNull) return null
    throw invalid(`The isNull of parameter ${name} must be true`)
  }
  if (value.stringValue !== undefined)
    return typeHint ? hinted(value.stringValue, typeHint, name) : value.stringValue
  if (value.longValue !== undefined) return long(value.longValue, name)
  if (value.booleanValue !== undefined) return value.booleanValue
  if (value.doubleValue !== undefined) return double(value.doubleValue, name)
  return Buffer.from(value.blobValue ?? '', 'base64')
}

/**
 * The values for a statement's `?`, in their order.
 *
 * @param names of the statement's parameters; repeats allowed
 * @param parameters as sent; one that the statement doesn't use is ignored
 * @throws ValidationException for a name sent twice or a value that is none; for a name without parameter
 *   ValidationException (v2) or BadRequestException (v1)
 */
export const bind = (
  names: readonly string[],
  parameters: readonly Parameter[],
  form: ErrorForm,
): ExecuteValues[] => {
  const values = new Map<string, ExecuteValues>()
  for (const parameter of parameters) {
    if (values.has(parameter.name)) throw invalid(`Duplicate parameter: ${parameter.name}`)
    values.set(parameter.name, bindOne(parameter))
  }
  return names.map((name) => {
    const value = values.get(name)
    if (value !== undefined) return value
    throw new DataApiError(
      form === 'v1' ? 'BadRequestException' : 'ValidationException',
      `Cannot find parameter: ${name}`,
    )
  })
}
