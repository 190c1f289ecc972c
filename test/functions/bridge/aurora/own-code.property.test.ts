import { fc } from '@fast-check/jest'
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals'
import type { Change } from '../../../../functions/bridge/model/change.ts'
import { BridgeError } from '../../../../functions/bridge/model/errors.ts'
import { openTestAurora, type TestAurora } from '../../../support/aurora.ts'
import { runs, times } from '../../../support/runs.ts'
import {
  counted,
  createOwnCode,
  emptyOwnCode,
  insertLegacy,
  ownCodes,
} from '../../fixtures/own-code/index.ts'

const AT = '2026-11-22T03:00:00.123Z'

/** What picks the changes that are newer: without it each delivery is written. */
const withoutGuards = (text: string): string =>
  text
    .replace(/WHERE COALESCE\(.*? < j\.v\s+AND COALESCE\(d\.version, 0\) < j\.v/s, 'WHERE TRUE')
    .replaceAll('(d.version IS NULL OR d.version < j.v)', 'TRUE')
    .replaceAll(/(?:COALESCE\(s\.version, 1\)|[ts]\.(?:backsync_)?version) <=? j\.v/g, 'TRUE')

describe.each(ownCodes)('the changes of an entity with code of its own for %s', (_, own) => {
  const { entity } = own
  let aurora: TestAurora
  let isGuarded = true

  beforeAll(async () => {
    aurora = await openTestAurora({
      owned: [entity.name],
      rewrite: (text) => (isGuarded ? text : withoutGuards(text)),
    })
    await createOwnCode(aurora.legacy, own)
  })
  afterAll(() => aurora.close())
  afterEach(() => {
    isGuarded = true
    aurora.api.faults.clear()
  })

  const changeOf = (at: number, version: number, isDelete: boolean): Change => {
    const key = own.key(at)
    return {
      ...{ entity: entity.name, key, version: BigInt(version), source: 'stream', at: AT, epoch: 1n },
      ...(isDelete ? { op: 'delete' } : { op: 'upsert', row: own.row(key, `v${version}`) }),
    }
  }
  /** The history of some keys: one write a version, some of them deletes. */
  const history = fc
    .array(fc.array(fc.boolean(), { minLength: 1, maxLength: 5 }), { minLength: 1, maxLength: 4 })
    .map((keys) => keys.flatMap((writes, at) => writes.map((isDelete, of) => changeOf(at, of + 1, isDelete))))
  /** What the newest change of each key leaves, whatever came in between. */
  const newest = (changes: readonly Change[]): unknown[] => {
    const last = new Map<string, Change>()
    for (const change of changes)
      if (change.version > (last.get(change.key)?.version ?? 0n)) last.set(change.key, change)
    return [...last.values()]
      .flatMap((change) => (change.op === 'upsert' ? [[change.key, change.version, change.row.name]] : []))
      .toSorted()
  }
  const held = async (): Promise<unknown[]> => {
    const { items, unreadable = [] } = await aurora.store.list(entity, { limit: 100, position: undefined })
    return [...items.map(({ key, version, row }) => [key, version, row.name]), ...unreadable]
      .filter((one) => !Array.isArray(one) || one[2] !== 'legacy')
      .toSorted()
  }
  const inOrder = (batch: readonly Change[]): Change[] =>
    batch.toSorted((a, b) => Number(a.version - b.version))

  /** Every change twice, in batches of any size that come in any order: the state is the newest of each key. */
  const settles = fc.asyncProperty(
    history.chain((changes) => {
      const length = changes.length * 2
      const twice = fc.shuffledSubarray([...changes, ...changes], { minLength: length, maxLength: length })
      return fc.tuple(fc.constant(changes), twice, fc.integer({ min: 1, max: 6 }))
    }),
    async ([changes, deliveries, size]) => {
      await emptyOwnCode(aurora.legacy, own)
      for (let at = 0; at < deliveries.length; at += size)
        await aurora.writer.applyIsolating(entity, inOrder(deliveries.slice(at, at + size)))
      expect(await held()).toEqual(newest(changes))
      expect(await counted(aurora.legacy, own.undone)).toBe(0)
    },
  )

  it(
    'end in the same state whatever the order, the batches and the repeats',
    async () => {
      await fc.assert(settles, runs(12, { seed: 42, short: 4 }))
    },
    times(120_000),
  )

  it(
    'would not without the guard: the same property then fails',
    async () => {
      isGuarded = false
      const { errorInstance } = await fc.check(settles, {
        ...runs(40, { seed: 42, short: 12 }),
        endOnFailure: true,
      })

      // A state that differs, and no statement that was refused.
      expect(errorInstance).not.toBeInstanceOf(BridgeError)
      expect(errorInstance).toMatchObject({ matcherResult: { pass: false } })
    },
    times(120_000),
  )

  const fault = fc.oneof(
    fc.record({
      kind: fc.constantFrom('drop-before' as const, 'drop-after' as const, 'throttle' as const),
      times: fc.constant(1),
    }),
    fc.record({
      kind: fc.constantFrom('drop-after' as const),
      operation: fc.constantFrom('CommitTransaction' as const, 'Execute' as const),
      times: fc.constant(1),
    }),
  )

  it(
    'end in the same state when batches of the same keys run at once, beside the legacy application, and calls are lost',
    async () => {
      await fc.assert(
        fc.asyncProperty(
          history.chain((changes) =>
            fc.tuple(
              fc.constant(changes),
              fc.array(fc.shuffledSubarray(changes, { minLength: changes.length }), {
                minLength: 2,
                maxLength: 3,
              }),
            ),
          ),
          fc.array(fault, { maxLength: 6 }),
          async ([changes, lanes], faults) => {
            await emptyOwnCode(aurora.legacy, own)
            for (const one of faults) aurora.api.faults.add(one)
            const legacy = async (): Promise<void> => {
              for (let at = 1; at <= 3; at++)
                await untilMade(() => insertLegacy(aurora.legacy, own, 9_000 + at))
            }
            const ends = await Promise.allSettled([
              ...lanes.map(async (lane) => {
                for (let at = 0; at < lane.length; at += 2)
                  await again(() => aurora.writer.applyIsolating(entity, inOrder(lane.slice(at, at + 2))))
              }),
              legacy(),
            ])
            aurora.api.faults.clear()
            for (const end of ends) if (end.status === 'rejected') throw end.reason
            expect(await held()).toEqual(newest(changes))
            expect(await counted(aurora.legacy, own.undone)).toBe(0)
          },
        ),
        runs(12, { seed: 7, short: 4 }),
      )
    },
    times(240_000),
  )
})

/** As a source delivers again what has failed. */
const again = async (work: () => Promise<{ readonly refused: readonly unknown[] }>): Promise<void> => {
  for (let attempt = 1; ; attempt++)
    try {
      expect((await work()).refused).toEqual([])
      return
    } catch (error) {
      if (!(error instanceof BridgeError) || error.kind !== 'transient' || attempt === 10) throw error
    }
}

/** As an application does whose statement the server has picked to end a deadlock. */
const untilMade = async (insert: () => Promise<void>): Promise<void> => {
  for (let attempt = 1; ; attempt++)
    try {
      return await insert()
    } catch (error) {
      const isDeadlock = error instanceof Error && 'errno' in error && error.errno === 1213
      if (!isDeadlock || attempt === 10) throw error
    }
}
