import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { type RouteWatch, SETTLES, watchWith } from '../../../../functions/bridge/cutover/route-watch.ts'
import { decideStep } from '../../../../functions/bridge/cutover/step-back.ts'
import type { Looks } from '../../../../functions/bridge/guard/looks.ts'
import { type Placement, type Route, STAGES, unmoved } from '../../../../functions/bridge/model/route.ts'
import { isForward, moved, placementAt } from '../../../../functions/bridge/model/route-moves.ts'
import { runs } from '../../../support/runs.ts'

const NOW = Date.parse('2037-06-02T12:00:00.000Z')
const LATER = NOW + SETTLES
const TOLD = new Date(LATER).toISOString()
const of = (looks: number, bad = 0): Looks => ({ looks, bad })
const routeAt = (to: Partial<Placement>): Route =>
  moved(unmoved('plate'), placementAt(unmoved('plate'), to), { at: '', by: 'ann' }, 'salt')

const seen = (route: Route, dynamo: Looks, aurora: Looks = of(500, 1)): RouteWatch =>
  watchWith(
    watchWith(undefined, route, [], NOW),
    route,
    [{ at: TOLD, epoch: route.epoch, sides: { aurora: { error: aurora }, dynamo: { error: dynamo } } }],
    LATER,
  )

describe('what the guard does about a route', () => {
  it('steps back to the rung before, and says by what', () => {
    const route = routeAt({ stage: 'live', percent: 20 })
    expect(decideStep(route, seen(route, of(41, 9)), LATER)).toMatchObject({
      ...{ does: 'step-back', to: { stage: 'live', percent: 5 } },
      why: 'errors: 9 of 41, beside 1 of 500',
      evidence: [{ signal: 'error', by: 'above', cohort: of(41, 9), control: of(500, 1) }],
    })
  })

  it('steps back to where no key is the new side’s, if half of what that answers fails', () => {
    const route = routeAt({ stage: 'live', percent: 20, allow: ['a'] })
    expect(decideStep(route, seen(route, of(40, 20)), LATER)).toMatchObject({
      ...{ does: 'step-back', to: { stage: 'shadow', percent: 0, allow: ['a'] } },
    })
  })

  it('steps back from stages too in which no key has moved yet', () => {
    for (const [stage, before] of [
      ['shadow', 'mirrored'],
      ['mirrored', 'legacy'],
    ] as const) {
      const route = routeAt({ stage })
      expect(decideStep(route, seen(route, of(0), of(100, 30)), LATER)).toMatchObject({
        ...{ does: 'step-back', to: { stage: before } },
      })
    }
  })

  it('does nothing, and says why, where nothing is worse or nobody may step', () => {
    const live = routeAt({ stage: 'live', percent: 20 })
    const worse = of(40, 12)
    expect(decideStep(live, seen(live, of(40)), LATER)).toMatchObject({ because: 'not-worse' })
    expect(decideStep(live, seen(live, worse), LATER - 1)).toMatchObject({ because: 'cools-down' })
    const frozen = { ...live, frozen: { at: '', by: 'ann', why: '' } }
    expect(decideStep(frozen, seen(frozen, worse), LATER)).toMatchObject({
      ...{ does: 'nothing', because: 'frozen', verdict: { verdict: 'worse' } },
    })
    const complete = routeAt({ stage: 'complete' })
    expect(decideStep(complete, seen(complete, worse), LATER)).toMatchObject({ because: 'complete' })
    const legacy = unmoved('plate')
    expect(decideStep(legacy, seen(legacy, worse), LATER)).toMatchObject({ because: 'legacy' })
  })

  it('never goes forward, wherever a route stands and whatever was seen', () => {
    const route = fc
      .record({
        stage: fc.constantFrom(...STAGES),
        percent: fc.integer({ min: 0, max: 10_000 }).map((share) => share / 100),
        allow: fc.uniqueArray(fc.constantFrom('a', 'b')),
        deny: fc.uniqueArray(fc.constantFrom('c', 'd')),
      })
      .map(routeAt)
    const count = fc.tuple(fc.nat(500), fc.nat(500)).map(([bad, fine]): Looks => ({ looks: bad + fine, bad }))
    let stepped = 0
    fc.assert(
      fc.property(route, count, count, (at, dynamo, aurora) => {
        const decision = decideStep(at, seen(at, dynamo, aurora), LATER)
        if (decision.does === 'nothing') return
        stepped++
        expect(isForward(at, decision.to)).toBe(false)
        expect(isForward(decision.to, at)).toBe(true)
      }),
      runs(500),
    )
    expect(stepped).toBeGreaterThan(20)
  })
})
