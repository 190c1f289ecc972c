import type * as z from 'zod'
import type { Row } from '../change.ts'
import type { Entity } from '../entity.ts'
import { badRequest, type Fault, Problem } from './problem.ts'
import type { HttpRequest } from './request.ts'

/** The largest body that is read, in bytes after decoding. */
export const LARGEST_BODY = 256 * 1024

/**
 * Reads and checks the body of a write: content type, size, encoding, syntax, then the entity's own rules.
 *
 * @returns the entity's attributes, all valid
 * @throws Problem 415, 413 or 400
 */
export const readBody = (request: HttpRequest, entity: Entity): Row => {
  const type = request.headers['content-type'] ?? ''
  if (!/^application\/json\s*(;\s*charset="?utf-8"?\s*)?$/i.test(type.trim()))
    throw new Problem(
      415,
      'content-type',
      'Unsupported media type',
      'Send the body as application/json, in UTF-8.',
      {
        headers: { accept: 'application/json' },
      },
    )
  const size = request.body?.byteLength ?? 0
  if (size > LARGEST_BODY)
    throw new Problem(
      413,
      'body-too-large',
      'Content too large',
      `The body has ${size} bytes; ${LARGEST_BODY} are read.`,
    )
  const parsed = entity.body.safeParse(parse(request.body))
  if (parsed.success) return parsed.data
  throw badRequest(
    'invalid-body',
    `The body is not a valid ${entity.name}.`,
    parsed.error.issues.flatMap(faults),
  )
}

const parse = (body: Uint8Array | undefined): unknown => {
  if (body === undefined) throw badRequest('malformed-json', 'The body is empty; a JSON object is needed.')
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body))
  } catch (cause) {
    if (cause instanceof SyntaxError) throw badRequest('malformed-json', 'The body is not JSON.')
    throw badRequest('malformed-json', 'The body is not UTF-8.')
  }
}

const faults = (issue: z.core.$ZodIssue): Fault[] => {
  if (issue.code === 'unrecognized_keys')
    return issue.keys.map((key) => ({ pointer: pointer([key]), detail: 'is not a known field' }))
  if (issue.path.length === 0) return [{ pointer: '', detail: 'must be a JSON object' }]
  return [{ pointer: pointer(issue.path), detail: issue.message }]
}

/** @see RFC 6901, JSON pointer */
const pointer = (path: readonly PropertyKey[]): string =>
  path.map((part) => `/${String(part).replaceAll('~', '~0').replaceAll('/', '~1')}`).join('')
