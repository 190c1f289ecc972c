import { openDynamo } from '../drivers/dynamo/client.ts'
import type { Entity } from '../model/entity.ts'
import type { Deadline } from '../runtime/deadline.ts'
import type { Log } from '../runtime/log.ts'
import type { Metrics } from '../runtime/metrics.ts'
import { CompleteRoutes, LOOKED_AT } from './complete-routes.ts'
import { readRoute } from './read-route.ts'
import { RouteCache } from './route-cache.ts'

type Given = {
  readonly entities: readonly Entity[]
  /** The table of routes; absent: none is complete. */
  readonly table: string | undefined
  readonly deadline: Deadline
  readonly metrics: Pick<Metrics, 'count'>
  readonly log: Log
}

/** Which routes of a stack are complete; undefined where it has none. */
export const openComplete = ({
  entities,
  table,
  deadline,
  metrics,
  log,
}: Given): CompleteRoutes | undefined => {
  if (table === undefined) return undefined
  const own = { client: openDynamo(), table, deadline }
  const routes = { read: (entity: string, limit?: number) => readRoute(own, entity, limit) }
  return new CompleteRoutes({
    entities,
    routes: new RouteCache({ routes, log, metrics, maxAge: LOOKED_AT }),
    log,
  })
}
