import { median } from '../data-api/measure.ts'

/** Does a way's work once. @returns how many items it moved */
export type Turn = () => Promise<number>

/** Items a second of each way, round by round. */
export type Rates<W extends string> = Readonly<Record<W, readonly number[]>>

/**
 * Gives each way one turn in each round. Each round begins with another way and every second one goes backwards, so that
 * none is always the one after the slowest.
 *
 * @param turns makes a round's turns, in which nothing is measured; `done` is called behind each round
 * @param expected items that each turn must have moved, so that nothing is measured that did not happen
 * @throws RangeError when one moved another number
 */
export const inRounds = async <W extends string>(options: {
  readonly ways: readonly W[]
  readonly rounds: number
  /** The number of the first round, where there are more around these. @default 0 */
  readonly first?: number
  readonly expected: number
  readonly turns: (round: number) => Promise<Readonly<Record<W, Turn>>>
  readonly done?: (round: number) => Promise<void>
  readonly now?: () => number
}): Promise<Rates<W>> => {
  const { ways, rounds, first = 0, expected, now = () => performance.now() } = options
  const measured = ways.map((way) => [way, [] as number[]] as const)
  for (let round = first; round < first + rounds; round++) {
    const turns = await options.turns(round)
    const direction = round % 2 === 0 ? 1 : -1
    for (const at of ways.keys()) {
      const [way, rates] = measured.at((round + direction * at) % ways.length) ?? []
      if (way === undefined || rates === undefined) continue
      const start = now()
      const moved = await turns[way]()
      const rate = (moved * 1000) / (now() - start)
      if (moved !== expected) throw new RangeError(`${way} moved ${moved} items instead of ${expected}`)
      rates.push(rate)
    }
    await options.done?.(round)
  }
  // Each way of the list has its entry.
  return Object.fromEntries(measured) as Record<W, number[]>
}

/** The median of the rounds' own ratios: what disturbs the machine for a while hits both sides of one. */
export const ratioOf = (own: readonly number[], other: readonly number[]): number =>
  median(own.map((rate, round) => rate / (other[round] ?? Number.NaN)))
