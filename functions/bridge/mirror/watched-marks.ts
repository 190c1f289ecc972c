import { cureOf, type RaisedMarks, type SteppedBack, SteppedBackError, sayBack } from '../model/store-mark.ts'
import type { EndedRoutes } from '../ports/ended.ts'
import type { Log } from '../runtime/log.ts'
import type { StoreMarks } from '../sync/store-marks.ts'

/**
 * Marks are raised at least so often, in milliseconds, though there is nothing to carry: what claims and the stream do past the log
 * is not in an Aurora of before that.
 */
const RAISED_EVERY = 30_000

type Parts = {
  /** All that are carried. */
  readonly entities: readonly string[]
  readonly marks: Pick<StoreMarks, 'begin' | 'judge' | 'raise'>
  /** Of these both stores are not kept, and neither can be recovered by the other one. */
  readonly ended: EndedRoutes | undefined
  readonly log: Log
}

/** The marks in one invocation of the relay: it goes on with the entities of which neither store was restored. */
export class WatchedMarks {
  readonly #parts: Parts
  readonly #back = new Map<string, SteppedBack>()
  #raisedAt = Number.NEGATIVE_INFINITY

  constructor(parts: Parts) {
    this.#parts = parts
  }

  /** @throws what the stores throw, as all of these methods */
  begin(): Promise<void> {
    return this.#parts.marks.begin()
  }

  /** The entities that are carried. */
  get sound(): readonly string[] {
    return this.#parts.entities.filter((name) => !this.#back.has(name))
  }

  /** @param raised as it was read with the log, which is judged by it */
  async judge(raised: RaisedMarks): Promise<void> {
    await this.#setAside(await this.#parts.marks.judge(this.sound, raised))
  }

  /** @returns whether what was read of the entities may be applied; else it is to be read once more */
  async raise(entities: readonly string[], raised: RaisedMarks): Promise<boolean> {
    if (entities.length === 0) return true
    try {
      return await this.#parts.marks.raise(entities, raised)
    } catch (error) {
      if (!(error instanceof SteppedBackError)) throw error
      await this.#setAside(error.stores)
      return false
    }
  }

  /** Where there is nothing to carry. Whoever else has raised them has done it as well. */
  async raiseNowAndThen(raised: RaisedMarks): Promise<void> {
    const now = performance.now()
    if (now - this.#raisedAt < RAISED_EVERY) return
    await this.raise(this.sound, raised)
    this.#raisedAt = now
  }

  /** @throws SteppedBackError for those that were set aside */
  require(): void {
    const [first, ...others] = this.#back.values()
    if (first !== undefined) throw new SteppedBackError([first, ...others])
  }

  async #setAside(found: readonly SteppedBack[]): Promise<void> {
    const { ended, log } = this.#parts
    for (const one of found) {
      if ((await ended?.has(one.entity)) === true) continue
      this.#back.set(one.entity, one)
      log.error(`${sayBack(one)}: its log stays`, { ...one, command: cureOf(one) })
    }
  }
}
