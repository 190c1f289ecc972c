import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals'
import { readOnce } from '../../../../functions/bridge/http/idempotency-key.ts'
import { derivedKey } from '../../../../functions/bridge/model/derived-key.ts'
import { type Owner, otherOf } from '../../../../functions/bridge/model/owner.ts'
import type { Route } from '../../../../functions/bridge/model/route.ts'
import { chef, type FacadeWorld, type Memory, openFacadeWorld, plate } from './facade-world.ts'

const belonging: Readonly<Record<Owner, Partial<Route>>> = {
  aurora: { stage: 'shadow', percent: 0 },
  dynamo: { stage: 'live', percent: 100 },
}
const WEEK = 7 * 24 * 3600 * 1000
const SIDES: readonly Owner[] = ['aurora', 'dynamo']

describe('a create through the facade', () => {
  let world: FacadeWorld
  let code: string

  beforeAll(async () => {
    world = await openFacadeWorld()
  })
  afterAll(() => world.close())
  beforeEach(() => {
    code = `p-${randomUUID().slice(0, 12)}`
  })
  const body = (lastName = 'Flay') => ({ firstName: code, lastName })

  describe.each(SIDES)('of what belongs to %s', (side) => {
    const other = otherOf(side)

    it('makes what has a key of nobody’s there, and asks nobody', async () => {
      world.move(belonging[side])
      const claims: string[] = []
      const facade = world.facadeWith({}, { claim: (_, key) => Promise.reject(claims.push(key)) })
      const made = await world.send('POST', '/chefs', { body: body() }, facade)

      expect(made).toMatchObject({ status: 201, side, body: { version: 1 } })
      expect(made.headers.location).toBe(`/facade/chefs/${made.body.chefId}`)
      expect((await world.record(chef, made.body.chefId))[side]).toBe(
        `${side} ${world.route().epoch} v1 Flay`,
      )
      expect(claims).toEqual([])
    })

    it.each(['POST', 'PUT'])(
      'makes a key that clients choose there, by %s, and nobody with an older route at the other side',
      async (method) => {
        const old = world.move(belonging[other])
        world.move(belonging[side])
        const path = method === 'POST' ? '/plates' : `/plates/${code}`
        const make = (memory: Memory = {}) =>
          world.send(
            method,
            path,
            { body: { code, title: memory.known === undefined ? 'new' : 'old' } },
            world.facadeWith(memory),
          )
        expect(await make()).toMatchObject({ status: 201, side })

        expect(await make({ known: old })).toMatchObject(
          method === 'POST' ? { status: 409, side } : { status: 200, side },
        )
        expect(await world.send('GET', `/plates/${code}`)).toMatchObject({
          ...{ side, body: { title: method === 'POST' ? 'new' : 'old' } },
        })
      },
    )

    it('makes such a key once, whoever comes with which route at the same time', async () => {
      const old = world.move(belonging[other])
      world.move(belonging[side])
      const made = await Promise.all(
        [old, undefined, old, undefined].map((known, at) =>
          world.send(
            'POST',
            '/plates',
            { body: { code, title: `t${at}` } },
            world.facadeWith(known ? { known } : {}),
          ),
        ),
      )
      const statuses = made.map(({ status }) => status)
      expect(statuses.filter((status) => status === 201)).toHaveLength(1)
      // Who meets a move under way may be asked to come again.
      expect(statuses.filter((status) => ![201, 409, 503].includes(status))).toEqual([])
      const winner = made.findIndex(({ status }) => status === 201)
      expect((await world.send('GET', `/plates/${code}`)).body.title).toBe(`t${winner}`)
      expect(await world.sync.parked('plate.conflicts')).toEqual([])
    })

    it('refuses a key that the other side has, and moves nothing for it', async () => {
      await world.make(plate, other, { code, title: 'there' }, code)
      world.move(belonging[side])
      for (const sent of [
        () => world.send('POST', '/plates', { body: { code, title: 'x' } }),
        () =>
          world.send('POST', '/plates', {
            body: { code, title: 'x' },
            headers: { 'idempotency-key': randomUUID() },
          }),
      ])
        expect(await sent()).toMatchObject({ status: 409, side: other })
      const noneMatch = { body: { code, title: 'x' }, headers: { 'if-none-match': '*' } }
      expect(await world.send('PUT', `/plates/${code}`, noneMatch)).toMatchObject({
        status: 412,
        side: other,
      })
      expect((await world.record(plate, code))[other]).toBe(`${other} 0 v1 there`)
    })

    it('makes anew what was deleted at the other side, above its version', async () => {
      await world.make(plate, other, { code, title: 'there' }, code)
      world.move(belonging[other])
      await world.send('DELETE', `/plates/${code}`)
      world.move(belonging[side])
      expect(await world.send('POST', '/plates', { body: { code, title: 'anew' } })).toMatchObject({
        ...{ status: 201, side, body: { version: 3 } },
      })
    })

    describe('that may be repeated', () => {
      const once = () => ({ headers: { 'idempotency-key': code }, body: body() })
      const post = (memory: Memory = {}, more: object = {}) =>
        world.send('POST', '/chefs', { ...once(), ...more }, world.facadeWith(memory))
      const rows = async () => {
        const { status, body: list } = await world.send('GET', '/chefs', { query: 'limit=100' })
        expect(status).toBe(200)
        return list.items.filter(({ firstName }: { firstName: string }) => firstName === code)
      }

      it('is done once, and its repeat is answered the same, also behind a move', async () => {
        world.move(belonging[side])
        const made = await post()
        expect(made).toMatchObject({ status: 201, side })
        const again = await post()
        expect(again).toMatchObject({
          status: 201,
          body: made.body,
          headers: { 'idempotency-replayed': 'true' },
        })
        world.move(belonging[other])
        expect(await post()).toMatchObject({
          status: 201,
          body: made.body,
          headers: { 'idempotency-replayed': 'true' },
        })
        // And once it was written, and so moved.
        await world.send('PUT', `/chefs/${made.body.chefId}`, { body: body('Next') })
        expect(await post()).toMatchObject({ status: 201, body: { chefId: made.body.chefId } })
      })

      it('is done once by two at the same time, of whom one knows an older route', async () => {
        const old = world.move(belonging[other])
        world.move(belonging[side])
        const both = await Promise.all([post(), post({ known: old }), post(), post({ known: old })])
        const made = both.filter(({ status }) => status === 201)
        expect(made.length).toBeGreaterThan(0)
        expect(new Set(made.map(({ body: { chefId } }) => chefId)).size).toBe(1)
        expect(both.filter(({ status }) => ![201, 409, 503].includes(status))).toEqual([])
        expect(await world.sync.parked('chef.conflicts')).toEqual([])
      })

      it('makes another one when its week is over, which is claimed as the first one was', async () => {
        world.move(belonging[other])
        const made = await post({}, { at: new Date(Date.now() - WEEK - 60_000) })
        expect(made).toMatchObject({ status: 201, side: other })
        world.move(belonging[side])
        const claims: string[] = []
        const { claim } = world.facadeParts
        const facade = world.facadeWith(
          {},
          {
            claim: (entity, key, ...of) => {
              claims.push(key)
              return claim(entity, key, ...of)
            },
          },
        )
        const next = await world.send('POST', '/chefs', once(), facade)
        expect(next.status).toBe(201)
        expect(next.headers).not.toHaveProperty('idempotency-replayed')
        const id = readOnce(
          {
            method: 'POST',
            path: '',
            segments: [],
            query: {},
            headers: { 'idempotency-key': code },
            body: undefined,
          },
          { entity: 'chef', body: null },
        )?.id
        expect([made.body.chefId, next.body.chefId]).toEqual([0, 1].map((life) => derivedKey(id ?? '', life)))
        expect([next.side, claims]).toEqual(
          side === 'dynamo' ? ['dynamo', [next.body.chefId]] : ['aurora', []],
        )
        expect(await world.send('POST', '/chefs', once())).toMatchObject({
          status: 201,
          body: { chefId: next.body.chefId },
        })
      })

      it('is told apart from another request with its key', async () => {
        world.move(belonging[side])
        await post()
        world.move(belonging[other])
        expect((await post({}, { body: body('Other') })).status).toBe(422)
        expect(await rows()).toEqual(
          [expect.objectContaining({ lastName: 'Flay' })].slice(0, (await rows()).length),
        )
      })
    })
  })
})
