import type { RateLimiter } from '../../../functions/bridge/drivers/dynamo/rate-limiter.ts'
import { grouped } from '../conventions/figures.ts'

/**
 * Says of a job that DynamoDB holds it back.
 *
 * @param maxRate what the operator has set, in items a second
 */
export const throttledNote =
  (limiter: RateLimiter, maxRate = Number.POSITIVE_INFINITY): (() => string | undefined) =>
  () => {
    const { rate } = limiter
    return rate < maxRate ? `DynamoDB throttles: at most ${grouped(rate)}/s now` : undefined
  }
