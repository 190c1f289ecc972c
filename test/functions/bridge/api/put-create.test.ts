import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { serve } from '../../../../functions/bridge/api/serve.ts'
import type { RecordKind } from '../../../../functions/bridge/model/attributes/attribute.ts'
import type { Entity } from '../../../../functions/bridge/model/entity.ts'
import { normaliseApiEvent } from '../../../../functions/bridge/normalise/api.ts'
import type { EntityStore } from '../../../../functions/bridge/ports/store.ts'
import { openTestAurora } from '../../../support/aurora.ts'
import { silent } from '../../../support/log.ts'
import { httpApiEvent } from '../../fixtures/http-events.ts'
import { keyedOf } from '../../fixtures/keyed.ts'
import { openTestTables } from '../dynamo/tables.ts'

const fixturesOf = (record: RecordKind) => {
  const found = new Map(keyedOf(record).map(([, one]) => [one.entity.name, one]))
  return ['team', 'product', 'order', 'device', 'crate'].flatMap((name) => found.get(name) ?? [])
}

/** No two writes of one content are of one millisecond: after a deadlock nobody could tell them apart. */
let clock = Date.parse('2026-11-22T03:00:00.123Z')

type Store = { readonly store: EntityStore; close(): Promise<void> }
const onAurora = async ({ record }: Entity): Promise<Store> => {
  const aurora = await openTestAurora()
  for (const { tables } of fixturesOf(record)) for (const text of tables) await aurora.legacy.query(text)
  return aurora
}
const sides: readonly (readonly [string, RecordKind, (entity: Entity) => Promise<Store>])[] = [
  ['aurora', 'row', onAurora],
  ['aurora', 'sideTable', onAurora],
  ['dynamo', 'row', ({ item }) => openTestTables(item.table, item.keyAttribute)],
]

describe.each(sides)('a PUT on /%s, with records in a %s', (base, record, open) => {
  describe.each(fixturesOf(record).map((one) => [one.entity.name, one] as const))('of a %s', (_, fixture) => {
    const { rows, changed, keys } = fixture
    const entity: Entity = { ...fixture.entity, put: 'create' }
    const [key, other] = keys
    let side: Store

    beforeAll(async () => {
      side = await open(entity)
    })
    afterAll(() => side.close())

    const path = (of: string) => `/${base}/${entity.plural}/${encodeURIComponent(of)}`
    const send = async (
      method: string,
      of: string,
      row?: (typeof rows)[number],
      headers: Record<string, string> = {},
      as: Entity = entity,
    ) => {
      const body =
        row === undefined
          ? {}
          : {
              body: JSON.stringify(
                Object.fromEntries(
                  Object.entries(as.fields).map(([name, field]) => [
                    name,
                    field.toJson(row[name] ?? null) ?? undefined,
                  ]),
                ),
              ),
            }
      const call = normaliseApiEvent(httpApiEvent(method, path(of), { headers, ...body }), {
        entities: [as],
        base,
        now: () => new Date(clock++),
        newKey: () => 'never',
      })
      if (call === undefined) throw new Error('no call')
      const response = await serve(call, side.store, { requestId: 'r', log: silent })
      return { ...response, json: response.body === undefined ? {} : JSON.parse(response.body) }
    }
    const [row, otherRow] = rows

    it('makes what nothing has, and says where it is; then it replaces', async () => {
      const made = await send('PUT', key, row)
      expect(made).toMatchObject({ statusCode: 201, headers: { etag: '"1"' } })
      expect(decodeURIComponent(made.headers.location ?? '')).toBe(decodeURIComponent(path(key)))
      expect(made.json).toMatchObject({ [entity.keyName]: key, version: 1 })
      expect(made.json).not.toHaveProperty('created')

      const replaced = await send('PUT', key, changed)
      expect(replaced).toMatchObject({ statusCode: 200, headers: { etag: '"2"' } })
      expect(replaced.headers).not.toHaveProperty('location')
      expect((await send('GET', key)).json).toMatchObject({ version: 2 })
    })

    it('keeps to its preconditions', async () => {
      for (const [headers, of, status] of [
        [{ 'if-none-match': '*' }, key, 412],
        [{ 'if-match': '"1"' }, key, 412],
        [{ 'if-match': '"2"' }, other, 412],
        [{ 'if-match': '*' }, other, 412],
        [{ 'if-none-match': '"2"' }, key, 400],
        [{ 'if-none-match': '*', 'if-match': '"2"' }, key, 400],
        [{ 'if-match': '*' }, key, 200],
        [{ 'if-match': '"3"' }, key, 200],
        [{ 'if-none-match': '*' }, other, 201],
      ] as const)
        expect([headers, (await send('PUT', of, of === key ? row : otherRow, headers)).statusCode]).toEqual([
          headers,
          status,
        ])
    })

    it('makes anew what was deleted, above that', async () => {
      expect((await send('DELETE', key)).statusCode).toBe(204)
      expect((await send('GET', key)).statusCode).toBe(404)
      const made = await send('PUT', key, row)
      expect(made.statusCode).toBe(201)
      if (base === 'aurora') expect(made.json.version).toBeGreaterThan(5)
    })

    it('of several at once makes it once, and loses none of the others', async () => {
      await send('DELETE', key)
      const answers = await Promise.all([1, 2, 3].map(() => send('PUT', key, row)))

      expect(answers.map(({ statusCode }) => statusCode).toSorted()).toEqual([200, 200, 201])
      expect(new Set(answers.map(({ json }) => json.version)).size).toBe(3)
    })

    it('lets one of several through that each would be the first', async () => {
      await send('DELETE', key)
      const answers = await Promise.all([1, 2, 3].map(() => send('PUT', key, row, { 'if-none-match': '*' })))

      expect(answers.map(({ statusCode }) => statusCode).toSorted()).toEqual([201, 412, 412])
    })

    it('is 404 where the entity does not say so, whatever it names', async () => {
      await send('DELETE', key)
      const sent: Record<string, string>[] = [{}, { 'if-none-match': '*' }, { 'if-match': '"1"' }]
      for (const headers of sent)
        expect((await send('PUT', key, row, headers, fixture.entity)).statusCode).toBe(404)
    })

    if (entity.keyParts.length === 0)
      it('never makes what a client would take for an id', async () => {
        expect((await send('PUT', '4711', row)).statusCode).toBe(404)
      })

    if (entity.identity.kind === 'natural')
      it('is refused under another key than it holds', async () => {
        expect(await send('PUT', other, row)).toMatchObject({
          statusCode: 422,
          json: { errors: expect.any(Array) },
        })
      })

    const { near } = fixture
    if (near !== undefined && base === 'aurora')
      it('is refused by name under a key that the table takes for another one', async () => {
        await send('PUT', key, row)
        expect((await send('PUT', near.key, near.row)).statusCode).toBe(422)
      })
  })
})
