import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals'
import { serve } from '../../../../functions/bridge/api/serve.ts'
import { entityReaders } from '../../../../functions/bridge/dynamo/entity-reader.ts'
import { integer } from '../../../../functions/bridge/model/attributes/integer.ts'
import { readOnly } from '../../../../functions/bridge/model/attributes/read-only.ts'
import { text } from '../../../../functions/bridge/model/attributes/text.ts'
import { timestamp } from '../../../../functions/bridge/model/attributes/timestamp.ts'
import { childRows } from '../../../../functions/bridge/model/child-rows.ts'
import { defineEntity } from '../../../../functions/bridge/model/entity.ts'
import { autoIncrement } from '../../../../functions/bridge/model/identity.ts'
import { normaliseApiEvent } from '../../../../functions/bridge/normalise/api.ts'
import type { EntityStore } from '../../../../functions/bridge/ports/store.ts'
import { openTestAurora, type TestAurora } from '../../../support/aurora.ts'
import { silent } from '../../../support/log.ts'
import { httpApiEvent } from '../../fixtures/http-events.ts'
import { adopted } from '../../fixtures/specimen.ts'
import { streamRecord } from '../../fixtures/stream-events.ts'
import { openTestTables } from '../dynamo/tables.ts'

const guest = defineEntity({
  name: 'guest',
  plural: 'guests',
  keyName: 'guestId',
  table: 'guests',
  identity: autoIncrement('id'),
  attributes: {
    touched: readOnly(timestamp({ column: 'touched', precision: 3 })),
    firstName: text({ column: 'first_name', as: 'first_name', maxLength: 20 }),
    fullName: readOnly(text({ column: 'full_name', as: 'full name', maxLength: 60 })),
    lastName: text({ column: 'last_name', maxLength: 20 }),
    visits: readOnly(integer({ column: 'visits', optional: true })),
  },
  children: {
    dishes: childRows({
      table: 'guest_dishes',
      parentColumn: 'guest_id',
      positionColumn: 'position',
      as: 'dishes-eaten',
      attributes: { name: text({ column: 'name', as: '#', maxLength: 20 }) },
      optional: true,
    }),
  },
  example: { first_name: 'Ada', lastName: 'Lovelace', 'dishes-eaten': [{ '#': 'Soup' }] },
})

const KEY = '01990000-0000-7000-8000-00000000000a'
const ada = { first_name: 'Ada', lastName: 'Lovelace', 'dishes-eaten': [{ '#': 'Soup' }] }

