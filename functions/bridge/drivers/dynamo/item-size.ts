import type { AttributeValue } from '@aws-sdk/client-dynamodb'
import type { Item } from './items.ts'

/** What DynamoDB adds for a list or a map, and for each of its members, in bytes. */
const COLLECTION = 3
const MEMBER = 1

/**
 * An item's size in bytes, about as DynamoDB counts it: names and texts in UTF-8, numbers by their digits.
 *
 * @see https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html
 */
export const itemSize = (item: Item): number => {
  let bytes = 0
  for (const name in item) {
    const value = item[name]
    if (value !== undefined) bytes += Buffer.byteLength(name) + valueSize(value)
  }
  return bytes
}

const valueSize = (value: AttributeValue): number => {
  if (value.S !== undefined) return Buffer.byteLength(value.S)
  if (value.N !== undefined) return numberSize(value.N)
  if (value.B !== undefined) return value.B.byteLength
  if (value.M !== undefined) return COLLECTION + MEMBER * Object.keys(value.M).length + itemSize(value.M)
  if (value.L !== undefined) return COLLECTION + sum(value.L, (member) => MEMBER + valueSize(member))
  if (value.SS !== undefined) return sum(value.SS, (text) => Buffer.byteLength(text))
  if (value.NS !== undefined) return sum(value.NS, numberSize)
  if (value.BS !== undefined) return sum(value.BS, (bytes) => bytes.byteLength)
  return 1
}

/** One byte for two digits, and one more. */
const numberSize = (digits: string): number => Math.ceil(digits.length / 2) + 1

const sum = <T>(all: readonly T[], size: (one: T) => number): number =>
  all.reduce((bytes, one) => bytes + size(one), 0)
