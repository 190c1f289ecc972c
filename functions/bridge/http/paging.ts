import { type Owner, otherOf } from '../model/owner.ts'
import type { PageRequest } from '../ports/store.ts'
import { badRequest, type Problem } from './problem.ts'

const DEFAULT_LIMIT = 50
const LARGEST_LIMIT = 100

/**
 * Reads `limit` and `cursor`.
 *
 * @param store whose list it is: a cursor of another one's names a place that is nowhere, or elsewhere, in this one
 * @throws Problem 400 for a limit outside 1 to 100, or a cursor that no page gave
 */
export const readPageRequest = (query: Readonly<Record<string, string>>, store?: Owner): PageRequest => {
  const { limit = String(DEFAULT_LIMIT), cursor } = query
  const wanted = /^\d{1,4}$/.test(limit) ? Number(limit) : 0
  if (wanted < 1 || wanted > LARGEST_LIMIT)
    throw badRequest('invalid-limit', `limit must be a whole number from 1 to ${LARGEST_LIMIT}.`)
  return { limit: wanted, position: cursor === undefined ? undefined : decodeCursor(cursor, store) }
}

/** A store's position as a client gets it: a text that passes through any URL, and names the store. */
export const encodeCursor = (position: string, store?: Owner): string =>
  Buffer.from(`${nameOf(store)}${position}`, 'utf8').toString('base64url')

const decodeCursor = (cursor: string, store: Owner | undefined): string => {
  if (!/^[A-Za-z0-9_-]+$/.test(cursor)) throw invalidCursor()
  const text = Buffer.from(cursor, 'base64url').toString('utf8')
  const name = nameOf(store)
  if (text.startsWith(name)) return text.slice(name.length)
  if (store !== undefined && text.startsWith(nameOf(otherOf(store))))
    throw badRequest('invalid-cursor', 'cursor is of the list at the other side. Begin this one without it.')
  throw invalidCursor()
}

/** The store that a cursor names, as far as it can be read: undefined for any other text. */
export const storeOfCursor = (cursor: string | undefined): Owner | undefined => {
  const text = Buffer.from(cursor ?? '', 'base64url').toString('utf8')
  return (['aurora', 'dynamo'] as const).find((store) => text.startsWith(nameOf(store)))
}

/** No position begins so. */
const nameOf = (store: Owner | undefined): string => (store === undefined ? '' : `${store}\n`)

export const invalidCursor = (): Problem =>
  badRequest('invalid-cursor', 'cursor must be one that an earlier page gave.')
