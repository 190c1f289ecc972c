import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import type { Facade } from '../../../../functions/bridge/cutover/facade.ts'
import type { Owner } from '../../../../functions/bridge/model/owner.ts'
import { type Route, targetOf } from '../../../../functions/bridge/model/route.ts'
import { runs } from '../../../support/runs.ts'
import { type FacadeWorld, openFacadeWorld, plate } from './facade-world.ts'

/** A move of the route, and of which of the routes before it the next facade goes on knowing. */
type Turn = { readonly percent: number; readonly knows: number }

/**
 * Clients count up what they read, with If-Match, by facades that know the route as it was at some time, while it is turned and
 * a sweep claims keys: what was acknowledged is what is there, and no read is older than what was acknowledged before it.
 */
describe('clients of facades, while the route is moved to and fro', () => {
  let world: FacadeWorld
  beforeAll(async () => {
    world = await openFacadeWorld()
  })
  afterAll(() => world.close())

  const play = async (
    turns: readonly Turn[],
    clients: number,
    known: (routes: readonly Route[], at: number) => Facade,
  ) => {
    const keys = [0, 1].map((n) => `k${n}-${randomUUID().slice(0, 8)}`)
    const acknowledged = new Map(keys.map((key) => [key, 0]))
    await world.make(plate, 'aurora', { code: keys[0] ?? '', title: '0' }, keys[0] ?? '')
    await world.make(plate, 'dynamo', { code: keys[1] ?? '', title: '0' }, keys[1] ?? '')
    const routes: Route[] = [world.move({ stage: 'live', percent: 0 })]
    const stale: string[] = []
    let isOver = false
    const client = async (of: number): Promise<void> => {
      for (let n = 0; !isOver; n++) {
        const key = keys[(of + n) % 2] ?? ''
        const facade = known(routes, of + n)
        const before = acknowledged.get(key) ?? 0
        const read = await world.send('GET', `/plates/${key}`, {}, facade)
        if (read.status === 503) continue
        if (read.status !== 200 || Number(read.body.title) < before)
          stale.push(`${key}: ${read.status} ${read.body.title} after ${before}`)
        const sent = {
          body: { code: key, title: String(Number(read.body.title) + 1) },
          headers: { 'if-match': String(read.headers.etag) },
        }
        const { status } = await world.send('PUT', `/plates/${key}`, sent, facade)
        if (status === 200)
          acknowledged.set(key, Math.max(acknowledged.get(key) ?? 0, Number(sent.body.title)))
        else if (![412, 503].includes(status)) stale.push(`${key}: PUT ${status}`)
      }
    }
    const all = Promise.all(Array.from({ length: clients }, (_, of) => client(of)))
    for (const { percent } of turns) {
      const route = world.move({ stage: 'live', percent })
      routes.push(route)
      for (const key of keys) {
        // As a sweep does: together first, and then what was left by itself.
        await world.claimSet(plate, [key], targetOf(route, key), route.epoch)
        await world.facadeParts.claim(plate, key, targetOf(route, key), route.epoch).catch(() => undefined)
      }
    }
    isOver = true
    await all
    const ends = await Promise.all(keys.map((key) => world.send('GET', `/plates/${key}`)))
    return {
      stale,
      lost: keys.flatMap((key, at) => (Number(ends[at]?.body.title) === acknowledged.get(key) ? [] : [key])),
      owners: await Promise.all(
        keys.map(async (key) => {
          const both = await Promise.all(
            (['aurora', 'dynamo'] as const).map((side: Owner) => world.sides[side].read(plate, key)),
          )
          return both.filter(({ owner }, n) => owner === (n === 0 ? 'aurora' : 'dynamo')).length
        }),
      ),
      acknowledged: [...acknowledged.values()].reduce((sum, n) => sum + n, 0),
    }
  }
  const turns = fc.array(fc.record({ percent: fc.constantFrom(0, 50, 100), knows: fc.nat(3) }), {
    minLength: 4,
    maxLength: 8,
  })

  it('lose no write and read nothing stale, and each key has one owner', async () => {
    let all = 0
    await fc.assert(
      fc.asyncProperty(turns, async (moves) => {
        const played = await play(moves, 3, (routes, at) => {
          const old = routes.at(-1 - (moves[at % moves.length]?.knows ?? 0)) ?? routes[0]
          return world.facadeWith(old && at % 2 === 0 ? { known: old } : {})
        })
        expect(played).toMatchObject({ stale: [], lost: [], owners: [1, 1] })
        all += played.acknowledged
      }),
      { ...runs(20, { seed: 7, short: 4 }), endOnFailure: true },
    )
    expect(all).toBeGreaterThan(0)
  }, 120_000)
})
