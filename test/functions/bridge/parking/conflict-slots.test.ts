import { fc, test } from '@fast-check/jest'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals'
import { conflictSlots, MOST_CONFLICTS } from '../../../../functions/bridge/ports/conflict-slots.ts'
import type { Parked } from '../../../../functions/bridge/ports/parking.ts'
import { arrivalOf } from '../../../../functions/bridge/ports/place.ts'
import { openTestParking, type TestParking } from './harness.ts'

const ENTITY = 'chef.conflicts'

describe('conflicts of one key', () => {
  let ground: TestParking
  let key: string
  let of = 0
  beforeAll(async () => {
    ground = await openTestParking()
  })
  afterAll(() => ground.close())
  beforeEach(() => {
    of += 1
    key = `key-${of}`
  })

  const conflict = (n: number, more: Partial<Parked> = {}): Parked => ({
    ...{ entity: ENTITY, key, version: BigInt(n), op: 'upsert', class: 'data', code: 'owner.foreign' },
    ...{ message: 'A foreign write', sequenceNumber: String(n), byArrival: true, payload: `{"n":${n}}` },
    ...more,
  })
  const at = (seconds: number) => new Date(Date.UTC(2026, 10, 29, 10, 0, seconds))
  const listed = async () => {
    const heads = await ground.parking.parkedAmong(ENTITY, conflictSlots(key))
    const entries = [...heads.keys()].map(async (name) => [
      name,
      (await ground.parking.entryOf(ENTITY, name))?.payload,
    ])
    return Object.fromEntries(await Promise.all(entries))
  }
  const drop = async (name: string, seconds: number) => {
    const head = (await ground.parking.parkedAmong(ENTITY, [name])).get(name)
    if (head === undefined) throw new Error(`${name} is not listed`)
    return ground.parking.resolve(head, { upTo: arrivalOf(head), how: 'superseded', at: at(seconds) })
  }

  it('are listed beside each other, each with its payload, in one batch or behind each other', async () => {
    await ground.parking.park([conflict(1), conflict(2)], at(1))
    await ground.parking.park([conflict(3, { version: 1n })], at(2))
    const all = { [key]: '{"n":1}', [`${key}@2`]: '{"n":2}', [`${key}@3`]: '{"n":3}' }
    expect(await listed()).toEqual(all)
    expect([...(await ground.parking.parkedOf(ENTITY)).keys()]).toEqual(
      expect.arrayContaining(Object.keys(all)),
    )
  })

  it('stay where they are when their records come once more, in any order', async () => {
    await ground.parking.park([conflict(1), conflict(2), conflict(3)], at(1))
    const before = await listed()
    await ground.parking.park([conflict(3), conflict(1), conflict(2)], at(2))
    expect(await listed()).toEqual(before)
    const heads = await ground.parking.parkedAmong(ENTITY, [key])
    expect(heads.get(key)).toMatchObject({ attempts: 2 })
  })

  it('end one by one, by hand: a record that comes late brings its own back no more, and ends no other', async () => {
    await ground.parking.park([conflict(1), conflict(5)], at(1))
    expect(await drop(`${key}@2`, 3)).toBe(true)
    expect(await listed()).toEqual({ [key]: '{"n":1}' })
    await ground.parking.park([conflict(5)], at(2))
    expect(await listed()).toEqual({ [key]: '{"n":1}' })
    // An older one, that was not listed before, takes the place that is free.
    await ground.parking.park([conflict(3)], at(4))
    expect(await listed()).toEqual({ [key]: '{"n":1}', [`${key}@2`]: '{"n":3}' })
  })

  it('are so many at most: the last place tells of how many more', async () => {
    for (let n = 1; n <= MOST_CONFLICTS + 3; n += 1) await ground.parking.park([conflict(n)], at(n))
    const heads = await ground.parking.parkedAmong(ENTITY, conflictSlots(key))
    expect(heads.size).toBe(MOST_CONFLICTS)
    expect(heads.get(`${key}@${MOST_CONFLICTS}`)).toMatchObject({
      sequenceNumber: String(MOST_CONFLICTS + 3),
      message:
        '19 conflicts of this key are listed beside it, and 3 more that came before it are not. A foreign write',
    })
    expect(heads.get(key)).toMatchObject({ sequenceNumber: '1', message: 'A foreign write' })
  })

  it('of which several are set aside at once: each has a place', async () => {
    const others = Array.from({ length: 6 }, () => ground.open())
    await Promise.all(others.map((one, n) => one.park([conflict(n + 1)], at(1))))
    expect(Object.values(await listed()).sort()).toEqual([1, 2, 3, 4, 5, 6].map((n) => `{"n":${n}}`))
  })

  it('are not ended by what a person asked for in between', async () => {
    const { sequenceNumber: _, ...asked } = conflict(9, { code: 'claim.conflict', payload: '{"asked":1}' })
    await ground.parking.park([conflict(1)], at(1))
    await ground.parking.park([asked], at(2))
    expect(await listed()).toEqual({ [key]: '{"n":1}' })
    await drop(key, 3)
    await ground.parking.park([asked], at(4))
    expect(await listed()).toEqual({ [key]: '{"asked":1}' })
    await ground.parking.park([conflict(2)], at(5))
    expect(await listed()).toEqual({ [key]: '{"n":2}' })
  })

  const parts = fc.array(fc.constantFrom('a', '@', '1', '2', '20', '@2'), { maxLength: 6 })
  test.prop([parts, parts])('have names that no other key has', (one, other) => {
    const [a, b] = [one.join(''), other.join('')]
    fc.pre(a !== b)
    const names = new Set(conflictSlots(a))
    expect(names.size).toBe(MOST_CONFLICTS)
    expect(conflictSlots(b).filter((name) => names.has(name))).toEqual([])
  })
})
