import { noEvidence, type SignalEvidence, withInterval } from '../../../../functions/bridge/guard/evidence.ts'
import { type Looks, rateOf, type SeenInterval, sumOf } from '../../../../functions/bridge/guard/looks.ts'
import { RULES, SIGNALS, type Signal } from '../../../../functions/bridge/guard/signals.ts'
import { type GuardVerdict, judgeSignal, judgeTogether } from '../../../../functions/bridge/guard/verdict.ts'

/** Chances from 0 up to 1: the same from the same seed. */
export const randomFrom = (seed: number): (() => number) => {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

type Seen = Readonly<Partial<Record<Signal, SeenInterval>>>

/** Whoever judges a route while it is simulated. */
export type Judge = {
  /** Hears of an interval, and says what it has it that the route is. */
  readonly see: (seen: Seen) => GuardVerdict
  /** Hears that the route was moved. */
  readonly move: () => void
}

/** The guard, as it is. */
export const guardJudge = (): Judge => {
  let evidence = new Map<Signal, SignalEvidence>()
  return {
    see(seen) {
      for (const signal of SIGNALS) {
        const one = seen[signal]
        if (one === undefined) continue
        const before = evidence.get(signal) ?? noEvidence()
        evidence.set(signal, withInterval(before, one, RULES[signal]))
      }
      const judged = [...evidence].map(([signal, one]) => [signal, judgeSignal(one, RULES[signal])])
      return judgeTogether(Object.fromEntries(judged)).verdict
    },
    move() {
      evidence = new Map(
        [...evidence].map(([signal, { floor, control }]) => [signal, noEvidence(sumOf(floor, control))]),
      )
    },
  }
}

/**
 * What many build first: a test for one look at one sample, at one in a thousand, made after each interval. It has the guard's
 * minima, and so nothing against it but that it is asked again and again.
 */
export const naiveJudge = (): Judge => {
  let sums = new Map<Signal, { cohort: Looks; control: Looks }>()
  const nothing: Looks = { looks: 0, bad: 0 }
  const isWorse = (signal: Signal): boolean => {
    const { cohort, control } = sums.get(signal) ?? { cohort: nothing, control: nothing }
    const { usual, leastLooks } = RULES[signal]
    if (cohort.looks < leastLooks || cohort.bad < 5) return false
    const against = control.looks === 0 ? usual : rateOf(sumOf(cohort, control))
    const spread =
      against * (1 - against) * (1 / cohort.looks + (control.looks === 0 ? 0 : 1 / control.looks))
    const other = control.looks === 0 ? usual : rateOf(control)
    return rateOf(cohort) - other > 3.09 * Math.sqrt(spread)
  }
  return {
    see(seen) {
      for (const signal of SIGNALS) {
        const { cohort, control = nothing } = seen[signal] ?? { cohort: nothing }
        const before = sums.get(signal) ?? { cohort: nothing, control: nothing }
        sums.set(signal, { cohort: sumOf(before.cohort, cohort), control: sumOf(before.control, control) })
      }
      return SIGNALS.some(isWorse) ? 'worse' : 'cannot tell'
    },
    move() {
      sums = new Map()
    },
  }
}

/** A simulated route: what it does while nothing is wrong, or what of it is. */
export type Scene = {
  readonly name: string
  /** The shares of requests that are the cohort's, from 0 to 1, one after the other. */
  readonly shares: readonly number[]
  /** The chance that a request is bad at either side. */
  readonly base: Readonly<Record<Exclude<Signal, 'tooLate'>, number>>
  /** The chance that a minute is late. */
  readonly late: number
  /** A stretch in which at both sides more is bad: how many requests it lasts, once a step, and the chances then. */
  readonly spell?: {
    readonly lasts: number
    readonly of: Exclude<Signal, 'tooLate'>
    readonly chance: number
  }
}

const OF_REQUESTS = ['error', 'wrongField', 'tooSlow'] as const

/**
 * Plays a route with nothing wrong.
 *
 * @param requests all of them, divided among the steps
 * @param each requests in an interval
 * @returns whether it was ever called worse
 */
export const playQuiet = (
  { shares, base, late, spell }: Scene,
  judge: Judge,
  { requests, each, random }: { requests: number; each: number; random: () => number },
): boolean => {
  const perStep = requests / shares.length
  for (const share of shares) {
    const begins = Math.floor(random() * perStep)
    for (let done = 0; done < perStep; done += each) {
      const isSpell = spell !== undefined && done >= begins && done < begins + spell.lasts
      const cohort = drawn(each, share, random)
      const seen = OF_REQUESTS.map((signal) => {
        const chance = isSpell && spell.of === signal ? spell.chance : base[signal]
        return [signal, intervalOf(cohort, each - cohort, chance, chance, random)] as const
      })
      const minute = { cohort: { looks: 1, bad: random() < late ? 1 : 0 } }
      if (judge.see({ ...Object.fromEntries(seen), tooLate: minute }) === 'worse') return true
    }
    judge.move()
  }
  return false
}

const drawn = (looks: number, chance: number, random: () => number): number => {
  if (chance === 0) return 0
  let hits = 0
  for (let at = 0; at < looks; at++) if (random() < chance) hits++
  return hits
}

const intervalOf = (
  cohort: number,
  control: number,
  ofCohort: number,
  ofControl: number,
  random: () => number,
): SeenInterval => ({
  cohort: { looks: cohort, bad: drawn(cohort, ofCohort, random) },
  ...(control > 0 && { control: { looks: control, bad: drawn(control, ofControl, random) } }),
})

/**
 * How likely it is that errors as many as are usual are called worse, at any of so many looks. It is far too seldom to be counted: so
 * more of them are bad than usual, and each run that ends in a false alarm counts by how much likelier that has made it.
 *
 * @see Siegmund, "Importance sampling in the Monte Carlo study of sequential tests" (1976)
 */
export const chanceOfFalseStep = (
  runs: number,
  looks: number,
  randomOf: (run: number) => () => number,
): number => {
  const { usual } = RULES.error
  const drawnWith = 8 * usual
  let sum = 0
  for (let run = 0; run < runs; run++) {
    const [judge, random] = [guardJudge(), randomOf(run)]
    let weight = 0
    for (let look = 0; look < looks; look++) {
      const isBad = random() < drawnWith
      weight += isBad ? Math.log(usual / drawnWith) : Math.log((1 - usual) / (1 - drawnWith))
      if (judge.see({ error: { cohort: { looks: 1, bad: isBad ? 1 : 0 } } }) !== 'worse') continue
      sum += Math.exp(weight)
      break
    }
  }
  return sum / runs
}

/** A fault of one signal: at which share, and how much of the cohort's is bad of it; all else is as in a quiet scene. */
export type Planted = {
  readonly share: number
  readonly base: number
  readonly chance: number
  /** How many looks at the cohort were quiet before. */
  readonly after?: number
}

/** How many looks at the cohort, from the fault on, it takes until a judge says so; Infinity where it doesn't within 50,000. */
export const looksUntil = (
  verdict: GuardVerdict,
  { share, base, chance, after = 0 }: Planted,
  judge: Judge,
  random: () => number,
): number => {
  const others = Math.round((1 - share) / share)
  const see = (of: number): GuardVerdict => {
    const error = intervalOf(1, others, of, base, random)
    return judge.see({ error })
  }
  for (let look = 0; look < after; look++) if (see(base) === 'worse') return Number.NEGATIVE_INFINITY
  for (let looks = 1; looks <= 50_000; looks++) if (see(chance) === verdict) return looks
  return Number.POSITIVE_INFINITY
}

export const quantileOf = (values: readonly number[], share: number): number =>
  values.toSorted((a, b) => a - b)[Math.min(values.length - 1, Math.floor(values.length * share))] ?? 0
