import { randomUUID } from 'node:crypto'
import type { OwnTable } from '../drivers/dynamo/own-table.ts'
import { asExpected, JobCalls } from './job-calls.ts'
import { type Head, headItem, jobKey, LAG, RATE, readHead, sortedJson } from './job-items.ts'
import { DynamoJobLease } from './job-lease.ts'
import { JobNotes } from './job-notes.ts'
import {
  JobBusyError,
  JobChangedError,
  type JobRecord,
  type JobRequest,
  LEASE,
  type SegmentProgress,
} from './jobs.ts'

/** Rounds in which a job may change between its read and the write that takes it. */
const MOST_ROUNDS = 5

/** What jobs have done and where they stand, in one DynamoDB table. A lease is a fence number in the job's head; each write is conditional on it. */
export class DynamoJobs {
  /** What work on a job has found out, beside how far it is. */
  readonly notes: JobNotes
  readonly #calls: JobCalls
  readonly #now: () => number

  /** @param own its `now` in milliseconds since 1970 @default Date.now */
  constructor({ now = Date.now, ...own }: OwnTable & { readonly now?: () => number }) {
    this.#calls = new JobCalls(own)
    this.notes = new JobNotes(own, now)
    this.#now = now
  }

  /**
   * Takes a job: new, or where it stopped. A done one stays done, with a lease all the same.
   *
   * @throws JobBusyError while another owner's lease runs; JobChangedError when it was begun with another spec;
   *   DynamoError, DeadlineError, ForeignJobItemError, as all of these methods
   */
  async take(request: JobRequest): Promise<DynamoJobLease> {
    const token = randomUUID()
    for (let round = 0; round < MOST_ROUNDS; round++) {
      const known = await this.#calls.head(request.job)
      // A write whose answer was lost, and which the SDK then repeated against its own condition.
      if (known?.token === token) return this.#opened(known)
      const head = this.#next(known, request, token)
      const free = asExpected(
        known === undefined
          ? { job: undefined }
          : { token: { S: known.token }, leasedUntil: { N: String(known.leasedUntil) } },
      )
      if (await this.#calls.put(headItem(head), free)) return this.#opened(head)
    }
    throw new JobBusyError(`${request.job} was taken by others ${MOST_ROUNDS} times`)
  }

  /**
   * Joins in the work of whoever took the job, by that lease's token: for the workers of a state machine.
   *
   * @throws JobBusyError when the job has been taken by somebody else since
   */
  async join(job: string, token: string): Promise<DynamoJobLease> {
    const head = await this.#calls.head(job)
    if (head === undefined || head.token !== token)
      throw new JobBusyError(
        `${job} was taken over by ${head?.record.by ?? 'nobody: it is not there any more'}`,
      )
    return new DynamoJobLease(this.#calls, head, this.#now)
  }

  async read(job: string): Promise<JobRecord | undefined> {
    return (await this.#calls.head(job))?.record
  }

  /** The record of a job that somebody works on; undefined where nobody has its lease. */
  async held(job: string): Promise<JobRecord | undefined> {
    return (await this.#held(job))?.record
  }

  /** As `held`, with who took it as the store compares it: of a state machine, the execution's ARN. */
  async holder(
    job: string,
  ): Promise<{ readonly record: JobRecord; readonly owner: string | undefined } | undefined> {
    return this.#held(job)
  }

  /**
   * Bounds the run that a job is at anew: whoever works on it reads that between its pages.
   *
   * @param bounds what isn't said stays: items a second, and the lag of what is live in milliseconds
   * @returns the record then; undefined where nobody works on the job
   */
  async tune(
    job: string,
    { maxRate, maxLag }: Pick<JobRecord, 'maxRate' | 'maxLag'>,
  ): Promise<JobRecord | undefined> {
    const head = await this.#held(job)
    if (head === undefined) return undefined
    // Of this very lease: a run that has begun since has a bound of its own.
    const written = await this.#calls.update(
      jobKey(job),
      {
        set: {
          ...(maxRate !== undefined && { [RATE]: { N: String(maxRate) } }),
          ...(maxLag !== undefined && { [LAG]: { N: String(maxLag) } }),
        },
      },
      asExpected({ token: { S: head.token }, state: { S: 'running' } }),
    )
    return written === undefined ? undefined : readHead(written).record
  }

  /** Each segment once, in their order; none for a step that has not begun. */
  async segmentsOf(job: string, step: string): Promise<readonly SegmentProgress[]> {
    const head = await this.#calls.head(job)
    return head === undefined ? [] : this.#calls.segments(job, head.run, step)
  }

  /** All jobs, or those of a kind, by their names. */
  async list(kind?: string): Promise<readonly JobRecord[]> {
    const heads = await this.#calls.heads(kind)
    return heads.map(({ record }) => record).toSorted((a, b) => (a.job < b.job ? -1 : 1))
  }

  async #held(job: string): Promise<Head | undefined> {
    const head = await this.#calls.head(job)
    return head?.record.state === 'running' && head.leasedUntil > this.#now() ? head : undefined
  }

  async #opened(head: Head): Promise<DynamoJobLease> {
    const lease = new DynamoJobLease(this.#calls, head, this.#now)
    try {
      return await lease.open()
    } catch (error) {
      lease.leave()
      throw error
    }
  }

  /** The head that takes the job. */
  #next(known: Head | undefined, request: JobRequest, token: string): Head {
    const { job, kind, spec, segments, step, by, maxRate, maxLag, again = false, owner } = request
    const now = this.#now()
    const lease = { token, leasedUntil: now + LEASE, owner }
    const updatedAt = new Date(now).toISOString()
    const fresh: JobRecord = {
      job,
      kind,
      state: 'running',
      step,
      spec,
      segments,
      startedAt: updatedAt,
      updatedAt,
      by,
      ...(maxRate !== undefined && { maxRate }),
      ...(maxLag !== undefined && { maxLag }),
    }
    if (known === undefined) return { record: fresh, run: randomUUID(), fence: 1, ...lease }

    const { record, leasedUntil } = known
    if (leasedUntil > now && (owner === undefined || owner !== known.owner))
      throw new JobBusyError(
        `${job} is being run by ${record.by}, until ${new Date(leasedUntil).toISOString()} if that has stopped`,
      )
    const fence = known.fence + 1
    if (again === 'unfinished' || (again && record.state === 'done'))
      return { record: fresh, run: randomUUID(), fence, ...lease }
    if (sortedJson(record.spec) !== sortedJson(spec))
      throw new JobChangedError(
        `${job} was begun with another request and is ${record.state}: ${sortedJson(record.spec)}`,
      )
    if (record.state === 'done') return { ...known, record: { ...record, by }, fence, ...lease }
    const { endedAt: _, message: __, maxRate: ___, maxLag: ____, ...going } = record
    const bound = { ...(maxRate !== undefined && { maxRate }), ...(maxLag !== undefined && { maxLag }) }
    return { ...known, record: { ...going, ...bound, state: 'running', updatedAt, by }, fence, ...lease }
  }
}