describe('attributes of other names, and those that the database sets', () => {
  let aurora: TestAurora
  let dynamo: Awaited<ReturnType<typeof openTestTables>>

  beforeAll(async () => {
    aurora = await openTestAurora()
    await aurora.legacy.query(
      `CREATE TABLE guests (id BIGINT AUTO_INCREMENT PRIMARY KEY,
        first_name VARCHAR(20) NOT NULL, last_name VARCHAR(20) NOT NULL,
        full_name VARCHAR(60) GENERATED ALWAYS AS (CONCAT(first_name, ' ', last_name)) STORED,
        touched TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3) ON UPDATE CURRENT_TIMESTAMP(3),
        visits INT NULL, ${adopted()})`,
    )
    await aurora.legacy.query(
      'CREATE TABLE guest_dishes (guest_id BIGINT, position INT, name VARCHAR(20), PRIMARY KEY (guest_id, position))',
    )
    dynamo = await openTestTables(guest.item.table, guest.item.keyAttribute)
  })
  afterAll(async () => {
    await dynamo.close()
    await aurora.close()
  })
  beforeEach(async () => {
    for (const table of ['guest_dishes', 'guests']) await aurora.legacy.query(`DELETE FROM ${table}`)
  })

  const call = async (store: EntityStore, method: string, key = '', body?: unknown) => {
    const event = httpApiEvent(method, `/side/guests${key && `/${key}`}`, {
      headers: { 'content-type': 'application/json' },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    })
    const made = normaliseApiEvent(event, {
      entities: [guest],
      base: 'side',
      now: () => new Date(),
      newKey: () => KEY,
    })
    if (made === undefined) throw new Error('not an event')
    const { statusCode, body: answer } = await serve(made, store, { requestId: 'r', log: silent })
    return { statusCode, body: answer === undefined ? undefined : JSON.parse(answer) }
  }
  /** What was got, without what the store itself keeps. */
  const own = ({ body }: Awaited<ReturnType<typeof call>>) => {
    const { guestId: _, version: __, updatedAt: ___, ...rest } = body
    return rest
  }

  it('are written without what the database sets, and read with it, under the names that they have in JSON', async () => {
    await call(aurora.store, 'POST', '', ada)

    expect(own(await call(aurora.store, 'GET', KEY))).toEqual({
      ...ada,
      'full name': 'Ada Lovelace',
      touched: expect.stringMatching(/^20\d\d-.*\.\d{3}Z$/),
      visits: null,
    })
  })

  it('can be sent as they were read, and nothing changes', async () => {
    await call(aurora.store, 'POST', '', ada)
    await aurora.legacy.query('UPDATE guests SET visits = 7')
    const read = own(await call(aurora.store, 'GET', KEY))

    const put = await call(aurora.store, 'PUT', KEY, read)

    expect(put.statusCode).toBe(200)
    expect({ ...own(put), touched: '' }).toEqual({ ...read, touched: '' })
  })

  it('may change beside what was read of the others', async () => {
    await call(aurora.store, 'POST', '', ada)
    const read = own(await call(aurora.store, 'GET', KEY))

    expect(own(await call(aurora.store, 'PUT', KEY, { ...read, first_name: 'Augusta' }))).toMatchObject({
      'full name': 'Augusta Lovelace',
    })
  })

  it.each([
    ['full name', 'Grace Hopper'],
    ['touched', '2001-01-01T00:00:00.000Z'],
    ['visits', 8],
  ])('are refused with another value of what the database sets: %s', async (name, value) => {
    await call(aurora.store, 'POST', '', ada)
    await aurora.legacy.query('UPDATE guests SET visits = 7')

    const put = await call(aurora.store, 'PUT', KEY, { ...ada, first_name: 'Augusta', [name]: value })
    const post = await call(aurora.store, 'POST', '', { ...ada, [name]: value })

    const errors = [{ pointer: `/${name}`, detail: 'is set by the database' }]
    expect(put).toMatchObject({ statusCode: 422, body: { type: 'urn:backsync:problem:read-only', errors } })
    expect(post).toMatchObject({ statusCode: 400, body: { errors } })
    expect(own(await call(aurora.store, 'GET', KEY))).toMatchObject(ada)
  })

  it('are kept in DynamoDB under the same names; what the database sets is left to whoever brings it', async () => {
    await call(dynamo.store, 'POST', '', ada)
    expect(own(await call(dynamo.store, 'GET', KEY))).toEqual(ada)
    const item = (await dynamo.item(KEY)) ?? {}
    expect(Object.keys(item).sort()).toEqual([
      'dishes-eaten',
      'first_name',
      'guestId',
      'lastName',
      'updatedAt',
      'version',
    ])
    await dynamo.put({ ...item, 'full name': { S: 'Ada Lovelace' }, visits: { N: '7' } })

    const read = own(await call(dynamo.store, 'GET', KEY))
    expect(read).toEqual({ ...ada, 'full name': 'Ada Lovelace', visits: 7 })
    expect(own(await call(dynamo.store, 'PUT', KEY, read))).toEqual(read)
    expect((await call(dynamo.store, 'PUT', KEY, { ...read, visits: 8 })).statusCode).toBe(422)
    expect(own(await call(dynamo.store, 'PUT', KEY, { ...ada, touched: '2001-01-01T00:00:00Z' }))).toEqual(
      read,
    )
    await call(dynamo.store, 'DELETE', KEY)
  })

  it('come with a stream record under the names of the item, none of them unknown', async () => {
    const image = {
      guestId: { S: KEY },
      first_name: { S: 'Ada' },
      lastName: { S: 'Lovelace' },
      'full name': { S: 'nobody asked' },
      'dishes-eaten': { L: [{ M: { '#': { S: 'Soup' } } }] },
      version: { N: '1' },
      updatedAt: { S: '2026-11-22T03:00:00.123Z' },
    }
    const record = streamRecord({ table: 'Guests', newImage: image })
    const reader = entityReaders([guest], { guest: 'Guests' }).get('Guests')
    const reading = reader?.read({
      ...record,
      dynamodb: { ...record.dynamodb, Keys: { guestId: { S: KEY } } },
    })
    const [read] = reading?.changes ?? []

    expect(reading?.faults).toEqual([])
    expect(read?.unknownAttributes).toBe(0)
    if (read === undefined) throw new Error('no change')
    await aurora.writer.apply(guest, [read.change])
    expect(own(await call(aurora.store, 'GET', KEY))).toMatchObject({ ...ada, 'full name': 'Ada Lovelace' })
  })
})
