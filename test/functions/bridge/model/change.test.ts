import { fc } from '@fast-check/jest'
import { describe, expect, it } from '@jest/globals'
import {
  type Change,
  coalesce,
  type Intent,
  peaksOf,
  settle,
} from '../../../../functions/bridge/model/change.ts'

const change = (key: string, version: number, firstName = `${key}${version}`): Change => ({
  entity: 'chef',
  key,
  op: 'upsert',
  version: BigInt(version),
  source: 'stream',
  at: '2026-11-22T03:00:00.000Z',
  row: { firstName },
})
const remove = (key: string, version: number): Change => ({
  entity: 'chef',
  key,
  op: 'delete',
  version: BigInt(version),
  source: 'stream',
  at: '2026-11-22T03:00:00.000Z',
})

describe('coalescing a batch', () => {
  it.each<[string, Change[], Change[]]>([
    ['nothing', [], []],
    ['one change', [change('a', 1)], [change('a', 1)]],
    ['several of one key', [change('a', 1), change('a', 2), change('a', 3)], [change('a', 3)]],
    ['a version that steps back', [change('a', 5), remove('a', 6), change('a', 1)], [change('a', 1)]],
    ['a delete that steps back', [change('a', 2), remove('a', 1)], [remove('a', 1)]],
    ['a newer delete', [change('a', 1), remove('a', 2)], [remove('a', 2)]],
    [
      'equal versions: the later one',
      [change('a', 1, 'first'), change('a', 1, 'second')],
      [change('a', 1, 'second')],
    ],
    [
      'several keys, by first appearance',
      [change('b', 1), change('a', 1), change('b', 2)],
      [change('b', 2), change('a', 1)],
    ],
    ['keys that differ in case only', [change('a', 1), change('A', 1)], [change('a', 1), change('A', 1)]],
    ['a key that is a name of Object.prototype', [change('__proto__', 1)], [change('__proto__', 1)]],
  ])('keeps of %s the last of each key', (_, batch, last) => {
    expect(coalesce(batch)).toEqual(last)
  })

  it('takes a version of the stream for its order, and compares it as a number, not as text', () => {
    const large = { ...change('a', 1), version: 2n ** 53n }
    const larger = { ...change('a', 1), version: 2n ** 53n + 1n }

    expect(coalesce([larger, large])).toEqual([larger])
    const longer = { ...large, version: 10n ** 16n }
    expect(coalesce([longer, { ...large, version: 9n * 10n ** 15n + 10n ** 14n }])).toEqual([longer])
  })

  it('leaves what a reader of the whole batch ends with, whatever the versions are', async () => {
    const batches = fc.array(
      fc
        .tuple(fc.constantFrom('a', 'b', 'c'), fc.integer({ min: 1, max: 9 }), fc.boolean())
        .map(([key, version, isDelete]) => (isDelete ? remove(key, version) : change(key, version))),
    )
    const read = (changes: readonly Change[]) => Object.fromEntries(changes.map((one) => [one.key, one]))

    await fc.assert(
      fc.property(batches, (batch) => {
        const coalesced = coalesce(batch)
        expect(read(coalesced)).toEqual(read(batch))
        expect(new Set(coalesced.map(({ key }) => key)).size).toBe(coalesced.length)
      }),
      { seed: 42 },
    )
  })

  it('changes neither the batch nor a second pass', () => {
    const batch = [change('a', 1), change('a', 2), remove('b', 1)]
    const before = structuredClone(batch)

    const once = coalesce(batch)

    expect(batch).toEqual(before)
    expect(coalesce(once)).toEqual(once)
  })
})

describe('settling an intent', () => {
  const { version: _, ...wish } = change('a', 1)
  const intent: Intent = { ...wish, version: 'next', ifMatch: [7n] }

  it('makes it a change one version above the current one, without its precondition', () => {
    expect(settle(intent, 7n)).toEqual({ ...wish, version: 8n })
  })
})

describe('the peaks of a batch', () => {
  it.each<[string, Change[], Change[]]>([
    ['nothing', [], []],
    ['versions that grow', [change('a', 1), change('b', 1), change('a', 2)], []],
    ['equal versions', [change('a', 1, 'first'), change('a', 1, 'second')], []],
    ['a life behind a death', [change('a', 5), remove('a', 6), change('a', 1)], [remove('a', 6)]],
    ['several of which one steps back', [change('a', 5), change('b', 1), change('a', 1)], [change('a', 5)]],
    ['steps back and on above', [change('a', 5), change('a', 1), change('a', 6)], []],
    ['steps back and on below', [change('a', 5), change('a', 1), change('a', 4)], [change('a', 5)]],
    [
      'two items of one key',
      [
        { ...change('a', 5), sourceKey: 'one' },
        { ...change('a', 1), sourceKey: 'other' },
      ],
      [],
    ],
  ])('of %s are the versions that a last one is below', (_, batch, peaks) => {
    expect(peaksOf(batch)).toEqual(peaks)
  })
})
