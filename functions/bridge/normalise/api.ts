import { apart, pointer, readJson, toRow, withoutGiven } from '../http/body.ts'
import { type Preconditions, readIfMatch, readPreconditions } from '../http/etag.ts'
import { readOnce } from '../http/idempotency-key.ts'
import { notFound, Problem } from '../http/problem.ts'
import { type HttpRequest, readHttpEvent } from '../http/request.ts'
import type { Change, Intent, Row } from '../model/change.ts'
import { derivedKey } from '../model/derived-key.ts'
import type { Entity } from '../model/entity.ts'
import { keyOfRow, otherParts, splitKey } from '../model/identity.ts'
import { faultOfKey, legacyIdOf } from '../model/key.ts'
import { pathOf } from '../model/paths.ts'
import type { Once } from '../ports/once.ts'

/** What a client asks for; a write carries the change that it wishes. */
export type ApiCall = { readonly from: 'api'; readonly request: HttpRequest; readonly entity: Entity } & (
  | { readonly action: 'list'; readonly changes: readonly [] }
  | { readonly action: 'read'; readonly key: string; readonly changes: readonly [] }
  | {
      readonly action: 'create'
      readonly changes: readonly [Change]
      /** Set when the client may repeat the request: it sent an Idempotency-Key. */
      readonly once?: Once
    }
  | {
      readonly action: 'replace'
      readonly changes: readonly [Intent]
      /** What the client has sent of attributes that the database sets; absent when nothing. */
      readonly given?: Row
    }
  | { readonly action: 'remove'; readonly changes: readonly [Intent] }
)

/** A request that can't be served, and what the client gets told. Nothing has been read or written. */
export type RefusedCall = {
  readonly from: 'api'
  readonly action: 'refuse'
  readonly request: HttpRequest
  readonly changes: readonly []
  readonly problem: Problem
}

/** What normalising a request needs besides the request: a clock and a source of keys, so that it stays pure. */
export type ApiContext = {
  readonly entities: readonly Entity[]
  /** The side, `aurora` or `dynamo`: the first segment of paths that have not been chosen. */
  readonly base: string
  /** The paths of collections, by the entities' names, where they are others than the side's; what has none is not served. */
  readonly paths?: ReadonlyMap<string, string>
  readonly now: () => Date
  /** A new key; a create gets its own before anything else is decided. */
  readonly newKey: () => string
}

/**
 * Turns an HTTP API v2 or REST API v1 event into a call.
 *
 * @returns undefined when the event is no HTTP event
 */
export const normaliseApiEvent = (event: unknown, context: ApiContext): ApiCall | RefusedCall | undefined => {
  const request = readHttpEvent(event)
  if (request === undefined) return undefined
  try {
    return toCall(request, context)
  } catch (problem) {
    if (problem instanceof Problem) return { from: 'api', action: 'refuse', request, changes: [], problem }
    throw problem
  }
}

const toCall = (request: HttpRequest, context: ApiContext): ApiCall => {
  const { entity, key } = route(request, context)
  const at = context.now().toISOString()
  const identified = { entity: entity.name, source: 'api', at } as const
  if (key === undefined) {
    switch (allow(request, ['GET', 'POST'])) {
      case 'GET':
        return { from: 'api', request, entity, action: 'list', changes: [] }
      case 'POST': {
        const body = readJson(request)
        const row = withoutGiven(entity, toRow(entity, body))
        const once = readOnce(request, { entity: entity.name, body })
        const create: Change = {
          ...identified,
          key: newKeyOf(entity, row, once, context),
          op: 'upsert',
          version: 1n,
          row,
        }
        return { from: 'api', request, entity, action: 'create', changes: [create], ...(once && { once }) }
      }
    }
  }
  const method = allow(request, ['GET', 'PUT', 'DELETE'])
  if (!isKeyOf(entity, key)) throw unknownKey(entity)
  if (method === 'GET') return { from: 'api', request, entity, action: 'read', key, changes: [] }
  const sent = method === 'PUT' ? apart(entity, toRow(entity, readJson(request))) : undefined
  const wish = { ...identified, key, version: 'next', ...preconditionsOf(request, entity, key) } as const
  if (sent === undefined)
    return { from: 'api', request, entity, action: 'remove', changes: [{ ...wish, op: 'delete' }] }
  const { row, given } = sent
  requireSameKey(entity, key, row)
  const changes: readonly [Intent] = [{ ...wish, op: 'upsert', row }]
  return { from: 'api', request, entity, action: 'replace', changes, ...(given && { given }) }
}

