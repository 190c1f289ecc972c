import { describe, expect, it } from '@jest/globals'
import { type Placement, type Stage, standsAt, unmoved } from '../../../../functions/bridge/model/route.ts'
import {
  faultOfMove,
  isForward,
  lastRung,
  moved,
  nextRung,
  placementAt,
} from '../../../../functions/bridge/model/route-moves.ts'

const at = (stage: Stage, percent = 0, lists: Partial<Placement> = {}): Placement => ({
  ...{ stage, percent, allow: [], deny: [] },
  ...lists,
})
const note = { at: '2026-11-30T10:00:00.000Z', by: 'ann' }

describe('a move', () => {
  it.each<[string, Placement, Placement, boolean]>([
    ['to a later stage', at('legacy'), at('mirrored'), true],
    ['to an earlier stage', at('live', 20), at('shadow'), false],
    ['to a larger share', at('live', 20), at('live', 50), true],
    ['to a smaller share', at('live', 20), at('live', 5), false],
    ['to a smaller share with one more key', at('live', 20), at('live', 5, { allow: ['a'] }), true],
    ['that denies a key', at('live', 20), at('live', 20, { deny: ['a'] }), false],
    ['that denies a key no more', at('live', 20, { deny: ['a'] }), at('live', 20), true],
    ['that takes a key from those that are allowed', at('live', 20, { allow: ['a'] }), at('live', 20), false],
    ['of lists below live, where they say nothing', at('shadow'), at('shadow', 0, { allow: ['a'] }), false],
  ])('%s is forward or not', (_, from, to, forward) => {
    expect(isForward(from, to)).toBe(forward)
  })

  it.each<[string, Placement, Placement, RegExp]>([
    ['two stages at once', at('legacy'), at('shadow'), /legacy is followed by mirrored/],
    ['from complete', at('complete', 100), at('live', 100), /no way back/],
    ['to complete too early', at('live', 99), at('complete', 100), /live 99 %/],
    ['to complete with a key denied', at('live', 100, { deny: ['a'] }), at('complete', 100), /denies 1/],
    ['beyond 100 %', at('live', 1), at('live', 101), /0 to 100/],
    ['below 0 %', at('live', 1), at('live', -1), /0 to 100/],
    ['to no number', at('live', 1), at('live', Number.NaN), /0 to 100/],
    ['finer than hundredths', at('live', 1), at('live', 1.001), /hundredths/],
    ['with a key on both lists', at('live', 1), at('live', 1, { allow: ['a'], deny: ['a'] }), /both lists/],
    ['with what can be no key', at('live', 1), at('live', 1, { allow: [''] }), /is empty/],
    [
      'with more keys than fit',
      at('live', 1),
      at('live', 1, { deny: Array.from({ length: 301 }, (_, n) => `k${n}`) }),
      /at most 300/,
    ],
    [
      'with longer keys than fit',
      at('live', 1),
      at('live', 1, { deny: Array.from({ length: 300 }, (_, n) => `${n}`.padStart(200, '€')) }),
      /bytes/,
    ],
  ])('%s is none', (_, from, to, fault) => {
    expect(faultOfMove(from, to)).toMatch(fault)
  })

  it('may go any way back at once, and to any share', () => {
    for (const [from, to] of [
      [at('live', 100), at('legacy')],
      [at('live', 1), at('live', 33.33)],
      [at('live', 100), at('complete', 100)],
      [at('shadow'), at('live', 0, { allow: ['a'] })],
    ] as const)
      expect(faultOfMove(from, to)).toBeUndefined()
  })
})

describe('a route that goes rung by rung', () => {
  it('goes to all keys of it and no further, and the same way back', () => {
    const up: string[] = []
    let last = at('legacy')
    for (let next: Placement | undefined = last; next !== undefined; next = nextRung(next)) {
      expect(next === last || (isForward(last, next) && faultOfMove(last, next) === undefined)).toBe(true)
      up.push(standsAt(next))
      last = next
    }
    const down: string[] = []
    for (let next: Placement | undefined = last; next !== undefined; next = lastRung(next)) {
      down.push(standsAt(next))
    }

    expect(up).toEqual([
      'legacy',
      'mirrored',
      'shadow',
      'live 1 %',
      'live 5 %',
      'live 20 %',
      'live 50 %',
      'live 100 %',
    ])
    expect(down).toEqual(up.toReversed())
    expect([nextRung(at('complete', 100)), lastRung(at('complete', 100))]).toEqual([undefined, undefined])
  })

  it('stops at the next rung from between two', () => {
    expect([nextRung(at('live', 7)), lastRung(at('live', 7)), lastRung(at('live', 0))]).toMatchObject([
      { percent: 20 },
      { percent: 5 },
      { stage: 'shadow', percent: 0 },
    ])
  })
})

describe('a route after a move', () => {
  const route = moved(unmoved('chef'), at('mirrored'), { ...note, why: 'begin' }, 'first')

  it('has the next number, a salt that never changes, and the move in its history', () => {
    const next = moved(route, at('shadow'), { ...note, forced: ['lag'] }, 'second')

    expect(next).toMatchObject({ stage: 'shadow', epoch: 2n, salt: 'first' })
    expect(next.history).toEqual([
      {
        ...{ epoch: 2n, ...note, forced: ['lag'] },
        ...{ from: { stage: 'mirrored', percent: 0 }, to: { stage: 'shadow', percent: 0 } },
      },
      expect.objectContaining({ epoch: 1n, why: 'begin' }),
    ])
  })

  it('is not settled, whatever was known of the one before', () => {
    const settled = { ...route, settled: { epoch: 1n, at: note.at } }
    expect(moved(settled, at('shadow'), note, '')).not.toHaveProperty('settled')
  })

  it('stays frozen forward, and is let go by the way back', () => {
    const live = { ...route, ...at('live', 5), frozen: { ...note, why: 'look' } }
    expect(moved(live, at('live', 20), note, '')).toHaveProperty('frozen')
    expect(moved(live, at('live', 1), note, '')).not.toHaveProperty('frozen')
  })

  it('remembers a hundred moves', () => {
    let long = route
    for (let n = 0; n < 150; n++) long = moved(long, at(n % 2 === 0 ? 'shadow' : 'mirrored'), note, '')
    expect([long.epoch, long.history.length, long.history[0]?.epoch]).toEqual([151n, 100, 151n])
  })

  it('counts keys that were listed, or taken out', () => {
    const listed = moved(route, at('mirrored', 0, { allow: ['a', 'b'], deny: ['c'] }), note, '')
    expect(moved(listed, at('mirrored', 0, { allow: ['b'] }), note, '').history[0]).toMatchObject({
      lists: 2,
    })
  })
})

describe('a placement that is said in part', () => {
  it('keeps the rest, but no share below live, and no list where it is complete', () => {
    const from = at('live', 20, { allow: ['a'], deny: ['b'] })
    expect(placementAt(from, { percent: 50 })).toEqual({ ...from, percent: 50 })
    expect(placementAt(from, { stage: 'shadow' })).toEqual({ ...from, stage: 'shadow', percent: 0 })
    expect(placementAt(from, { stage: 'complete' })).toEqual(at('complete', 100))
  })
})
