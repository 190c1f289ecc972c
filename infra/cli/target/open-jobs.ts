import type { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import { DynamoJobs } from '../../../functions/bridge/jobs/dynamo-jobs.ts'
import {
  JobBusyError,
  JobChangedError,
  type JobRecord,
  type Jobs,
} from '../../../functions/bridge/jobs/jobs.ts'
import { Deadline } from '../../../functions/bridge/runtime/deadline.ts'
import { CliError } from '../conventions/errors.ts'
import { EXIT } from '../conventions/exit-codes.ts'
import { outputOf, type Target } from './target.ts'

/** Whoever works on a job says so at least this often, in milliseconds: a lease lasts no longer. */
const SIGN_OF_LIFE = 60_000

/** The stack's table of jobs. */
export const openJobs = (target: Target, client: DynamoDBClient): Jobs =>
  new DynamoJobs({ client, table: outputOf(target, 'JobsTableName'), deadline: new Deadline() })

/** Whether somebody works on a job: one that was killed says `running` for ever. */
export const isAlive = ({ state, updatedAt }: JobRecord, now: number): boolean =>
  state === 'running' && now - Date.parse(updatedAt) < SIGN_OF_LIFE

/**
 * Does something that needs a job's lease.
 *
 * @throws CliError saying who has it, with exit code 5; or that it was begun with something else, with 4
 */
export const withLease = async <T>(jobs: Jobs, job: string, work: () => Promise<T>): Promise<T> => {
  try {
    return await work()
  } catch (cause) {
    if (cause instanceof JobBusyError) throw busyError(job, await jobs.read(job), cause)
    if (!(cause instanceof JobChangedError)) throw cause
    throw new CliError(
      {
        code: cause.code,
        message: cause.message,
        hint: 'go on with what it was begun with, or begin anew with --again',
        exit: EXIT.refused,
      },
      { cause },
    )
  }
}

/** Somebody else works on a job. */
export const busyError = (job: string, record: JobRecord | undefined, cause?: unknown): CliError => {
  const who =
    record === undefined
      ? 'somebody is at it'
      : `${record.by} is at it, last seen at ${record.updatedAt}; it was begun at ${record.startedAt}`
  return new CliError(
    {
      code: 'job.busy',
      message: `${job} is busy: ${who}`,
      hint: 'wait until it has ended; if that process is gone, try again in a minute',
      exit: EXIT.busy,
    },
    { cause },
  )
}
