import type { HttpRequest } from '../http/request.ts'
import { type HttpResponse, jsonResponse } from '../http/response.ts'
import type { Entity } from '../model/entity.ts'
import type { Unreadable } from '../ports/store.ts'

/** A page of a list, as clients see its entities. */
type Listed = {
  readonly items: readonly unknown[]
  readonly unreadable: readonly Unreadable[]
  readonly cursor: string | undefined
}

/** A page of a list, in the envelope that the entity has for it. */
export const listResponse = (
  { envelope, keyName }: Entity,
  request: HttpRequest,
  { items, unreadable, cursor }: Listed,
): HttpResponse => {
  if (envelope === 'none')
    return jsonResponse(200, items, {
      ...(unreadable.length > 0 && { 'backsync-unreadable': named(unreadable) }),
      ...(cursor !== undefined && { link: `<${nextOf(request, cursor)}>; rel="next"` }),
    })
  return jsonResponse(200, {
    [envelope.items]: items,
    ...(unreadable.length > 0 && {
      [envelope.unreadable]: unreadable.map(({ key, error }) => {
        const entry = { [keyName]: key, code: error.code, detail: `${error.message}.` }
        // A key that is called `code` is worth more than the error's.
        return { ...entry, [keyName]: key }
      }),
    }),
    ...(cursor !== undefined && { [envelope.cursor]: cursor }),
  })
}

/** Relative to the request's own address: what stands before its path is known to the client alone. @see RFC 8288 */
const nextOf = ({ query: { limit } }: HttpRequest, cursor: string): string =>
  `?${new URLSearchParams({ ...(limit !== undefined && { limit }), cursor })}`

/** A gateway takes headers of ten kilobytes in all. */
const LONGEST = 2000

/** How many there are, and the keys of the first of them, percent-encoded. */
const named = (unreadable: readonly Unreadable[]): string => {
  const keys: string[] = []
  for (const { key } of unreadable) {
    const next = encodeURIComponent(key.toWellFormed())
    if ([...keys, next].join().length > LONGEST) break
    keys.push(next)
  }
  return `${unreadable.length};keys="${keys.join()}"`
}
