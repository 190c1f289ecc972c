import { describe, expect, it } from '@jest/globals'
import { Deadline } from '../../../../functions/bridge/runtime/deadline.ts'
import { type RetryPolicy, retry, sleep } from '../../../../functions/bridge/runtime/retry.ts'

const policy: RetryPolicy = {
  attempts: 3,
  firstPause: 1,
  longestPause: 2,
  retryable: () => true,
  deadline: new Deadline(),
}

/** Fails so many times, then answers. */
const failing = (times: number) => {
  let attempts = 0
  const work = async (): Promise<string> => {
    attempts += 1
    if (attempts <= times) throw new Error(`attempt ${attempts}`)
    return 'done'
  }
  return { work, attempts: () => attempts }
}

describe('repeating', () => {
  it('does nothing twice that succeeds at once', async () => {
    const { work, attempts } = failing(0)

    expect(await retry(policy, work)).toBe('done')
    expect(attempts()).toBe(1)
  })

  it('goes on until it succeeds', async () => {
    const { work, attempts } = failing(2)

    expect(await retry(policy, work)).toBe('done')
    expect(attempts()).toBe(3)
  })

  it('ends with the last error, as it was, when the attempts are used up', async () => {
    const { work, attempts } = failing(9)

    await expect(retry(policy, work)).rejects.toThrow(new Error('attempt 3'))
    expect(attempts()).toBe(3)
  })

  it('stops at the first error that is not to be repeated', async () => {
    const { work, attempts } = failing(9)
    const retryable = (error: unknown): boolean => !(error instanceof Error && error.message === 'attempt 2')

    await expect(retry({ ...policy, retryable }, work)).rejects.toThrow('attempt 2')
    expect(attempts()).toBe(2)
  })

  it('does not wait for an attempt that the deadline leaves no time for', async () => {
    const { work, attempts } = failing(9)
    const deadline = new Deadline()
    deadline.begin({ awsRequestId: 'r', getRemainingTimeInMillis: () => 1_000 })

    await expect(
      retry({ ...policy, firstPause: 60_000, longestPause: 60_000, deadline }, work),
    ).rejects.toThrow('attempt 1')
    expect(attempts()).toBe(1)
  })
})

describe('a pause', () => {
  it('is over when its time is', async () => {
    await expect(sleep(1, new AbortController().signal)).resolves.toBeUndefined()
  })

  it.each(['before', 'after'])('ends with the reason of a signal that aborts %s it began', async (when) => {
    const controller = new AbortController()
    const reason = new Error('interrupted')
    if (when === 'before') controller.abort(reason)
    const pause = sleep(60_000, controller.signal)
    controller.abort(reason)

    await expect(pause).rejects.toBe(reason)
  })
})
