import { describe, expect, it } from '@jest/globals'
import {
  evidenceSchema,
  noEvidence,
  type SignalEvidence,
  withInterval,
} from '../../../../functions/bridge/guard/evidence.ts'
import type { Looks } from '../../../../functions/bridge/guard/looks.ts'
import { RULES, SIGNALS } from '../../../../functions/bridge/guard/signals.ts'
import { judgeSignal, judgeTogether } from '../../../../functions/bridge/guard/verdict.ts'

const rule = RULES.error
const of = (looks: number, bad = 0): Looks => ({ looks, bad })
const seen = (cohort: Looks, control?: Looks, before: SignalEvidence = noEvidence()): SignalEvidence =>
  withInterval(before, { cohort, control }, rule)

describe('the verdict on a signal', () => {
  it('is that it cannot tell, of nothing, with how many looks it lacks if none is bad', () => {
    const { verdict, lacks } = judgeSignal(noEvidence(), rule)
    expect(verdict).toBe('cannot tell')
    expect(judgeSignal(seen(of((lacks ?? 0) - 1)), rule).verdict).toBe('cannot tell')
    expect(judgeSignal(seen(of(lacks ?? 0)), rule).verdict).toBe('as good')
  })

  it('is worse from 20 looks on, of which more than a few are bad', () => {
    expect(judgeSignal(seen(of(19, 19)), rule).verdict).toBe('cannot tell')
    expect(judgeSignal(seen(of(20, 4)), rule).verdict).toBe('cannot tell')
    expect(judgeSignal(seen(of(20, 6)), rule)).toMatchObject({ verdict: 'worse', by: 'above' })
  })

  it('says how many looks it lacks to be worse, where it is on its way there', () => {
    const before = seen(of(100, 3))
    const { verdict, lacks = 0 } = judgeSignal(before, rule)
    expect(verdict).toBe('cannot tell')
    // As they were: three of a hundred are bad.
    const after = seen(of(lacks, Math.ceil(lacks * 0.03)), undefined, before)
    expect(judgeSignal(after, rule).verdict).toBe('worse')
  })

  it('says of a share between what is usual and what is not tolerated that no number will do', () => {
    const between = judgeSignal(seen(of(10_000, 90)), rule)
    expect(between.verdict).toBe('cannot tell')
    expect(between).not.toHaveProperty('lacks')
  })

  it('goes by the other side where that is bad too: a fault of both is none of the cohort', () => {
    expect(judgeSignal(seen(of(200, 30), of(200, 30)), rule).verdict).toBe('cannot tell')
    expect(judgeSignal(seen(of(200, 30), of(200)), rule).verdict).toBe('worse')
  })

  it('goes by what is the cohort’s due of all that is bad, where much is bad as usual', () => {
    const before = noEvidence(of(1_000, 100))
    expect(judgeSignal(seen(of(800, 80), of(800, 80), before), rule).verdict).not.toBe('worse')
    const beside = seen(of(800, 200), of(800, 80), before)
    expect(judgeSignal(beside, rule)).toMatchObject({ verdict: 'worse', by: 'beside' })
  })

  it('holds nothing against a share that a floor was measured of', () => {
    expect(judgeSignal(seen(of(1_000, 30)), rule).verdict).toBe('worse')
    expect(judgeSignal(seen(of(1_000, 30), undefined, noEvidence(of(5_000, 150))), rule).verdict).not.toBe(
      'worse',
    )
  })

  it('finds a fault that comes late although quiet looks had lost every bet', () => {
    let evidence = noEvidence()
    for (let minute = 0; minute < 1_000; minute++) evidence = seen(of(50), of(50), evidence)
    expect(judgeSignal(evidence, rule).verdict).toBe('as good')
    for (let minute = 0; minute < 3; minute++) evidence = seen(of(50, 10), of(50), evidence)
    expect(judgeSignal(evidence, rule)).toMatchObject({ verdict: 'worse', by: 'above' })
  })

  it('hears of a spell of what is slow once an interval: four voices, not a thousand', () => {
    const slow = RULES.tooSlow
    const minute = { cohort: of(1_000, 1_000), control: of(1_000) }
    const once = withInterval(noEvidence(), minute, slow)
    expect(judgeSignal(once, slow).verdict).toBe('cannot tell')
    expect(judgeSignal(withInterval(once, minute, slow), slow).verdict).toBe('worse')
    let often = noEvidence()
    for (let n = 0; n < 10; n++) often = withInterval(often, { cohort: of(1_000, 300) }, slow)
    expect(judgeSignal(often, slow).verdict).toBe('worse')
  })

  it('is the same of evidence that was kept as JSON in between', () => {
    const kept = evidenceSchema.parse(JSON.parse(JSON.stringify(seen(of(60, 2), of(900, 3)))))
    const cohort = of(40, 9)
    expect(seen(cohort, of(500), kept)).toEqual(seen(cohort, of(500), seen(of(60, 2), of(900, 3))))
    expect(evidenceSchema.safeParse({ ...kept, above: [1] }).success).toBe(false)
    expect(evidenceSchema.safeParse({ ...kept, cohort: of(1, 2) }).success).toBe(false)
    expect(JSON.stringify(kept).length).toBeLessThan(700)
  })
})

describe('the verdict on a route', () => {
  const [worse, good, open] = [of(40, 20), of(2_000), of(10)].map((tally) => judgeSignal(seen(tally), rule))

  it('is worse as soon as one signal is, and names it', () => {
    expect(judgeTogether({ error: good, wrongField: worse, tooSlow: open })).toMatchObject({
      verdict: 'worse',
      worse: ['wrongField'],
    })
  })

  it('is as good when all are, and else lacks what the one lacks that lacks most', () => {
    expect(judgeTogether({ error: good, tooSlow: good })).toMatchObject({ verdict: 'as good', worse: [] })
    expect(judgeTogether({ error: good, tooSlow: open })).toMatchObject({
      verdict: 'cannot tell',
      lacks: open?.lacks,
    })
    const never = judgeSignal(seen(of(10_000, 90)), rule)
    expect(judgeTogether({ error: never, tooSlow: open })).not.toHaveProperty('lacks')
  })

  it('is that it cannot tell where nothing is watched', () => {
    expect(judgeTogether({})).toEqual({ verdict: 'cannot tell', worse: [], signals: {} })
  })

  it('divides its false rate among all signals', () => {
    expect(SIGNALS.reduce((sum, signal) => sum + RULES[signal].weight, 0)).toBe(1)
  })
})
