import { InvalidRecordError } from './errors.ts'

/** A number as its digits: DynamoDB has up to 38 of them, beyond what a JavaScript number holds. */
export class DecimalText {
  readonly text: string

  constructor(text: string) {
    this.text = text
  }

  /** The one form that equal numbers share: no exponent, no needless zeros, no plus sign, `0` for every zero. */
  get canonical(): string {
    return canonicalDecimal(this.text)
  }

  /** Digits before and behind the point, in the canonical form; a lone 0 before the point counts as none. */
  get digits(): { readonly whole: number; readonly fraction: number } {
    const [whole = '', fraction = ''] = this.canonical.replace('-', '').split('.')
    return { whole: whole === '0' ? 0 : whole.length, fraction: fraction.length }
  }

  toJSON(): string {
    return this.text
  }
}

/** An exponent beyond DynamoDB's own range is not worked out: it would make a text of any length. */
const LARGEST_EXPONENT = 200

const canonicalDecimal = (text: string): string => {
  const parts = /^([+-]?)(\d*)\.?(\d*)(?:[eE]([+-]?\d+))?$/.exec(text)
  if (parts === null) return text
  const [, sign = '', whole = '', fraction = '', exponentText = '0'] = parts
  const exponent = Number(exponentText)
  if (Math.abs(exponent) > LARGEST_EXPONENT) return text
  const digits = whole + fraction
  const point = whole.length + exponent
  const left = (point <= 0 ? '' : digits.slice(0, point).padEnd(point, '0')).replace(/^0+/, '')
  const right = withoutTrailingZeros(point < 0 ? '0'.repeat(-point) + digits : digits.slice(point))
  if (left === '' && right === '') return '0'
  return `${sign === '-' ? '-' : ''}${left === '' ? '0' : left}${right === '' ? '' : `.${right}`}`
}

/** By hand: a regular expression tries again at each zero of a row that doesn't end the text, seconds for a long one. */
export const withoutTrailingZeros = (digits: string): string => {
  let end = digits.length
  while (end > 0 && digits[end - 1] === '0') end -= 1
  return digits.slice(0, end)
}

/** A DynamoDB value with nothing lost: numbers keep their digits, sets stay sets, binary stays bytes. */
export type Value =
  | null
  | boolean
  | string
  | DecimalText
  | Uint8Array
  | readonly Value[]
  | ReadonlySet<string | DecimalText | Uint8Array>
  | { readonly [name: string]: Value }

/** Nesting that DynamoDB allows; a deeper value isn't one of its own. */
const DEEPEST = 32

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Uint8Array)

/**
 * Decodes one attribute value of a stream record. Lambda's events carry binary as base64 text, the SDK's as bytes:
 * both are taken.
 *
 * @param path where the value stands, for the error's message
 * @throws InvalidRecordError for anything that isn't exactly one known type
 */
export const decodeAttributeValue = (attribute: unknown, path: string, depth = 0): Value => {
  if (depth > DEEPEST) return refuse(path, `nested deeper than ${DEEPEST} levels`)
  if (!isRecord(attribute)) return refuse(path, 'not an attribute value')
  let type = ''
  let types = 0
  for (const name of Object.keys(attribute)) {
    if (attribute[name] === undefined) continue
    type = name
    types += 1
  }
  if (types !== 1) return refuse(path, `has ${types} types instead of one`)
  const value = attribute[type]
  switch (type) {
    case 'S':
      return text(value) ?? refuse(path, 'S is not text')
    case 'N':
      return decimal(value) ?? refuse(path, 'N is not a number')
    case 'B':
      return bytes(value) ?? refuse(path, 'B is not binary')
    case 'BOOL':
      return typeof value === 'boolean' ? value : refuse(path, 'BOOL is not a boolean')
    case 'NULL':
      return value === true ? null : refuse(path, 'NULL is not true')
    case 'L':
      return members(value, type, path).map((item, at) =>
        decodeAttributeValue(item, `${path}[${at}]`, depth + 1),
      )
    case 'M':
      return isRecord(value) ? decodeItem(value, path, depth + 1) : refuse(path, 'M is not a map')
    case 'SS':
      return setOf(value, type, path, text, 'text')
    case 'NS':
      return setOf(value, type, path, decimal, 'numbers')
    case 'BS':
      return setOf(value, type, path, bytes, 'binary')
    default:
      return refuse(path, `unknown type ${type}`)
  }
}

