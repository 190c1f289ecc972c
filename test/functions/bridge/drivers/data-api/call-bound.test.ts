import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals'
import { CallBound } from '../../../../../functions/bridge/drivers/data-api/call-bound.ts'
import { Deadline } from '../../../../../functions/bridge/runtime/deadline.ts'

describe('the bound of a call', () => {
  beforeEach(() => void jest.useFakeTimers())
  afterEach(() => void jest.useRealTimers())

  /** Begins an invocation in which so many milliseconds are left for work. */
  const begin = (deadline: Deadline, left: number): void =>
    deadline.begin({ awsRequestId: 'r', getRemainingTimeInMillis: () => left + 500 })

  it('is the deadline, for all calls of an invocation the same', () => {
    const deadline = new Deadline()
    const bound = new CallBound(deadline, 50_000)
    begin(deadline, 2_000)

    const first = bound.signal()
    jest.advanceTimersByTime(700)
    expect(bound.signal()).toBe(first)
    jest.advanceTimersByTime(1_290)
    expect(first.aborted).toBe(false)
    jest.advanceTimersByTime(10)

    expect(first.aborted).toBe(true)
    expect(first.reason).toMatchObject({ name: 'TimeoutError' })
  })

  it('is not that of the invocation before', () => {
    const deadline = new Deadline()
    const bound = new CallBound(deadline, 50_000)
    begin(deadline, 1_000)
    const before = bound.signal()
    jest.advanceTimersByTime(500)
    begin(deadline, 3_000)

    const now = bound.signal()
    jest.advanceTimersByTime(1_000)

    expect([before.aborted, now.aborted]).toEqual([true, false])
    jest.advanceTimersByTime(2_000)
    expect(now.aborted).toBe(true)
  })

  it.each([
    ['no deadline', Number.POSITIVE_INFINITY],
    ['a deadline that is far away', 600_000],
  ])('is what a call may take, and at most a second more, with %s', (_, left) => {
    const deadline = new Deadline()
    begin(deadline, left)
    const bound = new CallBound(deadline, 50_000)
    jest.advanceTimersByTime(300)

    const first = bound.signal()
    jest.advanceTimersByTime(1_000)
    const second = bound.signal()
    jest.advanceTimersByTime(48_999)
    expect(first.aborted).toBe(false)
    jest.advanceTimersByTime(1_001)

    expect(first.aborted).toBe(true)
    expect(second.aborted).toBe(false)
    jest.advanceTimersByTime(1_000)
    expect(second.aborted).toBe(true)
  })

  it('is shared by calls that begin together', () => {
    const bound = new CallBound(new Deadline(), 50_000)
    const signals = new Set(Array.from({ length: 100 }, () => bound.signal()))

    expect(signals.size).toBe(1)
    expect(jest.getTimerCount()).toBe(1)
  })

  it('is a new one when the last has passed', () => {
    const bound = new CallBound(new Deadline(), 50_000)
    expect(bound.signal().aborted).toBe(false)
    jest.advanceTimersByTime(200_000)

    expect(bound.signal().aborted).toBe(false)
  })
})
