import { isDeepStrictEqual } from 'node:util'
import { fc } from '@fast-check/jest'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import type { RowDataPacket } from 'mysql2'
import type { Item } from '../../../../functions/bridge/drivers/dynamo/items.ts'
import { type RelayParts, relay } from '../../../../functions/bridge/mirror/relay.ts'
import { defineEntity } from '../../../../functions/bridge/model/entity.ts'
import { BridgeError } from '../../../../functions/bridge/model/errors.ts'
import { chefDefinition } from '../../../fixtures/entities/chef.ts'
import { runs, times } from '../../../support/runs.ts'
import { type MirrorWorld, openMirror } from './world.ts'

const chef = defineEntity({ ...chefDefinition, mirror: {} })

/** One thing that happens to a key, or to what is on its way. */
type Step =
  | { readonly do: 'sql'; readonly what: 'update' | 'delete' | 'insert' | 'replace' }
  | { readonly do: 'api'; readonly side: 'aurora' | 'dynamo'; readonly what: 'put' | 'delete' }
  | { readonly do: 'claim'; readonly to: 'aurora' | 'dynamo' }
  /** Somebody puts an item whole, without what it says of its owner. */
  | { readonly do: 'put'; readonly version: number }
  /** The next records of the stream come, or one that came before comes once more. */
  | { readonly do: 'deliver'; readonly how: 'next' | 'again' }
  /** The relay runs; or one that dies before it has deleted what it read. */
  | { readonly do: 'relay'; readonly how: 'once' | 'twice' | 'dies' }

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc
      .constantFrom('update' as const, 'delete' as const, 'insert' as const, 'replace' as const)
      .map((what) => ({ do: 'sql' as const, what })),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant('api' as const),
      side: fc.constantFrom('aurora' as const, 'dynamo' as const),
      what: fc.constantFrom('put' as const, 'put' as const, 'delete' as const),
    }),
  },
  {
    weight: 2,
    arbitrary: fc
      .constantFrom('aurora' as const, 'dynamo' as const)
      .map((to) => ({ do: 'claim' as const, to })),
  },
  {
    weight: 1,
    arbitrary: fc.integer({ min: 1, max: 9 }).map((version) => ({ do: 'put' as const, version })),
  },
  {
    weight: 4,
    arbitrary: fc
      .constantFrom('next' as const, 'next' as const, 'again' as const)
      .map((how) => ({ do: 'deliver' as const, how })),
  },
  {
    weight: 4,
    arbitrary: fc
      .constantFrom('once' as const, 'twice' as const, 'dies' as const)
      .map((how) => ({ do: 'relay' as const, how })),
  },
)

