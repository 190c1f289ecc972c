import { once } from 'node:events'
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals'
import { DeadlineError } from '../../../../functions/bridge/model/errors.ts'
import { Deadline } from '../../../../functions/bridge/runtime/deadline.ts'

const invocation = (remaining: number) => ({ awsRequestId: 'r', getRemainingTimeInMillis: () => remaining })

describe('the deadline of an invocation', () => {
  beforeEach(() => {
    jest.useFakeTimers({ doNotFake: ['nextTick', 'setImmediate'] })
  })
  afterEach(() => {
    jest.useRealTimers()
  })

  it('is infinitely far outside an invocation', () => {
    const deadline = new Deadline()

    expect(deadline.remaining()).toBe(Number.POSITIVE_INFINITY)
    expect(() => deadline.require(1e9, 'Anything')).not.toThrow()
  })

  it('comes half a second before the end of the function, and stays at 0', () => {
    const deadline = new Deadline()
    deadline.begin(invocation(10_000))

    expect(deadline.remaining()).toBe(9_500)
    jest.advanceTimersByTime(9_000)
    expect(deadline.remaining()).toBe(500)
    jest.advanceTimersByTime(60_000)
    expect(deadline.remaining()).toBe(0)
  })

  it('begins anew with each invocation', () => {
    const deadline = new Deadline()
    deadline.begin(invocation(1_000))
    jest.advanceTimersByTime(5_000)
    deadline.begin(invocation(3_000))

    expect(deadline.remaining()).toBe(2_500)
  })

  it('may be set for work that is no invocation, to the millisecond', () => {
    const deadline = new Deadline()
    deadline.within(1_000)

    expect(deadline.remaining()).toBe(1_000)
    jest.advanceTimersByTime(999)
    expect(() => deadline.require(2, 'A call')).toThrow(DeadlineError)
  })

  it('refuses what the time does not suffice for, and says what and how much', () => {
    const deadline = new Deadline()
    deadline.begin(invocation(800))

    expect(() => deadline.require(300, 'A call')).not.toThrow()
    expect(() => deadline.require(301, 'A call')).toThrow(
      new DeadlineError('A call needs 301 ms; 300 ms are left'),
    )
  })
})

describe('its signal', () => {
  it('aborts at the deadline', async () => {
    const deadline = new Deadline()
    deadline.begin(invocation(501))
    const signal = deadline.signal(60_000)

    if (!signal.aborted) await once(signal, 'abort')
    expect(signal.reason).toMatchObject({ name: 'TimeoutError' })
  })

  it('aborts after the longest time allowed, when the deadline is farther', async () => {
    const signal = new Deadline().signal(1)

    if (!signal.aborted) await once(signal, 'abort')
    expect(signal.reason).toMatchObject({ name: 'TimeoutError' })
  })
})
