import type { Item } from '../drivers/dynamo/items.ts'
import { inLanes } from '../runtime/lanes.ts'
import { asExpected, fencedUpTo, type JobCalls } from './job-calls.ts'
import {
  expiry,
  type Head,
  headItem,
  jobKey,
  readAttempt,
  readHead,
  readSegment,
  segmentAttributes,
  segmentKey,
} from './job-items.ts'
import { JobBusyError, type JobLease, type JobRecord, LEASE, type SegmentProgress } from './jobs.ts'

/** How often it is renewed. */
const RENEW_EVERY = 15_000
/** Calls at once that prepare segments. */
const LANES = 16

/** What the end of a job writes of its head, or removes. */
const ENDING = ['state', 'endedAt', 'message', 'result', 'leasedUntil'] as const

/** The work on one segment by a worker that has joined. */
export type SegmentLease = {
  readonly progress: SegmentProgress
  /** @throws JobBusyError when another worker has begun with the segment since, or another owner has the job */
  save(progress: SegmentProgress): Promise<void>
}

/** A lease over a head of the jobs' table. */
export class DynamoJobLease implements JobLease {
  readonly #calls: JobCalls
  readonly #now: () => number
  readonly #lost = new AbortController()
  readonly #timer: NodeJS.Timeout
  #head: Head
  #progress: SegmentProgress[] = []
  #renewedAt: number

  constructor(calls: JobCalls, head: Head, now: () => number) {
    this.#calls = calls
    this.#head = head
    this.#now = now
    this.#renewedAt = now()
    // Beside `save`: a page can take longer than a lease when DynamoDB holds it back.
    this.#timer = setInterval(() => void this.#keep(), RENEW_EVERY).unref()
  }

  get record(): JobRecord {
    return this.#head.record
  }

  /** Shown by workers that join. */
  get token(): string {
    return this.#head.token
  }

  get lost(): AbortSignal {
    return this.#lost.signal
  }

  get progress(): readonly SegmentProgress[] {
    return this.#progress
  }

  /**
   * Marks the present step's segments as this lease's, so that no older one writes them, and reads how far they are.
   *
   * @throws JobBusyError, DynamoError, DeadlineError, as all of these methods
   */
  async open(): Promise<this> {
    const { segments } = this.record
    const numbers = Array.from({ length: segments }, (_, segment) => segment)
    this.#progress = await inLanes(numbers, LANES, async (segment) =>
      readSegment(await this.#claim(this.record.step, segment, segments, { remove: ['attempt'] })),
    )
    return this
  }

  async save(progress: SegmentProgress): Promise<void> {
    this.#lost.signal.throwIfAborted()
    await this.#save(this.record.step, progress, {})
    const at = this.#progress.findIndex(({ segment }) => segment === progress.segment)
    if (at >= 0) this.#progress[at] = progress
  }

  async step(next: string, segments = this.record.segments): Promise<void> {
    this.#lost.signal.throwIfAborted()
    await this.#update({ step: { S: next }, segments: { N: String(segments) } })
    this.#head = { ...this.#head, record: { ...this.record, step: next, segments } }
    await this.open()
  }

