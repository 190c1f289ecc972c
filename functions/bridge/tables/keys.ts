import type { Item } from '../drivers/dynamo/items.ts'
import { type KeyAttribute, type KeySchema, keyAttributes } from '../drivers/dynamo/key-schema.ts'
import { toAttributeValue } from '../model/attribute-values.ts'
import type { Row } from '../model/change.ts'
import { InvalidRecordError } from '../model/errors.ts'
import { DecimalText, type Value } from '../model/values.ts'

/**
 * An item's key as one text: the value itself where the key is one attribute, else a JSON list of both. Two keys of a
 * table never have the same.
 *
 * @throws InvalidRecordError naming the attribute that can't be a key
 */
export const keyText = (schema: KeySchema, row: Row): string => {
  const texts = keyAttributes(schema).map((attribute) =>
    attributeText(attribute, Object.hasOwn(row, attribute.name) ? row[attribute.name] : undefined),
  )
  const [only] = texts
  return schema.sort === undefined && only !== undefined ? only : JSON.stringify(texts)
}

/** The primary key that a text stands for, as a call to DynamoDB has it; the inverse of `keyText`. */
export const keyItem = (schema: KeySchema, text: string): Item => {
  const texts: unknown = schema.sort === undefined ? [text] : JSON.parse(text)
  const list = Array.isArray(texts) ? texts : []
  return Object.fromEntries(
    keyAttributes(schema).map((attribute, at) => [
      attribute.name,
      toAttributeValue(parsedValue(attribute, String(list[at]))),
    ]),
  )
}

const attributeText = ({ name, type }: KeyAttribute, value: Value | undefined): string => {
  const refuse = (why: string): never => {
    throw new InvalidRecordError(`${name} ${why}`)
  }
  if (value === undefined) return refuse('is missing, and is the key')
  switch (type) {
    case 'S':
      if (typeof value !== 'string') return refuse('is the key, and not text')
      return value === '' ? refuse('is the key, and empty') : value
    case 'N':
      return value instanceof DecimalText ? value.canonical : refuse('is the key, and not a number')
    case 'B':
      if (!(value instanceof Uint8Array)) return refuse('is the key, and not binary')
      return value.length === 0 ? refuse('is the key, and empty') : Buffer.from(value).toString('base64')
  }
}

const parsedValue = ({ type }: KeyAttribute, text: string): Value => {
  if (type === 'N') return new DecimalText(text)
  return type === 'B' ? Buffer.from(text, 'base64') : text
}
