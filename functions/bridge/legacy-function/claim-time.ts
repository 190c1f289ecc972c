import { DeadlineError } from '../model/errors.ts'
import type { LegacyFunction } from '../model/legacy-function.ts'
import type { Deadline } from '../runtime/deadline.ts'
import { ANSWER_ROOM } from './calls.ts'

/** In how many milliseconds from a claim on its calls have to begin. */
const WINDOW = 10_000
/** Kept back for the statements behind the calls, in milliseconds; and what more a call needs than the function may take. */
const STATEMENTS = 2_000
const RESERVE = STATEMENTS + 1_000
/**
 * For how much longer than a function may run its key stays claimed, in milliseconds: it may have to be started first, and what it has
 * sent may still be under way.
 */
const MARGIN = ANSWER_ROOM + 5_000

/**
 * The time of a claim: calls begin within a window, and each has ended before the claim does. It is counted from before the claim, by
 * two clocks: a process that was frozen in between may find that only one of them has gone on.
 */
export class ClaimTime {
  readonly #timeout: number
  readonly #window: number
  readonly #deadline: Deadline
  readonly #steady = performance.now()
  readonly #wall = Date.now()

  /** @throws DeadlineError where the invocation has no time for a single call */
  constructor({ timeout }: Pick<LegacyFunction, 'timeout'>, deadline: Deadline) {
    this.#timeout = timeout * 1_000
    this.#deadline = deadline
    const needed = this.#timeout + RESERVE
    const left = deadline.remaining()
    if (left < needed)
      throw new DeadlineError(`a call of the function needs ${needed} ms; ${Math.floor(left)} ms are left`)
    this.#window = Math.min(WINDOW, left - needed)
  }

  /** How long an answer may be waited for, in milliseconds: the statements behind it need time as well. */
  patience(): number {
    const most = this.#timeout + ANSWER_ROOM
    return Math.max(0, Math.min(most, this.#deadline.remaining() - STATEMENTS))
  }

  /** For how long the key has to be claimed. */
  seconds(): number {
    return Math.ceil((this.#window + this.#timeout + MARGIN) / 1_000)
  }

  mayBegin(): boolean {
    return Math.max(performance.now() - this.#steady, Date.now() - this.#wall) <= this.#window
  }
}
