import { UpdateItemCommand } from '@aws-sdk/client-dynamodb'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import type { DynamoParking } from '../../../../functions/bridge/parking/dynamo-parking.ts'
import { headKey } from '../../../../functions/bridge/parking/keys.ts'
import { isProving } from '../../../support/runs.ts'
import { bad, openTestParking, orphan, T1, T2, T3, type TestParking } from './harness.ts'

describe('parking', () => {
  let test: TestParking
  let parking: DynamoParking
  let chef: string
  let at = 0

  beforeAll(async () => {
    test = await openTestParking()
    parking = test.parking
  })
  afterAll(() => test.close())
  /** An entity of its own for each test. */
  const entity = (): string => {
    at += 1
    chef = `chef${at}`
    return chef
  }
  const parkedBad = (key: string, version: bigint, more = {}) => bad(key, version, { entity: chef, ...more })

  it('keeps what is known of a change, and its payload', async () => {
    entity()
    const change = parkedBad('1', 5n, { waitsFor: [{ entity: 'x', key: 'y' }, { entity: 'z' }] })
    await parking.park([change], T1)

    const { payload, ...facts } = change
    const head = {
      ...facts,
      firstSeen: T1.toISOString(),
      lastSeen: T1.toISOString(),
      attempts: 1,
      state: 'parked',
    }
    expect(await parking.parkedOf(chef)).toStrictEqual(new Map([['1', head]]))
    expect(await parking.entryOf(chef, '1')).toStrictEqual({ head, payload })
  })

  it('keeps a record that is too broken for a version, an operation or a key', async () => {
    entity()
    const { version: _, op: __, ...broken } = parkedBad('?17', 1n)
    await parking.park([broken], T1)

    const head = (await parking.parkedOf(chef)).get('?17')
    expect(head).toMatchObject({ key: '?17', attempts: 1 })
    expect(head).not.toHaveProperty('version')
    expect(head).not.toHaveProperty('op')
    expect(
      await parking.resolve(
        { entity: chef, key: '?17' },
        { upTo: { version: 1n }, how: 'superseded', at: T2 },
      ),
    ).toBe(true)
  })

  it('parks nothing for nothing, and knows nothing of what is not parked', async () => {
    entity()
    await parking.park([], T1)
    expect(await parking.parkedOf(chef)).toEqual(new Map())
    expect(await parking.waitingFor(chef, ['y'])).toEqual([])
    expect(await parking.entryOf(chef, '1')).toBeUndefined()
    expect(
      await parking.resolve({ entity: chef, key: '1' }, { upTo: { version: 9n }, how: 'applied', at: T1 }),
    ).toBe(false)
  })

  describe('again', () => {
    it('the same change: one more attempt, a later lastSeen, the newest reason', async () => {
      entity()
      await parking.park([parkedBad('1', 5n)], T1)
      await parking.park([parkedBad('1', 5n, { code: 'sql.1264' })], T2)

      expect((await parking.parkedOf(chef)).get('1')).toMatchObject({
        version: 5n,
        code: 'sql.1264',
        attempts: 2,
        firstSeen: T1.toISOString(),
        lastSeen: T2.toISOString(),
      })
    })

    it('the same version from a retry: what came with the stream stays as evidence', async () => {
      entity()
      const fromStream = parkedBad('1', 5n, { waitsFor: [{ entity: `v-${chef}` }] })
      const { sequenceNumber, ...retried } = fromStream
      await parking.park([fromStream], T1)
      // When it is due moves on, nothing else does.
      const keys = async () => [...(await test.items()).keys()].map((key) => key.replace(/^(due.* ).*/, '$1'))
      const before = await keys()
      await parking.park([{ ...retried, payload: '"what was tried"' }], T2)

      const entry = await parking.entryOf(chef, '1')
      expect(entry?.head).toMatchObject({ sequenceNumber, attempts: 2, lastSeen: T2.toISOString() })
      expect(entry?.payload).toBe(fromStream.payload)
      expect(await keys()).toEqual(before)
    })

    it('a newer one: its version and payload, and the older payload is gone', async () => {
      entity()
      await parking.park([parkedBad('1', 9n)], T1)
      await parking.park([parkedBad('1', 10n)], T2)

      const entry = await parking.entryOf(chef, '1')
      expect(entry?.head).toMatchObject({ version: 10n, attempts: 2, firstSeen: T1.toISOString() })
      expect(JSON.parse(entry?.payload ?? '')).toEqual({ key: '1', version: '10' })
      const keys = [...(await test.items()).keys()].filter((key) => key.startsWith(`payload#${chef}#`))
      expect(keys).toHaveLength(1)
    })

    it('an older one: nothing changes', async () => {
      entity()
      await parking.park([parkedBad('1', 10n)], T2)
      const before = await test.items()
      await parking.park([parkedBad('1', 9n)], T3)

      expect(await test.items()).toEqual(before)
    })

    it('with a clock that went back: lastSeen stays', async () => {
      entity()
      await parking.park([parkedBad('1', 1n)], T2)
      await parking.park([parkedBad('1', 2n)], T1)

      expect((await parking.parkedOf(chef)).get('1')).toMatchObject({
        version: 2n,
        firstSeen: T2.toISOString(),
        lastSeen: T2.toISOString(),
      })
    })

    it('several of one key in one call: the latest, counted once', async () => {
      entity()
      await parking.park([parkedBad('1', 2n), parkedBad('1', 10n), parkedBad('1', 9n)], T1)

      expect((await parking.parkedOf(chef)).get('1')).toMatchObject({ version: 10n, attempts: 1 })
    })

    it('with versions of 40 digits: by their value, not as text', async () => {
      entity()
      const [small, large] = [10n ** 39n + 1n, 10n ** 39n + 2n]
      await parking.park([parkedBad('1', large, { sequenceNumber: '1' })], T1)
      await parking.park([parkedBad('1', small, { sequenceNumber: '2' }), parkedBad('2', 9n)], T2)

      const parked = await parking.parkedOf(chef)
      expect(parked.get('1')).toMatchObject({ version: large, attempts: 1 })
      expect(parked.get('2')?.version).toBe(9n)
    })
  })

  describe('resolving', () => {
    it.each(['superseded', 'applied'] as const)(
      '%s: nothing is left but the history, which expires',
      async (how) => {
        entity()
        await parking.park([parkedBad('1', 5n, { waitsFor: [{ entity: `of-${chef}` }] })], T1)

        expect(
          await parking.resolve({ entity: chef, key: '1' }, { upTo: { version: 5n }, how, at: T2 }),
        ).toBe(true)
        expect(await parking.parkedOf(chef)).toEqual(new Map())
        expect(await parking.waitingFor(`of-${chef}`, [])).toEqual([])
        expect(await parking.resolvedOf(chef)).toEqual([
          expect.objectContaining({ key: '1', version: 5n, state: how }),
        ])
        expect(await parking.entryOf(chef, '1')).toMatchObject({
          head: { state: how },
          payload: '{"key":"1","version":"5"}',
        })
        // A hint at what may be parked stays until it is renewed.
        const own = [...(await test.items())].filter(([key]) => key.includes(`#${chef}`))
        const left = own.filter(([key]) => !key.startsWith('hint#'))
        expect(left).toHaveLength(3)
        const ninetyDays = T2.getTime() / 1000 + 90 * 86_400
        for (const [, item] of left) expect(item.expires).toEqual({ N: String(ninetyDays) })
      },
    )

    it('is no-op for what is parked at a later version', async () => {
      entity()
      await parking.park([parkedBad('1', 6n)], T1)
      const before = await test.items()

      expect(
        await parking.resolve(
          { entity: chef, key: '1' },
          { upTo: { version: 5n }, how: 'superseded', at: T2 },
        ),
      ).toBe(false)
      expect(await test.items()).toEqual(before)
    })

    it('once is enough', async () => {
      entity()
      await parking.park([parkedBad('1', 5n)], T1)

      expect(
        await parking.resolve(
          { entity: chef, key: '1' },
          { upTo: { version: 7n }, how: 'superseded', at: T2 },
        ),
      ).toBe(true)
      expect(
        await parking.resolve({ entity: chef, key: '1' }, { upTo: { version: 8n }, how: 'applied', at: T3 }),
      ).toBe(false)
      expect(await parking.resolvedOf(chef)).toHaveLength(1)
    })

    it('leaves other keys, also those that look alike', async () => {
      entity()
      const keys = ['a', 'a#', 'a#b', '*', '#', 'A', '%23']
      await parking.park(
        keys.map((key) => parkedBad(key, 1n)),
        T1,
      )
      await parking.resolve({ entity: chef, key: 'a' }, { upTo: { version: 1n }, how: 'applied', at: T2 })
      await parking.resolve(
        { entity: chef, key: 'a#b' },
        { upTo: { version: 1n }, how: 'superseded', at: T2 },
      )

      expect([...(await parking.parkedOf(chef)).keys()].sort()).toEqual(['#', '%23', '*', 'A', 'a#'])
      expect((await parking.entryOf(chef, 'a'))?.payload).toBe('{"key":"a","version":"1"}')
      expect((await parking.entryOf(chef, 'a'))?.head.state).toBe('applied')
    })

    it('shows the last of several resolutions', async () => {
      entity()
      for (const [version, time] of [
        [9n, T1],
        [10n, T2],
      ] as const) {
        await parking.park([parkedBad('1', version)], time)
        await parking.resolve({ entity: chef, key: '1' }, { upTo: { version }, how: 'applied', at: time })
      }
      expect(await parking.resolvedOf(chef)).toMatchObject([{ version: 10n }, { version: 9n }])
      expect((await parking.entryOf(chef, '1'))?.payload).toBe('{"key":"1","version":"10"}')
    })
  })

  describe('a park that comes late', () => {
    it('from below what was resolved: nothing comes back', async () => {
      entity()
      await parking.park([parkedBad('1', 5n)], T1)
      await parking.resolve({ entity: chef, key: '1' }, { upTo: { version: 6n }, how: 'superseded', at: T2 })
      const before = await test.items()
      // With a time after the resolution: it is the version that tells.
      await parking.park([parkedBad('1', 5n)], T3)

      expect(await test.items()).toEqual(before)
    })

    it('of the very version, seen before it was resolved: nothing comes back', async () => {
      entity()
      await parking.park([parkedBad('1', 5n)], T1)
      await parking.resolve({ entity: chef, key: '1' }, { upTo: { version: 5n }, how: 'applied', at: T2 })
      await parking.park([parkedBad('1', 5n)], T1)

      expect(await parking.parkedOf(chef)).toEqual(new Map())
    })

    it('of the very version, seen after it was resolved: it failed anew and is listed, with its payload', async () => {
      entity()
      await parking.park([parkedBad('1', 5n)], T1)
      await parking.resolve({ entity: chef, key: '1' }, { upTo: { version: 5n }, how: 'applied', at: T2 })
      await parking.park([parkedBad('1', 5n, { payload: '"second"' })], T3)

      expect((await parking.parkedOf(chef)).get('1')).toMatchObject({
        attempts: 1,
        firstSeen: T3.toISOString(),
      })
      expect(await parking.entryOf(chef, '1')).toMatchObject({ payload: '"second"' })
      // The payload of what is parked never expires.
      const payloads = [...(await test.items())].filter(([key]) => key.startsWith(`payload#${chef}#`))
      expect(payloads.map(([, { expires }]) => expires?.N ?? 'never').sort()).toEqual(['1803117601', 'never'])
    })

    it('of a later version: it is parked', async () => {
      entity()
      await parking.park([parkedBad('1', 5n)], T1)
      await parking.resolve({ entity: chef, key: '1' }, { upTo: { version: 6n }, how: 'superseded', at: T2 })
      await parking.park([parkedBad('1', 7n)], T1)

      expect((await parking.parkedOf(chef)).get('1')?.version).toBe(7n)
    })

    it('of a record without a version: the stream tells', async () => {
      entity()
      const { version: _, ...broken } = parkedBad('1', 1n)
      await parking.park([{ ...broken, sequenceNumber: '20' }], T1)
      await parking.resolve({ entity: chef, key: '1' }, { upTo: { version: 6n }, how: 'superseded', at: T2 })
      await parking.park([{ ...broken, sequenceNumber: '19' }], T3)
      expect(await parking.parkedOf(chef)).toEqual(new Map())

      await parking.park([{ ...broken, sequenceNumber: '21' }], T3)
      expect((await parking.parkedOf(chef)).get('1')?.sequenceNumber).toBe('21')
    })

    it('never lowers the mark', async () => {
      entity()
      const { version: _, ...broken } = parkedBad('1', 1n)
      await parking.park([parkedBad('1', 5n, { sequenceNumber: '10' })], T1)
      await parking.resolve({ entity: chef, key: '1' }, { upTo: { version: 8n }, how: 'superseded', at: T1 })
      await parking.park([{ ...broken, sequenceNumber: '30' }], T2)
      await parking.resolve({ entity: chef, key: '1' }, { upTo: { version: 2n }, how: 'superseded', at: T2 })
      await parking.park([parkedBad('1', 7n)], T3)

      expect(await parking.parkedOf(chef)).toEqual(new Map())
    })
  })

  describe('waiting', () => {
    const waits = async (of: string, ...keys: string[]) =>
      (await parking.waitingFor(of, keys)).map(({ head, on }) => [head.entity, head.key, on]).sort()

    it('is found by what is waited for, by key or for any', async () => {
      entity()
      const recipes = `recipe-${chef}`
      const change = (key: string, of?: string) => ({
        ...orphan(key, 1n),
        entity: recipes,
        waitsFor: [{ entity: chef, ...(of !== undefined && { key: of }) }],
      })
      await parking.park([change('r1', 'c1'), change('r2', '*'), change('r3')], T1)

      expect(await waits(chef, 'c1', '*', 'c2')).toEqual([
        [recipes, 'r1', { entity: chef, key: 'c1' }],
        [recipes, 'r2', { entity: chef, key: '*' }],
        [recipes, 'r3', { entity: chef }],
      ])
      const found = (await parking.waitingFor(chef, [])).find(({ head }) => head.key === 'r3')
      expect(found?.head).toEqual((await parking.parkedOf(recipes)).get('r3'))
    })

    it('ends when a newer version waits for something else, or for nothing', async () => {
      entity()
      const on = (...of: string[]) => ({ waitsFor: of.map((key) => ({ entity: `p-${chef}`, key })) })
      await parking.park([parkedBad('1', 1n, on('a', 'b'))], T1)
      await parking.park([parkedBad('1', 2n, on('b', 'c', 'c'))], T2)
      const p = { entity: `p-${chef}` }
      expect(await waits(`p-${chef}`, 'a', 'b', 'c')).toEqual([
        [chef, '1', { ...p, key: 'b' }],
        [chef, '1', { ...p, key: 'c' }],
      ])

      await parking.park([parkedBad('1', 3n, on())], T3)
      expect(await waits(`p-${chef}`, 'a', 'b', 'c')).toEqual([])
    })

    it('for very many becomes a wait for any of each entity', async () => {
      entity()
      const waitsFor = Array.from({ length: 300 }, (_, n) => ({
        entity: `q${n % 2}-${chef}`,
        key: String(n),
      }))
      await parking.park([parkedBad('1', 1n, { waitsFor })], T1)

      expect(await waits(`q0-${chef}`)).toEqual([[chef, '1', { entity: `q0-${chef}` }]])
      expect(await waits(`q1-${chef}`)).toEqual([[chef, '1', { entity: `q1-${chef}` }]])
    })
  })

  it('takes any key', async () => {
    entity()
    const keys = ['👩'.repeat(255), 'x'.repeat(2048), '', ' ', '\u0000', 'sha256:', 'a/b\\c"\'`', '*']
    await parking.park(
      keys.map((key) => parkedBad(key, 1n, { waitsFor: [{ entity: `w-${chef}`, key }] })),
      T1,
    )

    expect([...(await parking.parkedOf(chef)).keys()].sort()).toEqual(keys.toSorted())
    expect(await parking.waitingFor(`w-${chef}`, keys)).toHaveLength(keys.length)
    for (const key of keys) {
      expect(JSON.parse((await parking.entryOf(chef, key))?.payload ?? '')).toEqual({ key, version: '1' })
      expect(
        await parking.resolve({ entity: chef, key }, { upTo: { version: 1n }, how: 'applied', at: T2 }),
      ).toBe(true)
      expect((await parking.entryOf(chef, key))?.head).toMatchObject({ key, state: 'applied' })
    }
    expect(await parking.parkedOf(chef)).toEqual(new Map())
  })

  it('keeps many of one entity, in all of its partitions', async () => {
    entity()
    const keys = Array.from({ length: isProving ? 2_000 : 300 }, (_, n) => `key-${n}`)
    await parking.park(
      keys.map((key) => parkedBad(key, 1n, { message: 'm'.repeat(900) })),
      T1,
    )

    const parked = await parking.parkedOf(chef)
    expect([...parked.keys()].sort()).toEqual(keys.toSorted())
    expect(new Set([...parked.values()].map(({ attempts }) => attempts))).toEqual(new Set([1]))
  }, 60_000)

  it('has more of one partition than DynamoDB returns at once', async () => {
    entity()
    const partition = headKey(chef, 'key-0').pk.S
    const keys = Array.from({ length: 200 }, (_, n) => `key-${n}`).filter(
      (key) => headKey(chef, key).pk.S === partition,
    )
    await parking.park(
      keys.map((key) => parkedBad(key, 1n)),
      T1,
    )
    expect(keys.length).toBeGreaterThan(4)
    // A page has 1 MB: each of these is more than a third of it.
    for (const key of keys.slice(0, 4))
      await test.client.send(
        new UpdateItemCommand({
          TableName: test.table,
          Key: headKey(chef, key),
          UpdateExpression: 'SET padding = :padding',
          ExpressionAttributeValues: { ':padding': { S: 'x'.repeat(380_000) } },
        }),
      )

    expect([...(await parking.parkedOf(chef)).keys()].sort()).toEqual(keys.toSorted())
  })
})
