import { BridgeError, kindOf } from '../model/errors.ts'
import { type Route, unmoved } from '../model/route.ts'
import type { Log } from '../runtime/log.ts'
import type { Metrics } from '../runtime/metrics.ts'
import type { DynamoRoutes } from './dynamo-routes.ts'

/** Where a route stands can't be read at the moment, and what is asked for needs to know it as it is now. */
export class RouteUnreadableError extends BridgeError {
  override readonly name = 'RouteUnreadableError'
  readonly code = 'route.unreadable'
  readonly kind = 'transient'

  constructor(entity: string, options?: ErrorOptions) {
    super(`Where the route of ${entity} stands can't be read at the moment`, options)
  }
}

/** A route as it is known here: of any age, and safe at any. */
export type KnownRoute = {
  readonly route: Route
  /** Whether it was ever read: nobody knows of another one more than that keys are served at their owners. */
  readonly isKnown: boolean
  /** When the read of it began, in milliseconds of a clock that never goes back. */
  readonly asOf: number
}

/** A route that is older than this is read again before it is used, in milliseconds. */
const MAX_AGE = 5_000
/** A read of it takes no longer: it is not worth a request's time. */
const LIMIT = 1_000
/** After one that failed the next one has time, in milliseconds, where an old one does. */
const REST = 1_000

type Parts = {
  readonly routes: Pick<DynamoRoutes, 'read'>
  readonly log: Pick<Log, 'warn'>
  /** A route that is older is read again before it is used, in milliseconds. @default 5 s */
  readonly maxAge?: number
  readonly metrics: Pick<Metrics, 'count'>
  /** Milliseconds of a clock that never goes back. @default performance.now */
  readonly now?: () => number
}

/** What a process knows of routes: each is read now and then, and when a request needs it as it is now. */
export class RouteCache {
  readonly #parts: Parts
  readonly #known = new Map<string, KnownRoute>()
  readonly #failed = new Map<string, number>()
  readonly #now: () => number

  constructor(parts: Parts) {
    this.#parts = parts
    this.#now = parts.now ?? (() => performance.now())
  }

  /** The clock by which `since` is asked. */
  now(): number {
    return this.#now()
  }

  /** The route as it is known; read where that is old, and where it can't be read the old one. */
  async current(entity: string): Promise<KnownRoute> {
    const known = this.#known.get(entity)
    const at = this.#now()
    if (known !== undefined && at - known.asOf < (this.#parts.maxAge ?? MAX_AGE)) return known
    const failed = this.#failed.get(entity)
    const rests = failed !== undefined && at - failed < REST
    const old = known ?? { route: unmoved(entity), isKnown: false, asOf: Number.NEGATIVE_INFINITY }
    if (rests) return old
    try {
      return await this.#read(entity)
    } catch (error) {
      if (kindOf(error) === 'configuration') throw error
      this.#failed.set(entity, this.#now())
      this.#parts.metrics.count('RouteUnreadable', entity, 1)
      this.#parts.log.warn('where a route stands could not be read: it goes on from what was known', {
        entity,
        error,
      })
      return old
    }
  }

  /**
   * The route as it was at a moment or later.
   *
   * @throws RouteUnreadableError
   */
  async since(entity: string, moment: number): Promise<KnownRoute> {
    const known = this.#known.get(entity)
    if (known !== undefined && known.asOf >= moment) return known
    try {
      return await this.#read(entity)
    } catch (cause) {
      if (kindOf(cause) === 'configuration') throw cause
      this.#parts.metrics.count('RouteUnreadable', entity, 1)
      throw new RouteUnreadableError(entity, { cause })
    }
  }

  async #read(entity: string): Promise<KnownRoute> {
    const asOf = this.#now()
    const { route } = await this.#parts.routes.read(entity, LIMIT)
    const known = { route, isKnown: true, asOf }
    // A read that began later may have ended before.
    if ((this.#known.get(entity)?.asOf ?? Number.NEGATIVE_INFINITY) <= asOf) this.#known.set(entity, known)
    this.#failed.delete(entity)
    return known
  }
}
