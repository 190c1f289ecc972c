import type { RateLimiter } from '../drivers/dynamo/rate-limiter.ts'
import { kindOf } from '../model/errors.ts'
import type { JobRecord } from './jobs.ts'

/*
 * What holds a job back while it runs: the bound in its record, and the lag of what is live beside it; how much of that is too much
 * stands in the record as well. An operator may set both anew. Both are looked at between pages, now and then.
 */

/** So often it is looked at, in milliseconds. */
const EVERY = 2_000
/** Lag above this holds the job back where its record says no other, in milliseconds; at half of it the job is let go again, bit by bit. */
const MOST_LAG = 2_000
/** It is never held below so many items a second: what lags for another reason would stop it for ever. */
const SLOWEST = 20
/** By so much more at each look. */
const FASTER = 1.5

export type PaceOptions = {
  /** All segments of the job share it. */
  readonly limiter: RateLimiter
  readonly job: string
  readonly jobs: { read(job: string): Promise<JobRecord | undefined> }
  /** How far what is live is behind, in milliseconds; undefined where that isn't known just now. */
  readonly lag?: (() => Promise<number | undefined>) | undefined
  /** Milliseconds of a clock that never goes back. @default performance.now */
  readonly now?: () => number
}

/** Bounds a job's limiter anew, between its pages. */
export class Pace {
  readonly #options: PaceOptions
  readonly #now: () => number
  #lookedAt: number
  #looking: Promise<void> | undefined
  #held: { readonly rate: number; readonly before: number } | undefined
  #lag: number | undefined
  #most = MOST_LAG

  constructor(options: PaceOptions) {
    this.#options = options
    this.#now = options.now ?? (() => performance.now())
    this.#lookedAt = this.#now()
  }

  /** The lag for which the job is held back, in milliseconds; undefined when it isn't. */
  get heldFor(): number | undefined {
    return this.#held === undefined ? undefined : this.#lag
  }

  /**
   * Looks, unless that was done a moment ago; whoever comes meanwhile waits for it. What can't be asked for the moment holds
   * nothing up.
   *
   * @throws the signal's reason; BridgeError that no waiting mends
   */
  async look(signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted()
    if (this.#looking === undefined) {
      if (this.#now() - this.#lookedAt < EVERY) return
      this.#looking = this.#look().finally(() => {
        this.#lookedAt = this.#now()
        this.#looking = undefined
      })
    }
    await this.#looking
  }

  async #look(): Promise<void> {
    try {
      const { jobs, job, limiter, lag } = this.#options
      const [record, behind] = await Promise.all([jobs.read(job), lag?.()])
      if (record !== undefined && (record.maxRate ?? Number.POSITIVE_INFINITY) !== limiter.maxRate)
        limiter.allow(record.maxRate)
      this.#bound(record?.maxLag ?? MOST_LAG)
      if (behind !== undefined) this.#weigh(behind)
    } catch (error) {
      if (kindOf(error) !== 'transient') throw error
    }
  }

  /** What it was held back for by another bound says nothing of this one. */
  #bound(most: number): void {
    if (most === this.#most) return
    this.#most = most
    this.#held = undefined
    this.#options.limiter.hold(undefined)
  }

  #weigh(lag: number): void {
    const { limiter } = this.#options
    this.#lag = lag
    if (lag > this.#most) {
      const rate = Math.min(this.#held?.rate ?? limiter.measured, limiter.measured)
      this.#held = { rate: Math.max(SLOWEST, rate / 2), before: this.#held?.before ?? limiter.measured }
    } else if (this.#held !== undefined && lag <= this.#most / 2) {
      const rate = this.#held.rate * FASTER
      // Beyond what it did before, and more, the bound says nothing any more.
      this.#held = rate > 2 * this.#held.before ? undefined : { ...this.#held, rate }
    }
    limiter.hold(this.#held?.rate)
  }
}
