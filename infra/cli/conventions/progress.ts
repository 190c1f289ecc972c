import { SingleBar } from 'cli-progress'
import type { Io } from './io.ts'

/** What takes no longer than this needs no progress, and plain lines come no faster. In milliseconds. */
const PATIENCE = 2_000

/**
 * How far a job is: a bar with rate and time left on a terminal, plain lines elsewhere; on stderr, and only for what
 * takes longer than two seconds.
 */
export class Progress {
  readonly #io: Io
  readonly #what: string
  readonly #total: number
  readonly #now: () => number
  readonly #begun: number
  #bar: SingleBar | undefined
  #said: number
  #done = 0

  /**
   * @param what is done, in plural: `keys tried`
   * @param total how many there are
   * @param now a clock in milliseconds @default performance.now
   */
  constructor(io: Io, what: string, total: number, now: () => number = () => performance.now()) {
    this.#io = io
    this.#what = what
    this.#total = total
    this.#now = now
    this.#begun = now()
    this.#said = this.#begun
  }

  /** So many more are done. */
  advance(more: number): void {
    this.#done += more
    const now = this.#now()
    if (now - this.#begun < PATIENCE) return
    if (this.#io.stderr.isTTY === true) this.#draw()
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
    if (this.#bar === undefined) {
      this.#bar = new SingleBar({
        stream: this.#io.stderr,
        format: '{bar} {figures}',
        barsize: 24,
        barCompleteChar: '#',
        barIncompleteChar: '-',
        // Left as it is: a second Ctrl-C ends the process without a chance to bring it back.
        hideCursor: false,
      })
      this.#bar.start(this.#total, this.#done, { figures: this.#figures() })
    }
    this.#bar.update(this.#done, { figures: this.#figures() })
  }

  #figures(): string {
    const seconds = (this.#now() - this.#begun) / 1000
    const rate = this.#done / Math.max(seconds, 0.001)
    const left = rate > 0 ? Math.ceil((this.#total - this.#done) / rate) : undefined
    const share = this.#total === 0 ? 100 : Math.floor((100 * this.#done) / this.#total)
    const time = left === undefined ? '' : `, ${left} s left`
    return `${this.#done} of ${this.#total} ${this.#what} (${share} %), ${rate.toFixed(rate < 10 ? 1 : 0)}/s${time}`
  }
}
