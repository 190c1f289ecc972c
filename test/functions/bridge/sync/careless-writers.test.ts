import { randomUUID } from 'node:crypto'
import { fc } from '@fast-check/jest'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import type { Mirror } from '../../../../functions/bridge/sync/mirror.ts'
import { chef as lifted } from '../../../fixtures/entities/chef.ts'
import { runs, times } from '../../../support/runs.ts'
import { chefItem, chefRecord } from '../../fixtures/recipe-records.ts'
import { openTestSync, type TestSync } from './harness.ts'

const chef = { ...lifted, overruled: 'park' } as const

type Write =
  | { readonly does: 'put'; readonly version: number }
  /** As the API does: one above what is there, or the first. */
  | { readonly does: 'count' }
  | { readonly does: 'delete' }

const write: fc.Arbitrary<Write> = fc.oneof(
  fc.record({ does: fc.constant('put' as const), version: fc.integer({ min: 1, max: 6 }) }),
  fc.constant({ does: 'count' as const }),
  fc.constant({ does: 'delete' as const }),
)
/** Writes of some keys in their order, each with whether a batch ends behind it. */
const history = fc.array(fc.tuple(fc.nat({ max: 1 }), write, fc.boolean()), { minLength: 1, maxLength: 10 })
/** When an earlier batch is delivered once more: behind which batch, and which one. */
const replays = fc.array(fc.tuple(fc.nat({ max: 9 }), fc.nat({ max: 9 })), { maxLength: 3 })

describe('writers that count no versions, put old ones back, and delete and put anew, where that is to be listed', () => {
  let sync: TestSync

  beforeAll(async () => {
    sync = await openTestSync([chef], { chef: 'Chefs' })
  })
  afterAll(() => sync.close())

  const settles = (parts: Partial<Mirror> = {}) =>
    fc.asyncProperty(history, replays, async (writes, again) => {
      const keys = [randomUUID(), randomUUID()]
      const items = new Map<string, { version: number; name: string }>()
      const batches: (() => Promise<void>)[] = []
      let records: unknown[] = []
      let work: (() => Promise<void>)[] = []
      for (const [at, [which, one, ends]] of writes.entries()) {
        const key = keys[which] ?? ''
        const before = items.get(key)
        const sequence = String(1000 + at)
        if (one.does === 'delete' && before !== undefined) {
          items.delete(key)
          records.push(chefRecord(chefItem(key, before.version, before.name), { removes: true, sequence }))
          work.push(() => sync.remove(chef, key))
        }
        if (one.does !== 'delete') {
          const version = one.does === 'put' ? one.version : (before?.version ?? 0) + 1
          const item = { version, name: `write ${at}` }
          items.set(key, item)
          records.push(chefRecord(chefItem(key, version, item.name), { sequence }))
          work.push(() => sync.put(chef, chefItem(key, version, item.name)))
        }
        if (records.length === 0 || (!ends && at < writes.length - 1)) continue
        const [own, ofBatch] = [records, work]
        batches.push(async () => {
          for (const write of ofBatch.splice(0)) await write()
          expect(await sync.deliverWith(parts, ...own)).toEqual({ batchItemFailures: [] })
        })
        records = []
        work = []
      }
      for (const [at, batch] of batches.entries()) {
        await batch()
        for (const [behind, earlier] of again) if (behind === at && earlier <= at) await batches[earlier]?.()
      }

      const listed = await sync.parts.parking.parkedOf('chef')
      for (const key of keys) {
        const stored = await sync.aurora.store.get(chef, key)
        const row = stored && { version: Number(stored.version), name: stored.row.firstName }
        const same = JSON.stringify(row) === JSON.stringify(items.get(key))
        expect({ key, listed: listed.has(key), row, item: items.get(key) }).toMatchObject({
          listed: !same,
        })
      }
    })

  it(
    'leave both stores equal, or the key listed, and no key listed that is equal',
    async () => {
      await fc.assert(settles(), runs(25, { seed: 42, short: 10 }))
    },
    times(90_000),
  )

  it(
    'would not if the source were not asked: the same property then fails',
    async () => {
      const deaf = settles({ source: { current: async () => [] } })
      expect(
        (await fc.check(deaf, { ...runs(25, { seed: 42, short: 10 }), endOnFailure: true })).failed,
      ).toBe(true)
    },
    times(90_000),
  )
})
