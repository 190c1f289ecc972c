import type { DynamoJobs } from '../jobs/dynamo-jobs.ts'
import { isAlive, type JobRecord } from '../jobs/jobs.ts'
import { addTallies } from '../jobs/segments.ts'
import { inLanes } from '../runtime/lanes.ts'
import type { JobFigure } from './status.ts'

/** Jobs whose segments are read at once. */
const LANES = 8

/**
 * The jobs that are not done, each with how far it is; those that somebody works on first.
 *
 * @param now milliseconds since 1970
 * @throws DynamoError when the table of jobs can't be read
 */
export const readJobs = async (
  jobs: Pick<DynamoJobs, 'list' | 'segmentsOf'>,
  now: number,
): Promise<readonly JobFigure[]> => {
  const open = (await jobs.list()).filter(({ state }) => state !== 'done')
  const found = await inLanes(open, LANES, async (record): Promise<JobFigure> => {
    const progress = await jobs.segmentsOf(record.job, record.step)
    const { job, kind, step, segments, maxRate, by, startedAt, updatedAt, message } = record
    return {
      ...{ job, kind, step, segments, by, startedAt, updatedAt },
      state: stateOf(record, now),
      items: addTallies(progress.map(({ tally }) => tally)).items,
      segmentsDone: progress.filter(({ done }) => done).length,
      ...(maxRate !== undefined && { maxRate }),
      ...(message !== undefined && { message }),
    }
  })
  return found.toSorted((one, other) => ORDER[one.state] - ORDER[other.state])
}

const ORDER = { running: 0, failed: 1, stopped: 2 } as const

/** One that was killed says `running` for ever. */
const stateOf = (record: JobRecord, now: number): JobFigure['state'] => {
  if (record.state === 'failed') return 'failed'
  return isAlive(record, now) ? 'running' : 'stopped'
}
