import type { PageRequest } from '../ports/store.ts'
import { badRequest, type Problem } from './problem.ts'

const DEFAULT_LIMIT = 50
const LARGEST_LIMIT = 100

/**
 * Reads `limit` and `cursor`.
 *
 * @throws Problem 400 for a limit outside 1 to 100, or a cursor that no page gave
 */
export const readPageRequest = (query: Readonly<Record<string, string>>): PageRequest => {
  const { limit = String(DEFAULT_LIMIT), cursor } = query
  const wanted = /^\d{1,4}$/.test(limit) ? Number(limit) : 0
  if (wanted < 1 || wanted > LARGEST_LIMIT)
    throw badRequest('invalid-limit', `limit must be a whole number from 1 to ${LARGEST_LIMIT}.`)
  return { limit: wanted, position: cursor === undefined ? undefined : decodeCursor(cursor) }
}

/** A store's position as a client gets it: a text that passes through any URL. */
export const encodeCursor = (position: string): string => Buffer.from(position, 'utf8').toString('base64url')

const decodeCursor = (cursor: string): string => {
  if (!/^[A-Za-z0-9_-]+$/.test(cursor)) throw invalidCursor()
  return Buffer.from(cursor, 'base64url').toString('utf8')
}

export const invalidCursor = (): Problem =>
  badRequest('invalid-cursor', 'cursor must be one that an earlier page gave.')
