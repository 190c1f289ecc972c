/** One repetition of a workload by one way; resolves to how many rows it read or wrote. */
export type Repetition = () => Promise<number>

/** One way to do a workload. `next` prepares a repetition, which is not measured; the repetition itself is. */
export type Way = { readonly name: string; next(): Repetition }

/** What one way did, in milliseconds: each repetition, and the median repetition of each round. */
export type Times = { readonly all: readonly number[]; readonly rounds: readonly number[] }

export type MeasureOptions = {
  /** Rounds; in each of them every way has its turn. */
  readonly rounds: number
  /** How long one way's turn takes, in milliseconds; a turn has three repetitions at least. */
  readonly turnMs: number
  /** Rows that each repetition must report, so that nothing is measured that did not happen. */
  readonly rows: number
  /** milliseconds; default: performance.now */
  readonly now?: () => number
}

const LEAST = 3

/** The value below which the given share of the values lies (nearest rank). @throws RangeError for no values */
export const percentile = (values: readonly number[], share: number): number => {
  const sorted = values.toSorted((a, b) => a - b)
  const value = sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)]
  if (value === undefined) throw new RangeError('a percentile of no values')
  return value
}

export const median = (values: readonly number[]): number => percentile(values, 0.5)

/**
 * How much faster one way is than another: the median, over the rounds, of the ratio of their medians. What disturbs
 * the machine for a while hits both sides of a round's ratio.
 *
 * @returns 2 when `times` takes half as long as `baseline`
 */
export const ratio = (times: Times, baseline: Times): number =>
  median(
    times.rounds.flatMap((time, round) => {
      const other = baseline.rounds[round]
      return other === undefined ? [] : [other / time]
    }),
  )

/**
 * Measures ways against each other in interleaved rounds, after one turn each that isn't counted.
 *
 * @throws RangeError when a repetition reports another number of rows than it should
 */
export const measure = async (
  ways: readonly Way[],
  { rounds, turnMs, rows, now = () => performance.now() }: MeasureOptions,
): Promise<ReadonlyMap<string, Times>> => {
  const turn = async (way: Way): Promise<number[]> => {
    const times: number[] = []
    const end = now() + turnMs
    while (times.length < LEAST || now() < end) {
      const repetition = way.next()
      const start = now()
      const seen = await repetition()
      times.push(now() - start)
      if (seen !== rows) throw new RangeError(`${way.name} reports ${seen} rows instead of ${rows}`)
    }
    return times
  }
  for (const way of ways) await turn(way)
  const times = new Map(ways.map(({ name }) => [name, { all: [] as number[], rounds: [] as number[] }]))
  for (let round = 0; round < rounds; round++) {
    // Each round begins with another way and every second one goes backwards, so that none is always the one after the
    // slowest, or after the one that has warmed up what it needs.
    const direction = round % 2 === 0 ? 1 : -1
    for (const at of ways.keys()) {
      const way = ways.at((round + direction * at) % ways.length)
      const kept = way && times.get(way.name)
      if (!kept) continue
      const taken = await turn(way)
      kept.all.push(...taken)
      kept.rounds.push(median(taken))
    }
  }
  return times
}
