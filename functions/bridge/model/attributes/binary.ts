import * as z from 'zod'
import { BASE64 } from '../values.ts'
import { type Attribute, type AttributeOptions, expecting, schemas } from './attribute.ts'

/**
 * Bytes over a VARBINARY or BLOB column; base64 in JSON.
 *
 * @param maxBytes as many as the column holds
 */
export const binary = ({
  column,
  maxBytes,
  optional = false,
}: AttributeOptions & { readonly maxBytes: number }): Attribute => {
  const fits = (bytes: Uint8Array): boolean => bytes.byteLength <= maxBytes
  const limit = `must not have more than ${maxBytes} bytes`
  const image = z.instanceof(Uint8Array, { error: expecting('binary') }).refine(fits, limit)
  const body = z
    .string({ error: expecting('base64 text') })
    .refine((text) => BASE64.test(text), 'must be base64 text')
    .transform((text): Uint8Array => Buffer.from(text, 'base64'))
    .refine(fits, limit)
  return {
    column,
    ...schemas({ body, image }, optional, null),
    jsonTableType: 'LONGTEXT CHARACTER SET ascii',
    toSql: (value) => (value instanceof Uint8Array ? toBase64(value) : null),
    stored: (text) => `FROM_BASE64(${text})`,
    asText: (column) => `TO_BASE64(${column})`,
    fromSql: (value) => {
      if (value instanceof Uint8Array) return value
      // MySQL breaks base64 into lines of 76.
      return typeof value === 'string' ? Buffer.from(value.replaceAll('\n', ''), 'base64') : null
    },
    toItem: (value) => (value instanceof Uint8Array ? { B: value } : { NULL: true }),
    toJson: (value) => (value instanceof Uint8Array ? toBase64(value) : null),
  }
}

const toBase64 = (bytes: Uint8Array): string =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64')
