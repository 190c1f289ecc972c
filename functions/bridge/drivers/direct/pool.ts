import { setTimeout as wait } from 'node:timers/promises'
import { DirectError } from './errors.ts'
import type { Session } from './session.ts'

export type PoolLimits = {
  /** sessions open at a time */
  readonly size: number
  /** milliseconds that a caller waits for a session while all are in use */
  readonly acquireTimeout: number
  /** milliseconds after which an idle session is closed */
  readonly idleTimeout: number
  /** milliseconds that closing waits for the sessions in use before their statements are stopped */
  readonly closeTimeout: number
}

type Waiter = { take(session: Session): void; fail(error: unknown): void }

/** How often closing looks whether all sessions came back, in milliseconds. */
const CLOSE_STEP = 20

/**
 * A bounded pool of sessions. mysql2's own holds one password for its life, waits for a connection or for its end
 * without a bound, and hands a connection out before its settings are verified.
 */
export class SessionPool {
  readonly #limits: PoolLimits
  readonly #open: () => Promise<Session>
  readonly #clock: () => number
  readonly #all = new Set<Session>()
  readonly #idle: { readonly session: Session; readonly since: number }[] = []
  readonly #waiting: Waiter[] = []
  #opening = 0
  #sweep: NodeJS.Timeout | undefined
  #closing: Promise<void> | undefined

  constructor(limits: PoolLimits, open: () => Promise<Session>, clock: () => number) {
    this.#limits = limits
    this.#open = open
    this.#clock = clock
  }

  /** How many sessions are open, and how many of them are in use. */
  get figures(): { readonly open: number; readonly inUse: number } {
    return { open: this.#all.size, inUse: this.#all.size - this.#idle.length }
  }

  /** @throws DirectError: closed, no session free in time, or what opening one failed with */
  async acquire(): Promise<Session> {
    if (this.#closing) throw closed()
    for (;;) {
      const entry = this.#idle.pop()
      if (!entry) break
      // Timers stand still in a frozen environment; the age does not.
      if (!entry.session.lost && this.#clock() - entry.since < this.#limits.idleTimeout) return entry.session
      this.#remove(entry.session)
    }
    if (this.#all.size + this.#opening < this.#limits.size) return await this.#add()
    return await this.#wait()
  }

  /** Takes a session back; one that can't be made clean again is closed. Never throws. */
  async release(session: Session): Promise<void> {
    if (!session.lost && !this.#closing) {
      try {
        await session.clean()
      } catch {
        // Not the caller's trouble, whose work is done: this session is closed and the next caller gets another.
        session.destroy()
      }
    }
    if (session.lost || this.#closing) {
      this.#remove(session)
      return this.#serveNext()
    }
    const waiter = this.#waiting.shift()
    if (waiter) return waiter.take(session)
    this.#idle.push({ session, since: this.#clock() })
    this.#sweepLater()
  }

  /**
   * Closes all sessions: idle ones at once, those in use when they come back or, after the bound, by stopping them.
   * Callers that still wait for a session are refused.
   */
  close(): Promise<void> {
    this.#closing ??= this.#closeAll()
    return this.#closing
  }

  async #closeAll(): Promise<void> {
    clearTimeout(this.#sweep)
    // A turn later, so that `#closing` is set when the first waiter hears of it.
    await Promise.resolve()
    for (const waiter of this.#waiting.splice(0)) waiter.fail(closed())
    const idle = this.#idle.splice(0)
    await Promise.all(idle.map(({ session }) => session.quit().finally(() => this.#all.delete(session))))
    const end = performance.now() + this.#limits.closeTimeout
    while (this.#all.size + this.#opening > 0 && performance.now() < end) await wait(CLOSE_STEP)
    await Promise.all([...this.#all].map((session) => session.kill()))
    this.#all.clear()
  }

  async #add(): Promise<Session> {
    this.#opening += 1
    try {
      const session = await this.#open()
      if (this.#closing) {
        session.destroy()
        throw closed()
      }
      this.#all.add(session)
      return session
    } catch (error) {
      // Its place is free again: somebody who waits may try for himself, and hear why it fails.
      queueMicrotask(() => this.#serveNext())
      throw error
    } finally {
      this.#opening -= 1
    }
  }

  #wait(): Promise<Session> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#waiting.splice(this.#waiting.indexOf(waiter), 1)
        const { size, acquireTimeout } = this.#limits
        reject(
          new DirectError(`All ${size} connections were in use for ${acquireTimeout} ms`, {
            fault: 'pool-timeout',
          }),
        )
      }, this.#limits.acquireTimeout)
      const waiter: Waiter = {
        take: (session) => {
          clearTimeout(timer)
          resolve(session)
        },
        fail: (error) => {
          clearTimeout(timer)
          reject(error)
        },
      }
      this.#waiting.push(waiter)
    })
  }

  /** A place became free: the next one waiting gets a new session. */
  #serveNext(): void {
    if (this.#closing || this.#all.size + this.#opening >= this.#limits.size) return
    const waiter = this.#waiting.shift()
    if (waiter) this.#add().then(waiter.take, waiter.fail)
  }

  #remove(session: Session): void {
    this.#all.delete(session)
    session.destroy()
  }

  #sweepLater(): void {
    this.#sweep ??= setTimeout(() => {
      this.#sweep = undefined
      const old = this.#clock() - this.#limits.idleTimeout
      while (this.#idle[0] && (this.#idle[0].since <= old || this.#idle[0].session.lost)) {
        const entry = this.#idle.shift()
        if (entry) this.#remove(entry.session)
      }
      if (this.#idle.length > 0) this.#sweepLater()
    }, this.#limits.idleTimeout).unref()
  }
}

const closed = (): DirectError => new DirectError('The direct connection is closed', { fault: 'closed' })
