import { describe, expect, it } from '@jest/globals'
import {
  COOLS,
  coolsDown,
  judgeWatch,
  type RouteInterval,
  type RouteWatch,
  SETTLES,
  watchSchema,
  watchWith,
} from '../../../../functions/bridge/cutover/route-watch.ts'
import { GuardInputError, type Looks } from '../../../../functions/bridge/guard/looks.ts'
import { type Placement, type Route, unmoved } from '../../../../functions/bridge/model/route.ts'
import { moved, placementAt } from '../../../../functions/bridge/model/route-moves.ts'

const NOW = Date.parse('2037-06-02T12:00:00.000Z')
const LATER = NOW + SETTLES
const minute = (n: number): string => new Date(NOW + n * 60_000).toISOString()
const of = (looks: number, bad = 0): Looks => ({ looks, bad })

const routeAt = (to: Partial<Placement>, from: Route = unmoved('plate')): Route =>
  moved(from, placementAt(from, to), { at: minute(0), by: 'ann' }, 'salt')
const live = routeAt({ stage: 'live', percent: 5 })
const told = (n: number, aurora: Looks, dynamo: Looks, epoch = live.epoch): RouteInterval => ({
  ...{ at: minute(n), epoch },
  sides: { aurora: { error: aurora }, dynamo: { error: dynamo } },
})
/** Seen for long enough that what comes counts. */
const settled = (route: Route): RouteWatch => watchWith(undefined, route, [], NOW)