const preconditionsOf = ({ method, headers }: HttpRequest, entity: Entity, key: string): Preconditions => {
  if (method === 'PUT' && mayCreate(entity, key)) return readPreconditions(headers)
  const ifMatch = readIfMatch(headers['if-match'])
  return ifMatch === undefined ? {} : { ifMatch }
}

/** Digits name a row by its id where that is counted: nobody chooses one. */
const mayCreate = ({ put, keyParts }: Entity, key: string): boolean =>
  put === 'create' && (keyParts.length > 0 || legacyIdOf(key) === undefined)

/**
 * A key that the body brings, or a new one: of a request that may be repeated, its own.
 *
 * @throws Problem 422 for parts that make none
 */
const newKeyOf = (entity: Entity, row: Row, once: Once | undefined, { newKey }: ApiContext): string => {
  if (entity.identity.kind !== 'natural') return once === undefined ? newKey() : derivedKey(once.id, 0)
  const key = keyOfRow(entity.keyParts, row)
  if (isKeyOf(entity, key)) return key
  const names = entity.keyParts.flatMap(({ name }) => (name === undefined ? [] : [name]))
  const why = faultOfKey(key) ?? 'has another form than it is stored in'
  throw partProblem(entity, names, `makes no key: it ${why}`)
}

const isKeyOf = ({ keyParts }: Entity, key: string): boolean =>
  keyParts.length === 0 ? faultOfKey(key) === undefined : splitKey(keyParts, key) !== undefined

/** @throws Problem 422 naming each part of the key that the body would change */
const requireSameKey = (entity: Entity, key: string, row: Row): void => {
  const others = otherParts(entity.keyParts, key, row)
  if (others.length > 0) throw partProblem(entity, others, 'is a part of the key, which never changes')
}

const partProblem = (entity: Entity, names: readonly string[], detail: string): Problem =>
  new Problem(422, 'key', `The body can't be what the ${entity.name} with this key holds.`, {
    errors: names.map((name) => ({ pointer: pointer([entity.attributes[name]?.as ?? name]), detail })),
  })

const unknownKey = (entity: Entity): Problem =>
  notFound(`There is no ${entity.name} with this ${entity.keyName}.`)

/**
 * Finds what the path names. A prefix before it, such as a custom domain's mapping, is passed over; what stands behind the
 * first entity's path is that one's, also where it looks like another's.
 */
const route = (
  { segments }: HttpRequest,
  { entities, base, paths }: ApiContext,
): { entity: Entity; key: string | undefined } => {
  const [found] = entities
    .flatMap((entity) => {
      const path = paths === undefined ? pathOf(entity, base) : paths.get(entity.name)
      if (path === undefined) return []
      const own = path.slice(1).split('/')
      const at = segments.findIndex((_, from) => own.every((segment, n) => segments[from + n] === segment))
      return at < 0 ? [] : [{ entity, at, rest: segments.slice(at + own.length) }]
    })
    .toSorted((one, other) => one.at - other.at)
  if (found === undefined || found.rest.length > 1) throw notFound('There is nothing at this path.')
  return { entity: found.entity, key: found.rest[0] }
}

/** @throws Problem 405 naming what is allowed */
const allow = <M extends string>({ method }: HttpRequest, methods: readonly M[]): M => {
  const known = methods.find((candidate) => candidate === method)
  if (known !== undefined) return known
  throw methodNotAllowed(method, methods)
}

export const methodNotAllowed = (method: string, methods: readonly string[]): Problem =>
  new Problem(405, 'method-not-allowed', `${method} is not possible here.`, {
    headers: { allow: methods.join(', ') },
  })
