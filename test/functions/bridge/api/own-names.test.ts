import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals'
import { serve } from '../../../../functions/bridge/api/serve.ts'
import { toItem } from '../../../../functions/bridge/dynamo/items.ts'
import { integer } from '../../../../functions/bridge/model/attributes/integer.ts'
import { defineEntity, type Entity } from '../../../../functions/bridge/model/entity.ts'
import { natural } from '../../../../functions/bridge/model/identity.ts'
import { normaliseApiEvent } from '../../../../functions/bridge/normalise/api.ts'
import { DynamoParking } from '../../../../functions/bridge/parking/dynamo-parking.ts'
import type { EntityStore } from '../../../../functions/bridge/ports/store.ts'
import { Deadline } from '../../../../functions/bridge/runtime/deadline.ts'
import { silent } from '../../../support/log.ts'
import { httpApiEvent } from '../../fixtures/http-events.ts'
import { streamRecord } from '../../fixtures/stream-events.ts'
import { visitor, visitorTables } from '../../fixtures/visitor.ts'
import { openTestTables } from '../dynamo/tables.ts'
import { openTestSync, type TestSync } from '../sync/harness.ts'

const AT = '2026-11-22T03:00:00.123Z'
const ada = {
  first_name: 'Ada',
  'nick/name~[]': 'Al',
  version: 'beta',
  'meals-eaten': [{ dish_name: 'Soup' }],
}

/** Whether it is too long, or cut, is each server's own word. */
const DISH = /^meals-eaten\[\]\.dish_name \(column dish\) (is too long|would be cut)/
const NICK = /^nick\/name~\[\] \(column nick\) (is too long|would be cut)/

