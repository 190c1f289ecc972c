import type { Row } from './change.ts'
import { DecimalText, isList, isMap, type Value } from './values.ts'

/** What one answer of the API may have, in bytes: Lambda's 6 MB, in which the body is JSON in a JSON text, less the rest. */
export const LARGEST_ANSWER = 5_500_000

/** About as many bytes as a row takes of an answer, never fewer: escapes count twice, binary as base64. */
export const answerSize = (row: Row): number =>
  Object.entries(row).reduce((total, [name, value]) => total + textSize(name) + sizeOf(value) + 2, 2)

const sizeOf = (value: Value): number => {
  if (value === null || typeof value === 'boolean') return 5
  if (typeof value === 'string') return textSize(value)
  if (value instanceof DecimalText) return textSize(value.text)
  if (value instanceof Uint8Array) return Math.ceil(value.byteLength / 3) * 4 + 4
  if (isList(value)) return value.reduce((total: number, one) => total + sizeOf(one) + 1, 2)
  if (isMap(value)) return answerSize(value)
  return [...value].reduce((total: number, one) => total + sizeOf(one) + 1, 2)
}

const textSize = (text: string): number => Buffer.byteLength(JSON.stringify(JSON.stringify(text)))
