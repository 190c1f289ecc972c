import { fc } from '@fast-check/jest'
import { describe, expect, it } from '@jest/globals'
import { type Change, coalesce, type Intent, settle } from '../../../../functions/bridge/model/change.ts'

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
    ['several of one key', [change('a', 1), change('a', 3), change('a', 2)], [change('a', 3)]],
    ['a late delete', [change('a', 2), remove('a', 1)], [change('a', 2)]],
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
  ])('keeps of %s the newest of each key', (_, batch, newest) => {
    expect(coalesce(batch)).toEqual(newest)
  })

  it('compares versions as numbers beyond 2^53, not as text', () => {
    const large = { ...change('a', 1), version: 2n ** 53n }
    const larger = { ...change('a', 1), version: 2n ** 53n + 1n }

    expect(coalesce([larger, large])).toEqual([larger])
    expect(coalesce([change('a', 10), change('a', 9)])).toEqual([change('a', 10)])
  })

  it('does not depend on the order, apart from equal versions', async () => {
    const distinct = fc.uniqueArray(
      fc.tuple(fc.constantFrom('a', 'b', 'c'), fc.integer({ min: 1, max: 9 })),
      {
        selector: ([key, version]) => `${key}${version}`,
      },
    )
    const batches = distinct
      .map((pairs) =>
        pairs.map(([key, version]) => (version % 3 === 0 ? remove(key, version) : change(key, version))),
      )
      .chain((batch) => fc.tuple(fc.constant(batch), fc.shuffledSubarray(batch, { minLength: batch.length })))
    const byKey = (changes: Change[]): Change[] => changes.toSorted((a, b) => a.key.localeCompare(b.key))

    await fc.assert(
      fc.property(batches, ([batch, shuffled]) => {
        expect(byKey(coalesce(shuffled))).toEqual(byKey(coalesce(batch)))
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
