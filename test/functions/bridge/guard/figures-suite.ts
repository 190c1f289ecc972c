import { expect, it } from '@jest/globals'
import { SCENES } from './scenes.ts'
import {
  chanceOfFalseStep,
  guardJudge,
  type Judge,
  looksUntil,
  naiveJudge,
  type Planted,
  playQuiet,
  quantileOf,
  randomFrom,
} from './simulation.ts'

/** Requests of a simulated run, and how many of them are told together. */
const REQUESTS = 10_000
const TOGETHER = [5, 20, 60] as const

/** Two seeds next to each other have nothing in common. */
const seedOf = (run: number): number => run * 7_919 + 1

/** How many of so many quiet runs of each scene are stepped back by a judge. */
const steppedBack = (judge: () => Judge, runs: number): Readonly<Record<string, number>> =>
  Object.fromEntries(
    SCENES.map((scene) => [
      scene.name,
      Array.from({ length: runs }, (_, run) =>
        playQuiet(scene, judge(), {
          requests: REQUESTS,
          each: TOGETHER[run % TOGETHER.length] ?? 1,
          random: randomFrom(seedOf(run)),
        }),
      ).filter(Boolean).length,
    ]),
  )

const sumIn = (counts: Readonly<Record<string, number>>): number =>
  Object.values(counts).reduce((sum, count) => sum + count, 0)

/** Median and 95th percentile of the looks at the cohort until a verdict. */
const soon = (verdict: 'worse' | 'as good', planted: Planted, runs: number) => {
  const looks = Array.from({ length: runs }, (_, run) =>
    looksUntil(verdict, planted, guardJudge(), randomFrom(seedOf(run))),
  )
  return { p50: quantileOf(looks, 0.5), p95: quantileOf(looks, 0.95) }
}

/**
 * What the guard is for, in figures; they are printed as one line of JSON.
 *
 * @param quiet runs of all scenes together, at least
 * @param planted runs of each fault
 */
export const showsTheFigures = ({ quiet, planted }: { quiet: number; planted: number }): void => {
  const runs = Math.ceil(quiet / SCENES.length)
  const figures: Record<string, unknown> = { requests: REQUESTS, quiet: runs * SCENES.length, planted }

  it('never steps a quiet route back, whatever is usual there, and a test for one look does', () => {
    const guard = steppedBack(guardJudge, runs)
    const naive = steppedBack(naiveJudge, Math.min(runs, 60))
    Object.assign(figures, { falseSteps: sumIn(guard), naive: { runs: Math.min(runs, 60), of: naive } })

    expect(sumIn(guard)).toBe(0)
    // So this simulation is one that a judge can fail in.
    expect(naive['as many are bad as is usual, without a control']).toBeGreaterThan(0)
    expect(naive['as many are bad as is usual, half and half']).toBeGreaterThan(0)
  }, 2_400_000)

  it('calls what is at the very edge of the usual worse once in a hundred thousand times at most', () => {
    const chance = chanceOfFalseStep(planted * 2, 2_000, (run) => randomFrom(seedOf(run)))
    Object.assign(figures, { chanceAtTheEdge: chance })

    expect(chance).toBeLessThan(1e-5)
    // Nor is it never: else it would be slower than it has to be.
    expect(chance).toBeGreaterThan(1e-9)
  }, 900_000)

  it('finds what fails of a fifth within 30 requests of the cohort, and of a twentieth within 300', () => {
    const found = [0.05, 0.5, 1].map((share) => ({
      share,
      all: soon('worse', { share, base: 0.001, chance: 1 }, planted),
      fifth: soon('worse', { share, base: 0.001, chance: 0.2 }, planted),
      twentieth: soon('worse', { share, base: 0.001, chance: 0.05 }, planted),
    }))
    Object.assign(figures, { found })

    for (const { all, fifth, twentieth } of found) {
      expect(all.p95).toBe(20)
      expect(fifth.p50).toBeLessThanOrEqual(30)
      expect(twentieth.p50).toBeLessThanOrEqual(300)
    }
  }, 900_000)

  it('finds it also behind five thousand requests with nothing wrong', () => {
    const late = { share: 0.5, base: 0.001, after: 5_000 }
    const some = Math.ceil(planted / 4)
    const found = {
      all: soon('worse', { ...late, chance: 1 }, some),
      fifth: soon('worse', { ...late, chance: 0.2 }, some),
      twentieth: soon('worse', { ...late, chance: 0.05 }, some),
    }
    Object.assign(figures, { late: found })

    expect(found.all.p95).toBeLessThanOrEqual(15)
    expect(found.fifth.p50).toBeLessThanOrEqual(60)
    expect(found.twentieth.p50).toBeLessThanOrEqual(500)
  }, 900_000)

  it('calls as good what is, within some hundred requests of the cohort', () => {
    const some = Math.ceil(planted / 4)
    const good = [0, 0.001, 0.003].map((base) => ({
      base,
      ...soon('as good', { share: 0.5, base, chance: base }, some),
    }))
    Object.assign(figures, { good })
    process.stdout.write(`${JSON.stringify({ guard: figures })}\n`)

    expect(good[0]?.p95).toBeLessThanOrEqual(600)
    expect(good[1]?.p50).toBeLessThanOrEqual(1_200)
    expect(good[2]?.p50).toBeLessThanOrEqual(2_500)
  }, 900_000)

  it('never calls as good what is bad twice as often as is usual, but for one in a hundred', () => {
    const runsOfIt = Math.max(60, Math.ceil(planted / 4))
    const called = Array.from({ length: runsOfIt }, (_, run) =>
      calledGood(0.01, randomFrom(seedOf(run)), 3_000),
    ).filter(Boolean).length

    expect(called).toBeLessThanOrEqual(Math.ceil(runsOfIt / 100) + 1)
  }, 900_000)
}

/** Whether what is bad with this chance is ever called as good within so many looks, without a control. */
const calledGood = (chance: number, random: () => number, looks: number): boolean => {
  const judge = guardJudge()
  for (let look = 0; look < looks; look++) {
    const verdict = judge.see({ error: { cohort: { looks: 1, bad: random() < chance ? 1 : 0 } } })
    if (verdict === 'as good') return true
  }
  return false
}
