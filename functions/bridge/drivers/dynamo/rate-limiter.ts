import { sleep as wait } from '../../runtime/retry.ts'

export type RateLimiterOptions = {
  /** Items a second; without it the limiter only reacts to throttling. */
  readonly maxRate?: number | undefined
  /** Milliseconds of a clock that never goes back. @default performance.now */
  readonly now?: () => number
  readonly sleep?: (milliseconds: number, signal?: AbortSignal) => Promise<void>
}

/** A bound that throttling set doubles every so many milliseconds, until it no longer binds. */
const DOUBLES_IN = 10_000
/** Throttles so soon after another, in milliseconds, are of the same burst: they halve the rate once. */
const ONE_BURST = 1_000
/**
 * Throttling is never taken for a sign that fewer items a second would already have been too many: a table that can't
 * take these holds the job back by the writes themselves, which are repeated until they are done.
 */
const LEAST_MEASURED = 1_000
/** Throttling never slows the work below so many items a second. */
const SLOWEST = 100
/** The span over which the present rate is measured, in milliseconds. */
const WINDOW = 5_000
/** Pages may be as large as what is allowed in so many seconds. */
const PAGE_SECONDS = 0.25

/**
 * Bounds how many items a second a job reads. All segments of a job share one. What was taken is owed: who takes more
 * than there is waits until it has been paid, so that the long-term rate is kept whatever the size of a page is.
 */
export class RateLimiter {
  #maxRate: number
  #held = Number.POSITIVE_INFINITY
  readonly #now: () => number
  readonly #sleep: (milliseconds: number, signal?: AbortSignal) => Promise<void>
  /** When everything taken so far will be paid. */
  #paidAt: number
  /** Who waits, each until its own time. */
  readonly #waiting = new Set<{ due: number }>()
  /** Aborts when they have to wait for less. */
  #faster = new AbortController()
  #waited = 0
  #slowed: { readonly rate: number; readonly at: number; readonly before: number } | undefined
  #window: { readonly since: number; items: number; readonly before: number }

  constructor({ maxRate, now = () => performance.now(), sleep = wait }: RateLimiterOptions = {}) {
    this.#maxRate = boundOf(maxRate)
    this.#now = now
    this.#sleep = sleep
    this.#paidAt = now()
    this.#window = { since: now(), items: 0, before: 0 }
  }

  /** Milliseconds that callers have waited, in all. */
  get waited(): number {
    return this.#waited
  }

  /** What the operator allows, in items a second; infinite: anything. */
  get maxRate(): number {
    return this.#maxRate
  }

  /** Items a second that are allowed now; infinite when nothing bounds them. */
  get rate(): number {
    const allowed = Math.min(this.#maxRate, this.#held)
    if (this.#slowed === undefined) return allowed
    const rate = this.#slowed.rate * 2 ** ((this.#now() - this.#slowed.at) / DOUBLES_IN)
    // It was throttled at `before`; beyond twice that the bound says nothing any more.
    if (rate < Math.min(allowed, 2 * this.#slowed.before)) return rate
    this.#slowed = undefined
    return allowed
  }

  /** Items a second, of late. */
  get measured(): number {
    return this.#measured()
  }

  /** Bounds the work anew, from its next page on. @param maxRate undefined: no bound */
  allow(maxRate: number | undefined): void {
    this.#rebound(() => {
      this.#maxRate = boundOf(maxRate)
    })
  }

  /** Holds the work back beside what the operator allows. @param rate undefined: no more */
  hold(rate: number | undefined): void {
    this.#rebound(() => {
      this.#held = boundOf(rate)
    })
  }

  /** What was owed at the old rate is owed at the new one: whoever comes next doesn't wait for what no longer binds. */
  #rebound(change: () => void): void {
    const [before, now] = [this.rate, this.#now()]
    change()
    const { rate } = this
    if (rate <= before) return
    const sooner = (due: number): number => (due > now ? now + ((due - now) * before) / rate : due)
    this.#paidAt = sooner(this.#paidAt)
    for (const waiting of this.#waiting) waiting.due = sooner(waiting.due)
    this.#faster.abort()
    this.#faster = new AbortController()
  }

  /** The most items that one page should have at the present rate; undefined when nothing bounds it. */
  get pageItems(): number | undefined {
    const { rate } = this
    return rate === Number.POSITIVE_INFINITY ? undefined : Math.max(1, Math.ceil(rate * PAGE_SECONDS))
  }

  /**
   * Waits until so many items may be read. A negative number gives back what was taken and not read, at once.
   *
   * @throws the signal's reason when it aborts
   */
  async take(items: number, signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted()
    this.#count(items)
    const { rate } = this
    const now = this.#now()
    const owed = rate === Number.POSITIVE_INFINITY ? 0 : (items / rate) * 1_000
    const due = Math.max(this.#paidAt, now)
    this.#paidAt = Math.max(due + owed, now)
    if (items <= 0 || due <= now) return
    const own = { due }
    this.#waiting.add(own)
    try {
      while (!(await this.#isOver(own.due - this.#now(), signal)));
    } finally {
      this.#waiting.delete(own)
      this.#waited += this.#now() - now
    }
  }

  /** @returns false when it ended sooner, since less is to be waited for now */
  async #isOver(milliseconds: number, signal: AbortSignal | undefined): Promise<boolean> {
    if (milliseconds <= 0) return true
    const { signal: faster } = this.#faster
    try {
      await this.#sleep(milliseconds, signal === undefined ? faster : AbortSignal.any([signal, faster]))
      return true
    } catch (error) {
      signal?.throwIfAborted()
      if (faster.aborted) return false
      throw error
    }
  }

  /** DynamoDB refused for too much traffic: the rate halves, then recovers. */
  throttled(): void {
    const now = this.#now()
    if (this.#slowed !== undefined && now - this.#slowed.at < ONE_BURST) return
    const before = Math.min(this.rate, Math.max(this.#measured(), LEAST_MEASURED))
    this.#slowed = { rate: Math.max(SLOWEST, before / 2), at: now, before }
  }

  #count(items: number): void {
    if (this.#now() - this.#window.since > WINDOW)
      this.#window = { since: this.#now(), items: 0, before: this.#measured() }
    this.#window.items += items
  }

  #measured(): number {
    const elapsed = this.#now() - this.#window.since
    const rate = (this.#window.items * 1_000) / Math.max(elapsed, 1_000)
    return elapsed < WINDOW / 2 ? Math.max(rate, this.#window.before) : rate
  }
}

const boundOf = (rate: number | undefined): number => {
  if (rate !== undefined && !(rate > 0)) throw new RangeError('maxRate is not above zero')
  return rate ?? Number.POSITIVE_INFINITY
}
