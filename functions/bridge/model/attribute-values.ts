import type { AttributeValue } from '@aws-sdk/client-dynamodb'
import { DecimalText, isList, isMap, type Value } from './values.ts'

/** Encodes a value as DynamoDB has it; the inverse of `decodeAttributeValue`. */
export const toAttributeValue = (value: Value): AttributeValue => {
  if (value === null) return { NULL: true }
  if (typeof value === 'boolean') return { BOOL: value }
  if (typeof value === 'string') return { S: value }
  if (value instanceof DecimalText) return { N: value.canonical }
  if (value instanceof Uint8Array) return { B: value }
  if (isList(value)) return { L: value.map(toAttributeValue) }
  if (isMap(value))
    return {
      M: Object.fromEntries(Object.entries(value).map(([name, member]) => [name, toAttributeValue(member)])),
    }
  return toSet([...value])
}

/** @throws TypeError for an empty or a mixed set, which DynamoDB has no form for */
const toSet = (members: readonly (string | DecimalText | Uint8Array)[]): AttributeValue => {
  const texts = members.filter((member) => typeof member === 'string')
  const numbers = members.filter((member) => member instanceof DecimalText)
  const bytes = members.filter((member) => member instanceof Uint8Array)
  if (members.length > 0 && texts.length === members.length) return { SS: texts }
  if (members.length > 0 && numbers.length === members.length)
    return { NS: numbers.map(({ canonical }) => canonical) }
  if (members.length > 0 && bytes.length === members.length) return { BS: bytes }
  throw new TypeError('DynamoDB has no empty and no mixed sets')
}
