import type { DynamoJobs } from '../../../../functions/bridge/jobs/dynamo-jobs.ts'
import { isAlive, type JobRecord, type Tally } from '../../../../functions/bridge/jobs/jobs.ts'
import { addTallies } from '../../../../functions/bridge/jobs/segments.ts'
import type { Projection } from '../../../../functions/bridge/tables/projection.ts'

/** The kind of the job that fills a kept table with what its source held before, and its only step. */
export const FILL = 'fill'

export const fillJobOf = ({ name }: Projection): string => `${FILL}:${name}`

/** How far the filling of a kept table is. */
export type Fill = {
  /** `never` begun; `stopped` can go on. */
  readonly state: 'never' | 'running' | 'stopped' | 'failed' | 'done'
  readonly record: JobRecord | undefined
  readonly segments: number
  readonly segmentsDone: number
  readonly tally: Tally
}

export const readFill = async (jobs: DynamoJobs, projection: Projection, now: number): Promise<Fill> => {
  const job = fillJobOf(projection)
  const record = await jobs.read(job)
  const progress = record === undefined ? [] : await jobs.segmentsOf(job, FILL)
  return {
    state: record === undefined ? 'never' : stateOf(record, now),
    record,
    segments: record?.segments ?? 0,
    segmentsDone: progress.filter(({ done }) => done).length,
    tally: addTallies(progress.map(({ tally }) => tally)),
  }
}

const stateOf = (record: JobRecord, now: number): Exclude<Fill['state'], 'never'> =>
  record.state === 'running' && !isAlive(record, now) ? 'stopped' : record.state
