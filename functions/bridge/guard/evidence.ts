import * as z from 'zod'
import { gain, logSum } from './bets.ts'
import { checkedLooks, type Looks, NOTHING_SEEN, rateOf, type SeenInterval, sumOf } from './looks.ts'
import { EFFECT, type SignalRule } from './signals.ts'

/**
 * By how much each bet has it that the odds are not what is usual. The least of them wins only where the rate, over all that it has
 * won by, is above twice the usual one: (r - 1) / ln r is 2.16 for r = 4. So the size of an effect needs no figure of its own.
 */
export const ODDS = [4, 12, 40] as const
/** As ODDS, of bets that there is less of what is bad than twice what is usual. */
export const ODDS_OF_GOOD = [2, 6, 40] as const

/** What of its capital a bet has from the beginning: that is when most goes wrong. */
const AT_ONCE = 0.75
/** For how many looks the rest lasts, a like part for each: what goes wrong late meets money that was not lost before. */
const LASTS = 1_000_000

/** Of a floor so many looks are remembered. */
const MOST_FLOOR = 100_000

/** What is taken for the latest is about so many looks; of fewer than the other number nothing is said. */
const LATEST = 20
const LEAST_LATEST = 5

/**
 * What is known of one signal since a route's last move: small, and all that has to be kept. Intervals are added in their order, each
 * once. All capitals are natural logarithms.
 */
export type SignalEvidence = {
  readonly cohort: Looks
  readonly control: Looks
  /** What the old side had before that move: how often it is bad while nothing is wrong. */
  readonly floor: Looks
  /** The latest looks at the control, older ones fading out: these are no whole numbers. */
  readonly latest: Looks
  /** What bets have won by which bad looks at the cohort are more than is usual: one of each of ODDS. */
  readonly above: readonly number[]
  /** By which more of the bad looks are the cohort's than are its due, beside the control: one of each of ODDS. */
  readonly beside: readonly number[]
  /** By which bad looks at the cohort are fewer than twice what is usual: one of each of ODDS_OF_GOOD. */
  readonly below: readonly number[]
}

/** SignalEvidence at its beginning. @param floor what was measured before, while nothing was wrong */
export const noEvidence = (floor: Looks = NOTHING_SEEN): SignalEvidence => ({
  ...{ cohort: NOTHING_SEEN, control: NOTHING_SEEN },
  floor: faded(checkedLooks('floor', floor)),
  latest: NOTHING_SEEN,
  above: ODDS.map(() => Math.log(AT_ONCE)),
  beside: ODDS.map(() => Math.log(AT_ONCE)),
  below: ODDS_OF_GOOD.map(() => 0),
})

/** What was measured long ago counts less and less. */
const faded = ({ looks, bad }: Looks): Looks =>
  looks <= MOST_FLOOR ? { looks, bad } : { looks: MOST_FLOOR, bad: Math.ceil((bad * MOST_FLOOR) / looks) }

/** What the shares of bad looks are measured by. */
export type Measures = {
  /** The chance of a bad look at the cohort where nothing is wrong: that of the old side counts twice. */
  readonly usual: number
  /** The share from which on the cohort isn't as good. */
  readonly tolerated: number
}

/** By what the looks that come next are measured. */
export const measuresOf = (
  { control, floor, latest }: Pick<SignalEvidence, 'control' | 'floor' | 'latest'>,
  { usual }: Pick<SignalRule, 'usual'>,
): Measures => {
  const { looks, bad } = sumOf(control, floor)
  // As if it had had half a bad look in as many as usually have one: a control that begins says little.
  const beside = (bad + 0.5) / (looks + 1 / usual)
  return {
    // Where all goes wrong at once, the cohort is not to blame.
    usual: below1(Math.max(usual, EFFECT * beside, EFFECT * (latestRate(latest) ?? 0))),
    tolerated: below1(EFFECT * Math.max(usual, beside)),
  }
}

/** The rate of the latest looks; undefined of too few. */
const latestRate = (latest: Looks): number | undefined =>
  latest.looks < LEAST_LATEST ? undefined : rateOf(latest)

