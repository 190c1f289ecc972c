import { randomUUID } from 'node:crypto'
import { areClaimedTogether } from '../aurora/aurora-key-sets.ts'
import type { Entity } from '../model/entity.ts'
import { BridgeError } from '../model/errors.ts'
import type { MoveEvidence, Placement, Route } from '../model/route.ts'
import { faultOfMove, isForward, moved, placementAt } from '../model/route-moves.ts'
import type { DynamoRoutes } from '../routes/dynamo-routes.ts'
import type { StoredRoute } from '../routes/route-item.ts'
import { type Figure, figure } from '../runtime/figure.ts'
import { type Figures, gatesOf, type Refusal } from './gates.ts'
import { extentOf, type KeyCount, type MoveExtent } from './move-extent.ts'
import type { Readers } from './readers.ts'

/** Metrics are waited for so long, in milliseconds: they stand against nothing. */
const PATIENCE = 20_000

export type MoveParts = {
  readonly routes: DynamoRoutes
  /** What is known of the entity and its stores. */
  readonly figures: (entity: Entity, route: Route) => Promise<Figures>
  /** How many of the entity's keys belong to DynamoDB by the one placement and not by the other; and how many there are. */
  readonly count: (entity: Entity, route: Route, both: readonly [Placement, Placement]) => Promise<KeyCount>
  /** Who has been seen at the legacy paths. */
  readonly readers: (entity: Entity) => Promise<Readers>
}

/** What a move is about to do. */
export type MovePlan = {
  readonly entity: Entity
  /** The record as it was read: the move is made over this one only. */
  readonly was: StoredRoute
  readonly to: Placement
  readonly forward: boolean
  /** What stands against it. */
  readonly refusals: readonly Refusal[]
  /** Undefined where it can't be counted, which hinders nobody from going back. */
  readonly extent: MoveExtent | undefined
  /** Who would be left without what is new, where there is no way back; undefined of any other move. */
  readonly readers: Figure<Readers> | undefined
}

/** The route can't be where somebody wants it. */
export class MoveFaultError extends BridgeError {
  override readonly name = 'MoveFaultError'
  readonly code = 'route.no-such-move'
  readonly kind = 'client'
}

/** Something stands against a move, and nobody has forced it. */
export class MoveRefusedError extends BridgeError {
  override readonly name = 'MoveRefusedError'
  readonly code = 'route.refused'
  readonly kind = 'client'
  readonly refusals: readonly Refusal[]

  constructor(entity: string, refusals: readonly Refusal[]) {
    super(`The route of ${entity} can't go on: ${refusals.map(({ says }) => says).join('; ')}`)
    this.refusals = refusals
  }
}

/**
 * Looks at what a move would do. It changes nothing.
 *
 * @param wish what of the placement is to be another one
 * @throws MoveFaultError where there is no such move, or it changes nothing
 */
export const planRouteMove = async (
  entity: Entity,
  wish: Partial<Placement>,
  { routes, figures, count, readers }: MoveParts,
): Promise<MovePlan> => {
  const was = await routes.read(entity.name)
  const { route } = was
  const to = placementAt(route, wish)
  const fault = faultOfMove(route, to)
  if (fault !== undefined) throw new MoveFaultError(`${entity.name}: ${fault}`)
  if (areSame(route, to)) throw new MoveFaultError(`The route of ${entity.name} is there already`)
  const forward = isForward(route, to)
  // Going back asks nothing of anybody: a store that can't be reached, or a figure that can't be had, must not stand against it.
  const refusals = forward ? gatesOf(route, to, await figures(entity, route)) : []
  const counted = await count(entity, route, [route, to]).catch((error: unknown) => {
    if (forward) throw error
    return undefined
  })
  const seen = to.stage === 'complete' ? await figure(() => readers(entity), PATIENCE) : undefined
  return {
    entity,
    was,
    to,
    forward,
    refusals,
    extent: extentOf(counted, areClaimedTogether(entity)),
    readers: seen,
  }
}

const areSame = (one: Placement, other: Placement): boolean =>
  one.stage === other.stage &&
  one.percent === other.percent &&
  [one.allow, one.deny].join() === [other.allow, other.deny].join()

/** Who moves a route, why, and against what stands in the way. */
export type Mover = {
  readonly by: string
  readonly why?: string | undefined
  readonly force?: boolean | undefined
  /** By what the guard steps back. */
  readonly evidence?: readonly MoveEvidence[] | undefined
}

/**
 * Moves a route as planned, by one conditional write: from then on each write of a key claims it for where it belongs.
 *
 * @throws MoveRefusedError; RouteChangedError where the route is another one than was planned with
 */
export const runRouteMove = async (
  { entity, was, to, refusals }: MovePlan,
  { by, why, force = false, evidence }: Mover,
  { routes }: Pick<MoveParts, 'routes'>,
): Promise<Route> => {
  if (refusals.length > 0 && !force) throw new MoveRefusedError(entity.name, refusals)
  const at = new Date().toISOString()
  const forced = refusals.map(({ gate }) => gate)
  const next = moved(was.route, to, { at, by, why, forced, evidence }, randomUUID().slice(0, 8))
  return (await routes.replace(was, next)).route
}

/**
 * Holds a route where it is: nothing is claimed, and nothing goes forward. It may be said again.
 *
 * @throws MoveFaultError of one that was never moved
 */
export const freezeRoute = async (
  { name }: Entity,
  { by, why = '' }: Mover,
  { routes }: Pick<MoveParts, 'routes'>,
): Promise<Route> =>
  routes.note(name, (route) => {
    if (route.epoch === 0n)
      throw new MoveFaultError(`The route of ${name} was never moved: there is nothing to hold`)
    return route.frozen === undefined
      ? { ...route, frozen: { at: new Date().toISOString(), by, why } }
      : undefined
  })

/** Lets a route go that is frozen. It may be said again. */
export const thawRoute = ({ name }: Entity, { routes }: Pick<MoveParts, 'routes'>): Promise<Route> =>
  routes.note(name, ({ frozen, ...route }) => (frozen === undefined ? undefined : route))
