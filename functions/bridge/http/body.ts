import { isUtf8 } from 'node:buffer'
import type * as z from 'zod'
import type { Row } from '../model/change.ts'
import type { Entity } from '../model/entity.ts'
import { jsonValue, parseExactJson } from '../model/exact-json.ts'
import { isMap, type Value } from '../model/values.ts'
import { badRequest, type Fault, Problem } from './problem.ts'
import type { HttpRequest } from './request.ts'

/** The largest body that is read, in bytes after decoding. */
export const LARGEST_BODY = 256 * 1024

/** Deeper than any attribute may nest, and far from where a recursive reader runs out of stack. */
const DEEPEST = 64

/**
 * Reads the body of a write: content type (without one it is taken for JSON), size, encoding, syntax. Numbers keep all their digits.
 *
 * @throws Problem 415, 413 or 400
 */
export const readJson = (request: HttpRequest): Value => {
  const type = request.headers['content-type']?.trim() ?? ''
  // Legacy clients send none. What a form or a text says of itself is believed.
  if (type !== '' && !/^application\/json\s*(;\s*charset="?utf-8"?\s*)?$/i.test(type))
    throw new Problem(415, 'content-type', 'Send the body as application/json, in UTF-8.', {
      headers: { accept: 'application/json' },
    })
  const size = request.body?.byteLength ?? 0
  if (size > LARGEST_BODY)
    throw new Problem(413, 'body-too-large', `The body has ${size} bytes; ${LARGEST_BODY} are read.`)
  return parse(request.body)
}

/**
 * Checks a body by the entity's own rules.
 *
 * @returns the entity's fields, all valid
 * @throws Problem 400 naming every fault
 */
export const toRow = (entity: Entity, body: Value): Row => {
  // An instance of a class, such as a number with its digits, has members too: it is no JSON object.
  const parsed = entity.body.safeParse(isMap(body) ? body : undefined)
  if (parsed.success) return parsed.data
  throw invalidBody(entity.name, parsed.error)
}

/**
 * What a client gets told of a body that a schema refuses.
 *
 * @param name what the body should have been: `chef`
 */
export const invalidBody = (name: string, { issues }: z.ZodError): Problem => {
  const all = issues.reduce((total, issue) => total + countOf(issue), 0)
  const named: Fault[] = []
  for (const issue of issues) {
    if (named.length >= MOST_FAULTS) break
    named.push(...faults(issue, MOST_FAULTS - named.length))
  }
  const more = all > named.length ? ` Of ${all} faults ${named.length} are named.` : ''
  return badRequest('invalid-body', `The body is not a valid ${name}.${more}`, named)
}

/** Faults that an answer names: the largest body has room for a hundred thousand. */
const MOST_FAULTS = 100

const countOf = (issue: z.core.$ZodIssue): number =>
  issue.code === 'unrecognized_keys' ? issue.keys.length : 1

/**
 * Tells what the database sets, and a client has read, from what is written.
 *
 * @returns undefined for what is given when nothing is
 */
export const apart = (entity: Entity, row: Row): { readonly row: Row; readonly given: Row | undefined } => {
  const given = Object.entries(row).filter(([name]) => entity.attributes[name]?.readOnly === true)
  if (given.length === 0) return { row, given: undefined }
  const written = Object.entries(row).filter(([name]) => entity.attributes[name]?.readOnly !== true)
  return { row: Object.fromEntries(written), given: Object.fromEntries(given) }
}

/**
 * @returns the row
 * @throws Problem 400 for what the database sets: nobody has read that yet
 */
export const withoutGiven = (entity: Entity, row: Row): Row => {
  const { given } = apart(entity, row)
  if (given === undefined) return row
  throw badRequest(
    'invalid-body',
    `The body is not a valid ${entity.name}.`,
    Object.keys(given).map((name) => ({
      pointer: pointer([entity.attributes[name]?.as ?? name]),
      detail: 'is set by the database',
    })),
  )
}

const parse = (body: Uint8Array | undefined): Value => {
  if (body === undefined) throw badRequest('malformed-json', 'The body is empty; a JSON object is needed.')
  if (!isUtf8(body)) throw badRequest('malformed-json', 'The body is not UTF-8.')
  const text = new TextDecoder().decode(body)
  if (nesting(text) > DEEPEST)
    throw badRequest('malformed-json', `The body is nested deeper than ${DEEPEST} levels.`)
  try {
    return jsonValue(parseExactJson(text)) ?? null
  } catch (cause) {
    if (cause instanceof SyntaxError) throw badRequest('malformed-json', 'The body is not JSON.')
    throw cause
  }
}

/** How deep the brackets of a JSON text nest, those inside strings left out. */
const nesting = (text: string): number => {
  let depth = 0
  let deepest = 0
  for (const [token] of text.matchAll(/"[^"\\]*(?:\\.[^"\\]*)*"?|[[\]{}]/gs)) {
    if (token === '[' || token === '{') deepest = Math.max(deepest, ++depth)
    else if (token === ']' || token === '}') depth--
  }
  return deepest
}

const faults = (issue: z.core.$ZodIssue, most: number): Fault[] => {
  if (issue.code === 'unrecognized_keys')
    return issue.keys.slice(0, most).map((key) => ({
      pointer: pointer([...issue.path, key]),
      detail: 'is not a known field',
    }))
  if (issue.path.length === 0) return [{ pointer: '', detail: 'must be a JSON object' }]
  return [{ pointer: pointer(issue.path), detail: issue.message }]
}

/** @see RFC 6901, JSON pointer */
export const pointer = (path: readonly PropertyKey[]): string =>
  path.map((part) => `/${String(part).replaceAll('~', '~0').replaceAll('/', '~1')}`).join('')
