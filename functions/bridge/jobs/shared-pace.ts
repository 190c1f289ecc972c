import { RateLimiter } from '../drivers/dynamo/rate-limiter.ts'
import type { DynamoJobs } from './dynamo-jobs.ts'
import { Pace } from './pace.ts'

/**
 * The pace of one of several workers that don't know of each other: each has its part of what the job's record allows, and holds
 * itself back for the lag that it sees.
 *
 * @param workers how many there are at once
 * @throws DynamoError, DeadlineError
 */
export const sharedPace = async ({
  jobs,
  job,
  workers,
  lag,
  now,
}: {
  readonly jobs: Pick<DynamoJobs, 'read'>
  readonly job: string
  readonly workers: number
  /** How far what is live is behind, in milliseconds. */
  readonly lag?: (() => Promise<number | undefined>) | undefined
  /** Milliseconds of a clock that never goes back. @default performance.now */
  readonly now?: (() => number) | undefined
}): Promise<{ readonly limiter: RateLimiter; readonly pace: Pace }> => {
  const read = async (name: string) => {
    const record = await jobs.read(name)
    if (record?.maxRate === undefined) return record
    return { ...record, maxRate: record.maxRate / workers }
  }
  const limiter = new RateLimiter({ maxRate: (await read(job))?.maxRate, ...(now && { now }) })
  return { limiter, pace: new Pace({ limiter, job, jobs: { read }, lag, ...(now && { now }) }) }
}
