import { randomUUID } from 'node:crypto'
import { DeleteItemCommand } from '@aws-sdk/client-dynamodb'
import { uuidv7 } from 'uuidv7'
import { serve } from '../../../../functions/bridge/api/serve.ts'
import { readHeldRecord } from '../../../../functions/bridge/aurora/held-record.ts'
import { claim } from '../../../../functions/bridge/cutover/claim.ts'
import { Facade } from '../../../../functions/bridge/cutover/facade.ts'
import { claimListed, claimSetListed } from '../../../../functions/bridge/cutover/listed-claim.ts'
import type { FacadeParts } from '../../../../functions/bridge/cutover/look.ts'
import { serveRoute } from '../../../../functions/bridge/cutover/serve-route.ts'
import type { SweepParts } from '../../../../functions/bridge/cutover/sweep.ts'
import { DynamoStore } from '../../../../functions/bridge/dynamo/dynamo-store.ts'
import { text } from '../../../../functions/bridge/model/attributes/text.ts'
import type { Row } from '../../../../functions/bridge/model/change.ts'
import { defineEntity, type Entity } from '../../../../functions/bridge/model/entity.ts'
import { uuidKey } from '../../../../functions/bridge/model/identity.ts'
import type { Owner } from '../../../../functions/bridge/model/owner.ts'
import { type Route, unmoved } from '../../../../functions/bridge/model/route.ts'
import { normaliseApiEvent } from '../../../../functions/bridge/normalise/api.ts'
import type { KeyRecords } from '../../../../functions/bridge/ports/key-records.ts'
import { RouteUnreadableError } from '../../../../functions/bridge/routes/route-cache.ts'
import { Deadline } from '../../../../functions/bridge/runtime/deadline.ts'
import { chefDefinition } from '../../../fixtures/entities/chef.ts'
import { silent } from '../../../support/log.ts'
import { RECORD } from '../../fixtures/adopted.ts'
import { httpApiEvent } from '../../fixtures/http-events.ts'
import { PLATES, plateOf } from '../../fixtures/plate.ts'
import { openTestTables } from '../dynamo/tables.ts'
import { openWorld } from './world.ts'

/** Chefs have counted ids and deletes that stay; plates a key that clients choose, and that a PUT may make; jugs a UUID. */
export const chef = defineEntity({ ...chefDefinition, tombstones: 'item' })
export const plate: Entity = { ...plateOf('row'), put: 'create', tombstones: 'item' }
export const jug = defineEntity({
  ...{
    name: 'jug',
    plural: 'jugs',
    keyName: 'jugId',
    table: 'jugs',
    identity: uuidKey('id'),
    tombstones: 'item',
  },
  attributes: {
    label: text({ column: 'label', maxLength: 60 }),
    title: text({ column: 'title', maxLength: 20 }),
  },
  example: { label: 'a', title: 'b' },
})
const JUGS = `CREATE TABLE jugs (id BINARY(16) NOT NULL PRIMARY KEY, label VARCHAR(60) NOT NULL,
  title VARCHAR(20) NOT NULL, ${RECORD})`
const ENTITIES = [chef, plate, jug]

export type Sent = {
  readonly body?: unknown
  readonly headers?: Record<string, string>
  readonly query?: string
  readonly at?: Date
}

/** What a facade knows of the route at first; after a look it knows what counts, unless that can't be read. */
export type Memory = { readonly known?: Route; readonly isBlind?: boolean }

