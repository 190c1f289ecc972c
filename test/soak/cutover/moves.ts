import { freezeRoute, runRouteMove, thawRoute } from '../../../functions/bridge/cutover/move-route.ts'
import type { Placement, Route } from '../../../functions/bridge/model/route.ts'
import { faultOfMove, isForward, placementAt } from '../../../functions/bridge/model/route-moves.ts'
import { DynamoRoutes, RouteChangedError } from '../../../functions/bridge/routes/dynamo-routes.ts'
import { Deadline } from '../../../functions/bridge/runtime/deadline.ts'
import type { Random } from '../random.ts'
import type { MovedGround } from './ground.ts'
import type { Keys } from './keys.ts'
import { MOVED, type MovedEntity, movedNames } from './moved.ts'

/** Shares at which a route stands, in percent. */
const SHARES = [0, 1, 5, 20, 50, 50, 80, 100, 100, 12.5] as const
const WEIGHTS = { share: 10, lists: 3, back: 2, forward: 4, freeze: 1 } as const

/** Moves routes to and fro, as an operator who forces each step. */
export class Moves {
  readonly counts = new Map<string, number>()
  #moves = 0
  readonly #routes: DynamoRoutes
  readonly #random: Random
  readonly #keys: Keys

  constructor({ dynamodb, tables }: MovedGround, keys: Keys, random: Random) {
    this.#routes = new DynamoRoutes({ client: dynamodb, table: tables.routes, deadline: new Deadline() })
    this.#keys = keys
    this.#random = random
  }

  /** Moves that were made. */
  get made(): number {
    return this.#moves
  }

  /** Brings all routes to where keys of both stores are. */
  async begin(): Promise<void> {
    for (const entity of movedNames)
      for (const stage of ['mirrored', 'shadow', 'live'] as const)
        await this.#to(entity, { stage, percent: 50 })
  }

  /** One step somewhere. @returns of which route */
  async step(): Promise<MovedEntity> {
    const entity = this.#random.pick(movedNames)
    const { route } = await this.#routes.read(entity)
    const kind = route.frozen !== undefined ? 'thaw' : this.#random.weighted(WEIGHTS)
    if (kind === 'thaw') await thawRoute(MOVED[entity], { routes: this.#routes })
    if (kind === 'freeze')
      await freezeRoute(MOVED[entity], { by: 'soak', why: 'for a while' }, { routes: this.#routes })
    if (kind === 'freeze' || kind === 'thaw') this.#count(kind)
    else await this.#to(entity, this.#wish(kind, route))
    return entity
  }

  /** Lets no route stay frozen. */
  async thaw(): Promise<void> {
    for (const entity of movedNames) await thawRoute(MOVED[entity], { routes: this.#routes })
  }

  #wish(kind: 'share' | 'lists' | 'back' | 'forward', { stage, percent }: Route): Partial<Placement> {
    const random = this.#random
    if (kind === 'back')
      return { stage: ({ live: 'shadow', shadow: 'mirrored' } as const)[stage as 'live'] ?? 'legacy' }
    if (stage !== 'live')
      return {
        stage: stage === 'legacy' ? 'mirrored' : stage === 'mirrored' ? 'shadow' : 'live',
        percent: 50,
      }
    if (kind === 'lists') {
      const keys = [...new Set(this.#keys.all.slice(-20).map(({ key }) => key))]
      const listed = random.shuffle(keys)
      return { allow: listed.slice(0, 3), deny: listed.slice(3, 6) }
    }
    return { percent: random.pick(SHARES.filter((share) => share !== percent)) }
  }

  async #to(entity: MovedEntity, wish: Partial<Placement>): Promise<void> {
    const was = await this.#routes.read(entity)
    const to = placementAt(was.route, wish)
    if (faultOfMove(was.route, to) !== undefined) return
    const forward = isForward(was.route, to)
    const plan = {
      entity: MOVED[entity],
      was,
      to,
      forward,
      refusals: [],
      extent: undefined,
      readers: undefined,
    }
    try {
      await runRouteMove(plan, { by: 'soak', force: true }, { routes: this.#routes })
      this.#moves += 1
      this.#count(`${forward ? 'forward' : 'back'} to ${to.stage}`)
    } catch (error) {
      if (!(error instanceof RouteChangedError)) throw error
    }
  }

  #count(what: string): void {
    this.counts.set(what, (this.counts.get(what) ?? 0) + 1)
  }
}
