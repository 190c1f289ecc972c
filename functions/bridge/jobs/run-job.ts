import type { Item } from '../drivers/dynamo/items.ts'
import type { ScanPage } from '../drivers/dynamo/scan.ts'
import type { Deadline } from '../runtime/deadline.ts'
import type { Log } from '../runtime/log.ts'
import type { DynamoJobs } from './dynamo-jobs.ts'
import { ForeignJobItemError } from './job-items.ts'
import { JobBusyError, type JobLease, type JobRequest, type Tally } from './jobs.ts'
import type { Pace } from './pace.ts'
import { type PageOutcome, runSegments } from './segments.ts'

/** What work on a job gets. */
export type JobRun = {
  readonly lease: JobLease
  /** Aborts when somebody interrupts, and when another owner has the job. */
  readonly signal: AbortSignal
}

/** How far the work came. */
export type JobOutcome<R = unknown> = {
  /** False when it was interrupted or its time was nearly over: the job goes on there. */
  readonly done: boolean
  /** Noted with the job, as JSON. */
  readonly result: R
}

export type JobParts = {
  /** Interrupts: the work is to end where nothing is half done. */
  readonly signal?: AbortSignal | undefined
  /** Is told of a job that failed and could not be given back. */
  readonly log?: Pick<Log, 'warn'> | undefined
  /** What is noted of a failure, for who asks later. @default its name and message */
  readonly messageOf?: ((error: unknown) => string) | undefined
}

/**
 * The life of a job: takes it, new or where it stopped, has it worked on, and gives it back. It ends as `done`; as
 * `stopped` where it goes on later; or as `failed`, with what happened. Of a process that dies it stays `running` until
 * its lease is over.
 *
 * @returns what the work gave
 * @throws JobBusyError while another owner's lease runs, and when another one has taken the job over: it is theirs then;
 *   JobChangedError when it was begun with another spec; what the work throws, when the job was given back
 */
export const runJob = async <T extends JobOutcome>(
  request: JobRequest,
  { jobs, ...parts }: JobParts & { readonly jobs: DynamoJobs },
  work: (run: JobRun) => Promise<T>,
): Promise<T> => workOn(await jobs.take(request), parts, work)

/** The rest of a job's life, where its lease is there already. @throws as `runJob` */
export const workOn = async <T extends JobOutcome>(
  lease: JobLease,
  parts: JobParts,
  work: (run: JobRun) => Promise<T>,
): Promise<T> => {
  const outcome = await attempt(lease, parts, work)
  await lease.end(outcome.done ? 'done' : 'stopped', { result: outcome.result })
  return outcome
}

const attempt = async <T extends JobOutcome>(
  lease: JobLease,
  parts: JobParts,
  work: (run: JobRun) => Promise<T>,
): Promise<T> => {
  try {
    const outcome = await work({ lease, signal: runSignal(lease, parts.signal) })
    lease.lost.throwIfAborted()
    return outcome
  } catch (error) {
    await giveBack(lease, error, parts)
    throw error
  }
}

/** Aborts when somebody interrupts, and when another owner has the job. */
export const runSignal = (
  { lost }: Pick<JobLease, 'lost'>,
  interrupt: AbortSignal | undefined,
): AbortSignal => (interrupt === undefined ? lost : AbortSignal.any([interrupt, lost]))

const giveBack = async (
  lease: JobLease,
  error: unknown,
  { signal, log, messageOf = nameAndMessage }: JobParts,
): Promise<void> => {
  // It is somebody else's.
  if (error instanceof JobBusyError || lease.lost.aborted) return lease.leave()
  try {
    if (signal?.aborted === true && error === signal.reason) await lease.end('stopped')
    else await lease.end('failed', { message: messageOf(error) })
  } catch (second) {
    // The lease runs out by itself; the first error is the one that says what happened.
    log?.warn('a job failed, and could not be given back', { job: lease.record.job, error: second })
  }
}

const nameAndMessage = (error: unknown): string =>
  error instanceof Error ? `${error.name}: ${error.message}` : String(error)

/** What a step reads, and what it does with a page; both may be called again for the same page. */
export type OpenedStep = {
  readonly scan: (
    of: { readonly segment: number; readonly segments: number },
    start: Item | undefined,
  ) => AsyncIterable<ScanPage>
  readonly page: (page: ScanPage) => Promise<PageOutcome>
}

/** Work that has steps, one after the other, each divided into segments that are worked on at once. */
export type SteppedWork<S extends string> = {
  readonly steps: readonly [S, ...S[]]
  /** How many segments a step is divided into that begins. */
  readonly segmentsFor: (step: S) => number
  readonly open: (step: S, signal: AbortSignal) => OpenedStep
  readonly deadline: Deadline
  /** Bounds the work anew while it goes on. */
  readonly pace?: Pace | undefined
}

/**
 * Works on a job from the step that it is at to its last one; a step begins when all segments of the one before are
 * done.
 *
 * @returns whether all of it is done
 * @throws ForeignJobItemError when the job is at none of these steps; what the steps throw
 */
export const runSteps = async <S extends string>(
  { lease, signal }: JobRun,
  {
    steps,
    segmentsFor,
    open,
    deadline,
    pace,
    concurrency,
    onProgress,
  }: SteppedWork<S> & {
    /** Segments at once. @default 8 */
    readonly concurrency?: number | undefined
    /** Gets what has been done of a step, by earlier runs, too. */
    readonly onProgress?: ((step: S, tally: Tally) => void) | undefined
  },
): Promise<boolean> => {
  for (;;) {
    const step = presentStep(steps, lease)
    const { scan, page } = open(step, signal)
    const { segments } = lease.record
    const progress = await runSegments({
      lease,
      segments,
      concurrency,
      scan: (segment, start) => scan({ segment, segments }, start),
      page,
      deadline,
      pace,
      signal,
      ...(onProgress !== undefined && { onProgress: (tally) => onProgress(step, tally) }),
    })
    lease.lost.throwIfAborted()
    if (!progress.every(({ done }) => done)) return false
    const next = steps[steps.indexOf(step) + 1]
    if (next === undefined) return true
    await lease.step(next, segmentsFor(next))
  }
}

const presentStep = <S extends string>(steps: readonly S[], { record }: JobLease): S => {
  const step = steps.find((known) => known === record.step)
  if (step === undefined) throw new ForeignJobItemError(`${record.job} is at the unknown step ${record.step}`)
  return step
}
