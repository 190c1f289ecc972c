import { randomUUID } from 'node:crypto'
import { PutItemCommand, ScanCommand } from '@aws-sdk/client-dynamodb'
import { DynamoError } from '../drivers/dynamo/errors.ts'
import { allPages, type OwnTable } from '../drivers/dynamo/own-table.ts'
import { callPatiently } from '../drivers/dynamo/patient-call.ts'
import { BridgeError } from '../model/errors.ts'
import type { Route } from '../model/route.ts'
import { readRoute } from './read-route.ts'
import { readRouteItem, routeItem, type StoredRoute } from './route-item.ts'
import { routeTable } from './route-table.ts'

/** Somebody else has changed the route since it was read. */
export class RouteChangedError extends BridgeError {
  override readonly name = 'RouteChangedError'
  readonly code = 'route.changed'
  readonly kind = 'client'

  constructor(entity: string) {
    super(`The route of ${entity} was changed by somebody else in between: look at it again, and decide anew`)
  }
}

/** How often what is noted beside a route's moves is written over what others write. */
const ROUNDS = 8

/** Where routes stand: one item an entity, read consistently and changed by one conditional write. */
export class DynamoRoutes {
  readonly #own: OwnTable

  constructor(own: OwnTable) {
    this.#own = own
  }

  /** As `readRoute`. @throws what it throws, as all of these methods */
  read(entity: string, limit?: number): Promise<StoredRoute> {
    return readRoute(this.#own, entity, limit)
  }

  /** All routes that were ever moved, by their entities' names. */
  async list(): Promise<readonly Route[]> {
    const { client, table: TableName, deadline } = this.#own
    const items = await allPages((from) =>
      callPatiently('Scan', { deadline }, (options) =>
        client.send(new ScanCommand({ TableName, ConsistentRead: true, ...from }), options),
      ),
    )
    return items.map((item) => readRouteItem(item).route).toSorted((a, b) => (a.entity < b.entity ? -1 : 1))
  }

  /**
   * Writes a route over the one that was read.
   *
   * @throws RouteChangedError where another one stands there by now
   */
  async replace(was: StoredRoute, route: Route): Promise<StoredRoute> {
    const { client, table: TableName, deadline } = this.#own
    const next: StoredRoute = { route, revision: was.revision + 1, token: randomUUID() }
    const isNew = was.revision === 0
    const command = new PutItemCommand({
      ...{ TableName, Item: routeItem(next) },
      ConditionExpression: isNew ? 'attribute_not_exists(#of)' : '#of = :was',
      ExpressionAttributeNames: { '#of': isNew ? routeTable.partition : 'revision' },
      ...(!isNew && { ExpressionAttributeValues: { ':was': { N: String(was.revision) } } }),
    })
    try {
      await callPatiently('PutItem', { deadline }, (options) => client.send(command, options))
    } catch (error) {
      if (!isConditionFailed(error)) throw error
      // The first attempt's answer may have been lost, and its write not.
      const { token } = await this.read(route.entity)
      if (token !== next.token) throw new RouteChangedError(route.entity)
    }
    return next
  }

  /**
   * Notes something beside a route's moves, whoever writes it meanwhile.
   *
   * @param note what becomes of the route; undefined leaves it as it is
   * @returns the route as it is then
   * @throws RouteChangedError where others come between again and again
   */
  async note(entity: string, note: (route: Route) => Route | undefined): Promise<Route> {
    for (let round = 1; ; round++) {
      const was = await this.read(entity)
      const next = note(was.route)
      if (next === undefined) return was.route
      try {
        return (await this.replace(was, next)).route
      } catch (error) {
        if (!(error instanceof RouteChangedError) || round >= ROUNDS) throw error
      }
    }
  }
}

const isConditionFailed = (error: unknown): boolean =>
  error instanceof DynamoError &&
  error.cause instanceof Error &&
  error.cause.name === 'ConditionalCheckFailedException'