/** The latest looks with those of one more interval. */
const withLatest = (latest: Looks, now: Looks): Looks => {
  const kept = Math.max(0, 1 - now.looks / LATEST)
  return { looks: latest.looks * kept + now.looks, bad: latest.bad * kept + now.bad }
}

const below1 = (chance: number): number => Math.min(chance, 0.99)

/**
 * What is known with one more interval.
 *
 * In an interval the bets are placed when it is known how many looks each side had and how many of the control's were bad. Looks at
 * the cohort are then bad by chance, at most `usual`. Of all bad ones, where both sides are alike, so many are the cohort's as of a
 * draw without putting back, which is spread less than with putting back: by convexity the bet is no better than fair
 * (Hoeffding, "Probability inequalities for sums of bounded random variables", 1963, section 6).
 *
 * @throws GuardInputError
 */
export const withInterval = (
  evidence: SignalEvidence,
  seen: SeenInterval,
  rule: Pick<SignalRule, 'usual' | 'voices'>,
): SignalEvidence => {
  const { voices } = rule
  const [cohort, now] = [
    checkedLooks('cohort', seen.cohort),
    checkedLooks('control', seen.control ?? NOTHING_SEEN),
  ]
  const { floor } = evidence
  const control = sumOf(evidence.control, now)
  const latest = withLatest(evidence.latest, now)
  const measures = measuresOf({ control, floor, latest }, rule)
  const fewest = heard(cohort, voices, Math.floor)
  const most = heard(cohort, voices, Math.ceil)
  const other = heard(now, voices, Math.ceil)
  const ofBoth = { hits: fewest.bad, misses: other.bad }
  const share = fewest.looks / (fewest.looks + other.looks)
  const ofCohort = { hits: fewest.bad, misses: fewest.looks - fewest.bad }
  const ofGood = { hits: most.looks - most.bad, misses: most.bad }
  return {
    cohort: sumOf(evidence.cohort, cohort),
    ...{ control, floor, latest },
    above: placed(evidence.above, fewest.looks, (odds) => gain(ofCohort, measures.usual, odds)),
    beside:
      cohort.looks === 0 || now.looks === 0
        ? evidence.beside
        : placed(evidence.beside, fewest.looks, (odds) => gain(ofBoth, share, odds)),
    below: evidence.below.map(
      (capital, at) => capital + gain(ofGood, 1 - measures.tolerated, ODDS_OF_GOOD[at] ?? 1),
    ),
  }
}

/**
 * Capitals after an interval, with what was kept for it.
 *
 * To begin anew with a part of the capital at each look is the detector of Shin, Ramdas and Rinaldo, "E-detectors: a nonparametric
 * framework for sequential change detection" (2023), after Shiryaev and Roberts; what is kept for LASTS looks bounds the chance of any
 * false alarm within these, and not only how seldom they are.
 */
const placed = (
  capitals: readonly number[],
  looks: number,
  won: (odds: number) => number,
): readonly number[] =>
  capitals.map((capital, at) => {
    const fresh = Math.log(((1 - AT_ONCE) * looks) / LASTS)
    return logSum(capital, fresh) + won(ODDS[at] ?? 1)
  })

/** An interval's looks as far as they count, and how many of them were bad, rounded to whichever is on the safe side. */
const heard = ({ looks, bad }: Looks, voices: number, round: (n: number) => number): Looks =>
  looks <= voices ? { looks, bad } : { looks: voices, bad: round((bad * voices) / looks) }

const tally = z
  .object({ looks: z.number().int().nonnegative(), bad: z.number().int().nonnegative() })
  .refine(({ looks, bad }) => bad <= looks)
const fading = z.object({ looks: z.number().nonnegative(), bad: z.number().nonnegative() })
const capitals = (bets: readonly number[]) => z.array(z.number()).length(bets.length)

/** SignalEvidence as it was kept, in JSON; refuses what was kept by other bets. */
export const evidenceSchema: z.ZodType<SignalEvidence> = z.object({
  ...{ cohort: tally, control: tally, floor: tally },
  latest: fading,
  ...{ above: capitals(ODDS), beside: capitals(ODDS), below: capitals(ODDS_OF_GOOD) },
})
