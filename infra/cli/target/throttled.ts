import type { RateLimiter } from '../../../functions/bridge/drivers/dynamo/rate-limiter.ts'
import { grouped } from '../conventions/figures.ts'

/** Says of a job that DynamoDB holds it back. */
export const throttledNote =
  (limiter: RateLimiter): (() => string | undefined) =>
  () => {
    const { rate, maxRate } = limiter
    return rate < maxRate ? `DynamoDB throttles: at most ${grouped(rate)}/s now` : undefined
  }
