import { BridgeError, DeadlineError } from '../../model/errors.ts'
import type { Deadline } from '../../runtime/deadline.ts'
import { pauseOf, sleep } from '../../runtime/retry.ts'
import { DynamoError } from './errors.ts'
import type { RateLimiter } from './rate-limiter.ts'

/** What bounds the calls of a job. */
export type Bounds = {
  readonly deadline: Deadline
  /** Aborts the call and the pauses between its repeats. */
  readonly signal?: AbortSignal | undefined
  /** Is told of throttling. */
  readonly limiter?: RateLimiter | undefined
}

/** The longest one call may take, in milliseconds; the SDK's repeats count as one call. */
const CALL_LIMIT = 30_000
/** A call that can't have this many milliseconds is not begun. */
const CALL_NEEDS = 200
/** Pauses between repeats: the first, and the longest, in milliseconds. */
const FIRST_PAUSE = 50
const LONGEST_PAUSE = 5_000
/** How often a call is made that fails for a passing reason other than throttling. */
const ATTEMPTS = 6

const THROTTLES: ReadonlySet<string> = new Set([
  'LimitExceededException',
  'ProvisionedThroughputExceededException',
  'RequestLimitExceeded',
  'ThrottlingException',
])

const isThrottle = (error: DynamoError): boolean =>
  error.cause instanceof Error && THROTTLES.has(error.cause.name)

/**
 * Makes a call until it succeeds: throttling is waited out for as long as there is time, other passing failures for a
 * few repeats.
 *
 * @throws DynamoError for what no repeat helps; DeadlineError when the time is over; the signal's reason
 */
export const callPatiently = async <T>(
  operation: string,
  bounds: Bounds,
  send: (options: { readonly abortSignal: AbortSignal }) => Promise<T>,
): Promise<T> => {
  const { deadline, signal, limiter } = bounds
  let failures = 0
  for (let attempt = 0; ; attempt++) {
    signal?.throwIfAborted()
    deadline.require(CALL_NEEDS, operation)
    try {
      return await within(Math.min(CALL_LIMIT, deadline.remaining()), signal, send)
    } catch (cause) {
      signal?.throwIfAborted()
      // Credentials that can't be had tell so themselves.
      if (cause instanceof BridgeError) throw cause
      const error = new DynamoError(operation, cause)
      if (isThrottle(error)) limiter?.throttled()
      else if (error.kind !== 'transient' || ++failures === ATTEMPTS) throw error
      await pauseBeforeRepeat(attempt, operation, bounds, error)
    }
  }
}

/**
 * Not by AbortSignal.timeout: those signals, and what listens to them, live until their time is over, long after the call
 * has ended. A job makes hundreds of calls a second.
 */
const within = async <T>(
  milliseconds: number,
  signal: AbortSignal | undefined,
  send: (options: { readonly abortSignal: AbortSignal }) => Promise<T>,
): Promise<T> => {
  const controller = new AbortController()
  const timer = setTimeout(() => controller.abort(), milliseconds)
  const stop = (): void => controller.abort(signal?.reason)
  signal?.addEventListener('abort', stop, { once: true })
  try {
    return await send({ abortSignal: controller.signal })
  } finally {
    clearTimeout(timer)
    signal?.removeEventListener('abort', stop)
  }
}

/**
 * Waits before the repeat number `attempt`, from 0, longer each time, with jitter.
 *
 * @throws DeadlineError when the pause would outlast the time that is left; the signal's reason
 */
export const pauseBeforeRepeat = async (
  attempt: number,
  operation: string,
  { deadline, signal }: Bounds,
  cause?: unknown,
): Promise<void> => {
  const pause = pauseOf(attempt + 1, FIRST_PAUSE, LONGEST_PAUSE)
  if (deadline.remaining() < pause + CALL_NEEDS)
    throw new DeadlineError(`${operation} was still being held back when the time ran out`, { cause })
  await sleep(pause, signal)
}
