import { describe, expect, it } from '@jest/globals'
import { FIRST_ROUND_MS, playRounds, type Round } from './rounds.ts'

const done: Round = { passed: 5, failed: 0, cut: false }
const cut: Round = { passed: 0, failed: 0, cut: true }

describe('rounds of tests', () => {
  /** Plays what is given, and then rounds that the end of the time cuts short. */
  const play = async (
    rounds: readonly Round[],
    { ms = 60_000, signal = new AbortController().signal } = {},
  ) => {
    const played: { seed: number; first: boolean; ms: number }[] = []
    const said: string[] = []
    const proved = await playRounds({
      ms,
      seed: 7,
      signal,
      say: (line) => said.push(line),
      play: async (round) => {
        played.push(round)
        return rounds[played.length - 1] ?? cut
      },
    })
    return { proved, played, said: said.join('\n') }
  }

  it('are each from the next seed, and the first is said to be the first', async () => {
    const { played } = await play([done, done])
    expect(played.map(({ seed, first }) => [seed, first])).toEqual([
      [7, true],
      [8, false],
      [9, false],
    ])
  })

  it('count but for the one that is cut by the end of the time', async () => {
    const { proved, said } = await play([done, { passed: 4, failed: 1, cut: false }])
    expect(proved).toEqual({ passed: 9, failed: 1 })
    expect(said).toBe('2 seeds from 7, 9 passed, 1 failed')
  })

  it('are one at least, whose time is not that of the plan', async () => {
    const { proved, played } = await play([done], { ms: 0 })
    expect(proved).toEqual({ passed: 5, failed: 0 })
    expect(played).toEqual([{ seed: 7, first: true, ms: FIRST_ROUND_MS }])
    const long = await play([done], { ms: FIRST_ROUND_MS })
    expect(long.played[0]?.ms).toBe(FIRST_ROUND_MS * 3)
    expect(long.played[1]?.ms).toBeLessThanOrEqual(FIRST_ROUND_MS)
  })

  it('prove nothing where not even the first was done, which is said as what it is', async () => {
    const { proved, said } = await play([cut])
    expect(proved).toEqual({ passed: 0, failed: 1 })
    expect(said).toContain('FAILED: the first round, seed 7, was not done within 900 s')
  })

  it('end when everything is to end', async () => {
    const { proved, said } = await play([cut], { signal: AbortSignal.abort() })
    expect(proved).toEqual({ passed: 0, failed: 1 })
    expect(said).toBe('stopped in the first round, seed 7')
    expect((await play([done, done], { signal: AbortSignal.abort() })).played).toHaveLength(1)
  })
})
