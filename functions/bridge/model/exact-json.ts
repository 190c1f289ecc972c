import { DecimalText, type Value, withoutTrailingZeros } from './values.ts'

declare global {
  interface JSON {
    /** ES2026: the reviver also learns the text of a primitive. Node 24 has it; the compiler's library doesn't yet. */
    parse(
      text: string,
      reviver: (key: string, value: unknown, context: { source?: string }) => unknown,
    ): unknown
  }
}

/**
 * Parses JSON without rounding: each number becomes a DecimalText with the digits that stood there.
 *
 * @throws SyntaxError
 */
export const parseExactJson = (text: string): unknown =>
  JSON.parse(text, (_key: string, value: unknown, { source }: { source?: string }) =>
    typeof value === 'number' && source !== undefined ? new DecimalText(source) : value,
  )

/** A parsed JSON value as a Value; undefined for what isn't one, such as an instance of a class. */
export const jsonValue = (parsed: unknown): Value | undefined => {
  if (parsed === null || typeof parsed === 'boolean' || typeof parsed === 'string') return parsed
  if (parsed instanceof DecimalText) return parsed
  if (Array.isArray(parsed)) {
    const values = parsed.map(jsonValue)
    return values.every((value) => value !== undefined) ? values : undefined
  }
  // An instance of a class has no members of its own, or strange ones: a set would become an empty map.
  if (!isPlainObject(parsed)) return undefined
  const members = Object.entries(parsed).map(([name, value]) => [name, jsonValue(value)] as const)
  return members.every((member): member is readonly [string, Value] => member[1] !== undefined)
    ? Object.fromEntries(members)
    : undefined
}

/** Whether a value is an object with members of its own, and no list and no instance of a class. */
export const isPlainObject = (value: unknown): value is Readonly<Record<string, unknown>> => {
  if (typeof value !== 'object' || value === null) return false
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === Object.prototype || prototype === null
}

/** Writes a Value as JSON, numbers with all their digits. */
export const toExactJson = (value: Value): string => {
  if (value instanceof DecimalText) return shortest(value.canonical)
  if (value instanceof Uint8Array || value instanceof Set)
    throw new TypeError('Binary values and sets have no JSON form')
  if (Array.isArray(value)) return `[${value.map(toExactJson).join(',')}]`
  if (typeof value === 'object' && value !== null)
    return `{${Object.entries(value)
      .map(([name, member]) => `${JSON.stringify(name)}:${toExactJson(member)}`)
      .join(',')}}`
  return JSON.stringify(value)
}

/** Longer numbers than this have mostly zeros: no store keeps more than 38 digits. */
const LONG = 40

/** A number of many zeros with an exponent: an item of such numbers would grow thirtyfold, beyond what a request takes. */
const shortest = (canonical: string): string => {
  const parts = canonical.length > LONG ? /^(-?)(\d+)\.?(\d*)$/.exec(canonical) : null
  if (parts === null) return canonical
  const [, sign = '', whole = '', fraction = ''] = parts
  const digits = `${whole}${fraction}`.replace(/^0+/, '')
  const significant = withoutTrailingZeros(digits)
  return `${sign}${significant}e${digits.length - significant.length - fraction.length}`
}