const refuse = (path: string, why: string): never => {
  throw new InvalidRecordError(`${path}: ${why}`)
}

const members = (value: unknown, type: string, path: string): readonly unknown[] =>
  Array.isArray(value) ? value : refuse(path, `${type} is not a list`)

const setOf = <T>(
  value: unknown,
  type: string,
  path: string,
  read: (item: unknown) => T | undefined,
  what: string,
): ReadonlySet<T> =>
  new Set(
    members(value, type, path).map(
      (item) => read(item) ?? refuse(path, `${type} holds something else than ${what}`),
    ),
  )

/** Decodes a map of attribute values, such as an image of a stream record. */
export const decodeItem = (item: Record<string, unknown>, path: string, depth = 0): Record<string, Value> => {
  if (hasProto(item))
    throw new InvalidRecordError(`${path}: has a member ${PROTO}, which not every reader keeps`)
  // Not by way of entries: each record of a stream comes through here, with all its attributes.
  const values: Record<string, Value> = {}
  for (const name of Object.keys(item))
    values[name] = decodeAttributeValue(item[name], `${path}.${name}`, depth)
  return values
}

/** A name by which an object's prototype is set where others would make a member: the SDK's own readers lose its value. */
export const PROTO = '__proto__'

/** Whether an object has such a member, or had one when a reader assigned it. */
const hasProto = (object: object): boolean => {
  if (Object.hasOwn(object, PROTO)) return true
  const prototype: unknown = Object.getPrototypeOf(object)
  // That of a plain object, of whatever realm, has none itself.
  return typeof prototype === 'object' && prototype !== null && Object.getPrototypeOf(prototype) !== null
}

const text = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined)

const decimal = (value: unknown): DecimalText | undefined =>
  typeof value === 'string' && /^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/.test(value)
    ? new DecimalText(value)
    : undefined

/** What base64 looks like, with its padding. */
export const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/

const bytes = (value: unknown): Uint8Array | undefined => {
  if (value instanceof Uint8Array) return value
  return typeof value === 'string' && BASE64.test(value) ? Buffer.from(value, 'base64') : undefined
}

/** Whether two values are the same to both stores: numbers by their amount, sets and maps without order. */
export const sameValue = (a: Value, b: Value): boolean => canonicalText(a) === canonicalText(b)

/** A text that two values share exactly when they are the same; for comparing and hashing, not for reading back. */
export const canonicalText = (value: Value): string => {
  if (value === null || typeof value === 'boolean') return String(value)
  if (typeof value === 'string') return JSON.stringify(value)
  if (value instanceof DecimalText) return value.canonical
  if (value instanceof Uint8Array) return `b:${Buffer.from(value).toString('base64')}`
  if (isSet(value)) return `s:{${[...value].map(canonicalText).sort().join(',')}}`
  if (isList(value)) return `[${value.map(canonicalText).join(',')}]`
  return `{${Object.entries(value)
    .map(([name, member]) => `${JSON.stringify(name)}:${canonicalText(member)}`)
    .sort()
    .join(',')}}`
}

const isSet = (value: object): value is ReadonlySet<string | DecimalText | Uint8Array> => value instanceof Set
export const isList = (value: Value): value is readonly Value[] => Array.isArray(value)
/** Whether a value is a map, and not a list, a set, a number or binary. */
export const isMap = (value: Value): value is { readonly [name: string]: Value } =>
  typeof value === 'object' &&
  value !== null &&
  !(
    value instanceof DecimalText ||
    value instanceof Uint8Array ||
    value instanceof Set ||
    Array.isArray(value)
  )
