import * as z from 'zod'
import type { Item } from '../drivers/dynamo/items.ts'
import type { Entity } from '../model/entity.ts'
import { DecimalText } from '../model/values.ts'
import { InvalidPositionError } from '../ports/store.ts'
import { LONGEST } from './item-key.ts'

/**
 * Where a scan stands: behind an item, which may be another entity's. One attribute is its own text, two are a JSON list.
 *
 * @param item the attributes of the primary key at least
 * @returns undefined for none
 */
export const positionOf = ({ keyPlaces }: Entity, item: Item | undefined): string | undefined => {
  const texts = keyPlaces.map(({ attribute, type }) => item?.[attribute]?.[type])
  const [only] = texts
  if (texts.length === 1 || only === undefined) return only
  return JSON.stringify(texts)
}

/**
 * The primary key behind which a scan begins; the inverse of `positionOf`.
 *
 * @throws InvalidPositionError for a text that is no position: clients send it
 */
export const startKeyOf = ({ keyPlaces }: Entity, position: string): Item => {
  const texts = keyPlaces.length === 1 ? [position] : listOf(position)
  if (texts.length !== keyPlaces.length) throw new InvalidPositionError()
  return Object.fromEntries(
    keyPlaces.map(({ attribute, type }, at) => {
      const text = texts[at] ?? ''
      if (text === '' || Buffer.byteLength(text) > (LONGEST[at] ?? 0)) throw new InvalidPositionError()
      return [attribute, type === 'N' ? { N: numberOf(text) } : { S: text }]
    }),
  )
}

const texts = z.array(z.string())

const listOf = (position: string): readonly string[] => {
  try {
    const read = texts.safeParse(JSON.parse(position))
    if (read.success) return read.data
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error
  }
  throw new InvalidPositionError()
}

/** A number as DynamoDB takes it: anything else it would refuse as if the call were at fault. */
const numberOf = (text: string): string => {
  const number = new DecimalText(text)
  const { whole, fraction } = number.digits
  if (!/^-?\d+(\.\d+)?$/.test(number.canonical) || whole + fraction > MOST_DIGITS)
    throw new InvalidPositionError()
  return number.canonical
}

const MOST_DIGITS = 38
