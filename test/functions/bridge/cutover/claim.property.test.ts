import { randomUUID } from 'node:crypto'
import { isDeepStrictEqual } from 'node:util'
import type { AttributeValue } from '@aws-sdk/client-dynamodb'
import { fc } from '@fast-check/jest'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import type { ResultSetHeader } from 'mysql2'
import { type ClaimSides, claim } from '../../../../functions/bridge/cutover/claim.ts'
import { claimSet } from '../../../../functions/bridge/cutover/claim-set.ts'
import type { RecordKind } from '../../../../functions/bridge/model/attributes/attribute.ts'
import { BridgeError } from '../../../../functions/bridge/model/errors.ts'
import { type Owner, otherOf } from '../../../../functions/bridge/model/owner.ts'
import type { KeyRecord, KeyRecords } from '../../../../functions/bridge/ports/key-records.ts'
import type { KeySets } from '../../../../functions/bridge/ports/key-sets.ts'
import { interleave, type Turn } from '../../../support/interleave.ts'
import { runs, times } from '../../../support/runs.ts'
import { plate } from '../../fixtures/plate.ts'
import { openPlates, type Plates } from './plates.ts'
import { type Route, request } from './states/facade.ts'

type Item = Record<string, AttributeValue>

/** A call that is made after so many others of its actor does not come back: the actor is dead to the stores. */
const death = fc.option(fc.nat({ max: 9 }), { nil: undefined })
const does = fc.constantFrom('put' as const, 'put' as const, 'delete' as const)
const wish = fc.record({ does, looks: fc.boolean(), dies: death })
const history = fc.record({
  begins: fc.constantFrom<Owner>('aurora', 'dynamo'),
  facades: fc.array(fc.array(wish, { minLength: 1, maxLength: 3 }), { minLength: 1, maxLength: 2 }),
  flips: fc.nat({ max: 3 }),
  /** Runs of the job that claims keys for the route as it is, together where that can be, or one by one. */
  sweeps: fc.array(fc.record({ dies: death, together: fc.boolean() }), { maxLength: 2 }),
  legacy: fc.nat({ max: 2 }),
  /** Deliveries of the stream, which die or do not, and earlier records that come once more. */
  deliveries: fc.array(death, { maxLength: 4 }),
  again: fc.array(fc.nat({ max: 9 }), { maxLength: 2 }),
  choices: fc.array(fc.nat({ max: 7 }), { minLength: 8, maxLength: 60 }),
})
type History = typeof history extends fc.Arbitrary<infer T> ? T : never

/** A guard that is taken out of the sides. */
type Twin = { readonly sides?: (sides: ClaimSides) => ClaimSides }

/** One key on real servers: what was acknowledged, what its stream has, and who works on it, call by call. */
class Play {
  readonly key = `plate-${randomUUID()}`
  readonly records: unknown[] = []
  route: Route
  taken = 0
  last: string | undefined
  readonly #world: Plates
  readonly #twin: Twin
  #titles = 0

  constructor(world: Plates, twin: Twin, begins: Owner) {
    this.#world = world
    this.#twin = twin
    this.route = { target: begins, epoch: 0n }
  }

  title(): string {
    this.#titles += 1
    return `title ${this.#titles}`
  }

