import { SingleBar } from 'cli-progress'
import { duration, grouped, rateOf } from './figures.ts'
import { type Io, isDumb } from './io.ts'

/** What takes no longer than this needs no progress, and plain lines come no faster. In milliseconds. */
const PATIENCE = 2_000
const BAR = 24

/** What a step of a job counts, in plural, and how many of these there are believed to be. */
export type Stage = { readonly what: string; readonly total?: number | undefined }

export type ProgressOptions = {
  /** How many there are; absent or 0 where nobody knows. */
  readonly total?: number | undefined
  /** The total is somebody's guess: once more than that is done, it counts no longer. @default false */
  readonly estimated?: boolean
  /** How many were done before, by an earlier run: they count as done, and not for the rate. @default 0 */
  readonly before?: number
  /** Says why it takes its time, where there is a reason. */
  readonly note?: (() => string | undefined) | undefined
  /** A clock in milliseconds. @default performance.now */
  readonly now?: () => number
}

/**
 * How far a job is: a bar with rate and time left on a terminal, plain lines elsewhere; on stderr, and only for what
 * takes longer than two seconds. Of a job whose end nobody knows: what is done, and the rate.
 */
export class Progress {
  readonly #io: Io
  readonly #what: string
  readonly #total: number | undefined
  readonly #estimated: boolean
  readonly #before: number
  readonly #note: () => string | undefined
  readonly #now: () => number
  readonly #begun: number
  #bar: SingleBar | undefined
  #said: number
  #done: number

  /** @param what is done, in plural: `keys tried` */
  constructor(io: Io, what: string, options: ProgressOptions = {}) {
    const {
      total,
      estimated = false,
      before = 0,
      note = () => undefined,
      now = () => performance.now(),
    } = options
    this.#io = io
    this.#what = what
    this.#total = total
    this.#estimated = estimated
    this.#before = before
    this.#note = note
    this.#done = before
    this.#now = now
    this.#begun = now()
    this.#said = this.#begun
  }

  /** How many are done, those before this run included. */
  get done(): number {
    return this.#done
  }

  /** So many more are done. */
  advance(more: number): void {
    this.#done += more
    const now = this.#now()
    if (now - this.#begun < PATIENCE) return
    if (this.#io.stderr.isTTY === true && !isDumb(this.#io)) this.#draw()
    else if (now - this.#said >= PATIENCE) {
      this.#said = now
      this.#io.stderr.write(`${this.#figures()}\n`)
    }
  }

  /** Ends the bar, where there is one, so that what follows has a line of its own. */
  end(): void {
    this.#bar?.stop()
    this.#bar = undefined
  }

  #draw(): void {
    const line = { line: this.#line() }
    if (this.#bar === undefined) {
      this.#bar = new SingleBar({
        stream: this.#io.stderr,
        format: '{line}',
        // Left as it is: a second Ctrl-C ends the process without a chance to bring it back.
        hideCursor: false,
      })
      this.#bar.start(this.#total ?? 0, this.#done, line)
    }
    this.#bar.update(this.#done, line)
  }

  #line(): string {
    const share = this.#share()
    if (share === undefined) return this.#figures()
    const full = Math.round(BAR * share)
    return `${'#'.repeat(full)}${'-'.repeat(BAR - full)} ${this.#figures()}`
  }

  /** From 0 to 1; undefined where the total isn't known, or was guessed too small. */
  #share(): number | undefined {
    if (this.#total === undefined) return undefined
    if (this.#estimated && (this.#total === 0 || this.#done > this.#total)) return undefined
    return this.#total === 0 ? 1 : Math.min(1, this.#done / this.#total)
  }

  #figures(): string {
    const note = this.#note()
    return note === undefined ? this.#counts() : `${this.#counts()} (${note})`
  }

  #counts(): string {
    const seconds = (this.#now() - this.#begun) / 1000
    const byNow = this.#done - this.#before
    const share = this.#share()
    const rate = rateOf(byNow, seconds)
    if (share === undefined || this.#total === undefined)
      return `${grouped(this.#done)} ${this.#what}, ${rate}`
    const left = Math.max(0, this.#total - this.#done)
    const time = byNow > 0 && left > 0 ? `, ${duration((left * seconds) / byNow)} left` : ''
    const of = this.#estimated ? 'of about' : 'of'
    return `${grouped(this.#done)} ${of} ${grouped(this.#total)} ${this.#what} (${Math.floor(100 * share)} %), ${rate}${time}`
  }
}
