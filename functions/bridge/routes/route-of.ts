import type { Entity } from '../model/entity.ts'
import { type Route, standsAt } from '../model/route.ts'
import type { DynamoRoutes } from './dynamo-routes.ts'

/** Where a route stands, for people and for scripts. */
export type RouteReport = Omit<Route, 'history' | 'settled' | 'frozen' | 'canary'> & {
  /** `live 25 %` */
  readonly standing: string
  readonly frozen: NonNullable<Route['frozen']> | null
  /** When all keys were found to be of the last move; null: that isn't known. */
  readonly settledAt: string | null
  readonly canary: NonNullable<Route['canary']> | null
  readonly lastMove: Route['history'][number] | null
}

/** @throws what `DynamoRoutes.read` throws */
export const routeOf = async (
  { name }: Pick<Entity, 'name'>,
  routes: Pick<DynamoRoutes, 'read'>,
): Promise<RouteReport> => {
  const { route } = await routes.read(name)
  const { history, settled, frozen = null, canary = null, ...rest } = route
  return {
    ...rest,
    standing: standsAt(route),
    ...{ frozen, canary, lastMove: history[0] ?? null },
    settledAt: settled !== undefined && settled.epoch === route.epoch ? settled.at : null,
  }
}
