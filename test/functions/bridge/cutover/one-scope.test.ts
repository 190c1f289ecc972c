import { randomUUID } from 'node:crypto'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals'
import type { RowDataPacket } from 'mysql2'
import { readOnce } from '../../../../functions/bridge/http/idempotency-key.ts'
import { type Owner, otherOf } from '../../../../functions/bridge/model/owner.ts'
import { type FacadeWorld, openFacadeWorld } from './facade-world.ts'
import { belonging, KINDS, type Kind } from './repeatable.ts'

const WEEK = 7 * 24 * 3600 * 1000
const WAYS: readonly Owner[] = ['aurora', 'dynamo']
const REUSED = 'urn:backsync:problem:idempotency-key-reused'

type Answer = Awaited<ReturnType<FacadeWorld['send']>>

/** What a client gets of an answer, without the sign of a repeat and what says which side has answered. */
const given = ({ status, body, headers: { location, etag } }: Answer) => ({ status, body, location, etag })

describe.each(KINDS.flatMap((kind) => WAYS.map((first) => [kind.name, first, kind] as const)))(
  'a create with an Idempotency-Key of %s, first at %s, then at the other side',
  (_, first, kind: Kind) => {
    const { entity, path } = kind
    const second = otherOf(first)
    let world: FacadeWorld
    let once: string
    let name: string

    beforeAll(async () => {
      world = await openFacadeWorld()
    })
    afterAll(() => world.close())
    beforeEach(() => {
      once = randomUUID()
      name = `n-${once.slice(0, 12)}`
    })
    afterEach(() => world.sync.aurora.api.faults.clear())

    const post = (
      more: { readonly title?: string; readonly at?: Date } = {},
      facade = world.facadeWith(),
    ) => {
      const { title = 'one', at } = more
      const sent = { body: kind.body(name, title), headers: { 'idempotency-key': once } }
      return world.send('POST', path, { ...sent, ...(at && { at }) }, facade)
    }
    const keyOf = ({ body }: Answer): string => String(body[entity.keyName])
    /** Moves the route, and the key with it. */
    const moved = async (key: string, to: Owner = second): Promise<void> => {
      const { epoch } = world.move(belonging[to])
      await world.facadeParts.claim(entity, key, to, epoch)
    }
    const made = async (at?: Date): Promise<Answer> => {
      world.move(belonging[first])
      const answer = await post(at && { at })
      expect(answer).toMatchObject({ status: 201, side: first })
      return answer
    }
    /** All of this test that both stores hold. */
    const held = async () => {
      const [rows] = await world.sync.aurora.legacy.query<RowDataPacket[]>(kind.count, [name])
      let position: string | undefined
      let items = 0
      do {
        const page = await world.stores.dynamo.list(entity, { limit: 100, position })
        items += page.items.filter(({ row }) => row[kind.named] === name).length
        position = page.next
      } while (position !== undefined)
      return { rows: Number(rows[0]?.n), items }
    }
    const both = async (key: string) => (await world.record(entity, key))[second]

    it('asks for no other record where it meets nothing, nor where its own is there', async () => {
      const asked: string[] = []
      const { stores } = world.facadeParts
      const noting = (side: Owner) =>
        Object.assign(Object.create(stores[side]), {
          createOnce: stores[side].createOnce.bind(stores[side]),
          recall: () => Promise.reject(asked.push(side)),
        })
      const facade = world.facadeWith({}, { stores: { aurora: noting('aurora'), dynamo: noting('dynamo') } })
      world.move(belonging[first])
      expect([(await post({}, facade)).status, (await post({}, facade)).status, asked]).toEqual([
        201,
        201,
        [],
      ])
    })

    it('is answered as it was first', async () => {
      const answer = await made()
      await moved(keyOf(answer))
      for (const _ of ['twice', 'so']) {
        const again = await post()
        expect(given(again)).toEqual(given(answer))
        expect(again).toMatchObject({ side: second, headers: { 'idempotency-replayed': 'true' } })
      }
      expect(await held()).toEqual({ rows: 1, items: 1 })
    })

    it('is answered as it was first, also once it was written there, and deleted', async () => {
      const answer = await made()
      const at = `${path}/${keyOf(answer)}`
      await moved(keyOf(answer))
      expect((await world.send('PUT', at, { body: kind.body(name, 'two') })).status).toBe(200)
      expect(given(await post())).toEqual(given(answer))
      expect(await both(keyOf(answer))).toMatch(/v2 two$/)
      expect((await world.send('DELETE', at)).status).toBe(204)
      expect(given(await post())).toEqual(given(answer))
      expect(await both(keyOf(answer))).toMatch(/v3 deleted$/)
      expect(await held()).toMatchObject({ [second === 'aurora' ? 'rows' : 'items']: 0 })
    })

    it('is answered as it was first on its way back as well', async () => {
      const answer = await made()
      await moved(keyOf(answer))
      expect((await post()).status).toBe(201)
      await moved(keyOf(answer), first)
      expect(given(await post())).toEqual(given(answer))
      expect(await held()).toEqual({ rows: 1, items: 1 })
    })

    it('is told apart from another request, whose body was written over since', async () => {
      const answer = await made()
      await moved(keyOf(answer))
      await world.send('PUT', `${path}/${keyOf(answer)}`, { body: kind.body(name, 'two') })
      for (const title of ['two', 'three'])
        expect(await post({ title })).toMatchObject({ status: 422, body: { type: REUSED } })
      expect(await both(keyOf(answer))).toMatch(/v2 two$/)
      // And has used nothing up.
      expect(given(await post())).toEqual(given(answer))
    })

    it('makes another one when its week is over, also where that was written since; once', async () => {
      const answer = await made(new Date(Date.now() - WEEK - 60_000))
      const key = keyOf(answer)
      await moved(key)
      await world.send('PUT', `${path}/${key}`, { body: kind.body(name, 'two') })
      const next = await post()
      if (entity.identity.kind === 'natural') {
        expect(next.status).toBe(409)
        return
      }
      expect(next).toMatchObject({ status: 201, side: second })
      expect(next.headers).not.toHaveProperty('idempotency-replayed')
      expect(keyOf(next)).not.toBe(key)
      await moved(keyOf(next), first)
      expect(given(await post())).toEqual(given(next))
      await moved(key, first)
      expect(given(await post())).toEqual(given(next))
      await moved(keyOf(next), second)
      expect(given(await post())).toEqual(given(next))
    })

    it('makes another one where a later one than its record tells of was deleted just now, and its own record is gone', async () => {
      if (entity.identity.kind === 'natural') return
      const earliest = await made(new Date(Date.now() - 2 * (WEEK + 60_000)))
      await moved(keyOf(earliest))
      const later = await post({ at: new Date(Date.now() - WEEK - 60_000) })
      expect(later).toMatchObject({ status: 201, side: second })
      await moved(keyOf(later), first)
      expect((await world.send('DELETE', `${path}/${keyOf(later)}`)).status).toBe(204)
      const headers = { 'idempotency-key': once }
      const request = { method: 'POST', path, segments: [], query: {}, headers, body: undefined }
      await world.forget(readOnce(request, { entity: entity.name, body: null })?.id ?? '', second)

      const next = await post()
      expect(next).toMatchObject({ status: 201, side: first })
      expect(new Set([earliest, later, next].map(keyOf)).size).toBe(3)
      expect(given(await post())).toEqual(given(next))
    })

    describe('by functions of the release before', () => {
      /** What these did: their ids say where the request came in. */
      const earlier = (side: Owner, where: 'aurora' | 'dynamo' | 'facade') => {
        const { createOnce } = world.stores[side]
        const store = Object.assign(Object.create(world.stores[side]), {
          createOnce: (...[of, change, { former, elsewhere: _, ...asked }]: Parameters<typeof createOnce>) =>
            createOnce.call(world.stores[side], of, change, { ...asked, id: former?.[where] ?? '' }),
        })
        return world.facadeWith({}, { stores: { ...world.stores, [side]: store } })
      }
      it.each([first, 'facade'] as const)(
        'came to %s, and is found there and at the other side',
        async (where) => {
          world.move(belonging[first])
          const answer = await post({}, earlier(first, where))
          expect(answer.status).toBe(201)
          expect(given(await post())).toEqual(given(answer))
          expect((await post({ title: 'two' })).status).toBe(422)
          await moved(keyOf(answer))
          await world.send('PUT', `${path}/${keyOf(answer)}`, { body: kind.body(name, 'two') })
          expect(given(await post())).toEqual(given(answer))
          expect((await post({ title: 'two' })).status).toBe(422)
          expect(await held()).toEqual({ rows: 1, items: 1 })
        },
      )

      it('is done once by both at once', async () => {
        world.move(belonging[first])
        const old = [1, 2].map(() => post({}, earlier(first, 'facade')))
        const answers = await Promise.all([post(), post()])
        const all = [...answers, ...(await Promise.all(old))].filter(({ status }) => status === 201)
        expect(answers.filter(({ status }) => ![201, 409, 503].includes(status))).toEqual([])
        const last = await post()
        expect(new Set([...all, last].map(keyOf)).size).toBe(1)
        expect(last.status).toBe(201)
        expect(await held()).toMatchObject({ [first === 'aurora' ? 'rows' : 'items']: 1 })
      })
    })
  },
)
