import type { Entity } from '../model/entity.ts'
import { BridgeError } from '../model/errors.ts'
import type { Route } from '../model/route.ts'
import { type DynamoRoutes, RouteChangedError } from '../routes/dynamo-routes.ts'
import type { Log } from '../runtime/log.ts'
import { MoveFaultError, type MoveParts, planRouteMove, runRouteMove } from './move-route.ts'
import { type RouteInterval, type RouteWatch, watchWith } from './route-watch.ts'
import { decideStep, type GuardDecision } from './step-back.ts'
import type { WatchNotes } from './watch-notes.ts'

export type GuardParts = {
  readonly routes: DynamoRoutes
  readonly notes: Pick<WatchNotes, 'read' | 'write'>
  /**
   * What was seen of an entity's route in intervals that are over, the ones behind `through` at least. An interval that was told is
   * final: it has the same counts whenever it is asked for.
   */
  readonly intervals: (
    entity: Entity,
    behind: Pick<RouteWatch, 'epoch' | 'through' | 'slowAbove'>,
  ) => Promise<readonly RouteInterval[]>
  /** Above what a read of an entity's is slow, in milliseconds, by what the old side takes; undefined: too little is known. */
  readonly slowAbove: (entity: Entity) => Promise<number | undefined>
  readonly log: Pick<Log, 'warn'>
  /** Milliseconds since 1970. */
  readonly now: () => number
}

export type GuardOutcome = {
  readonly decision: GuardDecision
  /** The route as the guard leaves it. */
  readonly route: Route
  /** Whether it has stepped back; false of a decision to do so that somebody else's move has overtaken. */
  readonly stepped: boolean
}

/** The guard was about to go forward: it never does. */
class GuardForwardError extends BridgeError {
  override readonly name = 'GuardForwardError'
  readonly code = 'guard.forward'
  readonly kind = 'unknown'
}

/** Whether there is anything to watch of a route: of one that nobody moves, or that has no way back, there is nothing to judge. */
export const isWatched = ({ stage }: Pick<Route, 'stage'>): boolean =>
  stage !== 'legacy' && stage !== 'complete'

/** The name under which the history has what the guard does. */
const GUARD = 'guard'

/**
 * Looks at what a route has answered since the last time, and steps it back where it is worse: by the same plan and the same
 * conditional write as the command. It may run at any time, also while another one does; who dies in between leaves what the next
 * one goes on with, and the route's move ends what it stands on, so that nothing steps back twice.
 *
 * @throws whatever a source throws; GuardInputError for figures that can't be
 */
export const guardRoute = async (entity: Entity, parts: GuardParts): Promise<GuardOutcome> => {
  const { routes, notes, intervals, log, now } = parts
  const { name } = entity
  const { route } = await routes.read(name)
  if (!isWatched(route))
    return {
      decision: decideStep(route, watchWith(undefined, route, [], now()), now()),
      route,
      stepped: false,
    }
  const begun = watchWith(await notes.read(name), route, [], now())
  const slowAbove = begun.slowAbove ?? (await parts.slowAbove(entity))
  const known = { ...begun, ...(slowAbove !== undefined && { slowAbove }) }
  const watch = watchWith(known, route, await intervals(entity, known), now())
  await notes.write(name, watch)
  const decision = decideStep(route, watch, now())
  if (decision.does === 'nothing') return { decision, route, stepped: false }
  const { to, why, evidence } = decision
  try {
    const plan = await planRouteMove(entity, to, backParts(routes))
    // Another route than what was judged, or somebody holds it by now; the write itself asks for the one that was planned with.
    const { epoch, frozen } = plan.was.route
    if (epoch !== route.epoch || frozen !== undefined)
      return { decision, route: plan.was.route, stepped: false }
    const moved = await runRouteMove(plan, { by: GUARD, why, evidence }, { routes })
    log.warn('the guard has stepped a route back: see backsync cutover history', { entity: name, why })
    return { decision, route: moved, stepped: true }
  } catch (error) {
    if (!(error instanceof RouteChangedError || error instanceof MoveFaultError)) throw error
    return { decision, route: (await routes.read(name)).route, stepped: false }
  }
}

/** Back no figure is asked for; and how many keys follow nobody waits to hear. */
const backParts = (routes: DynamoRoutes): MoveParts => {
  const notAsked = () => Promise.reject(new GuardForwardError('The guard goes back only'))
  return { routes, figures: notAsked, count: notAsked, readers: notAsked }
}