describe('both directions at once', () => {
  let world: MirrorWorld
  beforeAll(async () => {
    world = await openMirror([chef], { chef: 'Chefs' })
  }, 60_000)
  afterAll(() => world.close())

  const run = async (
    steps: readonly Step[],
    change: (parts: RelayParts) => RelayParts = (parts) => parts,
  ) => {
    await world.legacy.query("INSERT INTO cheftable (cheffirst, cheflast) VALUES ('first', 'T')")
    const [[row]] = await world.legacy.query<RowDataPacket[]>('SELECT MAX(id) AS id FROM cheftable')
    const id = Number(row?.id)
    const key = String(id)
    const parts = change(world.relayParts)
    let n = 0
    let last: Item | undefined
    const stream: unknown[] = []
    const delivered: unknown[] = []
    /** What has become of the item since, as one record of the stream. */
    const note = async (): Promise<void> => {
      const now = await world.item(chef, key)
      if (!isDeepStrictEqual(now, last)) stream.push(world.recordOf(chef, key, last, now))
      last = now
    }
    const deliver = async (records: readonly unknown[]): Promise<void> => {
      if (records.length === 0) return
      await world.sync.deliverWith(world.relayParts.inward(), ...records)
      await note()
    }
    /** A client, or a legacy program, is told where it can't be done. */
    const tried = async (work: () => Promise<unknown>): Promise<void> => {
      try {
        await work()
      } catch (error) {
        if (!(error instanceof BridgeError) && !/not-the-owner|Duplicate/.test(String(error))) throw error
      }
      await note()
    }
    const name = () => `${key}.${++n}`
    const SQL = {
      update: () => world.legacy.query('UPDATE cheftable SET cheffirst = ? WHERE id = ?', [name(), id]),
      delete: () => world.legacy.query('DELETE FROM cheftable WHERE id = ?', [id]),
      insert: () =>
        world.legacy.query("INSERT INTO cheftable (id, cheffirst, cheflast) VALUES (?, ?, 'T')", [
          id,
          name(),
        ]),
      replace: () =>
        world.legacy.query("REPLACE INTO cheftable (id, cheffirst, cheflast) VALUES (?, ?, 'T')", [
          id,
          name(),
        ]),
    } as const
    const runs: { readonly [D in Step['do']]: (one: Extract<Step, { do: D }>) => Promise<unknown> } = {
      sql: ({ what }) => tried(SQL[what]),
      api: ({ side, what }) =>
        tried(() =>
          what === 'delete'
            ? world.remove(chef, side, key)
            : world.replace(chef, side, key, { firstName: name(), lastName: 'T' }),
        ),
      claim: ({ to }) => tried(() => world.claim(chef, key, to)),
      put: async ({ version }) => {
        await world.sync.put(chef, {
          ...{ chefId: { S: key }, firstName: { S: `foreign ${name()}` }, lastName: { S: 'T' } },
          version: { N: String(version) },
        })
        await note()
      },
      deliver: async ({ how }) => {
        const records = how === 'next' ? stream.splice(0, 2) : delivered.slice(-3, -1)
        if (how === 'next') delivered.push(...records)
        await deliver(records)
      },
      relay: async ({ how }) => {
        if (how === 'dies') {
          const remove = async () => {
            throw new Error('it died')
          }
          const dying = Object.assign(Object.create(parts.changes), { remove })
          await relay({ ...parts, changes: dying }).catch(() => undefined)
        } else await Promise.all([relay(parts), how === 'twice' ? relay(parts) : undefined])
        await note()
      },
    }
    const carry = <D extends Step['do']>(one: Extract<Step, { do: D }>) => {
      const work: (of: Extract<Step, { do: D }>) => Promise<unknown> = runs[one.do]
      return work(one)
    }
    for (const one of steps) await carry(one)
    await settle()

    /** Until nothing is on its way any more. */
    async function settle(): Promise<void> {
      for (let round = 0; round < 12; round++) {
        const records = stream.splice(0)
        await deliver(records)
        const { rows, again } = await relay(parts)
        await note()
        if (records.length === 0 && rows === 0 && again === 0 && stream.length === 0) return
      }
      throw new Error('it is never quiet')
    }
    await expectAgreement(key)
  }

  /** Both say the same, or the key is listed. */
  const expectAgreement = async (key: string): Promise<void> => {
    const [aurora, dynamo] = [
      await world.sides.aurora.read(chef, key),
      await world.sides.dynamo.read(chef, key),
    ]
    const parking = world.sync.parts.parking
    const listed = await Promise.all(
      ['chef', 'chef.mirror', 'chef.conflicts'].map((name) => parking.parkedAmong(name, [key])),
    )
    const told = (of: typeof aurora) => ({
      ...{ state: of.state, owner: of.owner, version: of.version },
      ...('row' in of && { row: of.row }),
    })
    const isListed = listed.some((heads) => heads.has(key))
    // What is in neither store is nobody's.
    const isNowhere = aurora.state === 'absent' && dynamo.state === 'absent'
    if (!isNowhere && !isListed) expect(told(dynamo)).toEqual(told(aurora))
    if (isListed && aurora.owner === 'aurora') expect(told(dynamo)).toEqual(told(aurora))
  }

  const property = (change?: (parts: RelayParts) => RelayParts) =>
    fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 14 }), (steps) => run(steps, change))

  it(
    'end equal and quiet, or listed, whatever comes late, twice or from a relay that has died',
    async () => {
      await fc.assert(property(), runs(20, 21))
    },
    times(240_000),
  )

  it.each<[string, (parts: RelayParts) => RelayParts]>([
    [
      'lift',
      (parts) => ({ ...parts, outward: { ...parts.outward, source: without(parts.outward.source, 'lift') } }),
    ],
    ['item taken back', (parts) => ({ ...parts, takeBack: async () => 'none' })],
  ])(
    'need the %s',
    async (_, change) => {
      await expect(fc.assert(property(change), { ...runs(80, 21), endOnFailure: true })).rejects.toThrow(
        'Property failed',
      )
    },
    times(240_000),
  )
})

/** The same, but for one of its methods. */
const without = <T extends object>(of: T, name: keyof T): T =>
  Object.assign(Object.create(of), { [name]: undefined })
