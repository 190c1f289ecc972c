import type { Entity } from '../model/entity.ts'
import { BridgeError } from '../model/errors.ts'
import type { Log } from '../runtime/log.ts'
import type { DynamoRoutes } from './dynamo-routes.ts'

/** Something is asked of both sides of an entity whose route is complete: only one of them is kept. */
export class RouteCompleteError extends BridgeError {
  override readonly name = 'RouteCompleteError'
  readonly code = 'route.complete'
  readonly kind = 'client'

  constructor(entity: string) {
    super(`The route of ${entity} is complete: DynamoDB has all of it, and Aurora is not kept up any more`)
  }
}

/**
 * Says whether both sides of an entity are kept. Where its route stands may not be known: then it counts as kept, as it does for
 * who carries its changes.
 *
 * @throws RouteCompleteError
 */
export const requireKept = async (
  { name }: Pick<Entity, 'name'>,
  { routes, log }: { readonly routes: Pick<DynamoRoutes, 'read'>; readonly log: Pick<Log, 'warn'> },
): Promise<void> => {
  const read = await routes.read(name).catch((error: unknown) => {
    log.warn('where the route stands can not be told: it is taken for one that is not complete', {
      entity: name,
      error,
    })
    return undefined
  })
  if (read?.route.stage === 'complete') throw new RouteCompleteError(name)
}
