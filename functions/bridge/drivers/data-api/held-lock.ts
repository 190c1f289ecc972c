import type { RawBuilder } from 'kysely'
import { type LeaseLock, MigrationLockedError } from './lease-lock.ts'

/** How old a lease may be when a statement is sent that counts on it, in milliseconds: a fraction of its length. */
const FRESH = 20_000

/**
 * A lock that is held for as long as its owner takes, beyond one lease: it is renewed by a timer, and proved to be held
 * before what counts on it. Who was asleep for too long learns here that somebody else has taken it.
 */
export class HeldLock {
  readonly #lock: LeaseLock
  readonly #fresh: number
  readonly #timer: NodeJS.Timeout
  #renewed = performance.now()
  #lost: MigrationLockedError | undefined

  /**
   * @param lock just acquired
   * @param fresh how old a lease may be when a statement is sent that counts on it, in milliseconds
   */
  constructor(lock: LeaseLock, fresh = FRESH) {
    this.#lock = lock
    this.#fresh = fresh
    // A renewal that fails is made up for by the next one, or by whoever needs the lock.
    this.#timer = setInterval(() => void this.#renew().catch(() => undefined), FRESH).unref()
  }

  /** @throws MigrationLockedError when it was lost; the database's error when that can't be told */
  async require(): Promise<void> {
    if (this.#lost === undefined && performance.now() - this.#renewed >= this.#fresh) await this.#renew()
    if (this.#lost !== undefined) throw this.#lost
  }

  /** @see LeaseLock.held */
  held(): RawBuilder<unknown> {
    return this.#lock.held()
  }

  /** @returns what says that the lock is another's now */
  async lost(): Promise<MigrationLockedError> {
    return await this.#lock.lost()
  }

  async release(): Promise<void> {
    clearInterval(this.#timer)
    await this.#lock.release()
  }

  async #renew(): Promise<void> {
    const now = performance.now()
    try {
      await this.#lock.renew()
      this.#renewed = now
    } catch (error) {
      if (!(error instanceof MigrationLockedError)) throw error
      clearInterval(this.#timer)
      this.#lost = error
    }
  }
}
