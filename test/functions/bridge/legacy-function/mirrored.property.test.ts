/**
 * Waits for functions that do not answer, most of its time.
 *
 * @waits
 */
import { fc } from '@fast-check/jest'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { claim } from '../../../../functions/bridge/cutover/claim.ts'
import type { Owner } from '../../../../functions/bridge/model/owner.ts'
import { ClaimConflictError } from '../../../../functions/bridge/ports/claim-errors.ts'
import type { KeyRecord } from '../../../../functions/bridge/ports/key-records.ts'
import { interleave, type Turn } from '../../../support/interleave.ts'
import { runs, times } from '../../../support/runs.ts'
import { atOnce, attempt, FATES, type Keys, openTrays, Play, type TrayWorld, until } from './mirrored-play.ts'

/** A call that is made after so many others of its actor does not come back: the actor is dead to the stores. */
const death = fc.option(fc.nat({ max: 9 }), { nil: undefined })
const side = fc.constantFrom<Owner>('aurora', 'dynamo')
const history = fc.record({
  begins: fc.constantFrom<Owner | 'SQL'>('aurora', 'dynamo', 'dynamo', 'SQL'),
  legacy: fc.array(fc.constantFrom('update', 'update', 'delete', 'insert', 'insert'), {
    minLength: 1,
    maxLength: 4,
  }),
  clients: fc.array(
    fc.array(fc.record({ side, does: fc.constantFrom('put', 'put', 'delete') }), {
      minLength: 1,
      maxLength: 3,
    }),
    {
      ...{ minLength: 1, maxLength: 2 },
    },
  ),
  moves: fc.array(fc.record({ to: side, dies: death, which: fc.nat({ max: 3 }) }), { maxLength: 3 }),
  relays: fc.array(fc.array(death, { minLength: 1, maxLength: 3 }), { minLength: 1, maxLength: 2 }),
  deliveries: fc.array(death, { minLength: 1, maxLength: 5 }),
  again: fc.array(fc.nat({ max: 9 }), { maxLength: 2 }),
  /** What happens to the calls of the function, in their order; to all others nothing. */
  fates: fc.array(fc.constantFrom(...FATES), { maxLength: 5 }),
  choices: fc.array(fc.nat({ max: 7 }), { minLength: 8, maxLength: 60 }),
})
type History = typeof history extends fc.Arbitrary<infer T> ? T : never

describe.each<Keys>(['counted', 'natural'])(
  'trays of %s keys, which a function writes and the mirror follows',
  (keys) => {
    let world: TrayWorld
    beforeAll(async () => {
      world = await openTrays(keys)
    }, 60_000)
    afterAll(() => world.close())

    const told = (one: KeyRecord): unknown => (one.state === 'held' ? one.row.title : undefined)

    const play = async (of: History): Promise<void> => {
      for (const table of ['changes', 'calls']) await world.legacy.query(`DELETE FROM backsync_${table}`)
      const own = new Play(world, of.fates)
      await own.begin()
      const clients = of.clients.map((wishes) => async (turn: Turn) => {
        for (const wish of wishes)
          await attempt(own.client(turn, wish.side, wish.does === 'put' ? 'put' : 'delete'))
      })
      const legacy = async (turn: Turn) => {
        for (const does of of.legacy) await own.legacy(turn, does)
      }
      const relays = of.relays.map((lives) => async (turn: Turn) => {
        for (const dies of lives) {
          await turn()
          await attempt(own.carry(until(turn, dies)))
        }
      })
      const operator = async (turn: Turn) => {
        for (const { to, dies, which } of of.moves) {
          await turn()
          await attempt(own.move(until(turn, dies), to, which))
        }
      }
      const mirror = async (turn: Turn) => {
        for (const dies of of.deliveries) {
          await turn()
          await attempt(own.take(until(turn, dies)))
        }
      }
      const zombie = async (turn: Turn) => {
        for (const which of of.again) {
          await turn()
          const at = own.taken === 0 ? 0 : which % own.taken
          if (own.taken > 0) await attempt(own.deliver(turn, at, at + 1))
        }
      }
      if (of.begins === 'SQL') await own.legacy(atOnce, 'insert')
      else await attempt(own.client(atOnce, of.begins, 'put'))
      await interleave([legacy, ...clients, ...relays, operator, mirror, zombie], of.choices)
      own.allWell()
      await own.drain()
      // A key of the client's own may be made at both sides at once: then a person has to decide.
      if (own.births > 1 && (await own.listed()).length > 0) return
      const trail = () => `\n${own.trail.join('\n')}`
      for (const to of ['dynamo', 'aurora'] as const) {
        try {
          await claim(world.tray, own.key, to, own.sides(atOnce))
        } catch (error) {
          if (own.births > 1 && error instanceof ClaimConflictError) return
          throw new Error(`can't go to ${to}: ${error}; ${await own.left()}${trail()}`)
        }
        await own.drain()
        // What the function has failed of is listed, until something later of it gets through.
        const listed = await own.listed()
        if (to === 'dynamo' && listed.length === 1 && listed[0] === 'tray key')
          await own.client(atOnce, to, 'put')
        await own.drain()
      }
      const [row, item] = [
        await world.sides.aurora.read(world.tray, own.key),
        await world.sides.dynamo.read(world.tray, own.key),
      ]
      const faults = [
        ...(await own.listed()).map((one) => `listed: ${one}`),
        ...(told(row) === told(item) ? [] : [`row ${told(row)}, item ${told(item)}`]),
        ...(row.version === item.version ? [] : [`row v${row.version}, item v${item.version}`]),
        ...(own.births > 1 || own.ends().some((title) => title === told(row))
          ? []
          : [`ends as ${told(row)}, not ${own.ends()}`]),
        ...(await own.faultsBeside()),
      ]
      if (faults.length > 0) throw new Error(`${faults.join('; ')}; ${await own.left()}${trail()}`)
    }

    it(
      'end on both sides as was acknowledged last, each under one key, and nothing moves any more',
      async () => {
        const found = await fc.check(fc.asyncProperty(history, play), {
          ...runs(8, { seed: 11, short: 3 }),
          endOnFailure: true,
        })
        expect(found.failed ? String(found.errorInstance) : '').toBe('')
      },
      times(280_000),
    )
  },
)
