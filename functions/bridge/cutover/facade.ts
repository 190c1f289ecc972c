import type { Entity } from '../model/entity.ts'
import type { Owner } from '../model/owner.ts'
import { isOver, majorityOf } from '../model/route.ts'
import { FacadeRequest } from './facade-request.ts'
import type { FacadeParts } from './look.ts'

/**
 * Both stores as one, by the keys' owners: each request has a store of its own, that knows the route as it was when the request
 * came, and says afterwards which side has answered.
 */
export class Facade {
  /** Both sides by themselves. */
  readonly stores: FacadeParts['stores']
  readonly #parts: FacadeParts

  constructor(parts: FacadeParts) {
    this.#parts = parts
    this.stores = parts.stores
  }

  /**
   * @param of the store whose list a cursor goes on with; absent: the one that owns more
   * @throws ForeignRouteError where what is stored of the route can be none
   */
  async open(entity: Entity, of?: Owner): Promise<FacadeRequest> {
    const began = this.#parts.routes.now()
    const known = await this.#parts.routes.current(entity.name)
    // There is one list by then: a page of the other side's was the last one.
    const listed = isOver(known.route) ? 'dynamo' : (of ?? majorityOf(known.route))
    return new FacadeRequest(this.#parts, { began, known, listed })
  }
}
