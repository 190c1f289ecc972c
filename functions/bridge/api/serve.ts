import { isTaken } from '../drivers/sql-errors.ts'
import { describeRule } from '../drivers/sql-rules.ts'
import { pointer } from '../http/body.ts'
import { etagOf } from '../http/etag.ts'
import { encodeCursor, invalidCursor, readPageRequest } from '../http/paging.ts'
import { notFound, Problem } from '../http/problem.ts'
import { type HttpResponse, jsonResponse, noContent, problemResponse } from '../http/response.ts'
import { answerSize, LARGEST_ANSWER } from '../model/answer-size.ts'
import type { Row } from '../model/change.ts'
import type { Beside } from '../model/contract.ts'
import type { Entity } from '../model/entity.ts'
import { BridgeError, type BrokenRule, kindOf, UnreadableAttributesError } from '../model/errors.ts'
import { otherOf } from '../model/owner.ts'
import { pathOf } from '../model/paths.ts'
import { sameValue } from '../model/values.ts'
import type { ApiCall, RefusedCall } from '../normalise/api.ts'
import { InProgressError, KeyReusedError } from '../ports/once.ts'
import {
  type EntityStore,
  InvalidPositionError,
  KeyExistsError,
  type Listed,
  LostAnswerError,
  NoSuchKeyError,
  NotTheOwnerError,
  RowTooLargeError,
  StaleVersionError,
} from '../ports/store.ts'
import type { Stored } from '../ports/stored.ts'
import type { Log } from '../runtime/log.ts'
import { answerText, readAnswer } from './first-answer.ts'
import { listResponse } from './list-response.ts'

/**
 * Serves one call from a store. Nothing is written unless the whole request is valid, and no error leaves as a
 * success: a fault of the client is a 4xx, anything else a 5xx with the request's id and no internals.
 */
export const serve = async (
  call: ApiCall | RefusedCall,
  store: EntityStore,
  { requestId, log }: { readonly requestId: string; readonly log: Log },
): Promise<HttpResponse> => {
  try {
    if (call.action === 'refuse') throw call.problem
    return await answerAt(call, store, log)
  } catch (error) {
    if (error instanceof NotTheOwnerError && call.action !== 'refuse')
      return problemResponse(ownerProblem(call, error), call.request.path, requestId)
    return problemResponse(toProblem(error, log), call.request.path, requestId)
  }
}

/** As `serve`, and what a store throws comes out. */
export const answerAt = async (call: ApiCall, store: EntityStore, log: Log): Promise<HttpResponse> => {
  const { entity, request } = call
  switch (call.action) {
    case 'list': {
      const page = readPageRequest(request.query, store.side)
      const { items, unreadable = [], next } = await store.list(entity, page)
      if (unreadable.length > 0)
        log.warn('not everything in a list can be read', {
          entity: entity.name,
          keys: unreadable.map(({ key }) => key),
          error: unreadable[0]?.error,
        })
      return listResponse(entity, request, {
        items: items.map((item) => represent(entity, item)),
        unreadable,
        cursor: next === undefined ? undefined : encodeCursor(next, store.side),
      })
    }
    case 'read':
      return found(entity, await answerable(entity, store.get(entity, call.key)))
    case 'create': {
      const [create] = call.changes
      const answer = (stored: Stored | undefined) =>
        found(entity, stored, 201, { location: `${request.path}/${encodeURIComponent(stored?.key ?? '')}` })
      if (call.once === undefined) return answer(await store.write(entity, create))
      const kept = await store.createOnce(entity, create, {
        ...call.once,
        answer: (stored) => answerText(answer(stored)),
      })
      const response = readAnswer(kept.answer)
      return kept.replayed
        ? { ...response, headers: { ...response.headers, 'idempotency-replayed': 'true' } }
        : response
    }
    case 'replace': {
      await requireAsRead(store, call)
      const stored = await store.write(entity, call.changes[0])
      return stored?.created === true
        ? found(entity, stored, 201, { location: request.path })
        : found(entity, stored)
    }
    case 'remove':
      await store.write(entity, call.changes[0])
      return noContent()
  }
}

/** @throws RowTooLargeError for what no answer can hold: the gateway would make a bare 500 of it */
const answerable = async (entity: Entity, read: Promise<Stored | undefined>): Promise<Stored | undefined> => {
  const stored = await read
  if (stored !== undefined && answerSize(stored.row) > LARGEST_ANSWER) throw new RowTooLargeError(entity)
  return stored
}

const found = (
  entity: Entity,
  stored: Stored | undefined,
  status = 200,
  headers: Record<string, string> = {},
): HttpResponse => {
  if (stored === undefined) throw new NoSuchKeyError(entity)
  return jsonResponse(status, represent(entity, stored), { ...headers, etag: etagOf(stored.version) })
}

/** What the database sets is known to the store whose database it is, and to the other one when it was told. */
const isUnknown = (entity: Entity, name: string, row: Row): boolean =>
  entity.attributes[name]?.readOnly === true && row[name] === undefined

/**
 * A client may send what it has read of attributes that the database sets, and nothing else. Which values those are
 * changes by itself, so that there is nothing to compare in the write itself.
 *
 * @throws Problem 422 naming each
 */
