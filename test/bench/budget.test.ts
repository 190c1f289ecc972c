import { describe, expect, it } from '@jest/globals'
import { inTime } from './budget.ts'

/** Each part takes three minutes. */
const play = (large: boolean) => {
  let minutes = 0
  const said: string[] = []
  const parts = ['a', 'b', 'c', 'd', 'e'].map((name) => [name, name.toUpperCase()] as const)
  const ran: string[] = []
  for (const [, part] of inTime(parts, {
    large,
    say: (line) => said.push(line),
    now: () => minutes * 60_000,
  })) {
    ran.push(part)
    minutes += 3
  }
  return { ran, said, minutes }
}

describe('a benchmark', () => {
  it('ends within ten minutes, and names the parts that it skips', () => {
    const { ran, said, minutes } = play(false)
    expect(ran).toEqual(['A', 'B', 'C'])
    expect(minutes).toBeLessThan(10)
    expect(said).toEqual([expect.stringContaining('--only d'), expect.stringContaining('--only e')])
  })

  it('takes its time when it is to be large', () => {
    expect(play(true)).toMatchObject({ ran: ['A', 'B', 'C', 'D', 'E'], said: [] })
  })
})