describe('the names that a team has', () => {
  let sync: TestSync
  let dynamo: Awaited<ReturnType<typeof openTestTables>>
  const stores: { aurora: EntityStore; dynamo: EntityStore } | Record<string, never> = {}
  let KEY: string

  beforeAll(async () => {
    sync = await openTestSync([visitor], { visitor: 'Visitors' })
    for (const table of visitorTables) await sync.aurora.legacy.query(table)
    dynamo = await openTestTables('visitor', 'visitor_id')
    Object.assign(stores, { aurora: sync.aurora.store, dynamo: dynamo.store })
  })
  afterAll(async () => {
    await dynamo.close()
    await sync.close()
  })
  beforeEach(async () => {
    for (const table of ['visitor_meals', 'visitors']) await sync.aurora.legacy.query(`DELETE FROM ${table}`)
    KEY = randomUUID()
    sync.takeLifted()
  })

  const call = async (
    store: EntityStore | undefined,
    method: string,
    {
      key = '',
      body,
      headers,
      entity = visitor,
    }: { key?: string; body?: unknown; headers?: Record<string, string>; entity?: Entity } = {},
  ) => {
    const event = httpApiEvent(method, `/aurora/${entity.plural}${key && `/${key}`}`, {
      headers: { 'content-type': 'application/json', ...headers },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    })
    const made = normaliseApiEvent(event, {
      entities: [entity],
      base: 'aurora',
      now: () => new Date(AT),
      newKey: () => KEY,
    })
    if (made === undefined || store === undefined) throw new Error('not an event')
    const answer = await serve(made, store, { requestId: 'r', log: silent })
    return { ...answer, body: answer.body === undefined ? undefined : JSON.parse(answer.body) }
  }

  it.each(['aurora', 'dynamo'] as const)(
    'are those of every answer of %s, and of its versions',
    async (side) => {
      const store = stores[side]
      const seen = side === 'aurora' ? { 'last seen': 'today' } : {}
      const whole = { visitor_id: KEY, ...ada, ...seen, row_version: 1, 'changed at': AT }
      expect(await call(store, 'POST', { body: ada })).toMatchObject({
        statusCode: 201,
        headers: { etag: '"1"' },
      })
      expect((await call(store, 'GET', { key: KEY })).body).toEqual(whole)
      expect((await call(store, 'GET')).body).toEqual({ items: [whole] })
      const put = await call(store, 'PUT', {
        key: KEY,
        body: { ...ada, first_name: 'Bea' },
        headers: { 'if-match': '"1"' },
      })
      expect(put.body).toEqual({ ...whole, first_name: 'Bea', row_version: 2 })
      expect(await call(store, 'PUT', { key: KEY, body: ada, headers: { 'if-match': '"1"' } })).toMatchObject(
        { statusCode: 412 },
      )
      expect(await call(store, 'DELETE', { key: KEY, headers: { 'if-match': '"1"' } })).toMatchObject({
        statusCode: 412,
      })
      expect(await call(store, 'DELETE', { key: KEY, headers: { 'if-match': '"2"' } })).toMatchObject({
        statusCode: 204,
      })
      expect((await call(store, 'GET', { key: KEY })).body.detail).toBe(
        'There is no visitor with this visitor_id.',
      )
    },
  )

  it('are those of its items', async () => {
    await call(dynamo.store, 'POST', { body: ada })
    expect(await dynamo.item(KEY)).toEqual({
      visitor_id: { S: KEY },
      first_name: { S: 'Ada' },
      'nick/name~[]': { S: 'Al' },
      version: { S: 'beta' },
      'meals-eaten': { L: [{ M: { dish_name: { S: 'Soup' } } }] },
      row_version: { N: '1' },
      'changed at': { S: AT },
    })
    await call(dynamo.store, 'PUT', { key: KEY, body: { first_name: 'Bea' } })
    expect(await dynamo.item(KEY)).toEqual({
      visitor_id: { S: KEY },
      first_name: { S: 'Bea' },
      'meals-eaten': { L: [] },
      row_version: { N: '2' },
      'changed at': { S: AT },
    })
  })

  it('are those of what is wrong with a body', async () => {
    const body = {
      ...ada,
      first_name: '',
      'nick/name~[]': 'x'.repeat(21),
      'meals-eaten': [{ dish_name: 7, dish: 'x' }],
      row_version: 1,
    }
    const { body: answer } = await call(stores.aurora, 'POST', { body })
    expect(answer.errors.map(({ pointer }: { pointer: string }) => pointer).toSorted()).toEqual([
      '/first_name',
      '/meals-eaten/0/dish',
      '/meals-eaten/0/dish_name',
      '/nick~1name~0[]',
      '/row_version',
    ])
  })

  it('are those of what a store can not hold', async () => {
    const narrow = (body: unknown) => call(stores.aurora, 'POST', { body })
    expect(await narrow({ ...ada, 'nick/name~[]': 'longer' })).toMatchObject({
      statusCode: 422,
      body: { errors: [{ pointer: '/nick~1name~0[]', detail: expect.stringMatching(NICK) }] },
    })
    expect(await narrow({ ...ada, 'meals-eaten': [{ dish_name: 'Pancakes' }] })).toMatchObject({
      statusCode: 422,
      body: {
        errors: [{ pointer: '/meals-eaten', detail: expect.stringMatching(DISH) }],
      },
    })
  })

  it.each(['aurora', 'dynamo'] as const)('are those of what only the database sets, at %s', async (side) => {
    await call(stores[side], 'POST', { body: ada })
    if (side === 'dynamo') await dynamo.put({ ...(await dynamo.item(KEY)), 'last seen': { S: 'today' } })
    const errors = [{ pointer: '/last seen', detail: 'is set by the database' }]
    expect(
      await call(stores[side], 'PUT', { key: KEY, body: { ...ada, 'last seen': 'never' } }),
    ).toMatchObject({
      statusCode: 422,
      body: { errors },
    })
    expect(
      await call(stores[side], 'PUT', { key: KEY, body: { ...ada, 'last seen': 'today' } }),
    ).toMatchObject({
      statusCode: 200,
      body: { 'last seen': 'today' },
    })
  })

  const row = { firstName: 'Ada', nickName: 'Al', version: 'beta', meals: [{ dish: 'Soup' }] }
  const itemAt = (version: bigint, more: Partial<typeof row> = {}) => {
    const whole = { ...row, ...more }
    const change = {
      entity: 'visitor',
      key: KEY,
      op: 'upsert',
      source: 'stream',
      at: AT,
      version,
      row: whole,
    } as const
    return toItem(visitor, change, whole)
  }
  const record = (newImage: Record<string, unknown>) => {
    const made = streamRecord({ table: 'Visitors', newImage })
    return { ...made, dynamodb: { ...made.dynamodb, Keys: { visitor_id: { S: KEY } } } }
  }

  it('are those under which the stream is read, none of them unknown', async () => {
    const { changes } = sync.read(record(itemAt(3n)))
    expect(changes).toMatchObject([{ change: { key: KEY, version: 3n, at: AT, row }, unknownAttributes: 0 }])
    const { row_version: _, ...none } = itemAt(3n)
    expect(sync.read(record(none)).rejected).toMatchObject([
      { error: { message: 'row_version is missing or not a number' } },
    ])
  })

  it('are those of a version that is lifted', async () => {
    await sync.deliver(record(itemAt(9n)))
    const back = itemAt(2n, { firstName: 'anew' })
    await sync.put(visitor, back)
    await sync.deliver(record(back))
    expect(await sync.item(visitor, KEY)).toEqual({ ...back, row_version: { N: '10' } })
    await sync.deliver(...sync.takeLifted().map(({ item }) => record(item)))
    expect(await sync.aurora.store.get(visitor, KEY)).toMatchObject({
      version: 10n,
      row: { firstName: 'anew' },
    })
  })

  it('are those of what is parked: of both sides, and of the rule that was broken', async () => {
    await sync.deliver(record(itemAt(9n)))
    const back = itemAt(2n, { firstName: 'anew', nickName: 'Bo', meals: [{ dish: 'Pie' }] })
    await sync.put(visitor, back)
    const { lift: _, ...source } = sync.parts.source
    await sync.deliverWith({ source }, record(back))
    const archive = new DynamoParking({
      client: sync.parking.client,
      table: sync.parking.table,
      deadline: new Deadline(),
    })
    const entry = await archive.entryOf('visitor', KEY)
    const { version: __, row_version: ___, visitor_id: ____, 'changed at': _____, ...fields } = back
    expect(JSON.parse(entry?.payload ?? '')).toMatchObject({
      source: { version: '2', row: { ...fields, version: { S: 'beta' } } },
      store: {
        version: '9',
        row: { first_name: { S: 'Ada' }, 'meals-eaten': { L: [{ M: { dish_name: { S: 'Soup' } } }] } },
      },
    })

    KEY = randomUUID()
    await sync.deliver(record(itemAt(1n, { nickName: 'longer' })))
    expect((await sync.parts.parking.parkedAmong('visitor', [KEY])).get(KEY)).toMatchObject({
      message: expect.stringMatching(NICK),
    })
  })
})

