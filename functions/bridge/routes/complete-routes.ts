import type { Entity } from '../model/entity.ts'
import { kindOf } from '../model/errors.ts'
import { isOver, type Route } from '../model/route.ts'
import type { EndedRoutes } from '../ports/ended.ts'
import type { Log } from '../runtime/log.ts'
import type { RouteCache } from './route-cache.ts'

/** A route that isn't complete is looked at again after so long, in milliseconds: nobody waits for what ends. */
export const LOOKED_AT = 60_000

type Parts = {
  readonly entities: readonly Entity[]
  readonly routes: Pick<RouteCache, 'current'>
  readonly log: Pick<Log, 'warn'>
}

/**
 * Which routes are complete, as far as this process knows. A route never leaves that stage, and what is settled there stays so: to
 * have read that once is enough. Of any other route what is known here may be of any age.
 */
export class CompleteRoutes implements EndedRoutes {
  readonly #parts: Parts
  readonly #over = new Map<string, Route>()

  constructor(parts: Parts) {
    this.#parts = parts
  }

  async has(entity: string): Promise<boolean> {
    const route = await this.completeOf(entity)
    return route !== undefined && isOver(route)
  }

  async hasTableOf(entity: string): Promise<boolean> {
    const { entities } = this.#parts
    const table = entities.find(({ name }) => name === entity)?.item.table
    const beside = entities.filter(({ item }) => item.table === table).map(({ name }) => name)
    for (const name of beside.length === 0 ? [entity] : beside) if (!(await this.has(name))) return false
    return true
  }

  /** The route of an entity, where it is complete; undefined for any other, and where that can't be told. */
  async completeOf(entity: string): Promise<Route | undefined> {
    const known = this.#over.get(entity)
    if (known !== undefined) return known
    const route = await this.#read(entity)
    if (route?.stage !== 'complete') return undefined
    if (isOver(route)) this.#over.set(entity, route)
    return route
  }

  async #read(entity: string): Promise<Route | undefined> {
    try {
      return (await this.#parts.routes.current(entity)).route
    } catch (error) {
      // Where routes can't be read at all it goes on as before.
      this.#parts.log.warn('where a route stands can not be told: it goes on as one that is not complete', {
        entity,
        error,
        kind: kindOf(error),
      })
      return undefined
    }
  }
}
