import { randomUUID } from 'node:crypto'
import { openDynamo } from '../../../functions/bridge/drivers/dynamo/client.ts'
import {
  type Execution,
  type Executions,
  openExecutions,
} from '../../../functions/bridge/drivers/states/executions.ts'
import type { DynamoJobs } from '../../../functions/bridge/jobs/dynamo-jobs.ts'
import type { JobRecord, Tally } from '../../../functions/bridge/jobs/jobs.ts'
import { addTallies } from '../../../functions/bridge/jobs/segments.ts'
import { Deadline } from '../../../functions/bridge/runtime/deadline.ts'
import { sleep } from '../../../functions/bridge/runtime/retry.ts'
import { outputOf } from '../target/target.ts'
import type { Context } from './command.ts'
import { CliError, interrupted } from './errors.ts'
import { EXIT } from './exit-codes.ts'
import type { Stage } from './progress.ts'
import { printLine } from './results.ts'

/** So often is looked how far an execution is, in milliseconds. */
const LOOK = 2_000

/** The state machine of a stack that does a filling, and what it is asked for. */
export type FillingMachine<O> = {
  /** The stack's output that has its ARN. */
  readonly output: string
  /** What is filled; how it is divided is said with the command. */
  readonly request: Readonly<Record<string, unknown>>
  /** What a step of the job counts. */
  readonly stageOf: (step: string) => Stage
  /** What has been done by what is noted with the job, once that has ended. */
  readonly outcome: (record: JobRecord) => Promise<O>
}

type Opened<O> = FillingMachine<O> & { readonly arn: string; readonly executions: Executions }

/**
 * Opens what plays a filling's machine.
 *
 * @throws CliError where the stack has none, or none that runs
 */
export const openMachine = <O>(
  { target, io }: Pick<Context, 'target' | 'io'>,
  machine: FillingMachine<O> | undefined,
): Opened<O> => {
  const endpoint = io.env.AWS_ENDPOINT_URL_SFN
  if (machine === undefined || (target.name === 'local' && endpoint === undefined))
    throw new CliError({
      code: 'target.no-machine',
      message: `${target.description} plays no state machines`,
      hint: 'leave --on aws out, or name a deployed stack with --stack',
      exit: EXIT.refused,
    })
  return {
    ...machine,
    arn: outputOf(target, machine.output),
    executions: openExecutions({ client: openDynamo(), deadline: new Deadline(), endpoint }),
  }
}

/**
 * What an execution that has a job's lease is to who would start one: one that runs is watched instead; one that has ended leaves its
 * lease within a minute, and the next one waits for that.
 *
 * @returns undefined where none has it
 * @throws StatesError, DeadlineError
 */
export const executionAt = async <O>(
  { executions }: Opened<O>,
  holder: { readonly owner: string | undefined } | undefined,
): Promise<{ readonly arn: string; readonly runs: boolean } | undefined> => {
  const arn = holder?.owner
  if (arn === undefined || !/^arn:[\w-]+:states:/.test(arn)) return undefined
  return { arn, runs: !hasEnded((await executions.describe(arn)).status) }
}

const hasEnded = (status: Execution['status']): status is keyof typeof ENDS | 'SUCCEEDED' =>
  status !== 'RUNNING' && status !== 'PENDING_REDRIVE'

type Watched<O> = Opened<O> & {
  readonly jobs: DynamoJobs
  readonly job: string
  /** One that is at it already: it is watched, and none is started. */
  readonly execution: string | undefined
  readonly onBegin: (before: Tally) => void
  readonly onProgress: (tally: Tally, stage: Stage) => void
}

/**
 * Starts the machine, or finds it at work, and watches it to its end. Interrupted, it leaves the execution alone.
 *
 * @throws CliError of an execution that ended otherwise than it should have; when interrupted, with exit code 130; StatesError
 */
export const runMachine = async <O>(
  context: Context,
  watched: Watched<O>,
  {
    again,
    segments,
    concurrency,
    maxRate,
    maxLag,
    by,
  }: {
    readonly again?: boolean | undefined
    readonly segments?: number | undefined
    readonly concurrency?: number | undefined
    readonly maxRate?: number | undefined
    readonly maxLag?: number | undefined
    readonly by: string
  },
): Promise<O> => {
  const { arn, executions, job, jobs, request } = watched
  const { io, interrupt } = context
  const execution =
    watched.execution ??
    (await executions.start(arn, nameOf(job), {
      ...{ ...request, again, segments, workers: concurrency, maxRate, maxLag },
      by: by.slice(0, 200),
    }))
  printLine(
    { ...io, stdout: io.stderr },
    `${watched.execution === undefined ? 'started' : 'watching'} ${execution}`,
  )
  try {
    await watch(execution, watched, context)
  } catch (error) {
    if (!interrupt.aborted || error !== interrupt.reason) throw error
    throw interrupted(
      'no longer watching: the execution goes on',
      `watch it with: ${context.goOn}; end it with: aws stepfunctions stop-execution --execution-arn ${execution}`,
    )
  }
  const record = await jobs.read(job)
  if (record === undefined) throw new TypeError(`${job} is gone`)
  return watched.outcome(record)
}

/** Names are an account's own for 90 days. */
const nameOf = (job: string): string =>
  `${job.replaceAll(/[^\w-]/g, '-').slice(0, 60)}-${randomUUID().slice(0, 8)}`

const watch = async <O>(
  execution: string,
  { executions, jobs, job, stageOf, onBegin, onProgress }: Watched<O>,
  { interrupt, goOn }: Context,
): Promise<void> => {
  let isBegun = false
  for (;;) {
    // Asked first: what it has done by its end is shown then.
    const { status, error, cause } = await executions.describe(execution)
    const holder = await jobs.holder(job)
    if (holder?.owner === execution) {
      const { step } = holder.record
      const tally = addTallies((await jobs.segmentsOf(job, step)).map((segment) => segment.tally))
      if (!isBegun) onBegin(tally)
      isBegun = true
      onProgress(tally, stageOf(step))
    }
    if (status === 'SUCCEEDED') return
    if (hasEnded(status))
      throw new CliError({
        code: 'job.execution-failed',
        message: `${job}: the execution ${ENDS[status]}${[error, cause].map((text) => (text ? `: ${text}` : '')).join('')}`,
        hint: `what was done is kept; go on with: ${goOn}`,
      })
    await sleep(LOOK, interrupt)
  }
}

const ENDS = { FAILED: 'failed', TIMED_OUT: 'ran out of time', ABORTED: 'was stopped' } as const
