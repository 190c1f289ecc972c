import { randomUUID } from 'node:crypto'
import type { AttributeValue } from '@aws-sdk/client-dynamodb'
import { fc } from '@fast-check/jest'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import type { Change } from '../../../../functions/bridge/model/change.ts'
import type { Sink } from '../../../../functions/bridge/ports/sink.ts'
import type { Source } from '../../../../functions/bridge/ports/source.ts'
import { chef } from '../../../fixtures/entities/chef.ts'
import { interleave, type Turn } from '../../../support/interleave.ts'
import { runs, times } from '../../../support/runs.ts'
import { chefItem } from '../../fixtures/recipe-records.ts'
import { streamRecord } from '../../fixtures/stream-events.ts'
import { openTestSync, type TestSync } from './harness.ts'

type Item = Record<string, AttributeValue>
type Lift = NonNullable<Source['lift']>

/** What writers do to one key: a plain put, a write that counts, a delete by anybody, time to live among them. */
const writes = fc.array(
  fc.oneof(
    fc.record({ does: fc.constant('put' as const), version: fc.integer({ min: 1, max: 3 }) }),
    fc.record({ does: fc.constant('count' as const) }),
    fc.record({ does: fc.constant('delete' as const) }),
  ),
  { minLength: 1, maxLength: 6 },
)
const history = fc.record({
  writes,
  /** Whose turn it is. */
  choices: fc.array(fc.nat({ max: 5 }), { minLength: 8, maxLength: 40 }),
  /** Earlier records that are delivered once more beside, and how many records each batch has. */
  again: fc.array(fc.nat({ max: 8 }), { maxLength: 2 }),
  batch: fc.integer({ min: 1, max: 3 }),
})
type History = typeof history extends fc.Arbitrary<infer T> ? T : never

/** The stream of one key: what was written, in that order, and how far it has been delivered. */
class World {
  readonly key = randomUUID()
  readonly records: unknown[] = []
  /** Changes whose own step looks normal: their version is above the one before. */
  readonly normal = new Set<string>()
  taken = 0
  lifts = 0
  readonly #sync: TestSync
  #item: Item | undefined

  constructor(sync: TestSync) {
    this.#sync = sync
  }

  get item(): Item | undefined {
    return this.#item
  }

