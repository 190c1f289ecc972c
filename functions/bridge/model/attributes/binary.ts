import * as z from 'zod'
import { UnreadableValueError } from '../errors.ts'
import { BASE64, type Value } from '../values.ts'
import { type Attribute, type AttributeOptions, expecting, schemas } from './attribute.ts'

const image = z.instanceof(Uint8Array, { error: expecting('binary') })
const body = z
  .string({ error: expecting('base64 text') })
  .refine((text) => BASE64.test(text), { error: 'must be base64 text', abort: true })
  .transform((text): Uint8Array => Buffer.from(text, 'base64'))

const tooLong = (maxBytes: number) => `must not have more than ${maxBytes} bytes`

/**
 * Bytes over a VARBINARY or BLOB column; base64 in JSON.
 *
 * @param maxBytes as many as the column holds
 */
export const binary = ({
  column,
  as,
  maxBytes,
  optional = false,
}: AttributeOptions & { readonly maxBytes: number }): Attribute => {
  const fits = (bytes: Uint8Array): boolean => bytes.byteLength <= maxBytes
  const limit = tooLong(maxBytes)
  return {
    ...inBytes,
    kind: 'binary',
    column,
    as,
    ...schemas({ body: body.refine(fits, limit), image: image.refine(fits, limit) }, optional, null),
  }
}

/**
 * Bytes over a BINARY(length) column; base64 in JSON. Fewer bytes are filled up with zeros before they are stored on
 * either side, as the column would.
 */
export const fixedBinary = ({
  column,
  as,
  length,
  optional = false,
}: AttributeOptions & { readonly length: number }): Attribute => {
  const fits = (bytes: Uint8Array): boolean => bytes.byteLength <= length
  const filled = (bytes: Uint8Array): Uint8Array => {
    const all = new Uint8Array(length)
    all.set(bytes)
    return all
  }
  const limit = { error: tooLong(length), abort: true }
  return {
    ...inBytes,
    kind: 'fixedBinary',
    column,
    as,
    ...schemas(
      {
        body: body.refine(fits, limit).transform(filled),
        image: image.refine(fits, limit).transform(filled),
      },
      optional,
      null,
    ),
  }
}

/** How bytes travel. */
const inBytes = {
  jsonTableType: 'LONGTEXT CHARACTER SET ascii',
  toSql: (value: Value) => (value instanceof Uint8Array ? toBase64(value) : null),
  stored: (text: string) => `FROM_BASE64(${text})`,
  asText: (column: string) => `TO_BASE64(${column})`,
  plain: true as const,
  fromSql: (value: unknown): Value => {
    if (value === null || value === undefined || value instanceof Uint8Array) return value ?? null
    // MySQL breaks base64 into lines of 76.
    const text = typeof value === 'string' ? value.replaceAll('\n', '') : undefined
    if (text === undefined || !BASE64.test(text))
      throw new UnreadableValueError('is in a form that its kind does not know')
    return Buffer.from(text, 'base64')
  },
  toItem: (value: Value) => (value instanceof Uint8Array ? { B: value } : { NULL: true as const }),
  toJson: (value: Value) => (value instanceof Uint8Array ? toBase64(value) : null),
}

const toBase64 = (bytes: Uint8Array): string =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64')
