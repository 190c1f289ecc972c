/*
 * One text for equal values, for a comparison that shares no code with the bridge. Numbers are compared as exact
 * decimals, JSON by value, binary by its bytes.
 */

/** A decimal number's one form: no exponent, no needless zeros. */
export const canonicalNumber = (text: string): string => {
  const parts = /^([+-]?)(\d*)(?:\.(\d*))?(?:[eE]([+-]?\d+))?$/.exec(text.trim())
  if (parts === null) throw new RangeError('not a decimal number')
  const [, sign, whole = '', fraction = '', exponent = '0'] = parts
  let digits = whole + fraction
  let scale = fraction.length - Number(exponent)
  if (scale < 0) {
    digits += '0'.repeat(-scale)
    scale = 0
  }
  digits = digits.padStart(scale + 1, '0')
  const left = digits.slice(0, digits.length - scale).replace(/^0+(?=\d)/, '')
  const right = digits.slice(digits.length - scale).replace(/0+$/, '')
  const magnitude = right === '' ? left : `${left}.${right}`
  return magnitude === '0' ? '0' : `${sign === '-' ? '-' : ''}${magnitude}`
}

/** A number in a document, told apart from a text with the same digits. */
class Digits {
  readonly text: string
  constructor(text: string) {
    this.text = text
  }
}

/** A JSON text's one form: members in order of their names, numbers as decimals with all their digits. */
export const canonicalJson = (text: string): string => {
  const parsed: unknown = JSON.parse(text, (_name, value: unknown, context?: { source?: string }) =>
    typeof value === 'number' ? new Digits(context?.source ?? String(value)) : value,
  )
  return canonicalValue(parsed)
}

/** As `canonicalJson`, of a value whose numbers are `Digits`. */
const canonicalValue = (value: unknown): string => {
  if (value instanceof Digits) return canonicalNumber(value.text)
  if (Array.isArray(value)) return `[${value.map(canonicalValue).join(',')}]`
  if (typeof value === 'object' && value !== null)
    return `{${Object.entries(value)
      .map(([name, member]) => `${JSON.stringify(name)}:${canonicalValue(member)}`)
      .sort()
      .join(',')}}`
  return JSON.stringify(value)
}

/** A DynamoDB attribute value as the same text as the JSON document that it stands for; `null` for what JSON lacks. */
export const canonicalAttribute = (attribute: object | undefined): string | null => {
  const value = documentOf(attribute)
  return value === undefined ? null : canonicalValue(value)
}

const documentOf = (attribute: object | undefined): unknown => {
  if (attribute === undefined) return undefined
  const [[type, value] = ['', undefined]] = Object.entries(attribute)
  switch (type) {
    case 'S':
    case 'BOOL':
      return value
    case 'NULL':
      return null
    case 'N':
      return new Digits(String(value))
    case 'L':
      return Array.isArray(value) ? value.map(documentOf) : undefined
    case 'M':
      return Object.fromEntries(
        Object.entries(Object(value)).map(([name, member]) => [name, documentOf(Object(member))]),
      )
    default:
      return { [`no JSON: ${type}`]: true }
  }
}
