import type { Proved, Proving } from './plan.ts'

/** How a round ended; one that was cut says nothing of the tests, for it lost its servers under them. */
export type Round = Proved & { readonly cut: boolean }

/** As long as a first round may take, in milliseconds: it is a bound for what hangs, not a part of the plan. */
export const FIRST_ROUND_MS = 15 * 60_000

/**
 * Round after round, each from the next seed, until the time is up. A round that the end of the time cuts short counts
 * for nothing, but the first is played to its end, or nothing would have been proved: that it was cut is a failure.
 *
 * @param play one round, asked to end after `ms`
 */
export const playRounds = async ({ ms, seed, say, signal, play }: Rounds): Promise<Proved> => {
  const ends = performance.now() + ms
  let [passed, failed, rounds] = [0, 0, 0]
  for (let next = seed; rounds === 0 || (performance.now() < ends && !signal.aborted); next++) {
    const first = rounds === 0
    const bound = first ? Math.max(ms * 3, FIRST_ROUND_MS) : ends - performance.now()
    const round = await play({ seed: next, first, ms: bound })
    if (round.cut) {
      if (!first) break
      say(
        signal.aborted
          ? `stopped in the first round, seed ${next}`
          : `FAILED: the first round, seed ${next}, was not done within ${Math.round(bound / 1000)} s, and was cut`,
      )
      return { passed, failed: failed + 1 }
    }
    rounds += 1
    passed += round.passed
    failed += round.failed
  }
  say(`${rounds} seeds from ${seed}, ${passed} passed, ${failed} failed`)
  return { passed, failed }
}

type Rounds = Pick<Proving, 'ms' | 'seed' | 'say' | 'signal'> & {
  readonly play: (round: { seed: number; first: boolean; ms: number }) => Promise<Round>
}