describe('what is watched of a route', () => {
  it('is, from live on, what the new side answers, beside the old one', () => {
    const watch = watchWith(settled(live), live, [told(1, of(300, 1), of(40, 12))], LATER)

    expect(watch.signals.error).toMatchObject({ cohort: of(40, 12), control: of(300, 1) })
    expect(judgeWatch(watch)).toMatchObject({ verdict: 'worse', worse: ['error'] })
  })

  it('is below that all that is answered, against what it was before', () => {
    const legacy = unmoved('plate')
    const before = watchWith(settled(legacy), legacy, [told(1, of(2_000, 40), of(0), 0n)], LATER)
    expect(before.signals.error).toMatchObject({ cohort: of(2_000, 40), control: of(0) })
    // Far more than is usual elsewhere: no measure of anything, since it was found worse there.
    expect(judgeWatch(before).verdict).toBe('worse')

    const fine = watchWith(settled(legacy), legacy, [told(1, of(2_000, 4), of(0), 0n)], LATER)
    const mirrored = routeAt({ stage: 'mirrored' })
    expect(watchWith(fine, mirrored, [], LATER).signals.error).toMatchObject({
      ...{ cohort: of(0), control: of(0), floor: of(2_000, 4) },
    })
    expect(watchWith(before, mirrored, [], LATER).signals.error).toMatchObject({ floor: of(0) })
  })

  it('counts an interval once, whoever tells it again and in whichever order', () => {
    const [one, two, three] = [told(1, of(10), of(1)), told(2, of(20), of(2)), told(3, of(40, 1), of(4))]
    const once = watchWith(settled(live), live, [three, one, two], LATER)
    expect(once.signals.error).toMatchObject({ cohort: of(7), control: of(70, 1) })
    expect(watchWith(once, live, [two, three, one], LATER)).toEqual(once)
    const byOne = [one, two, three].reduce(
      (watch, next) => watchWith(watch, live, [next], LATER),
      settled(live),
    )
    expect(byOne).toEqual(once)
  })

  it('begins anew behind a move, and keeps as a floor what the old side was measured at', () => {
    const watch = watchWith(settled(live), live, [told(1, of(900, 9), of(30, 3))], LATER)
    const further = routeAt({ percent: 20 }, live)
    const anew = watchWith(watch, further, [told(2, of(10), of(10), further.epoch)], LATER)

    expect(anew).toMatchObject({ epoch: further.epoch, since: LATER, through: minute(2) })
    expect(anew.signals.error).toMatchObject({ cohort: of(0), control: of(0), floor: of(900, 9) })
  })

  it('leaves out what was seen under another move, and until this one has settled', () => {
    const wrong = told(1, of(0), of(50, 50), live.epoch - 1n)
    expect(judgeWatch(watchWith(settled(live), live, [wrong], LATER)).verdict).toBe('cannot tell')
    const early = told(1, of(0), of(50, 50))
    const soon = watchWith(settled(live), live, [early], LATER - 1)
    expect(judgeWatch(soon).verdict).toBe('cannot tell')
    // Nor does it count when it is told again.
    expect(judgeWatch(watchWith(soon, live, [early], LATER)).verdict).toBe('cannot tell')
  })

  it('leaves out what was seen before it had settled, although it is told after that', () => {
    const early = [-1, 0].map((n) => told(n, of(0), of(50, 50)))
    const watch = watchWith(settled(live), live, early, NOW + 3 * SETTLES)
    expect(judgeWatch(watch).verdict).toBe('cannot tell')
    expect(watch.through).toBe(minute(0))
    const next = watchWith(watch, live, [told(1, of(0), of(50, 50))], NOW + 4 * SETTLES)
    expect(judgeWatch(next)).toMatchObject({ verdict: 'worse' })
  })

  it('cools down longer behind a step of the guard’s own, and no longer than that where a clock was set back', () => {
    const evidence = [{ signal: 'error', by: 'above', cohort: of(40, 12), control: of(0) }] as const
    const stepped = moved(live, placementAt(live, { percent: 1 }), { at: '', by: 'guard', evidence }, 's')
    const watch = watchWith(undefined, stepped, [], NOW)

    expect(coolsDown(watch, stepped, NOW + COOLS - 1)).toBe(true)
    expect(coolsDown(watch, stepped, NOW + COOLS)).toBe(false)
    expect(coolsDown(watch, stepped, NOW - 3_600_000)).toBe(false)
    expect(coolsDown(watchWith(undefined, live, [], NOW), live, NOW + SETTLES)).toBe(false)
  })

  it('has what concerns both stores beside the rest', () => {
    const late = { tooLate: of(1, 1) }
    const intervals = [1, 2, 3, 4, 5].map((n) => ({ ...told(n, of(10), of(10)), both: late }))

    expect(judgeWatch(watchWith(settled(live), live, intervals, LATER))).toMatchObject({
      ...{ verdict: 'worse', worse: ['tooLate'] },
    })
  })

  it('takes no figure that can’t be', () => {
    for (const bad of [Number.NaN, -1, 50])
      expect(() => watchWith(settled(live), live, [told(1, of(10), of(40, bad))], LATER)).toThrow(
        GuardInputError,
      )
  })

  it('keeps what is slow while it is live, with what the old side was measured at by that, and no longer', () => {
    const slow = (n: number, epoch: bigint): RouteInterval => ({
      ...told(n, of(100), of(20), epoch),
      sides: { aurora: { tooSlow: of(100, 3) }, dynamo: { tooSlow: of(20, 1) } },
    })
    const known = { ...settled(live), slowAbove: 90 }
    const watch = watchWith(known, live, [slow(1, live.epoch)], LATER)
    const further = watchWith(watch, routeAt({ percent: 20 }, live), [], LATER)
    expect(further).toMatchObject({ slowAbove: 90, signals: { tooSlow: { floor: of(100, 3) } } })
    const back = watchWith(watch, routeAt({ stage: 'shadow' }, live), [], LATER)
    expect([back.slowAbove, back.signals.tooSlow]).toEqual([undefined, undefined])
  })

  it('is the same when it was kept as JSON', () => {
    const watch = watchWith(settled(live), live, [told(1, of(900, 9), of(30, 3))], LATER)
    const kept = JSON.stringify({ ...watch, epoch: String(watch.epoch) })

    expect(watchSchema.parse(JSON.parse(kept))).toEqual(watch)
    expect(watchSchema.safeParse({ ...JSON.parse(kept), signals: { error: { above: [] } } }).success).toBe(
      false,
    )
  })
})
