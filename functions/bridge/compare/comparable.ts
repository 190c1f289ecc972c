import type { Entity } from '../model/entity.ts'
import { canonicalText, isList, isMap, type Value } from '../model/values.ts'
import type { Answer } from './ask-side.ts'

/** What of an answer can be held against another side's. */
export type Comparable = {
  readonly body: Value
  /** Of a list: whether it ends here. Each store has an order of its own, so that pages of it are other keys. */
  readonly ends?: boolean
}

type Members = { readonly [name: string]: Value }

/**
 * An answer as far as its entity's mapping says that both sides have the same: paths of the side itself are taken for one, list entries
 * stand by their keys, and what only says which request it was is left out.
 *
 * @param collection the side's own path of the list
 */
export const comparableOf = (entity: Entity, answer: Answer, collection: string): Comparable => {
  const body = withoutPaths(answer.body ?? null, collection)
  if (answer.status >= 400) return { body: isMap(body) ? without(body, OF_THE_REQUEST) : body }
  const { envelope } = entity
  if (envelope === 'none')
    return isList(body) ? { body: byKey(entity, body), ends: answer.headers.link === undefined } : { body }
  const entries = isMap(body) ? body[envelope.items] : undefined
  if (!isMap(body) || entries === undefined || !isList(entries)) return { body: itemOf(entity, body) }
  const unreadable = body[envelope.unreadable]
  const { [envelope.items]: _, [envelope.unreadable]: __, [envelope.cursor]: cursor, ...rest } = body
  return {
    body: {
      ...rest,
      [envelope.items]: byKey(entity, entries),
      ...(unreadable !== undefined &&
        isList(unreadable) && { [envelope.unreadable]: byKey(entity, unreadable) }),
    },
    ends: cursor === undefined,
  }
}

/** Members of a problem (RFC 9457) that are of one request, and no other. */
const OF_THE_REQUEST = ['instance', 'requestId']

/** One that both sides have; where the key is hidden, the whole of it stands for it. */
const byKey = (entity: Entity, entries: readonly Value[]): Members =>
  Object.fromEntries(
    entries.map((entry) => {
      const key = isMap(entry) ? entry[entity.keyName] : undefined
      return [typeof key === 'string' ? key : canonicalText(entry), itemOf(entity, entry)]
    }),
  )

/** Versions of the stream's own are on no item: there is nothing to compare them with. */
const itemOf = ({ versions, names }: Entity, item: Value): Value =>
  versions === 'stream' && isMap(item) ? without(item, [names.version]) : item

const without = (members: Members, names: readonly string[]): Members =>
  Object.fromEntries(Object.entries(members).filter(([name]) => !names.includes(name)))

/** Texts that are a path of the side's become one that all sides have. */
const withoutPaths = (value: Value, collection: string): Value => {
  if (typeof value === 'string')
    return value === collection || value.startsWith(`${collection}/`)
      ? `{collection}${value.slice(collection.length)}`
      : value
  if (isList(value)) return value.map((member) => withoutPaths(member, collection))
  if (!isMap(value)) return value
  return Object.fromEntries(
    Object.entries(value).map(([name, member]) => [name, withoutPaths(member, collection)]),
  )
}
