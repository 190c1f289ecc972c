import type { AttributeValue } from '@aws-sdk/client-dynamodb'
import type { Item } from './items.ts'

/**
 * What an item weighs, in bytes, as DynamoDB counts it: names and texts in UTF-8, a number by its digits, a list or a map
 * three bytes and one for each member.
 *
 * @see https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html
 */
export const itemSize = (item: Item): number =>
  Object.entries(item).reduce((sum, [name, value]) => sum + Buffer.byteLength(name) + sizeOf(value), 0)

const sizeOf = ({ S, N, B, SS, NS, BS, L, M }: AttributeValue): number => {
  if (S !== undefined) return Buffer.byteLength(S)
  if (N !== undefined) return numberSize(N)
  if (B !== undefined) return B.byteLength
  if (SS !== undefined) return SS.reduce((sum, text) => sum + Buffer.byteLength(text), 0)
  if (NS !== undefined) return NS.reduce((sum, number) => sum + numberSize(number), 0)
  if (BS !== undefined) return BS.reduce((sum, bytes) => sum + bytes.byteLength, 0)
  if (L !== undefined) return L.reduce((sum, value) => sum + 1 + sizeOf(value), 3)
  if (M !== undefined) return 3 + Object.keys(M).length + itemSize(M)
  return 1
}

const numberSize = (digits: string): number => Math.ceil(digits.replace(/[-.]/g, '').length / 2) + 1
