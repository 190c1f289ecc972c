import { InvalidRecordError } from './errors.ts'

/** A DynamoDB number as its digits: up to 38 of them, beyond what a JavaScript number holds. */
export class DecimalText {
  readonly text: string

  constructor(text: string) {
    this.text = text
  }

  toJSON(): string {
    return this.text
  }
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
  const refuse = (why: string): never => {
    throw new InvalidRecordError(`${path}: ${why}`)
  }
  if (depth > DEEPEST) return refuse(`nested deeper than ${DEEPEST} levels`)
  if (!isRecord(attribute)) return refuse('not an attribute value')
  const entries = Object.entries(attribute).filter(([, value]) => value !== undefined)
  const [entry] = entries
  if (entry === undefined || entries.length !== 1) return refuse(`has ${entries.length} types instead of one`)
  const [type, value] = entry
  const list = (): readonly unknown[] => (Array.isArray(value) ? value : refuse(`${type} is not a list`))
  switch (type) {
    case 'S':
      return text(value) ?? refuse('S is not text')
    case 'N':
      return decimal(value) ?? refuse('N is not a number')
    case 'B':
      return bytes(value) ?? refuse('B is not binary')
    case 'BOOL':
      return typeof value === 'boolean' ? value : refuse('BOOL is not a boolean')
    case 'NULL':
      return value === true ? null : refuse('NULL is not true')
    case 'L':
      return list().map((item, at) => decodeAttributeValue(item, `${path}[${at}]`, depth + 1))
    case 'M':
      return isRecord(value) ? decodeItem(value, path, depth + 1) : refuse('M is not a map')
    case 'SS':
      return new Set(list().map((item) => text(item) ?? refuse('SS holds something else than text')))
    case 'NS':
      return new Set(list().map((item) => decimal(item) ?? refuse('NS holds something else than numbers')))
    case 'BS':
      return new Set(list().map((item) => bytes(item) ?? refuse('BS holds something else than binary')))
    default:
      return refuse(`unknown type ${type}`)
  }
}

/** Decodes a map of attribute values, such as an image of a stream record. */
export const decodeItem = (item: Record<string, unknown>, path: string, depth = 0): Record<string, Value> =>
  Object.fromEntries(
    Object.entries(item).map(([name, value]) => [
      name,
      decodeAttributeValue(value, `${path}.${name}`, depth),
    ]),
  )

const text = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined)

const decimal = (value: unknown): DecimalText | undefined =>
  typeof value === 'string' && /^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/.test(value)
    ? new DecimalText(value)
    : undefined

const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/

const bytes = (value: unknown): Uint8Array | undefined => {
  if (value instanceof Uint8Array) return value
  return typeof value === 'string' && BASE64.test(value) ? Buffer.from(value, 'base64') : undefined
}
