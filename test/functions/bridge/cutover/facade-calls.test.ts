import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { type Route, STAGES, type Stage } from '../../../../functions/bridge/model/route.ts'
import { type FacadeWorld, openFacadeWorld, plate, type Sent } from './facade-world.ts'

const placeOf = (stage: Stage): Partial<Route> => ({
  ...{ stage, percent: stage === 'live' || stage === 'complete' ? 100 : 0 },
})
const ownerAt = (stage: Stage) => (stage === 'live' || stage === 'complete' ? 'dynamo' : 'aurora')

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
})
