import { createHash } from 'node:crypto'
import { canonicalText, type Value } from '../model/values.ts'
import type { Once } from '../ports/once.ts'
import { badRequest } from './problem.ts'
import type { HttpRequest } from './request.ts'

/** Counted without the quotes and backslashes of the structured form. */
const LONGEST = 255

/** RFC 9651, 3.3.3: a string of a structured field. */
const STRUCTURED = /^"((?:[\x20-\x21\x23-\x5b\x5d-\x7e]|\\["\\])*)"$/

/**
 * Reads Idempotency-Key. The draft says a structured field's string, `"8e03978e"`; most clients send it bare. Both mean
 * the same key.
 *
 * @returns undefined when there is none
 * @throws Problem 400 for anything but 1 to 255 visible ASCII characters
 * @see draft-ietf-httpapi-idempotency-key-header-07, 2.1
 */
export const readIdempotencyKey = (header: string | undefined): string | undefined => {
  if (header === undefined) return undefined
  const sent = header.trim()
  const key = sent.startsWith('"') ? STRUCTURED.exec(sent)?.[1]?.replace(/\\(.)/g, '$1') : sent
  if (key === undefined || !/^[\x21-\x7e]+$/.test(key) || key.length > LONGEST)
    throw badRequest(
      'malformed-idempotency-key',
      `Idempotency-Key must be 1 to ${LONGEST} visible ASCII characters, bare or as a quoted string.`,
    )
  return key
}

/**
 * What a request's Idempotency-Key makes of it.
 *
 * @param of the entity's name; the body as it was sent, so that a newer definition of the entity doesn't make a repeat look
 *   different
 * @returns undefined when the request has no such key
 * @throws Problem 400
 */
export const readOnce = (
  { method, headers, principal = '' }: HttpRequest,
  of: { readonly entity: string; readonly body: Value },
): Once | undefined => {
  const key = readIdempotencyKey(headers['idempotency-key'])
  if (key === undefined) return undefined
  const idOf = (where: string): string => hash([where, of.entity, principal, key])
  return {
    id: idOf('either side'),
    former: { aurora: idOf('aurora'), dynamo: idOf('dynamo'), facade: idOf('facade') },
    fingerprint: hash([method, of.entity, canonicalText(of.body)]),
  }
}

/** As JSON, the parts can't run into one another. */
const hash = (parts: readonly string[]): string =>
  createHash('sha256').update(JSON.stringify(parts)).digest('hex')