  /** Makes one call of a store, and keeps what the stream would have of it. */
  async #call<T>(turn: Turn, work: () => Promise<T>): Promise<T> {
    await turn()
    const before = await this.#world.item(plate, this.key)
    try {
      return await work()
    } finally {
      this.#note(before, await this.#world.item(plate, this.key))
    }
  }

  #note(before: Item | undefined, after: Item | undefined): void {
    if (!isDeepStrictEqual(before, after))
      this.records.push(this.#world.recordOf(plate, this.key, before, after))
  }

  #side(turn: Turn, side: KeyRecords): KeyRecords {
    return {
      side: side.side,
      read: (...of) => this.#call(turn, () => side.read(...of)),
      release: (...of) => this.#call(turn, () => side.release(...of)),
      take: (...of) => this.#call(turn, () => side.take(...of)),
      restore: (...of) => this.#call(turn, () => side.restore(...of)),
    }
  }

  sides(turn: Turn): ClaimSides {
    const { aurora, dynamo } = this.#twin.sides?.(this.#world.sides) ?? this.#world.sides
    return { aurora: this.#side(turn, aurora), dynamo: this.#side(turn, dynamo) }
  }

  async request(
    turn: Turn,
    of: { readonly key: string; route: Route },
    does: 'put' | 'delete',
  ): Promise<void> {
    const asked = { does, title: this.title() }
    const write: Parameters<typeof request>[0]['write'] = (side, change) =>
      this.#call(turn, async () => {
        const at = new Date().toISOString()
        const stored = await this.#world.write(side, { ...change, at })
        this.last = change.op === 'delete' ? undefined : asked.title
        return stored
      })
    await request({ sides: this.sides(turn), write }, of, asked, () => this.route)
  }

  #set(turn: Turn, set: KeySets): KeySets {
    return {
      side: set.side,
      read: (...of) => this.#call(turn, () => set.read(...of)),
      busy: (...of) => this.#call(turn, () => set.busy(...of)),
      release: (...of) => this.#call(turn, () => set.release(...of)),
      take: (...of) => this.#call(turn, () => set.take(...of)),
    }
  }

  async sweep(turn: Turn, together: boolean): Promise<unknown> {
    const { target: owner, epoch } = this.route
    const sides = this.sides(turn)
    const { aurora, dynamo } = this.#world.sets
    const sets = { aurora: this.#set(turn, aurora), dynamo: this.#set(turn, dynamo) }
    if (together) await claimSet(plate, [this.key], { owner, epoch }, { sets, sides })
    return claim(plate, this.key, owner, sides, { epoch })
  }

  /** An UPDATE of a legacy program, and the trigger that is to come. */
  async legacy(turn: Turn): Promise<void> {
    await turn()
    const title = this.title()
    const [{ affectedRows }] = await this.#world.sync.aurora.legacy.query<ResultSetHeader>(
      this.#world.legacyUpdate,
      [title, this.key],
    )
    if (affectedRows > 0) this.last = title
  }

  async deliver(turn: Turn, from: number, to: number): Promise<boolean> {
    const { sync } = this.#world
    const { source } = sync.parts
    const { lift } = source
    const { batchItemFailures } = await sync.deliverWith(
      {
        sink: {
          names: sync.parts.sink.names,
          applyIsolating: (...of) => this.#call(turn, () => sync.parts.sink.applyIsolating(...of)),
          isLater: (...of) => this.#call(turn, () => sync.parts.sink.isLater(...of)),
        },
        source: {
          current: (...of) => this.#call(turn, () => source.current(...of)),
          ...(lift && { lift: (...of) => this.#call(turn, () => lift(...of)) }),
        },
      },
      ...this.records.slice(from, to),
    )
    return batchItemFailures.length === 0
  }

  async take(turn: Turn): Promise<void> {
    const to = Math.min(this.records.length, this.taken + 2)
    if (to > this.taken && (await this.deliver(turn, this.taken, to))) this.taken = to
  }
}

const atOnce: Turn = () => Promise.resolve()

class Died extends TypeError {}

/** Turns of which one, after so many, does not come. */
const until = (turn: Turn, dies: number | undefined): Turn => {
  let turns = 0
  return async () => {
    await turn()
    if (dies !== undefined && turns++ >= dies) throw new Died('died')
  }
}

/** A call that is refused, or whose caller dies, was not acknowledged. */
const attempt = async (work: Promise<unknown>): Promise<void> => {
  try {
    await work
  } catch (error) {
    if (!(error instanceof BridgeError || error instanceof Died)) throw error
  }
}

describe.each<RecordKind>(['row', 'sideTable'])(
  'a key on real servers, its record in a %s, of which nothing is lost in whatever order things happen',
  (record) => {
    let world: Plates
    beforeAll(async () => {
      world = await openPlates(record)
    })
    afterAll(() => world.close())

    const told = ({ state, ...of }: KeyRecord): unknown => ('row' in of ? of.row.title : state === 'held')

    const endsEqual = (twin: Twin = {}) =>
      fc.asyncProperty(history, async (of: History) => {
        const play = new Play(world, twin, of.begins)
        await play.request(atOnce, { key: play.key, route: play.route }, 'put')
        const facades = of.facades.map((wishes) => async (turn: Turn) => {
          const known = { key: play.key, route: play.route }
          for (const { does: wanted, looks, dies } of wishes) {
            await turn()
            if (looks) known.route = play.route
            await attempt(play.request(until(turn, dies), known, wanted))
          }
        })
        const operator = async (turn: Turn) => {
          for (let flip = 0; flip < of.flips; flip++) {
            await turn()
            play.route = { target: otherOf(play.route.target), epoch: play.route.epoch + 1n }
          }
        }
        const sweeper = async (turn: Turn) => {
          for (const { dies, together } of of.sweeps) {
            await turn()
            if (play.route.epoch > 0n) await attempt(play.sweep(until(turn, dies), together))
          }
        }
        const legacy = async (turn: Turn) => {
          for (let write = 0; write < of.legacy; write++) await play.legacy(turn)
        }
        const mirror = async (turn: Turn) => {
          for (const dies of of.deliveries) {
            await turn()
            await attempt(play.take(until(turn, dies)))
          }
        }
        const zombie = async (turn: Turn) => {
          for (const which of of.again) {
            await turn()
            const at = play.taken === 0 ? 0 : which % play.taken
            if (play.taken > 0) await attempt(play.deliver(turn, at, at + 1))
          }
        }
        await interleave([...facades, operator, sweeper, legacy, mirror, zombie], of.choices)

        const drain = async (): Promise<void> => {
          for (let round = 0; play.taken < play.records.length; round++) {
            expect(round).toBeLessThan(60)
            await play.take(atOnce)
          }
        }
        await drain()
        // There and back: whatever was half done is completed by it.
        for (const to of ['dynamo', 'aurora', 'dynamo'] as const) {
          await claim(plate, play.key, to, play.sides(atOnce))
          await drain()
          const owner = await world.sides[to].read(plate, play.key)
          expect([to, owner.owner, told(owner)]).toEqual([to, to, play.last ?? false])
        }
        expect(told(await world.sides.aurora.read(plate, play.key))).toEqual(play.last ?? false)
        for (const name of ['plate', 'plate.conflicts'])
          expect((await world.sync.parts.parking.parkedAmong(name, [play.key])).size).toBe(0)
      })

    it(
      'ends on both sides as it was acknowledged last, with nothing listed',
      async () => {
        await fc.assert(endsEqual(), runs(12, 11))
      },
      times(240_000),
    )

    const reading = (side: KeyRecords): KeyRecords => ({
      side: side.side,
      read: (...of) => side.read(...of),
      take: (...of) => side.take(...of),
      restore: (...of) => side.restore(...of),
      release: async (entity, key, to) => ({ ...(await side.read(entity, key)), ...to }),
    })

    it.each<[string, Twin]>([
      [
        'where a claim only reads',
        { sides: ({ aurora, dynamo }) => ({ aurora: reading(aurora), dynamo: reading(dynamo) }) },
      ],
    ])(
      'would not, %s: the same property then fails',
      async (_, twin) => {
        const { failed } = await fc.check(endsEqual(twin), { ...runs(40, 11), endOnFailure: true })
        expect(failed).toBe(true)
      },
      times(240_000),
    )
  },
)
