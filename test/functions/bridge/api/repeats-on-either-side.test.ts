import { randomUUID } from 'node:crypto'
import { isDeepStrictEqual } from 'node:util'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals'
import type { RowDataPacket } from 'mysql2'
import { claim } from '../../../../functions/bridge/cutover/claim.ts'
import { DynamoStore } from '../../../../functions/bridge/dynamo/dynamo-store.ts'
import type { HttpResponse } from '../../../../functions/bridge/http/response.ts'
import type { Owner } from '../../../../functions/bridge/model/owner.ts'
import { Deadline } from '../../../../functions/bridge/runtime/deadline.ts'
import { chef } from '../../../fixtures/entities/chef.ts'
import { silent } from '../../../support/log.ts'
import { openWorld, type World } from '../cutover/world.ts'
import { openTestTables } from '../dynamo/tables.ts'
import { clientOf, type Side } from './idempotency-suite.ts'

const WEEK = 7 * 24 * 3600 * 1000
const parsed = ({ body = '' }: HttpResponse) => JSON.parse(body)

describe.each<[Owner, Owner]>([
  ['aurora', 'dynamo'],
  ['dynamo', 'aurora'],
])('a create with an Idempotency-Key on %s, and its repeat on %s', (first, second) => {
  let world: World
  let others: Awaited<ReturnType<typeof openTestTables>>
  let sides: Readonly<Record<Owner, Side['store']>>
  let body: { readonly firstName: string; readonly lastName: string }
  let key: string

  beforeAll(async () => {
    world = await openWorld([chef], { chef: 'Chefs' })
    others = await openTestTables('chef', 'chefId')
    const modern = new DynamoStore({
      ...{ client: world.sync.client, tables: world.sync.tables, idempotencyTable: others.records },
      ...{ deadline: new Deadline(), log: silent },
    })
    sides = { aurora: world.sync.aurora.store, dynamo: modern }
  })
  afterAll(async () => {
    await others.close()
    await world.close()
  })
  beforeEach(() => {
    key = randomUUID()
    body = { firstName: `Bobby ${key}`.slice(0, 40), lastName: 'Flay' }
  })

  const sideOf = (store: Side['store']): Side => ({
    ...{ store, losing: store, firstNames: async () => [], records: async () => 0, close: async () => {} },
  })
  const post = (side: Owner, more: { readonly at?: Date; readonly body?: unknown } = {}) =>
    clientOf(side, () => sideOf(sides[side]), [chef]).send({ key, body, ...more })
  /** Does something to the item of a key, and has the stream bring it. */
  const streamed = async <T>(id: string, work: () => Promise<T>): Promise<T> => {
    const before = await world.item(chef, id)
    const done = await work()
    const after = await world.item(chef, id)
    if (!isDeepStrictEqual(before, after)) await world.sync.deliver(world.recordOf(chef, id, before, after))
    return done
  }
  const create = async (at?: Date) => {
    const made = await post(first, at && { at })
    const id = String(parsed(made).chefId)
    if (first === 'dynamo')
      await world.sync.deliver(world.recordOf(chef, id, undefined, await world.item(chef, id)))
    return { made, id }
  }
  const rows = async () => {
    const [found] = await world.sync.aurora.legacy.query<RowDataPacket[]>(
      'SELECT backsync_key AS k FROM cheftable WHERE cheffirst = ?',
      [body.firstName],
    )
    return found.map(({ k }) => String(k))
  }
  const moved = (id: string) => streamed(id, () => claim(chef, id, second, world.sides))

  it('make one, also once it has been moved there, and the repeat is answered as the first was', async () => {
    const { made, id } = await create()
    await moved(id)
    const again = await post(second)

    expect([again.statusCode, parsed(again), again.headers['idempotency-replayed']]).toEqual([
      ...[201, parsed(made), 'true'],
    ])
    expect(await rows()).toEqual([id])
    // And on the first side once more, which has its record.
    expect(parsed(await post(first))).toEqual(parsed(made))
  })

  it('make one, also where it has been written there since', async () => {
    const { id } = await create()
    await moved(id)
    await world.replace(chef, second, id, { firstName: body.firstName, lastName: 'Next' })

    const again = await post(second)
    expect([again.statusCode, parsed(again)]).toMatchObject([
      201,
      { chefId: id, lastName: 'Next', version: 2 },
    ])
    expect(await rows()).toEqual([id])
  })

  it('make none anew where it has been deleted there since', async () => {
    const { made, id } = await create()
    await moved(id)
    await streamed(id, () => world.remove(chef, second, id))

    const again = await post(second)
    expect([again.statusCode, parsed(again)]).toMatchObject([201, { chefId: id, lastName: 'Flay' }])
    expect(parsed(again).version).toBe(parsed(made).version)
    expect(await world.sides[second].read(chef, id)).toMatchObject({ state: 'deleted' })
  })

  it('are told apart from another request with the same key', async () => {
    const { id } = await create()
    await moved(id)
    const other = await post(second, { body: { ...body, lastName: 'Other' } })

    expect([other.statusCode, parsed(other).type]).toEqual([
      422,
      'urn:backsync:problem:idempotency-key-reused',
    ])
    expect(await world.sides[second].read(chef, id)).toMatchObject({ row: { lastName: 'Flay' } })
  })

  it('have the same key before anything is moved: there is never a second entity', async () => {
    const { id } = await create()
    const again = await post(second)
    expect([201, 409]).toContain(again.statusCode)
    if (again.statusCode === 201) expect(parsed(again).chefId).toBe(id)
    expect(await rows()).toEqual([id])
  })

  it('make another one when a week has gone by', async () => {
    const { id } = await create(new Date(Date.now() - WEEK - 60_000))
    await moved(id)
    const again = await post(second)

    expect(again.statusCode).toBe(201)
    expect(again.headers).not.toHaveProperty('idempotency-replayed')
    expect(parsed(again).chefId).not.toBe(id)
  })
})
