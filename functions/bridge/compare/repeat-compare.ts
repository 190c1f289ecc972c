import type { AddressedPath, Side } from './addresses.ts'
import { type Asking, compareSides, type Round } from './compare-sides.ts'

/** How long a side took, in milliseconds: by nearest rank, so that each figure is a time that was measured. */
export type Latencies = {
  readonly side: Side
  readonly requests: number
  readonly failed: number
  readonly p50: number
  readonly p99: number
  readonly max: number
}

export type Repeated = {
  readonly rounds: number
  readonly verdicts: Readonly<Record<Round['verdict'], number>>
  readonly latencies: readonly Latencies[]
  /** The first round that was not equal; else the last one. */
  readonly shown: Round
}

/**
 * Compares one request so many times. A round before them is not counted: it opens connections and wakes what sleeps.
 *
 * @param options.onRound told of each round that counts
 * @throws as `compareSides`
 */
export const repeatCompare = async (
  of: AddressedPath,
  asking: Asking,
  { times, onRound }: { readonly times: number; readonly onRound?: () => void },
): Promise<Repeated> => {
  await compareSides(of, asking)
  const verdicts = { equal: 0, behind: 0, different: 0, failed: 0 }
  const taken = new Map<Side, number[]>()
  const failed = new Map<Side, number>()
  let shown: Round | undefined
  for (let turn = 0; turn < times; turn++) {
    const round = await compareSides(of, asking, turn)
    verdicts[round.verdict] += 1
    if (shown === undefined || shown.verdict === 'equal') shown = round
    for (const one of round.asked) {
      if (one.is === 'absent') continue
      const own = taken.get(one.side) ?? []
      taken.set(one.side, own)
      if (one.is === 'answered') own.push(one.answer.milliseconds)
      else failed.set(one.side, (failed.get(one.side) ?? 0) + 1)
    }
    onRound?.()
  }
  const latencies = [...taken].map(([side, own]) => latenciesOf(side, own, failed.get(side) ?? 0))
  return { rounds: times, verdicts, latencies, shown: shown ?? (await compareSides(of, asking)) }
}

const latenciesOf = (side: Side, times: readonly number[], failed: number): Latencies => {
  const sorted = times.toSorted((a, b) => a - b)
  return {
    ...{ side, requests: sorted.length + failed, failed },
    ...{ p50: rank(sorted, 0.5), p99: rank(sorted, 0.99), max: sorted.at(-1) ?? 0 },
  }
}

/** The smallest that so many of all are not above; 0 where there is none. */
const rank = (sorted: readonly number[], share: number): number =>
  sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? 0
