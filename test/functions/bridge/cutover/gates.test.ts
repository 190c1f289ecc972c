import { describe, expect, it } from '@jest/globals'
import { type Figures, gatesOf } from '../../../../functions/bridge/cutover/gates.ts'
import type { Placement, Stage } from '../../../../functions/bridge/model/route.ts'

const NOW = Date.parse('2026-11-30T10:00:00.000Z')
const ago = (minutes: number): string => new Date(NOW - minutes * 60_000).toISOString()
const at = (stage: Stage, percent = 0): Placement => ({ stage, percent, allow: [], deny: [] })

/** Of an entity of which nothing stands against anything. */
const fine: Figures = {
  now: NOW,
  entity: 'chef',
  isMirrored: true,
  isCounted: true,
  areOwnersKnown: true,
  writers: 'counting',
  missingTriggers: [],
  openMigrations: [],
  isFilled: true,
  verified: { at: ago(5), complete: true, rows: 100, differences: { missing: 0 } },
  lag: { toDynamo: 10, toAurora: 200 },
  parked: 0,
  conflicts: 0,
  undelivered: 0,
  canary: { at: ago(60), key: 'chef-1', toAurora: 90 },
  epoch: 7n,
  settled: { epoch: 7n, at: ago(3) },
  isFrozen: false,
  referring: [],
}

const STEPS = {
  mirrored: [at('legacy'), at('mirrored')],
  shadow: [at('mirrored'), at('shadow')],
  live: [at('shadow'), at('live', 1)],
  more: [at('live', 1), at('live', 50)],
  complete: [at('live', 100), at('complete', 100)],
} as const satisfies Record<string, readonly [Placement, Placement]>
type Step = keyof typeof STEPS

const ALL: readonly Step[] = ['mirrored', 'shadow', 'live', 'more', 'complete']
const FROM_SHADOW: readonly Step[] = ALL.slice(1)
const FROM_LIVE: readonly Step[] = ALL.slice(2)

const CASES: readonly (readonly [gate: string, what: string, Partial<Figures>, at: readonly Step[]])[] = [
  ['frozen', 'is frozen', { isFrozen: true }, ALL],
  ['versions', 'has versions of the stream', { isCounted: false }, ALL],
  ['mirror', 'is not mirrored', { isMirrored: false }, ALL],
  ['owners', 'has owners that are not known', { areOwnersKnown: false }, ALL],
  ['triggers', 'lacks a trigger', { missingTriggers: ['backsync_chefs_bi'] }, ALL],
  ['migrations', 'has a migration to come', { openMigrations: ['0012'] }, ALL],
  ['filled', 'was never filled', { isFilled: false }, FROM_SHADOW],
  ['lag', 'is behind in DynamoDB', { lag: { toDynamo: 10_001, toAurora: 0 } }, FROM_SHADOW],
  ['lag', 'is behind in Aurora', { lag: { toDynamo: 0, toAurora: 10_001 } }, FROM_SHADOW],
  ['lag', 'is behind nobody knows how far', { lag: { toDynamo: 0, toAurora: undefined } }, FROM_SHADOW],
  ['parked', 'has something parked', { parked: 1 }, FROM_SHADOW],
  ['conflicts', 'has a conflict', { conflicts: 1 }, FROM_SHADOW],
  ['undelivered', 'has a batch that was given up on', { undelivered: 1 }, FROM_SHADOW],
  ['writers', 'has a careless writer', { writers: 'careless' }, FROM_SHADOW],
  ['verified', 'was never verified', { verified: undefined }, FROM_LIVE],
  [
    'verified',
    'was verified in part',
    { verified: { at: ago(5), complete: false, rows: 3, differences: {} } },
    FROM_LIVE,
  ],
  [
    'verified',
    'differs',
    { verified: { at: ago(5), complete: true, rows: 3, differences: { stale: 2 } } },
    FROM_LIVE,
  ],
  [
    'verified',
    'was verified two days ago',
    { verified: { at: ago(2880), complete: true, rows: 3, differences: {} } },
    FROM_LIVE,
  ],
  [
    'verified',
    'was verified an hour ago',
    { verified: { at: ago(60), complete: true, rows: 3, differences: {} } },
    ['complete'],
  ],
  [
    'verified',
    'was verified nobody knows when',
    { verified: { at: '?', complete: true, rows: 3, differences: {} } },
    FROM_LIVE,
  ],
  ['canary', 'has no way back that was proved', { canary: undefined }, FROM_LIVE],
  [
    'canary',
    'has one that was proved long ago',
    { canary: { at: ago(1441), key: 'k', toAurora: 90 } },
    FROM_LIVE,
  ],
  ['settled', 'is not settled', { settled: undefined }, ['complete']],
  ['referring', 'is referred to by one that goes on', { referring: ['recipe'] }, ['complete']],
  ['referring', 'is referred to by two that go on', { referring: ['recipe', 'menu'] }, ['complete']],
  ['settled', 'was settled at an earlier move', { settled: { epoch: 6n, at: ago(3) } }, ['complete']],
]

describe('the gates', () => {
  it.each(ALL)('are open to %s where nothing is wrong', (step) => {
    expect(gatesOf(...STEPS[step], fine)).toEqual([])
  })

  describe.each(CASES)('%s, of an entity that %s', (gate, _, figures, refused) => {
    it.each(ALL)('on the way to %s', (step) => {
      const gates = gatesOf(...STEPS[step], { ...fine, ...figures }).map((refusal) => refusal.gate)
      expect(gates).toEqual(refused.includes(step) ? [gate] : [])
    })

    it('has a cure that names what to type or mend', () => {
      const [refusal] = gatesOf(...STEPS.complete, { ...fine, ...figures })
      expect(refusal?.cure).toMatch(/npx backsync|versions: 'counted'|deploy/)
      expect(refusal?.says).not.toBe('')
    })

    it.each([
      ['a stage', at('live', 50), at('shadow')],
      ['a share', at('live', 50), at('live', 5)],
      ['all', at('live', 50), at('legacy')],
    ])('never stands against going back %s', (__, from, to) => {
      expect(gatesOf(from, to, { ...fine, ...figures })).toEqual([])
    })
  })

  it('tell all that stands against a move at once', () => {
    const poor: Figures = { ...fine, parked: 2, canary: undefined, verified: undefined, undelivered: 1 }
    expect(gatesOf(...STEPS.live, poor).map(({ gate }) => gate)).toEqual([
      ...['parked', 'undelivered', 'verified', 'canary'],
    ])
  })
})