describe('what no answer has', () => {
  const badge = (more: Partial<Parameters<typeof defineEntity>[0]>) =>
    defineEntity({
      name: 'badge',
      plural: 'badges',
      keyName: 'badgeNo',
      table: 'badges',
      identity: natural(['no']),
      attributes: { no: integer({ column: 'no', as: 'badgeNo' }) },
      item: { table: 'badge', keyAttribute: 'badgeNo', keyType: 'N' },
      example: { badgeNo: 1 },
      ...more,
    })
  let dynamo: Awaited<ReturnType<typeof openTestTables>>
  beforeAll(async () => {
    dynamo = await openTestTables('badge', { partition: { name: 'badgeNo', type: 'N' } })
  })
  afterAll(() => dynamo.close())

  it.each<[string, Parameters<typeof badge>[0], string, Record<string, unknown>]>([
    [
      'nothing, and the key once where it is an attribute',
      {},
      '1',
      { badgeNo: 1, version: 1, updatedAt: AT },
    ],
    ['the version, which its ETag has', { hidden: ['version'] }, '2', { badgeNo: 2, updatedAt: AT }],
    [
      'anything beside its fields',
      { hidden: ['key', 'version', 'updatedAt'], keyName: 'key' },
      '3',
      { badgeNo: 3 },
    ],
  ])('is %s', async (_, more, key, expected) => {
    const entity = badge(more)
    const event = httpApiEvent('POST', '/dynamo/badges', {
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ badgeNo: Number(key) }),
    })
    const call = normaliseApiEvent(event, {
      entities: [entity],
      base: 'dynamo',
      now: () => new Date(AT),
      newKey: () => '',
    })
    if (call === undefined) throw new Error('not an event')
    const { headers, body } = await serve(call, dynamo.store, { requestId: 'r', log: silent })
    expect(headers).toMatchObject({ etag: '"1"', location: `/dynamo/badges/${key}` })
    expect(JSON.parse(body ?? '')).toEqual(expected)
    expect(await dynamo.item({ badgeNo: { N: key } })).toEqual({
      badgeNo: { N: key },
      version: { N: '1' },
      updatedAt: { S: AT },
    })
  })
})