/** Facades over both stores on real servers, before a route that a test moves by hand. */
export const openFacadeWorld = async () => {
  const world = await openWorld(ENTITIES, { chef: 'Chefs', plate: 'Plates', jug: 'Jugs' })
  await world.sync.aurora.legacy.query(PLATES)
  await world.sync.aurora.legacy.query(JUGS)
  const records = await openTestTables('records', 'id')
  const {
    client,
    tables,
    aurora,
    parts: { parking },
  } = world.sync
  const deadline = new Deadline()
  const stores = {
    aurora: world.stores.aurora,
    dynamo: new DynamoStore({ client, tables, idempotencyTable: records.records, deadline, log: silent }),
  }
  let route: Route = { ...unmoved('any'), salt: 's' }
  let sent: string[] = []
  client.middlewareStack.add(
    (next, { commandName = '' }) =>
      (args) => {
        sent.push(commandName.replace(/Command$/, ''))
        return next(args)
      },
    { step: 'initialize', name: 'noted' },
  )
  const facadeParts: FacadeParts = {
    stores,
    read: {
      aurora: (entity, key) => readHeldRecord(entity, key, aurora),
      dynamo: (entity, key) => world.sides.dynamo.read(entity, key),
    },
    keyOfId: async (entity, id) => (await aurora.store.head(entity, id))?.key,
    claim: (entity, key, to, epoch, seen) =>
      claimListed(entity, key, to, world.sides, { parking, seen, ...(epoch !== undefined && { epoch }) }),
    routes: {
      now: () => 0,
      current: async () => ({ route, isKnown: true, asOf: 0 }),
      since: async () => ({ route, isKnown: true, asOf: 0 }),
    },
  }
  /** As a sweep claims the keys of a page. */
  const claimSet: SweepParts['claimSet'] = (entity, keys, owner, epoch) =>
    claimSetListed(entity, keys, { owner, epoch }, { sets: world.sets, sides: world.sides, parking })
  /** @param more stands in for parts, as where something happens in between */
  const facadeWith = ({ known, isBlind = false }: Memory = {}, more: Partial<FacadeParts> = {}): Facade => {
    const routes: FacadeParts['routes'] = {
      now: () => performance.now(),
      current: async (name) =>
        isBlind && known === undefined
          ? { route: unmoved(name), isKnown: false, asOf: 0 }
          : { route: known ?? route, isKnown: true, asOf: 0 },
      since: async (name) => {
        if (isBlind) throw new RouteUnreadableError(name)
        return { route, isKnown: true, asOf: performance.now() }
      },
    }
    return new Facade({ ...facadeParts, routes, ...more })
  }
  const callOf = (
    base: string,
    method: string,
    path: string,
    { body, headers = {}, query = '', at = new Date() }: Sent,
  ) => {
    const event = httpApiEvent(method, `/${base}${path}`, {
      headers: { 'content-type': 'application/json', ...headers },
      query,
      ...(body !== undefined && { body: JSON.stringify(body) }),
    })
    const call = normaliseApiEvent(event, { entities: ENTITIES, base, now: () => at, newKey: uuidv7 })
    if (call === undefined) throw new Error('not an HTTP event')
    return call
  }
  const context = { requestId: randomUUID(), log: silent }
  const send = async (method: string, path: string, sent: Sent = {}, facade = facadeWith()) => {
    const call = callOf('facade', method, path, sent)
    const { statusCode: status, headers, body = 'null' } = await serveRoute(call, facade, context)
    return { status, headers, side: headers['backsync-side'], body: JSON.parse(body) }
  }
  return {
    ...world,
    stores,
    facadeParts,
    claimSet,
    facadeWith,
    send,
    /** The same at one side's own endpoint. */
    sendTo: (side: Owner, method: string, path: string, sent: Sent = {}) =>
      serve(callOf(side, method, path, sent), stores[side], context),
    /** Moves the route: who knows the one before goes on by that. */
    move: (to: Partial<Route>): Route => {
      route = { ...route, epoch: route.epoch + 1n, ...to }
      return route
    },
    route: (): Route => route,
    /** Has it that a sweep has found no key below a move; or that none has. */
    settle: (settled: Route['settled']): void => {
      const { settled: _, ...rest } = route
      route = { ...rest, ...(settled && { settled }) }
    },
    /** What both stores say of a key: owner, epoch, version, and a value or the state. */
    record: async (entity: Entity, key: string) => {
      const read = async (side: Owner) => {
        const record = await world.sides[side].read(entity, key)
        const { title, lastName } = record.state === 'held' ? record.row : {}
        return `${record.owner} ${record.epoch} v${record.version} ${title ?? lastName ?? record.state}`
      }
      return { aurora: await read('aurora'), dynamo: await read('dynamo') }
    },
    /** Takes away what both stores, or one, have kept of a request, as is done when its week is over. */
    forget: async (id: string, of?: Owner): Promise<void> => {
      if (of !== 'dynamo') await aurora.legacy.query('DELETE FROM backsync_idempotency WHERE id = ?', [id])
      if (of === 'aurora') return
      await client.send(new DeleteItemCommand({ TableName: records.records, Key: { id: { S: id } } }))
    },
    /** A claim by somebody who dies once the key was given away. */
    beginClaim: async (entity: Entity, key: string, to: Owner, epoch: bigint): Promise<void> => {
      const own: KeyRecords = world.sides[to]
      const dying: KeyRecords = {
        side: to,
        read: (...of) => own.read(...of),
        release: (...of) => own.release(...of),
        restore: (...of) => own.restore(...of),
        take: () => Promise.reject(new Error('died')),
      }
      const ended: unknown = await claim(entity, key, to, { ...world.sides, [to]: dying }, { epoch }).catch(
        (error: unknown) => error,
      )
      if (!(ended instanceof Error && ended.message === 'died'))
        throw new Error('it was claimed', { cause: ended })
    },
    make: async (entity: Entity, side: Owner, row: Row, key: string) => {
      await stores[side].write(entity, {
        ...{ entity: entity.name, key, source: 'api', at: new Date().toISOString() },
        ...{ op: 'upsert', version: 1n, row },
      })
    },
    /** Calls of both stores that some work makes: of the Data API so many, of DynamoDB by their names. */
    calls: async (work: () => Promise<unknown>) => {
      const before = aurora.calls()
      sent = []
      await work()
      return { aurora: aurora.calls() - before, dynamo: [...sent] }
    },
    close: async () => {
      await records.close()
      await world.close()
    },
  }
}

export type FacadeWorld = Awaited<ReturnType<typeof openFacadeWorld>>