  async end(
    state: 'done' | 'stopped' | 'failed',
    { message, result }: { readonly message?: string; readonly result?: unknown } = {},
  ): Promise<void> {
    this.leave()
    const { endedAt: _, message: __, result: ___, ...going } = this.record
    const record: JobRecord = {
      ...going,
      state,
      endedAt: new Date(this.#now()).toISOString(),
      ...(message !== undefined && { message }),
      ...(result !== undefined && { result }),
    }
    this.#head = { ...this.#head, record, leasedUntil: 0 }
    const item = headItem(this.#head)
    const left = ENDING.filter((name) => item[name] === undefined)
    const set = ENDING.flatMap((name) => (item[name] === undefined ? [] : [[name, item[name]] as const]))
    await this.#update(Object.fromEntries(set), left)
  }

  /** Ends the renewals and leaves the lease to whoever else has it, or to its end. */
  leave(): void {
    clearInterval(this.#timer)
  }

  /**
   * Begins to work on one segment, of those that `open` has not marked for this process alone. Whoever began with it
   * before can't save any more.
   *
   * @param at a worker of another step than the present one takes the job there, when all segments of `after` are done
   * @throws JobBusyError also when the job is at another step
   */
  async work(at: {
    readonly step: string
    readonly segment: number
    readonly segments: number
    readonly after?: string | undefined
  }): Promise<SegmentLease> {
    if (this.record.step !== at.step) await this.#reach(at)
    const item = await this.#claim(at.step, at.segment, at.segments, { add: { attempt: { N: '1' } } })
    const attempt = { N: String(readAttempt(item).attempt) }
    return {
      progress: readSegment(item),
      save: async (progress) => {
        this.#lost.signal.throwIfAborted()
        await this.#save(at.step, progress, { attempt })
      },
    }
  }

  async #reach({ step, segments, after }: Parameters<DynamoJobLease['work']>[0]): Promise<void> {
    const { job, step: present, segments: number } = this.record
    const refuse = (why: string): never => {
      throw new JobBusyError(`${job} can't go to ${step} now: it is at ${present}${why}`)
    }
    if (present !== after) return refuse('')
    const before = await this.#calls.segments(job, this.#head.run, present)
    const done = before.filter((segment) => segment.done).length
    if (done < number) return refuse(`, with ${done} of ${number} segments done`)
    const set = { step: { S: step }, segments: { N: String(segments) } }
    const fence = { N: String(this.#head.fence) }
    const moved = await this.#calls.update(jobKey(job), { set }, asExpected({ fence, step: { S: present } }))
    const head = moved === undefined ? await this.#calls.head(job) : readHead(moved)
    // Another worker was faster.
    if (head?.token !== this.token || head.record.step !== step) return this.#taken()
    this.#head = head
  }

  async #claim(
    step: string,
    segment: number,
    segments: number,
    more: { readonly remove?: readonly string[]; readonly add?: Item },
  ): Promise<Item> {
    const { record, run, fence } = this.#head
    const set = {
      segment: { N: String(segment) },
      segments: { N: String(segments) },
      fence: { N: String(fence) },
      ...expiry(this.#now()),
    }
    const key = segmentKey(record.job, run, step, segment)
    return (await this.#calls.update(key, { set, ...more }, fencedUpTo(fence))) ?? this.#taken()
  }

  async #save(step: string, progress: SegmentProgress, attempt: Item): Promise<void> {
    const { record, run } = this.#head
    const own = { fence: { N: String(this.#head.fence) }, ...attempt }
    const item = {
      ...segmentKey(record.job, run, step, progress.segment),
      ...segmentAttributes(progress),
      ...own,
      ...expiry(this.#now()),
    }
    if (!(await this.#calls.put(item, asExpected(own)))) return this.#taken()
    if (this.#now() - this.#renewedAt >= RENEW_EVERY) await this.#update({})
  }

  async #keep(): Promise<void> {
    try {
      await this.#update({})
    } catch (cause) {
      // Another failure is met again at the next turn, as long as the lease can still be ours.
      if (this.#now() - this.#renewedAt < LEASE && !(cause instanceof JobBusyError)) return
      const lost = new JobBusyError(`The lease of ${this.record.job} could not be renewed`, { cause })
      this.#lost.abort(cause instanceof JobBusyError ? cause : lost)
    }
  }

  /** Writes the head and renews the lease. */
  async #update(set: Item, remove: readonly string[] = []): Promise<void> {
    const now = this.#now()
    const renewal = {
      updatedAt: { S: new Date(now).toISOString() },
      leasedUntil: { N: String(now + LEASE) },
      ...expiry(now),
    }
    const fence = { N: String(this.#head.fence) }
    const change = { set: { ...renewal, ...set }, remove }
    const written = await this.#calls.update(jobKey(this.record.job), change, asExpected({ fence }))
    if (written === undefined) return this.#taken()
    this.#renewedAt = now
  }

  #taken(): never {
    const error = new JobBusyError(`${this.record.job} is being run by somebody else now`)
    this.#lost.abort(error)
    throw error
  }
}