  get version(): number {
    return Number(this.#item?.version?.N ?? 0)
  }

  async put(item: Item): Promise<void> {
    await this.#sync.put(chef, item)
    this.wrote(item)
  }

  async remove(): Promise<void> {
    if (this.#item === undefined) return
    await this.#sync.remove(chef, this.key)
    this.wrote(undefined)
  }

  wrote(item: Item | undefined): void {
    const sequence = String(1000 + this.records.length)
    const record = streamRecord({
      table: 'Chefs',
      sequence,
      eventName: item === undefined ? 'REMOVE' : this.#item === undefined ? 'INSERT' : 'MODIFY',
      ...(this.#item && { oldImage: this.#item }),
      ...(item && { newImage: item }),
    })
    if (item !== undefined && Number(item.version?.N) > this.version)
      this.normal.add(`${item.version?.N} ${item.firstName?.S}`)
    this.records.push({ ...record, dynamodb: { ...record.dynamodb, Keys: { chefId: { S: this.key } } } })
    this.#item = item
  }
}

describe('writers that count or do not, deletes, late records, and a second invocation beside at every step', () => {
  let sync: TestSync
  beforeAll(async () => {
    sync = await openTestSync([chef], { chef: 'Chefs' })
  })
  afterAll(() => sync.close())

  /** @param twin takes something out of the lift */
  const endEqual = (twin: (lift: Lift, world: World) => Lift = (lift) => lift) =>
    fc.asyncProperty(history, async (told: History) => {
      const world = new World(sync)
      const { sink, source } = sync.parts
      const lift = twin(async (...of) => (await source.lift?.(...of)) ?? 'kept', world)
      const deliver = async (turn: Turn, records: readonly unknown[]): Promise<void> => {
        const gated: Sink = {
          names: sink.names,
          applyIsolating: async (...of) => {
            await turn()
            return sink.applyIsolating(...of)
          },
          isLater: (change) => sink.isLater(change),
        }
        const asking: Source = {
          current: (...of) => source.current(...of),
          lift: async (...of) => {
            await turn()
            const lifting = await lift(...of)
            for (const { item } of sync.takeLifted()) {
              world.lifts += 1
              world.wrote(item)
            }
            return lifting
          },
        }
        expect(await sync.deliverWith({ sink: gated, source: asking }, ...records)).toEqual({
          batchItemFailures: [],
        })
      }
      const take = async (turn: Turn): Promise<void> => {
        const batch = world.records.slice(world.taken, world.taken + told.batch)
        world.taken += batch.length
        if (batch.length > 0) await deliver(turn, batch)
      }
      /** What a writer was last told is there. */
      let last: string | undefined
      const writer = async (turn: Turn): Promise<void> => {
        for (const [at, write] of told.writes.entries()) {
          await turn()
          last = write.does === 'delete' ? undefined : `write ${at}`
          if (write.does === 'delete') await world.remove()
          else {
            const version = write.does === 'put' ? write.version : world.version + 1
            await world.put(chefItem(world.key, version, `write ${at}`))
          }
        }
      }
      const bridge = async (turn: Turn): Promise<void> => {
        for (let n = 0; n < told.writes.length * 2; n++) {
          await turn()
          await take(turn)
        }
      }
      const zombies = told.again.map((which) => async (turn: Turn): Promise<void> => {
        for (let n = 0; n <= which; n++) await turn()
        const record = world.records[which % Math.max(1, world.taken)]
        if (world.taken > 0 && record !== undefined) await deliver(turn, [record])
      })
      await interleave([writer, bridge, ...zombies], told.choices)
      // Nobody writes any more: it must come to an end.
      const most = 2 * (world.records.length + told.again.length) + 2
      while (world.taken < world.records.length) {
        expect(world.lifts).toBeLessThan(most)
        await take(() => Promise.resolve())
      }

      const stored = await sync.aurora.store.get(chef, world.key)
      const item = await sync.item(chef, world.key)
      const listed = await sync.parts.parking.parkedAmong('chef', [world.key])
      expect({
        row: stored && [Number(stored.version), stored.row.firstName],
        item: item?.firstName?.S,
        listed: [...listed.values()].map(({ code }) => code),
      }).toEqual({ row: item && [Number(item.version?.N), item.firstName?.S], item: last, listed: [] })
    })

  it(
    'leave both stores equal and nothing listed, and end',
    async () => {
      await fc.assert(endEqual(), runs(60, { seed: 7, short: 20 }))
    },
    times(90_000),
  )

  const isUpsert = (change: Change): change is Change & { readonly op: 'upsert' } => change.op === 'upsert'

  it.each<[string, (lift: Lift, world: World) => Lift]>([
    ['without the lift', () => async () => 'late'],
    [
      'without its condition',
      (lift, world) => async (change, above) => {
        if (!isUpsert(change) || world.item === undefined) return lift(change, above)
        world.lifts += 1
        await world.put(chefItem(world.key, Number(above) + 1, String(change.row.firstName)))
        return 'lifted'
      },
    ],
    [
      'by the record alone',
      (lift, world) => async (change, above) =>
        isUpsert(change) && world.normal.has(`${change.version} ${String(change.row.firstName)}`)
          ? 'late'
          : lift(change, above),
    ],
    [
      "without the delete's case",
      (lift) => async (change, above) => (change.op === 'delete' ? 'late' : lift(change, above)),
    ],
  ])(
    'would not %s: the same property then fails',
    async (_, twin) => {
      const { failed } = await fc.check(endEqual(twin), { ...runs(300, 7), endOnFailure: true })
      expect(failed).toBe(true)
    },
    times(120_000),
  )
})
