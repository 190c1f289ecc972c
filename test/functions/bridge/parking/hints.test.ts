import { fc } from '@fast-check/jest'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { ParkingCalls } from '../../../../functions/bridge/parking/calls.ts'
import { mayHold, noFilter, withTexts } from '../../../../functions/bridge/parking/filter.ts'
import { Hints } from '../../../../functions/bridge/parking/hints.ts'
import { hintKey } from '../../../../functions/bridge/parking/keys.ts'
import { Deadline } from '../../../../functions/bridge/runtime/deadline.ts'
import { runs } from '../../../support/runs.ts'
import { bad, openTestParking, type TestParking } from './harness.ts'

const START = Date.parse('2026-11-22T10:00:00.000Z')
const minute = (minutes: number): Date => new Date(START + minutes * 60_000)

describe('a filter', () => {
  it('holds each text that was put in, well-formed or not, and few others', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.string({ unit: 'binary' }), { maxLength: 200 }), async (texts) => {
        const filter = withTexts(noFilter(), texts)
        expect(texts.filter((text) => !mayHold(filter, text))).toEqual([])
      }),
      { numRuns: 50 },
    )
    const thousand = withTexts(
      noFilter(),
      Array.from({ length: 1_000 }, (_, at) => `in-${at}`),
    )
    const others = Array.from({ length: 1_000 }, (_, at) => `out-${at}`)
    expect(others.filter((text) => mayHold(thousand, text)).length).toBeLessThan(100)
  })

  it('tells texts apart that UTF-8 would write alike', () => {
    const filter = withTexts(noFilter(), ['\ud800'])
    expect(mayHold(filter, '\ud801')).toBe(false)
  })

  it('is the same one where all of the texts are in it', () => {
    const filter = withTexts(noFilter(), ['a', 'b'])
    expect(withTexts(filter, ['b', 'a'])).toBe(filter)
  })
})

