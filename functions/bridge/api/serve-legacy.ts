import { Problem } from '../http/problem.ts'
import { type HttpResponse, problemResponse } from '../http/response.ts'
import type { Entity } from '../model/entity.ts'
import { facadePaths, pathOf } from '../model/paths.ts'
import type { Route } from '../model/route.ts'
import type { ApiCall, RefusedCall } from '../normalise/api.ts'
import type { EntityStore } from '../ports/store.ts'
import type { Log } from '../runtime/log.ts'
import type { Metrics } from '../runtime/metrics.ts'
import { serve } from './serve.ts'

export type LegacyContext = {
  readonly entities: readonly Entity[]
  /** The route of an entity where it is complete; absent where nobody knows of routes. */
  readonly completeOf: ((entity: string) => Promise<Route | undefined>) | undefined
  /** Reads are counted: whoever makes a route complete asks who still reads here. */
  readonly readers: Pick<Metrics, 'count'>
  readonly requestId: string
  readonly log: Log
}

/** Since when nothing more has come here: ISO 8601, UTC. */
export const KEPT_UNTIL = 'backsync-kept-until'

/**
 * Serves a call from Aurora, as `serve` does. Once an entity's route is complete nothing of it is kept here any more: a write is
 * refused, since nobody would ever see it, and a read says in a header how old what it shows may be.
 */
export const serveLegacy = async (
  call: ApiCall | RefusedCall,
  store: EntityStore,
  { entities, completeOf, readers, requestId, log }: LegacyContext,
): Promise<HttpResponse> => {
  if (call.action === 'refuse') return serve(call, store, { requestId, log })
  const { entity, request } = call
  const route = await completeOf?.(entity.name)
  const isRead = call.action === 'list' || call.action === 'read'
  readers.count(isRead ? 'Reads' : 'Writes', entity.name, 1)
  if (route !== undefined && !isRead)
    return problemResponse(movedAway(entity, entities), request.path, requestId)
  const answer = await serve(call, store, { requestId, log })
  if (route === undefined) return answer
  return { ...answer, headers: { ...answer.headers, [KEPT_UNTIL]: completedAt(route) } }
}

/** When a complete route became so. */
const completedAt = ({ history }: Route): string =>
  history.find(({ to }) => to.stage === 'complete')?.at ?? 'unknown'

const movedAway = (entity: Entity, entities: readonly Entity[]): Problem => {
  const there = facadePaths(entities).get(entity.name) ?? pathOf(entity, 'dynamo')
  return new Problem(
    409,
    'route-complete',
    `Nothing of ${entity.plural} is written here any more: they have moved for good. Write at ${there}.`,
  )
}
