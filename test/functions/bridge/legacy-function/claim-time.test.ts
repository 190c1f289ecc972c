import { afterEach, describe, expect, it, jest } from '@jest/globals'
import { ClaimTime } from '../../../../functions/bridge/legacy-function/claim-time.ts'
import { Deadline } from '../../../../functions/bridge/runtime/deadline.ts'

const within = (milliseconds: number): Deadline => {
  const deadline = new Deadline()
  deadline.within(milliseconds)
  return deadline
}

describe('the time of a claim', () => {
  afterEach(() => void jest.restoreAllMocks())

  it('is that in which calls may begin, the function’s own, and a margin', () => {
    expect(new ClaimTime({ timeout: 10 }, new Deadline()).seconds()).toBe(35)
    expect(new ClaimTime({ timeout: 10 }, within(13_100)).seconds()).toBe(26)
  })

  it('is none where no call could end in time', () => {
    expect(() => new ClaimTime({ timeout: 10 }, within(12_900))).toThrow('12900 ms are left'.slice(-11))
  })

  it.each([
    ['steady', performance, 'now'],
    ['wall', Date, 'now'],
  ] as const)('is over for who was frozen, by the %s clock alone', (_, clock, name) => {
    const time = new ClaimTime({ timeout: 10 }, new Deadline())
    expect(time.mayBegin()).toBe(true)
    const now = clock[name]()
    jest.spyOn(clock, name).mockReturnValue(now + 10_001)
    expect(time.mayBegin()).toBe(false)
  })

  it('leaves the statements behind a call time of their own', () => {
    expect(new ClaimTime({ timeout: 10 }, new Deadline()).patience()).toBe(20_000)
    expect(new ClaimTime({ timeout: 10 }, within(15_000)).patience()).toBeLessThanOrEqual(13_000)
  })
})
