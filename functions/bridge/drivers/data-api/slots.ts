import { BridgeError, DeadlineError } from '../../model/errors.ts'
import type { Deadline } from '../../runtime/deadline.ts'

/** Nothing came free for as long as is waited: what holds the places waits for others, or is stuck. */
export class NoSlotError extends BridgeError {
  override readonly name = 'NoSlotError'
  readonly code = 'data-api.no-slot'
  readonly kind = 'transient'
}

/** Gives a place back; a second time it does nothing. */
export type Release = () => void

/** A timer of more milliseconds would end at once. */
const LONGEST_TIMER = 2 ** 31 - 1

type Waiting = { readonly admit: () => void; readonly refuse: (error: unknown) => void }

/**
 * A bounded number of places, given in the order in which they were asked for. Callers wait here instead of at the
 * client's sockets: there a call that only waits would stand in the way of the one that it waits for.
 */
export class Slots {
  readonly #what: string
  readonly #most: number
  readonly #stall: number
  readonly #waiting: Waiting[] = []
  #taken = 0
  #stalled: NodeJS.Timeout | undefined

  /**
   * @param what for messages: `transactions`
   * @param stall milliseconds after which, if not one place came free, the first who waits is refused: its refusal ends
   *   what it was part of, which may hold a place itself
   */
  constructor(what: string, most: number, stall: number) {
    this.#what = what
    this.#most = most
    this.#stall = stall
  }

  /**
   * Waits for a place, as long as the deadline and the caller's signal allow.
   *
   * @throws DeadlineError, NoSlotError, the signal's reason; nothing is held then
   */
  async take(deadline: Deadline, signal?: AbortSignal): Promise<Release> {
    if (this.#taken >= this.#most) await this.#wait(deadline, signal)
    else this.#taken += 1
    let held = true
    return () => {
      if (held) this.#free()
      held = false
    }
  }

  #wait(deadline: Deadline, signal: AbortSignal | undefined): Promise<void> {
    signal?.throwIfAborted()
    const left = deadline.remaining()
    return new Promise((resolve, reject) => {
      const end = (): void => {
        clearTimeout(timer)
        signal?.removeEventListener('abort', onAbort)
      }
      const waiting: Waiting = {
        admit: () => {
          end()
          resolve()
        },
        refuse: (error) => {
          end()
          this.#remove(waiting)
          reject(error)
        },
      }
      const onAbort = (): void => waiting.refuse(signal?.reason)
      signal?.addEventListener('abort', onAbort, { once: true })
      const timer =
        left <= LONGEST_TIMER
          ? setTimeout(
              () => waiting.refuse(new DeadlineError(`no time was left to wait: ${this.#busy()}`)),
              left,
            )
          : undefined
      this.#waiting.push(waiting)
      if (this.#waiting.length === 1) this.#watch()
    })
  }

  /** The place goes to the first who waits, without being free in between. */
  #free(): void {
    const next = this.#waiting.shift()
    if (next === undefined) this.#taken -= 1
    this.#watch()
    next?.admit()
  }

  #remove(waiting: Waiting): void {
    const at = this.#waiting.indexOf(waiting)
    if (at >= 0) this.#waiting.splice(at, 1)
    if (at === 0) this.#watch()
  }

  /** Begins to wait anew for a place to come free, where somebody waits for one. */
  #watch(): void {
    clearTimeout(this.#stalled)
    if (this.#waiting.length === 0) return
    const refuse = (): void => {
      const seconds = Math.round(this.#stall / 1000)
      this.#waiting[0]?.refuse(new NoSlotError(`${this.#busy()}, and none ended for ${seconds} s`))
    }
    this.#stalled = setTimeout(refuse, this.#stall).unref()
  }

  #busy(): string {
    return `${this.#taken} ${this.#what} of this client are open, which are all that may be`
  }
}