const requireAsRead = async (
  store: EntityStore,
  { entity, changes: [{ key }], given }: ApiCall & { readonly action: 'replace' },
): Promise<void> => {
  if (given === undefined) return
  const current = (await store.get(entity, key))?.row ?? {}
  const differing = Object.entries(given).flatMap(([name, value]) => {
    const known = current[name]
    return known === undefined || sameValue(known, value) ? [] : [entity.attributes[name]?.as ?? name]
  })
  if (differing.length === 0) return
  throw new Problem(422, 'read-only', 'The database sets these values: send what was read, or nothing.', {
    errors: differing.map((name) => ({ pointer: pointer([name]), detail: 'is set by the database' })),
  })
}

/** How a client sees an entity. A version that a JSON parser would round, as those from the stream, is text. */
const represent = (
  entity: Entity,
  { key, row, version, updatedAt, isPart }: Listed,
): Record<string, unknown> => ({
  ...(isShown(entity, 'key') && { [entity.keyName]: key }),
  ...Object.fromEntries(
    Object.entries(entity.fields).flatMap(([name, field]) =>
      isUnknown(entity, name, row) || (isPart === true && row[name] === undefined)
        ? []
        : [[field.as ?? name, field.toJson(row[name] ?? null)]],
    ),
  ),
  ...(isShown(entity, 'version') && {
    [entity.names.version]: Number.isSafeInteger(Number(version)) ? Number(version) : String(version),
  }),
  ...(isShown(entity, 'updatedAt') && { [entity.names.updatedAt]: updatedAt }),
})

const isShown = ({ hidden }: Entity, what: Beside): boolean => !hidden.includes(what)

/** Where the write belongs, and what an operator types to have it here. */
export const ownerProblem = (
  { entity, request }: ApiCall,
  { owner, key, message, beside }: NotTheOwnerError,
): Problem => {
  if (beside !== undefined) {
    // Which key that is only the code knows that has written it.
    const move = `npx backsync key ${beside} KEY --claim ${otherOf(owner)}`
    return new Problem(409, 'not-the-owner', `${message}. An operator moves it: ${move}`)
  }
  const path = pathOf(entity, owner)
  const there = request.method === 'POST' ? path : `${path}/${encodeURIComponent(key)}`
  const claim = `npx backsync key ${entity.name} ${key} --claim ${otherOf(owner)}`
  return new Problem(409, 'not-the-owner', `${message}. Write it at ${there}. An operator moves it: ${claim}`)
}

/** What the client gets told of an error; what it must not see goes to the log. */
export const toProblem = (error: unknown, log: Log): Problem => {
  if (error instanceof Problem) return error
  const refusal = problemOfClient(error)
  if (refusal !== undefined) return refusal
  if (error instanceof UnreadableAttributesError) {
    log.error('unreadable', { error })
    // It names attributes and rules, so that whoever reads it can have the row mended.
    return new Problem(500, 'unreadable', `${error.message}.`)
  }
  if (error instanceof LostAnswerError) {
    log.warn('a key was moved, or written by others, while a write of it was without an answer', { error })
    const detail = `${error.message}. Whether it was done is not known: it is not done again.`
    return new Problem(503, 'outcome-unknown', detail)
  }
  const kind = kindOf(error)
  const broken = error instanceof BridgeError ? error.broken : undefined
  if (isTaken(error)) {
    log.warn('refused by the store', { error })
    const index = broken?.index === undefined ? '' : ` (index ${broken.index})`
    return new Problem(409, 'conflict', `Another one holds a value that must be unique${index}.`)
  }
  if (kind === 'dependency') {
    log.warn('refused by the store', { error })
    return new Problem(
      409,
      'dependency',
      'Something that this refers to is missing, or something still refers to it.',
    )
  }
  if (kind === 'data') {
    log.warn('refused by the store', { error })
    return new Problem(422, 'unprocessable', 'The store can not hold these values.', {
      ...(broken && { errors: [{ pointer: pointerOf(broken), detail: describeRule(broken) }] }),
    })
  }
  log.error('request failed', { error })
  return kind === 'transient'
    ? new Problem(503, 'unavailable', 'The store can not be reached at the moment. Try again.', {
        headers: { 'retry-after': '1' },
      })
    : new Problem(500, 'internal', 'The request failed. Its id finds it in the log.')
}

/** The body's member that a rule is about: an attribute, or the whole of it. */
const pointerOf = ({ attribute }: BrokenRule): string => (attribute === undefined ? '' : pointer([attribute]))

/** What a store's own word for a client's fault is in HTTP; undefined for any other error. */
const problemOfClient = (error: unknown): Problem | undefined => {
  if (error instanceof NoSuchKeyError) return notFound(`${error.message}.`)
  if (error instanceof KeyExistsError) return new Problem(409, 'exists', `${error.message}.`)
  if (error instanceof RowTooLargeError)
    return new Problem(
      500,
      'row-too-large',
      `${error.message}: it can be replaced or deleted, but not read here.`,
    )
  if (error instanceof InvalidPositionError) return invalidCursor()
  if (error instanceof StaleVersionError)
    return new Problem(
      412,
      'stale-version',
      'What is there is not what If-Match or If-None-Match accepts. Read it again and decide anew.',
    )
  if (error instanceof KeyReusedError)
    return new Problem(
      422,
      'idempotency-key-reused',
      'This Idempotency-Key was used for another request. Use a new key for a new request.',
    )
  if (error instanceof InProgressError)
    return new Problem(
      409,
      'idempotency-in-progress',
      'A request with this Idempotency-Key is in progress. Repeat it for its answer.',
      { headers: { 'retry-after': '1' } },
    )
  return undefined
}
