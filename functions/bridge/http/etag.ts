import { VERSION_DIGITS, type Version } from '../model/change.ts'
import { badRequest } from './problem.ts'

export const etagOf = (version: Version): string => `"${version}"`

/** Which of a key's states a client's write accepts. */
export type Preconditions = {
  /** The versions of which it accepts one as current; absent: any. */
  readonly ifMatch?: readonly Version[]
  /** Of a key that it may make, whether it accepts that something is there, and that nothing is. */
  readonly finding?: 'something' | 'nothing' | 'either'
}

/**
 * Reads If-Match and If-None-Match of a PUT that may create (RFC 9110, 13.1): with the first it replaces only, with
 * `If-None-Match: *` it creates only.
 *
 * @throws Problem 400 for a header that can't be read, or both of them; versions in If-None-Match are for reads
 */
export const readPreconditions = (headers: Readonly<Record<string, string>>): Preconditions => {
  const { 'if-match': match, 'if-none-match': noneMatch } = headers
  const ifMatch = readIfMatch(match)
  if (noneMatch === undefined)
    return match === undefined ? { finding: 'either' } : { finding: 'something', ...(ifMatch && { ifMatch }) }
  if (noneMatch.trim() !== '*')
    throw badRequest('malformed-if-none-match', 'If-None-Match of a write must be *.')
  if (match !== undefined)
    throw badRequest('malformed-if-none-match', 'Send If-Match or If-None-Match, not both.')
  return { finding: 'nothing' }
}

const TAG = /(?:W\/)?"[\x21\x23-\x7e]*"/
/** RFC 9110, 5.6.1: a recipient passes over empty members of a list. */
const TAGS = new RegExp(`^[\\s,]*${TAG.source}(?:\\s*,[\\s,]*${TAG.source})*[\\s,]*$`)

/** As many values as the IN of one DynamoDB condition takes. */
const MOST_TAGS = 100

/** A version: a positive integer of as many digits as one from the stream has; or 0, an item without any. */
const VERSION = new RegExp(`^"(?:0|[1-9]\\d{0,${VERSION_DIGITS - 1}})"$`)

/**
 * Reads If-Match (RFC 9110, 13.1.1).
 *
 * @returns the versions that the client accepts as current; undefined when it accepts any (no header, or `*`).
 *   A weak tag, or one that isn't a version, is never current: it is left out.
 * @throws Problem 400 when the header isn't a list of entity tags, or names more than 100 versions
 */
export const readIfMatch = (header: string | undefined): readonly Version[] | undefined => {
  if (header === undefined || header.trim() === '*') return undefined
  if (!TAGS.test(header))
    throw badRequest('malformed-if-match', 'If-Match must be * or a list of entity tags such as "3".')
  const tags = new Set(header.match(new RegExp(TAG, 'g')))
  const versions = [...tags].flatMap((tag) => (VERSION.test(tag) ? [BigInt(tag.slice(1, -1))] : []))
  if (versions.length > MOST_TAGS)
    throw badRequest('malformed-if-match', `If-Match must not name more than ${MOST_TAGS} versions.`)
  return versions
}