describe('hints at what is parked', () => {
  let test: TestParking
  beforeAll(async () => {
    test = await openTestParking()
  })
  afterAll(() => test.close())

  const open = () =>
    new Hints(new ParkingCalls({ client: test.client, table: test.table, deadline: new Deadline() }))
  /** Which of some keys the hint doesn't rule out. */
  const among = async (kind: 'parked' | 'awaited', entity: string, keys: readonly string[]) => {
    const filter = (await hintOf(kind, entity))?.filter?.B
    return filter === undefined ? [] : keys.filter((key) => mayHold(filter, key))
  }
  const hintOf = async (kind: 'parked' | 'awaited', entity: string) => {
    const { pk, sk } = hintKey(kind, entity)
    return (await test.items()).get(`${pk.S} ${sk.S}`)
  }
  const some = (start: string) => Array.from({ length: 200 }, (_, at) => `${start}-${at}`)

  it('are two items an entity, each below one read unit, and none where nothing was ever parked', async () => {
    const entity = 'sized'
    expect(await hintOf('parked', entity)).toBeUndefined()
    expect(await among('parked', entity, some('none'))).toEqual([])

    await open().mark(
      [{ entity, key: 'one', waitsFor: [{ entity: 'parent', key: 'two' }, { entity: 'any' }] }],
      minute(0),
    )

    const [parked, awaited] = [await hintOf('parked', entity), await hintOf('awaited', 'parent')]
    expect(Object.keys(parked ?? {}).sort()).toEqual(['changedAt', 'filter', 'pk', 'revision', 'sk'])
    for (const item of [parked, awaited]) {
      const bytes = Object.entries(item ?? {}).reduce(
        (sum, [name, value]) => sum + name.length + (value.B?.length ?? value.S?.length ?? 0),
        0,
      )
      expect(bytes).toBeLessThan(4_096 - 255)
    }
    expect(await hintOf('awaited', 'any')).toBeUndefined()
    expect(await among('parked', entity, ['one', ...some('other')])).toContain('one')
    expect(await among('awaited', 'parent', ['two', ...some('other')])).toContain('two')
  })

  it('lose no bit where many set theirs at once', async () => {
    const entity = 'crowd'
    const keys = some('crowded').slice(0, 40)
    await Promise.all(keys.map((key) => open().mark([{ entity, key }], minute(0))))

    expect(await among('parked', entity, keys)).toEqual(keys)
  })

  it('are not written again where they say so already, but for their time after half an hour', async () => {
    const entity = 'quiet'
    const mark = (minutes: number) => open().mark([{ entity, key: 'one' }], minute(minutes))
    await mark(0)
    const first = await hintOf('parked', entity)
    await mark(29)
    expect(await hintOf('parked', entity)).toEqual(first)
    await mark(31)
    expect(await hintOf('parked', entity)).toMatchObject({ changedAt: { S: minute(31).toISOString() } })
  })

  describe('renewed', () => {
    it('hint only at what is parked and waited for still, and are gone with the last', async () => {
      const [entity, parent] = ['renewed', 'renewed-parent']
      const names = [entity, parent]
      const parking = test.open()
      const changes = some('key').map((key) =>
        bad(key, 1n, { entity, waitsFor: [{ entity: parent, key: `of-${key}` }], class: 'dependency' }),
      )
      await parking.park(changes, minute(0))
      const end = (key: string) =>
        parking.resolve({ entity, key }, { upTo: { version: 1n }, how: 'applied', at: minute(1) })
      const [first, ...others] = changes.map(({ key }) => key)
      await Promise.all(others.map(end))

      await parking.tidy(names, minute(59))
      expect(await among('parked', entity, others)).toEqual(others)

      await parking.tidy(names, minute(60))
      expect((await among('parked', entity, others)).length).toBeLessThan(10)
      expect(await among('parked', entity, [first ?? '', ...others])).toContain(first)
      const waited = others.map((key) => `of-${key}`)
      expect((await among('awaited', parent, waited)).length).toBeLessThan(10)
      expect(
        (await parking.waitingFor(parent, [`of-${first}`, ...waited])).map(({ head }) => head.key),
      ).toEqual([first])

      await end(first ?? '')
      await parking.tidy(names, minute(121))
      expect(await hintOf('parked', entity)).toBeUndefined()
      expect(await hintOf('awaited', parent)).toBeUndefined()
    })

    it('keep the bit of what is set while they are renewed, and of what is about to be parked', async () => {
      const entity = 'raced'
      await open().mark([{ entity, key: 'old' }], minute(0))
      // Between what is read and what is written somebody else says what it is about to park.
      const calls = new ParkingCalls({ client: test.client, table: test.table, deadline: new Deadline() })
      const first = calls.first.bind(calls)
      let isSet = false
      calls.first = async (...given) => {
        if (!isSet) await open().mark([{ entity, key: 'new' }], minute(60))
        isSet = true
        return first(...given)
      }
      await new Hints(calls).renew([entity], minute(60))

      expect(isSet).toBe(true)
      expect(await among('parked', entity, ['new', ...some('other')])).toContain('new')
    })

    it('stay as they are where more is parked than is read for it', async () => {
      const entity = 'crowded'
      await open().mark([{ entity, key: 'gone' }], minute(0))
      const calls = new ParkingCalls({ client: test.client, table: test.table, deadline: new Deadline() })
      const full = Array.from({ length: 250 }, () => ({}))
      calls.first = async () => full
      await new Hints(calls).renew([entity], minute(60))

      expect(await among('parked', entity, ['gone', ...some('other')])).toContain('gone')
      expect(await hintOf('parked', entity)).toMatchObject({ changedAt: { S: minute(60).toISOString() } })
    })
  })

  it('never hide what is parked, whatever is parked, resolved and renewed in whatever order', async () => {
    const step = fc.record({
      how: fc.constantFrom('park', 'park', 'resolve', 'tidy'),
      key: fc.constantFrom('a', 'b', 'c', 'd'),
      minutes: fc.constantFrom(0, 20, 40, 61),
    })
    let run = 0
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 12 }), async (steps) => {
        const entity = `any-${run++}`
        let minutes = 0
        for (const { how, key, minutes: passed } of steps) {
          minutes += passed
          const [parking, at] = [test.open(), minute(minutes)]
          const waitsFor = [{ entity, key: `of-${key}` }]
          if (how === 'park') await parking.park([bad(key, BigInt(minutes + 1), { entity, waitsFor })], at)
          if (how === 'resolve')
            await parking.resolve({ entity, key }, { upTo: { version: 9_999n }, how: 'applied', at })
          if (how === 'tidy') await parking.tidy([entity], at)
          const keys = ['a', 'b', 'c', 'd']
          const all = await test.open().parkedOf(entity)
          expect(await test.open().parkedAmong(entity, keys)).toEqual(all)
          const waiting = await test.open().waitingFor(
            entity,
            keys.map((one) => `of-${one}`),
          )
          expect(waiting.map(({ head }) => head.key).sort()).toEqual([...all.keys()].sort())
        }
      }),
      runs(15),
    )
  }, 120_000)
})
