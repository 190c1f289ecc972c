import type { DynamoJobs } from './dynamo-jobs.ts'
import type { JobRequest } from './jobs.ts'
import { runSignal, type SteppedWork } from './run-job.ts'
import { runSegment } from './segments.ts'

/**
 * The life of a job that many processes work on: one takes and divides it, each of the others works on segments under
 * its token, and the last one ends it (`workOn`). Between them nobody holds the lease but by their own writes.
 */

/** A part of a job that a worker may have. */
export type JobSegment<S extends string> = {
  readonly step: S
  readonly segment: number
  readonly segments: number
}

/**
 * Takes a job for others to work on.
 *
 * @returns the token that they show, and the segments that aren't done, by step
 * @throws as `runJob`
 */
export const divideJob = async <S extends string>(
  request: JobRequest,
  jobs: DynamoJobs,
  { steps, segmentsFor }: Pick<SteppedWork<S>, 'steps' | 'segmentsFor'>,
): Promise<{ readonly token: string; readonly rest: (step: S) => readonly JobSegment<S>[] }> => {
  const lease = await jobs.take(request)
  lease.leave()
  const { record, progress, token } = lease
  const names: readonly string[] = steps
  const present = names.indexOf(record.step)
  return {
    token,
    rest: (step) => {
      const at = steps.indexOf(step)
      if (at < 0 || at < present) return []
      if (at === present)
        return progress
          .filter(({ done }) => !done)
          .map(({ segment, segments }) => ({ step, segment, segments }))
      const segments = segmentsFor(step)
      return Array.from({ length: segments }, (_, segment) => ({ step, segment, segments }))
    },
  }
}

/**
 * Works on one segment of a job that another process has taken, until it is done or the time is nearly over.
 *
 * @returns whether it is done
 * @throws JobBusyError when another owner has the job, or another worker has begun with the segment since
 */
export const workOnSegment = async <S extends string>(
  { job, token, step, segment, segments }: JobSegment<S> & { readonly job: string; readonly token: string },
  {
    jobs,
    steps,
    open,
    deadline,
    pace,
    signal: interrupt,
  }: Omit<SteppedWork<S>, 'segmentsFor'> & {
    readonly jobs: DynamoJobs
    readonly signal?: AbortSignal | undefined
  },
): Promise<boolean> => {
  const lease = await jobs.join(job, token)
  try {
    const after = steps[steps.indexOf(step) - 1]
    const { progress, save } = await lease.work({ step, segment, segments, after })
    if (progress.done) return true
    const signal = runSignal(lease, interrupt)
    const { scan, page } = open(step, signal)
    const { done } = await runSegment(
      progress,
      { scan: (_, start) => scan({ segment, segments }, start), page, pace, deadline, signal },
      save,
    )
    lease.lost.throwIfAborted()
    return done
  } finally {
    lease.leave()
  }
}
