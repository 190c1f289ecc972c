import { fc } from '@fast-check/jest'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import type { DynamoParking } from '../../../../functions/bridge/parking/dynamo-parking.ts'
import { runs, times } from '../../../support/runs.ts'
import { bad, openTestParking, T1, T2, type TestParking } from './harness.ts'

/** Each race is run several times, since it may happen to be none. */
const RUNS = times(10)

describe('parking, when several invocations do it at once', () => {
  let test: TestParking
  let parking: DynamoParking
  beforeAll(async () => {
    test = await openTestParking()
    parking = test.parking
  })
  afterAll(() => test.close())

  /** What must hold in any state: one payload and the waits of what is parked, and nothing of what is not. */
  const expectWhole = async (key: string): Promise<void> => {
    const items = [...(await test.items()).values()]
    const own = items.filter((item) => item.key?.S === key || item.pk?.S === `payload#chef#${key}`)
    const lasting = own.filter(({ expires }) => expires === undefined).map(({ pk }) => pk?.S?.split('#')[0])
    const head = (await parking.parkedOf('chef')).get(key)
    expect(lasting.sort()).toEqual(head === undefined ? [] : ['due', 'parked', 'payload', 'waiting'])
    if (head === undefined) return
    expect(JSON.parse((await parking.entryOf('chef', key))?.payload ?? '')).toEqual({
      key,
      version: String(head.version),
    })
    expect(await parking.waitingFor('parent', [String(head.version)])).toContainEqual({
      head,
      on: head.waitsFor?.[0],
    })
  }
  const change = (key: string, version: bigint) =>
    bad(key, version, { waitsFor: [{ entity: 'parent', key: String(version) }] })

  it(
    'parks of different versions leave the latest',
    async () => {
      for (let run = 0; run < RUNS; run++) {
        const key = `parks-${run}`
        await Promise.all([3n, 1n, 4n, 2n].map((version) => test.open().park([change(key, version)], T1)))

        expect((await parking.parkedOf('chef')).get(key)?.version).toBe(4n)
        await expectWhole(key)
      }
    },
    times(60_000),
  )

  it('parks of one version count each attempt', async () => {
    const key = 'same'
    await Promise.all(Array.from({ length: 5 }, () => test.open().park([change(key, 1n)], T1)))

    expect((await parking.parkedOf('chef')).get(key)?.attempts).toBe(5)
    await expectWhole(key)
  })

  it(
    'a resolution that races the park of an older version ends with nothing parked',
    async () => {
      for (let run = 0; run < RUNS; run++) {
        const key = `older-${run}`
        await parking.park([change(key, 5n)], T1)
        await Promise.all([
          test.open().park([change(key, 5n)], T1),
          test
            .open()
            .resolve({ entity: 'chef', key: key }, { upTo: { version: 6n }, how: 'superseded', at: T2 }),
          test.open().park([change(key, 4n)], T1),
        ])

        expect((await parking.parkedOf('chef')).has(key)).toBe(false)
        await expectWhole(key)
      }
    },
    times(60_000),
  )

  it(
    'a resolution that races the park of a later version leaves that one',
    async () => {
      for (let run = 0; run < RUNS; run++) {
        const key = `later-${run}`
        await parking.park([change(key, 5n)], T1)
        await Promise.all([
          test
            .open()
            .resolve({ entity: 'chef', key: key }, { upTo: { version: 5n }, how: 'applied', at: T2 }),
          test.open().park([change(key, 6n)], T1),
        ])

        expect((await parking.parkedOf('chef')).get(key)?.version).toBe(6n)
        await expectWhole(key)
      }
    },
    times(60_000),
  )

  it(
    'of several resolutions one ends it',
    async () => {
      for (let run = 0; run < RUNS; run++) {
        const key = `resolve-${run}`
        await parking.park([change(key, 5n)], T1)
        const ended = await Promise.all(
          [5n, 6n, 7n].map((upTo) =>
            test
              .open()
              .resolve({ entity: 'chef', key: key }, { upTo: { version: upTo }, how: 'superseded', at: T2 }),
          ),
        )

        expect(ended.toSorted()).toEqual([false, false, true])
        await expectWhole(key)
      }
    },
    times(60_000),
  )

  it(
    'whatever the interleaving: the latest is parked, or settled by a later one, and the table is whole',
    async () => {
      const version = fc.bigInt({ min: 1n, max: 6n })
      const operation = fc.oneof(
        fc.record({ does: fc.constant('park' as const), version, at: fc.constantFrom(T1, T2) }),
        fc.record({ does: fc.constant('resolve' as const), version, at: fc.constantFrom(T1, T2) }),
      )
      let played = 0
      await fc.assert(
        fc.asyncProperty(
          fc.array(fc.array(operation, { minLength: 1, maxLength: 4 }), { minLength: 2, maxLength: 4 }),
          async (invocations) => {
            played += 1
            const key = `any-${played}`
            const resolved: bigint[] = []
            // Each invocation does its own in order, all of them at once.
            await Promise.all(
              invocations.map(async (operations) => {
                const own = test.open()
                for (const { does, version: of, at } of operations) {
                  if (does === 'park') await own.park([change(key, of)], at)
                  else if (
                    await own.resolve(
                      { entity: 'chef', key: key },
                      { upTo: { version: of }, how: 'superseded', at: at },
                    )
                  )
                    resolved.push(of)
                }
              }),
            )
            const parked = invocations.flat().flatMap((one) => (one.does === 'park' ? [one.version] : []))
            const latest = parked.toSorted((a, b) => Number(b - a))[0] ?? 0n
            const head = (await parking.parkedOf('chef')).get(key)
            if (resolved.some((upTo) => upTo > latest)) expect(head).toBeUndefined()
            if (latest > 0n && resolved.every((upTo) => upTo < latest)) expect(head?.version).toBe(latest)
            await expectWhole(key)
          },
        ),
        runs(15),
      )
    },
    times(120_000),
  )
})
