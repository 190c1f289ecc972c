import { answerText, readAnswer } from '../api/first-answer.ts'
import { answerAt, ownerProblem } from '../api/serve.ts'
import { Problem } from '../http/problem.ts'
import type { HttpResponse } from '../http/response.ts'
import type { Entity } from '../model/entity.ts'
import type { Owner } from '../model/owner.ts'
import type { ApiCall } from '../normalise/api.ts'
import type { FirstAnswers } from '../ports/once.ts'
import { type EntityStore, NoSuchKeyError, NotTheOwnerError } from '../ports/store.ts'
import type { Log } from '../runtime/log.ts'
import type { FacadeRequest } from './facade-request.ts'
import type { SideAnswers } from './side-answers.ts'
import type { SideCall, SideCaller } from './side-caller.ts'

/** What serves the sides of entities that functions of the team's own serve. */
export type SideParts = {
  readonly caller: SideCaller
  readonly answers: SideAnswers
}

type Parts = SideParts & {
  readonly stores: Readonly<Record<Owner, EntityStore & FirstAnswers>>
  readonly call: SideCall
  readonly log: Log
}

/**
 * Serves a call of an entity of which a function serves one side, or each of them. Whose the key is, the claim before a write, what
 * is nowhere and what a repeat is answered are the facade's; the answer is the function's, or the definition's at a side without one.
 *
 * @throws what a store throws, and Problem
 */
export const serveBySides = async (
  call: ApiCall,
  request: FacadeRequest,
  parts: Parts,
): Promise<HttpResponse> => {
  try {
    return await served(call, request, parts)
  } catch (error) {
    // Written with it: another key's, which no other side would take.
    if (error instanceof NotTheOwnerError) throw ownerProblem(call, error)
    throw error
  }
}

const served = async (call: ApiCall, request: FacadeRequest, parts: Parts): Promise<HttpResponse> => {
  const { entity } = call
  const to = senderOf(call, request, parts)
  switch (call.action) {
    case 'list':
      return request.at(request.side, (side) => to(side))
    case 'read':
      return readAt(entity, call.key, request, to)
    case 'replace': {
      const [{ key, finding }] = call.changes
      const may = finding === 'nothing' ? 'create' : finding === 'either' ? 'make' : 'change'
      return placed(entity, key, may, request, to)
    }
    case 'remove':
      return placed(entity, call.changes[0].key, 'change', request, to)
    case 'create': {
      const [{ key, at }] = call.changes
      const isNatural = entity.identity.kind === 'natural'
      const make = async (): Promise<HttpResponse> =>
        isNatural
          ? request.place({ entity, key, may: 'create' }, (side) => to(side, undefined, key))
          : request.at(await request.birthSide(entity, key), (side) => to(side, undefined, key))
      if (call.once === undefined) return make()
      const kept = await parts.answers.once(call.once, key, Date.parse(at), async () => {
        const said = await recalled(call, parts)
        if (said !== undefined) return { text: said, isKept: true }
        const answer = await make()
        return { text: answerText(answer), isKept: answer.statusCode < 300 }
      })
      const answer = readAnswer(kept.answer)
      return kept.replayed
        ? { ...answer, headers: { ...answer.headers, 'idempotency-replayed': 'true' } }
        : answer
    }
  }
}

type Send = (side: Owner, key?: string, own?: string) => Promise<HttpResponse>

/** What sends a call to a side: its function, or what the definition makes of it. */
const senderOf = (
  call: ApiCall,
  request: FacadeRequest,
  { caller, stores, call: sent, log }: Parts,
): Send => {
  const { entity } = call
  return (side, key, own) => {
    const of = entity.sides?.[side]
    if (of !== undefined)
      return caller.send(entity, side, of, sent, { ...(key && { key }), ...(own && { own }) })
    return answerAt(underRoute(call, key, request), stores[side], log)
  }
}

/** Under the key that it has, and of the move that is known. What repeats of it are answered is kept elsewhere. */
const underRoute = (call: ApiCall, key: string | undefined, { route }: FacadeRequest): ApiCall => {
  const { epoch } = route
  switch (call.action) {
    case 'create': {
      const { once: _, ...plain } = call
      return { ...plain, changes: [{ ...call.changes[0], epoch }] }
    }
    case 'replace':
      return { ...call, changes: [{ ...call.changes[0], ...(key && { key }), epoch }] }
    case 'remove':
      return { ...call, changes: [{ ...call.changes[0], ...(key && { key }), epoch }] }
    case 'read':
      return { ...call, ...(key && { key }) }
    case 'list':
      return call
  }
}

const placed = (
  entity: Entity,
  key: string,
  may: 'change' | 'make' | 'create',
  request: FacadeRequest,
  to: Send,
): Promise<HttpResponse> => request.placeNamed({ entity, key, may }, (side, own) => to(side, own))

/** A key that is moved between the look and the read is looked for once more. */
const readAt = async (
  entity: Entity,
  key: string,
  request: FacadeRequest,
  to: Send,
): Promise<HttpResponse> => {
  for (let round = 1; ; round++) {
    const found = await request.find(entity, key)
    if (found === undefined || found.record.state !== 'held') throw new NoSuchKeyError(entity)
    const answer = await request.at(found.side, (side) => to(side, found.record.key))
    if (answer.statusCode !== 404) return answer
    if (round > 1)
      throw new Problem(
        502,
        'side-failed',
        'The function that serves this has no such key, and its store has.',
      )
  }
}

/** What the side that has no function has answered before, while it served the key. */
const recalled = async (
  call: ApiCall & { readonly action: 'create' },
  { stores }: Parts,
): Promise<string | undefined> => {
  const { entity, once } = call
  // DynamoDB's own records are in the table that was asked already.
  if (once === undefined || entity.sides?.aurora !== undefined) return undefined
  const said = await stores.aurora.recall(entity, call.changes[0], { ...once, answer: () => '' })
  return said?.is === 'done' ? said.answer : undefined
}
