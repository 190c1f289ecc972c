import { badRequest } from './problem.ts'

export const DEFAULT_LIMIT = 50
export const LARGEST_LIMIT = 100

/** Which part of a list is wanted. The cursor is the store's own, opaque to everybody else. */
export type PageRequest = { readonly limit: number; readonly cursor: string | undefined }

/**
 * Reads `limit` and `cursor`.
 *
 * @throws Problem 400 for a limit outside 1 to 100
 */
export const readPageRequest = (query: Readonly<Record<string, string>>): PageRequest => {
  const { limit = String(DEFAULT_LIMIT), cursor } = query
  const wanted = /^\d{1,4}$/.test(limit) ? Number(limit) : 0
  if (wanted < 1 || wanted > LARGEST_LIMIT)
    throw badRequest('invalid-limit', `limit must be a whole number from 1 to ${LARGEST_LIMIT}.`)
  return { limit: wanted, cursor }
}

export const encodeCursor = (position: string): string => Buffer.from(position, 'utf8').toString('base64url')

/** @throws Problem 400 when it isn't a cursor that `isPosition` knows */
export const decodeCursor = (cursor: string, isPosition: (position: string) => boolean): string => {
  const position = /^[A-Za-z0-9_-]+$/.test(cursor) ? Buffer.from(cursor, 'base64url').toString('utf8') : ''
  if (!isPosition(position))
    throw badRequest('invalid-cursor', 'cursor must be one that an earlier page gave.')
  return position
}
