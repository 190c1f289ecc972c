import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals'
import { type Owner, otherOf } from '../../../../functions/bridge/model/owner.ts'
import type { Route } from '../../../../functions/bridge/model/route.ts'
import { type FacadeWorld, openFacadeWorld, plate } from './facade-world.ts'

const LEGACY: Partial<Route> = { stage: 'shadow', percent: 0 }
const LIVE: Partial<Route> = { stage: 'live', percent: 100 }
const belonging = { aurora: LEGACY, dynamo: LIVE } as const
const SIDES: readonly Owner[] = ['aurora', 'dynamo']

describe('the facade', () => {
  let world: FacadeWorld
  let code: string
  let path: string

  beforeAll(async () => {
    world = await openFacadeWorld()
  })
  afterAll(() => world.close())
  beforeEach(() => {
    code = `p-${randomUUID().slice(0, 12)}`
    path = `/plates/${code}`
  })
  const row = (title: string) => ({ code, title })
  const put = (
    title: string,
    ...more: Parameters<FacadeWorld['send']> extends [unknown, unknown, ...infer M] ? M : never
  ) => world.send('PUT', path, { ...more[0], body: row(title) }, more[1])
  const get = (
    ...more: Parameters<FacadeWorld['send']> extends [unknown, unknown, unknown?, ...infer M] ? M : never
  ) => world.send('GET', path, {}, ...more)

  describe.each(SIDES)('of a key that %s owns', (owner) => {
    beforeEach(() => world.make(plate, owner, row('one'), code))

    it.each(SIDES)('and that belongs to %s reads it there, without a claim', async (target) => {
      world.move(belonging[target])
      expect(await get()).toMatchObject({ status: 200, side: owner, body: { title: 'one', version: 1 } })
      const record = await world.record(plate, code)
      expect(record[owner]).toBe(`${owner} 0 v1 one`)
    })

    it('writes it there, where it belongs there', async () => {
      const { epoch } = world.move(belonging[owner])
      const written = await put('two')
      expect(written).toMatchObject({ status: 200, side: owner, body: { version: 2 } })
      expect(written.headers).toMatchObject({
        'backsync-stage': owner === 'dynamo' ? 'live;percent=100' : 'shadow',
        'backsync-epoch': String(epoch),
        etag: '"2"',
      })
      expect((await world.record(plate, code))[owner]).toBe(`${owner} 0 v2 two`)
    })

    it('claims it for a write, where it belongs to the other side: with its last content, and no failed request', async () => {
      const { epoch } = world.move(belonging[otherOf(owner)])
      expect(await put('two')).toMatchObject({ status: 200, side: otherOf(owner), body: { version: 2 } })
      const record = await world.record(plate, code)
      expect(record[otherOf(owner)]).toBe(`${otherOf(owner)} ${epoch} v2 two`)
      expect(record[owner]).toMatch(new RegExp(`^${otherOf(owner)} ${epoch} v1`))
      expect(await get()).toMatchObject({ side: otherOf(owner), body: { title: 'two' } })
    })

    it('claims it for a delete too, and tells of it no more', async () => {
      world.move(belonging[otherOf(owner)])
      expect(await world.send('DELETE', path)).toMatchObject({ status: 204, side: otherOf(owner) })
      expect(await get()).toMatchObject({ status: 404, side: otherOf(owner) })
      expect(await put('anew')).toMatchObject({ status: 201, side: otherOf(owner), body: { version: 3 } })
    })

    it('keeps If-Match across a move: what was read is what is written over', async () => {
      world.move(belonging[otherOf(owner)])
      const stale = await put('two', { headers: { 'if-match': '"7"' } })
      expect([stale.status, stale.side]).toEqual([412, otherOf(owner)])
      expect(await put('two', { headers: { 'if-match': '"1"' } })).toMatchObject({
        status: 200,
        body: { version: 2 },
      })
    })

    it('serves it there, by whatever route it is known, once a later move has given it there', async () => {
      const old = world.move(belonging[otherOf(owner)])
      world.move(belonging[owner])
      expect(await put('two')).toMatchObject({ status: 200, side: owner })
      // Of that move the key says nothing yet: it was there already. The next one gives it away and back.
      world.move(belonging[otherOf(owner)])
      await put('three')
      const { epoch } = world.move(belonging[owner])
      await put('four')
      const stale = world.facadeWith({ known: old })
      expect(await put('five', {}, stale)).toMatchObject({ status: 200, side: owner, body: { version: 5 } })
      expect((await world.record(plate, code))[owner]).toBe(`${owner} ${epoch} v5 five`)
    })

    it('completes a move of it that has stopped half way, and reads meanwhile what it holds', async () => {
      const to = otherOf(owner)
      const { epoch } = world.move(belonging[to])
      await world.beginClaim(plate, code, to, epoch)
      expect(await get()).toMatchObject({ status: 200, side: owner, body: { title: 'one' } })
      expect(await put('two')).toMatchObject({ status: 200, side: to, body: { version: 2 } })
    })

    it('turns back a move of it that has stopped half way, where the route has turned since', async () => {
      const to = otherOf(owner)
      const { epoch } = world.move(belonging[to])
      await world.beginClaim(plate, code, to, epoch)
      const back = world.move(belonging[owner])
      expect(await put('two')).toMatchObject({ status: 200, side: owner, body: { version: 2 } })
      expect((await world.record(plate, code))[owner]).toBe(`${owner} ${back.epoch} v2 two`)
    })

    it('completes one that is later than all it knows of', async () => {
      const to = otherOf(owner)
      const { epoch } = world.move(belonging[owner])
      await world.beginClaim(plate, code, to, epoch + 100n)
      expect(await put('two')).toMatchObject({ status: 200, side: to })
    })

    it('claims nothing while the route is frozen', async () => {
      world.move({ ...belonging[otherOf(owner)], frozen: { at: '', by: 'ann', why: 'look' } })
      expect(await put('two')).toMatchObject({ status: 200, side: owner, body: { version: 2 } })
      expect((await world.record(plate, code))[owner]).toBe(`${owner} 0 v2 two`)
      const { frozen: _, ...going } = world.route()
      world.move({ ...going, frozen: undefined })
    })
  })
})
