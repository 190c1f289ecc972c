import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { type Route, STAGES, type Stage } from '../../../../functions/bridge/model/route.ts'
import { chef, type FacadeWorld, openFacadeWorld, plate, type Sent } from './facade-world.ts'

const placeOf = (stage: Stage): Partial<Route> => ({
  ...{ stage, percent: stage === 'live' || stage === 'complete' ? 100 : 0 },
})
const ownerAt = (stage: Stage) => (stage === 'live' || stage === 'complete' ? 'dynamo' : 'aurora')

const withCode = <T>(make: (body: { code: string; title: string }) => T): T =>
  make({ code: `p-${randomUUID().slice(0, 12)}`, title: 'x' })

type Operation = (code: string) => readonly [method: string, path: string, sent?: Sent]
const OPERATIONS: Readonly<Record<string, Operation>> = {
  'a read': (code) => ['GET', `/plates/${code}`],
  'a replacement': (code) => ['PUT', `/plates/${code}`, { body: { code, title: 'y' } }],
  'a delete': (code) => ['DELETE', `/plates/${code}`],
  'a create': () => ['POST', '/chefs', { body: { firstName: 'a', lastName: 'b' } }],
  'a list': () => ['GET', '/plates'],
}

describe('the calls of the facade', () => {
  let world: FacadeWorld
  beforeAll(async () => {
    world = await openFacadeWorld()
  })
  afterAll(() => world.close())

  describe.each(STAGES)('in the stage %s', (stage) => {
    it.each(Object.entries(OPERATIONS))(
      'are those of the side that has the key, for %s, and none to the other',
      async (_, operation) => {
        const owner = ownerAt(stage)
        world.move(placeOf(stage))
        const callsOf = async (send: (...of: ReturnType<Operation>) => Promise<unknown>) => {
          const code = `p-${randomUUID().slice(0, 12)}`
          await world.make(plate, owner, { code, title: 'x' }, code)
          return world.calls(() => send(...operation(code)))
        }
        const atSide = await callsOf((...of) => world.sendTo(owner, ...of))
        const facade = await callsOf((...of) => world.send(...of))

        expect(facade).toEqual(atSide)
        expect(owner === 'dynamo' ? facade.aurora : facade.dynamo.length).toBe(0)
        expect(owner === 'dynamo' ? facade.dynamo.length : facade.aurora).toBeGreaterThan(0)
      },
    )
  })

  describe('of a route that is complete, and settled as that', () => {
    const over = () => {
      const { epoch } = world.move(placeOf('complete'))
      world.settle({ epoch, at: new Date().toISOString() })
    }
    it.each<readonly [string, () => ReturnType<Operation>, number]>([
      ['a read of what is nowhere', () => ['GET', `/plates/${randomUUID()}`], 404],
      ['a read by digits', () => ['GET', '/chefs/4711'], 404],
      [
        'a replacement by digits',
        () => ['PUT', '/chefs/4711', { body: { firstName: 'a', lastName: 'b' } }],
        404,
      ],
      ['a delete of what is nowhere', () => ['DELETE', `/plates/${randomUUID()}`], 404],
      [
        'a create of a key that the client brings',
        () => withCode((body) => ['POST', '/plates', { body }]),
        201,
      ],
      [
        'a PUT that makes it',
        () =>
          withCode((body) => ['PUT', `/plates/${body.code}`, { body, headers: { 'if-none-match': '*' } }]),
        201,
      ],
      [
        'a create that may be repeated',
        () => [
          'POST',
          '/chefs',
          { body: { firstName: 'a', lastName: 'b' }, headers: { 'idempotency-key': randomUUID() } },
        ],
        201,
      ],
      ['a list', () => ['GET', '/plates'], 200],
      [
        'a list whose cursor is of the other side',
        () => ['GET', '/plates', { query: `cursor=${Buffer.from('aurora\nx').toString('base64url')}` }],
        400,
      ],
    ])('are none to Aurora for %s', async (_, operation, status) => {
      over()
      let answered: number | undefined
      const calls = await world.calls(async () => {
        answered = (await world.send(...operation())).status
      })
      expect([answered, calls.aurora]).toEqual([status, 0])
    })

    it('are none to Aurora for a repeat whose first answer is DynamoDB’s; for a week one, where it may be Aurora’s', async () => {
      over()
      const post = (key: string, at = new Date()) => {
        const sent = { body: { firstName: 'a', lastName: 'b' }, headers: { 'idempotency-key': key }, at }
        return world.send('POST', '/chefs', sent)
      }
      const own = randomUUID()
      const { body } = await post(own)
      expect((await world.calls(async () => expect((await post(own)).body).toEqual(body))).aurora).toBe(0)

      world.settle(undefined)
      world.move(placeOf('mirrored'))
      const former = randomUUID()
      const first = await post(former)
      expect(first.side).toBe('aurora')
      world.move(placeOf('live'))
      await world.claim(chef, String(first.body.chefId), 'dynamo')
      over()
      const repeat = await world.calls(async () => expect((await post(former)).body).toEqual(first.body))
      expect(repeat.aurora).toBeGreaterThan(0)
      const later = new Date(Date.now() + 8 * 24 * 3_600_000)
      expect((await world.calls(() => post(former, later))).aurora).toBe(0)
    })

    it('are as before until it is settled: what was made in Aurora meanwhile is found', async () => {
      const code = `p-${randomUUID().slice(0, 12)}`
      await world.make(plate, 'aurora', { code, title: 'late' }, code)
      world.settle(undefined)
      world.move(placeOf('complete'))
      expect(await world.send('GET', `/plates/${code}`)).toMatchObject({ status: 200, side: 'aurora' })
      over()
      expect(await world.send('GET', `/plates/${code}`)).toMatchObject({ status: 404 })
    })
  })

  it('for a read of a key that belongs elsewhere are one more, at most two of Aurora’s', async () => {
    const [inAurora, inDynamo] = [`p-${randomUUID()}`, `p-${randomUUID()}`]
    await world.make(plate, 'aurora', { code: inAurora, title: 'x' }, inAurora)
    await world.make(plate, 'dynamo', { code: inDynamo, title: 'x' }, inDynamo)
    world.move(placeOf('live'))
    expect(await world.calls(() => world.send('GET', `/plates/${inAurora}`))).toEqual({
      aurora: 1,
      dynamo: ['GetItem'],
    })
    world.move(placeOf('shadow'))
    // Of what Aurora has no row of, it is asked for a tombstone too.
    expect(await world.calls(() => world.send('GET', `/plates/${inDynamo}`))).toEqual({
      aurora: 2,
      dynamo: ['GetItem'],
    })
  })

  it('for a write of a key that was claimed are those of its side, from the second write on', async () => {
    const code = `p-${randomUUID().slice(0, 12)}`
    await world.make(plate, 'aurora', { code, title: 'x' }, code)
    world.move(placeOf('live'))
    const put = () => world.calls(() => world.send('PUT', `/plates/${code}`, { body: { code, title: 'y' } }))
    const first = await put()
    expect(first.aurora).toBeGreaterThan(0)
    expect(await put()).toEqual({ aurora: 0, dynamo: ['UpdateItem'] })
  })

  it('for the first write of a key behind a move are those of its claim, which looks at nothing twice', async () => {
    const code = `p-${randomUUID().slice(0, 12)}`
    await world.make(plate, 'aurora', { code, title: 'x' }, code)
    const put = () => world.calls(() => world.send('PUT', `/plates/${code}`, { body: { code, title: 'y' } }))
    const [there, back] = [placeOf('live'), placeOf('shadow')]
    for (const place of [there, back]) {
      world.move(place)
      await put()
    }
    world.move(there)
    // Aurora: the look, tombstone, row, and the row's last image. DynamoDB: the try, the look, what is written over, the list of conflicts.
    expect(await put()).toEqual({
      aurora: 4,
      dynamo: ['UpdateItem', 'GetItem', 'GetItem', 'PutItem', 'BatchGetItem', 'UpdateItem'],
    })
    world.move(back)
    // Aurora: the try, two looks, content, tombstone, row and what it is then, and the write with its own two looks.
    expect(await put()).toEqual({
      aurora: 9,
      dynamo: ['GetItem', 'GetItem', 'UpdateItem', 'BatchGetItem'],
    })
  })
})
