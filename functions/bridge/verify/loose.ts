import { DecimalText, isList, isMap, type Value } from '../model/values.ts'

const NUMBER = /^[+-]?\d+(?:\.\d+)?$/

/** A text that values share which say the same in whatever type: a number and its text, bytes and their base64, yes and 1. */
export const looseText = (value: Value): string => {
  if (value === null || value === '') return ''
  if (typeof value === 'boolean') return value ? '1' : '0'
  if (value instanceof DecimalText) return value.canonical
  if (value instanceof Uint8Array) return Buffer.from(value).toString('base64')
  if (typeof value === 'string') {
    if (value === 'true' || value === 'false') return looseText(value === 'true')
    return NUMBER.test(value) ? new DecimalText(value).canonical : value
  }
  if (isList(value)) return JSON.stringify(value.map(looseText))
  if (isMap(value))
    return JSON.stringify(
      Object.entries(value)
        .map(([name, member]) => [name, looseText(member)])
        .sort(),
    )
  return JSON.stringify([...value].map(looseText).sort())
}
