import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals'
import { serve } from '../../../../functions/bridge/api/serve.ts'
import { readHeldRecord } from '../../../../functions/bridge/aurora/held-record.ts'
import { text } from '../../../../functions/bridge/model/attributes/text.ts'
import { childRows } from '../../../../functions/bridge/model/child-rows.ts'
import { defineEntity, type EntityDefinition } from '../../../../functions/bridge/model/entity.ts'
import type { ReadRows } from '../../../../functions/bridge/model/hooks.ts'
import { autoIncrement } from '../../../../functions/bridge/model/identity.ts'
import { normaliseApiEvent } from '../../../../functions/bridge/normalise/api.ts'
import { silent } from '../../../support/log.ts'
import { adopted } from '../../fixtures/specimen.ts'
import { type MirrorWorld, openMirror } from '../mirror/world.ts'
import { openTestVerify, type TestVerify } from '../verify/harness.ts'

const optional = true
const scrollOf = (read: EntityDefinition['read']) =>
  defineEntity({
    name: 'scroll',
    plural: 'scrolls',
    keyName: 'scrollId',
    table: 'scrolls',
    identity: autoIncrement('id'),
    attributes: {
      title: text({ column: 'title', as: 'the title', maxLength: 40, optional }),
      body: text({ column: 'body', maxLength: 40, optional }),
    },
    children: {
      seals: childRows({
        table: 'scroll_seals',
        parentColumn: 'scroll_id',
        positionColumn: 'place',
        attributes: { wax: text({ column: 'wax', maxLength: 9 }) },
        optional,
      }),
    },
    tombstones: 'item',
    mirror: {},
    read,
    example: {},
  })

const whole: ReadRows = async ({ rows }) =>
  new Map(rows.map(({ key }) => [key, { title: `Title of ${key}`, body: `All of ${key}` }]))
/** How often lists were asked for. */
let listed = 0
const scroll = scrollOf({
  get: whole,
  list: async ({ rows }) => {
    listed += 1
    return new Map(rows.map(({ key }) => [key, { title: key === '2' ? null : `Title of ${key}` }]))
  },
})

describe('rows whose lists show less than the whole', () => {
  let world: MirrorWorld
  let verify: TestVerify
  beforeAll(async () => {
    world = await openMirror([scroll], { scroll: 'Scrolls' }, [
      `CREATE TABLE scrolls (id BIGINT AUTO_INCREMENT PRIMARY KEY, title VARCHAR(40), body VARCHAR(40), ${adopted()})`,
      'CREATE TABLE scroll_seals (scroll_id BIGINT, place INT, wax VARCHAR(9), PRIMARY KEY (scroll_id, place))',
    ])
    verify = await openTestVerify(world.sync)
  })
  afterAll(async () => {
    await verify.close()
    await world.close()
  })
  const beside = { version: 1, updatedAt: null }
  beforeEach(async () => {
    await world.legacy.query('INSERT INTO scrolls (id) VALUES (1), (2)')
    listed = 0
  })
  afterEach(async () => {
    await world.legacy.query('DELETE FROM scrolls')
    await world.carry()
  })

  const page = { limit: 9, position: undefined }
  const answer = async (path: string, entity = scroll) => {
    const event = { version: '2.0', rawPath: path, headers: {}, requestContext: { http: { method: 'GET' } } }
    const context = { entities: [entity], base: 'aurora', now: () => new Date(), newKey: () => 'unused' }
    const call = normaliseApiEvent(event, context)
    if (call === undefined) throw new Error('no call')
    const { body } = await serve(call, world.stores.aurora, { requestId: 'r', log: silent })
    const read: unknown = JSON.parse(body ?? 'null')
    return read
  }

  it('have in a list what it tells of them, and by their keys all', async () => {
    expect(await answer('/aurora/scrolls')).toEqual({
      items: [
        { scrollId: '1', 'the title': 'Title of 1', ...beside },
        { scrollId: '2', 'the title': null, ...beside },
      ],
    })
    expect(await answer('/aurora/scrolls/1')).toEqual({
      ...{ scrollId: '1', 'the title': 'Title of 1', body: 'All of 1', seals: [], ...beside },
    })
  })

  it('have in a list all that they have, where nothing says what lists show', async () => {
    for (const read of [whole, { get: whole }])
      expect(await answer('/aurora/scrolls', scrollOf(read))).toMatchObject({
        items: [
          { body: 'All of 1', seals: [] },
          { body: 'All of 2', seals: [] },
        ],
      })
  })

  it('are checked in a list as elsewhere, and where it fails its name is told', async () => {
    const strange = scrollOf({
      get: whole,
      list: async ({ rows }) => new Map(rows.map(({ key }) => [key, key === '1' ? { titel: 'x' } : {}])),
    })
    const found = await world.stores.aurora.list(strange, page)
    expect([found.items.map(({ key }) => key), found.unreadable]).toMatchObject([
      ['2'],
      [{ key: '1', error: { code: 'row.unreadable' } }],
    ])
    const failing = scrollOf({
      get: whole,
      list: async () => {
        throw new RangeError('hunter2')
      },
    })
    await expect(world.stores.aurora.list(failing, page)).rejects.toMatchObject({
      ...{ code: 'hook.failed', message: 'read.list of scroll has failed: RangeError' },
    })
  })

  it('are never read by it where their whole content counts: carried over, claimed, compared', async () => {
    const { aurora } = world.sync
    await world.carry()
    expect((await verify.verify(scroll)).differences).toEqual([])
    expect(await world.item(scroll, '1')).toMatchObject({ body: { S: 'All of 1' } })
    expect(await readHeldRecord(scroll, '1', aurora)).toMatchObject({ row: { body: 'All of 1' } })
    expect(await world.sides.aurora.read(scroll, '2')).toMatchObject({ row: { body: 'All of 2' } })
    await world.claim(scroll, '2', 'dynamo')
    expect(await world.stores.dynamo.get(scroll, '2')).toMatchObject({ row: { body: 'All of 2' } })
    await world.claim(scroll, '2', 'aurora')
    expect((await verify.verify(scroll)).differences).toEqual([])

    expect(listed).toBe(0)
    await world.stores.aurora.list(scroll, page)
    expect(listed).toBe(1)
  })

  it.each<[string, unknown, RegExp]>([
    ['no whole content', { list: whole }, /Entity scroll: read\.get reads the whole content/],
    ['a list that is none', { get: whole, list: 'title' }, /read\.list is a function/],
    ['something else', { get: whole, page: whole }, /read has get and list, and no page/],
  ])('are refused when they are defined with %s', (_, read, why) => {
    expect(() => Reflect.apply(scrollOf, undefined, [read])).toThrow(why)
  })
})
