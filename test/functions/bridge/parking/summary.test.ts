import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { bad, openTestParking, orphan, T1, T2, T3, type TestParking } from './harness.ts'

describe('how much is parked', () => {
  let store: TestParking
  beforeAll(async () => {
    store = await openTestParking()
    await store.parking.park([bad('c1', 1n), bad('c2', 1n, { code: 'sql.1366' })], T2)
    await store.parking.park([bad('c3', 1n)], T1)
    await store.parking.park([bad('c4', 1n, { class: 'dependency', code: 'row.locked' })], T3)
    await store.parking.park([orphan('r1', 1n, 'c9')], T3)
    await store.parking.park([bad('gone', 1n)], T1)
    await store.parking.resolve(
      { entity: 'chef', key: 'gone' },
      { upTo: { version: 1n }, how: 'applied', at: T3 },
    )
  }, 60_000)
  afterAll(() => store.close())

  it('is counted by reason, with since when, and what only waits', async () => {
    expect(await store.parking.summaryOf('chef', 1_000)).toEqual({
      ...{ keys: 4, complete: true, waiting: 1, oldest: T1.toISOString() },
      codes: [
        { code: 'sql.1406', keys: 2 },
        { code: 'row.locked', keys: 1 },
        { code: 'sql.1366', keys: 1 },
      ],
    })
    expect(await store.parking.summaryOf('recipe', 1_000)).toMatchObject({ keys: 1, waiting: 1 })
    expect(await store.parking.summaryOf('nobody', 1_000)).toEqual({
      keys: 0,
      complete: true,
      waiting: 0,
      codes: [],
    })
  })

  it('is looked at no further than it may be, and it is said that there may be more', async () => {
    await store.parking.park(
      Array.from({ length: 60 }, (_, n) => bad(`many${n}`, 1n, { entity: 'dish' })),
      T1,
    )
    expect(await store.parking.summaryOf('dish', 1_000)).toMatchObject({ keys: 60, complete: true })
    const some = await store.parking.summaryOf('dish', 17)
    expect(some.complete).toBe(false)
    expect(some.keys).toBeGreaterThan(0)
    expect(some.keys).toBeLessThanOrEqual(17)
  })
})
