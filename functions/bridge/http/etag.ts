import type { Version } from '../change.ts'
import { badRequest } from './problem.ts'

export const etagOf = (version: Version): string => `"${version}"`

/**
 * Reads If-Match (RFC 9110, 13.1.1).
 *
 * @returns the versions that the client accepts as current; undefined when it accepts any (no header, or `*`).
 *   A weak tag, or one that isn't a version, is never current: it is left out.
 * @throws Problem 400 when the header isn't a list of entity tags
 */
export const readIfMatch = (header: string | undefined): readonly Version[] | undefined => {
  if (header === undefined || header.trim() === '*') return undefined
  const tags = header.split(',').map((tag) => tag.trim())
  if (!tags.every((tag) => /^(W\/)?"[\x21\x23-\x7e]*"$/.test(tag)))
    throw badRequest('malformed-if-match', 'If-Match must be * or a list of entity tags such as "3".')
  return tags.flatMap((tag) => (/^"[1-9]\d{0,15}"$/.test(tag) ? [BigInt(tag.slice(1, -1))] : []))
}
