import { describe, expect, it } from '@jest/globals'
import { measure, median, percentile, ratio } from './data-api/measure.ts'
import { linesOf } from './data-api/report.ts'
import { names } from './data-api/ways.ts'
import { workloads } from './data-api/workloads.ts'

/** A way whose repetitions take so many milliseconds of a clock that only they move. */
const simulated = (costs: Readonly<Record<string, number>>) => {
  const clock = { ms: 0 }
  const order: string[] = []
  const ways = Object.entries(costs).map(([name, ms]) => ({
    name,
    next: () => async () => {
      order.push(name)
      clock.ms += ms
      return 1
    },
  }))
  return { ways, order, now: () => clock.ms }
}

describe('percentile', () => {
  it.each([
    [0.5, [3, 1, 2], 2],
    [0.5, [4, 1, 2, 3], 2],
    [0.99, [1, 2, 3], 3],
    [0, [5, 4], 4],
    [0.5, [10, 9], 9],
  ])('%p of %p is %p', (share, values, expected) => expect(percentile(values, share)).toBe(expected))

  it('has no answer for no values', () => expect(() => median([])).toThrow(RangeError))
})

describe('ratio', () => {
  it('is the median of the rounds, so that one disturbed round changes nothing', () => {
    const fast = { all: [], rounds: [1, 50, 1] }
    const slow = { all: [], rounds: [4, 4, 4] }
    expect(ratio(fast, slow)).toBe(4)
    expect(ratio(slow, fast)).toBe(0.25)
  })
})

describe('measure', () => {
  it('gives each way its turns in rounds, each beginning with another way, the first round not counted', async () => {
    const { ways, order, now } = simulated({ a: 2, b: 4 })
    const times = await measure(ways, { rounds: 2, turnMs: 8, rows: 1, now })
    expect(order.join('')).toBe('aaaabbb' + 'aaaabbb' + 'bbbaaaa')
    expect(times.get('a')).toEqual({ all: Array(8).fill(2), rounds: [2, 2] })
    expect(times.get('b')).toEqual({ all: Array(6).fill(4), rounds: [4, 4] })
  })

  it('lets each way follow each of its neighbours equally often', async () => {
    const { ways, order, now } = simulated({ a: 8, b: 8, c: 8 })
    await measure(ways, { rounds: 6, turnMs: 1, rows: 1, now })
    const rounds = order.filter((_, at) => at % 3 === 0).join('')
    expect(rounds).toBe('abc' + 'abc' + 'bac' + 'cab' + 'acb' + 'bca' + 'cba')
  })

  it('does not count what did not happen', async () => {
    const { ways, now } = simulated({ a: 1 })
    await expect(measure(ways, { rounds: 1, turnMs: 1, rows: 2, now })).rejects.toThrow(
      'a reports 1 rows instead of 2',
    )
  })
})

describe('the lines', () => {
  const [workload] = workloads()
  if (!workload) throw new Error('there is no workload')
  const at = (ms: number) => ({ all: [ms, ms, ms * 2], rounds: [ms] })
  const times = new Map([
    [names.dialect, at(10.5)],
    [names.sdk, at(10)],
    [names.http, at(4)],
    [names.direct, at(2)],
    [names.sdkConstant, at(5)],
    [names.httpConstant, at(1)],
  ])

  it('compare the dialect with the SDK and the rest with mysql2, each with what it can reach at most', () => {
    const lines = linesOf(workload, times)
    expect(lines[0]).toMatchObject({ baseline: 100, ratio: 0.9524, goal: 0.95, limit: null })
    expect(lines[1]).toMatchObject({
      value: 100,
      baseline: 500,
      ratio: 0.2,
      limit: 142.9,
      p50Ms: 10,
      p99Ms: 20,
    })
    expect(lines[1]?.limitedBy).toBe('the client and HTTP 50 %, MySQL and its driver 20 %, endpoint 30 %')
    expect(lines[2]).toMatchObject({ value: 250, ratio: 0.5, limit: 333.3 })
  })

  it('name a way that was not measured', () => {
    const lacking = new Map(times)
    lacking.delete(names.sdk)
    expect(() => linesOf(workload, lacking)).toThrow('select by key: bare SDK was not measured')
  })
})
