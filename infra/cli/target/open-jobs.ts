import type { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import { DynamoJobs } from '../../../functions/bridge/jobs/dynamo-jobs.ts'
import { JobBusyError, JobChangedError, type JobRecord } from '../../../functions/bridge/jobs/jobs.ts'
import { Deadline } from '../../../functions/bridge/runtime/deadline.ts'
import { CliError } from '../conventions/errors.ts'
import { EXIT } from '../conventions/exit-codes.ts'
import { outputOf, type Target } from './target.ts'

/** The stack's table of jobs. */
export const openJobs = (target: Target, client: DynamoDBClient): DynamoJobs =>
  new DynamoJobs({ client, table: outputOf(target, 'JobsTableName'), deadline: new Deadline() })

/**
 * Does something that needs a job's lease.
 *
 * @throws CliError saying who has it, with exit code 5; or that it was begun with something else, with 4
 */
export const withLease = async <T>(jobs: DynamoJobs, job: string, work: () => Promise<T>): Promise<T> => {
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
