import type { Log } from '../http/server.ts'
import type { Clock } from './clock.ts'
import { DataApiError, databaseError, type ErrorForm } from './errors.ts'
import { isFull } from './failures.ts'
import { type Login, Session } from './session.ts'

/** Sessions that one login may have at a time; open transactions count. */
const MAX_SESSIONS = 40
/** Idle sessions that are kept; more are closed when they come back. */
const MAX_IDLE = 8
const IDLE_MS = 60_000
const WAIT_MS = 10_000
const TOO_MANY = { errno: 1040, sqlState: '08004', message: 'Too many connections' }

type Waiter = { readonly take: (session: Session) => void; readonly fail: (error: unknown) => void }

export type PoolOptions = {
  readonly login: Login
  readonly clock: Clock
  readonly form: ErrorForm
  /** true: a call gets another session than the call before it, so that state left in a session shows in tests */
  readonly rotate: boolean
  readonly log: Log
}

/**
 * The sessions of one login. A session is reset before anybody else may have it, unless what ran in it leaves nothing
 * to see; the caller of `release` doesn't wait for that.
 */
export class Pool {
  readonly #options: PoolOptions
  readonly #all = new Set<Session>()
  /** The one longest idle comes first. */
  readonly #idle: { readonly session: Session; readonly since: number }[] = []
  readonly #waiting: Waiter[] = []
  #opening = 0
  #last: Session | undefined
  #sweep: (() => void) | undefined
  #closed = false

  constructor(options: PoolOptions) {
    this.#options = options
  }

  /**
   * @throws the driver's error when a session can't be opened, and none is idle in its stead;
   *   DatabaseErrorException 1040 when all are taken for ten seconds
   */
  async acquire(): Promise<Session> {
    if (this.#closed) throw new DataApiError('ServiceUnavailableError', 'The endpoint is closing')
    const idle = this.#takeIdle(this.#options.rotate)
    if (idle) return this.#lend(idle)
    if (this.#all.size + this.#opening < MAX_SESSIONS) return this.#lend(await this.#openOrShare())
    return await this.#wait()
  }

  /** Opens a session for one caller, whatever is idle: for a repeat after a broken connection. */
  async fresh(): Promise<Session> {
    return this.#lend(await this.#open())
  }

  /**
   * Takes a session back when its statement has ended; a broken or `spoilt` one is closed. One to `keep` is not reset:
   * whoever gets it next cleans it when that matters.
   */
  release(
    session: Session,
    { spoilt = false, keep = false }: { spoilt?: boolean; keep?: boolean } = {},
  ): void {
    void this.#giveBack(session, spoilt, keep).catch((error: unknown) => {
      this.#options.log(`data-api: closed connection ${session.id}: ${String(error)}`)
      this.#discard(session)
    })
  }

  /** Ends every session; a running statement is stopped at the server too, as far as that takes no longer than `ms`. */
  async close(ms: number): Promise<void> {
    this.#closed = true
    this.#sweep?.()
    const error = new DataApiError('ServiceUnavailableError', 'The endpoint is closing')
    for (const { fail } of this.#waiting.splice(0)) fail(error)
    const stops = [...this.#all].filter((session) => session.busy).map((session) => session.stop())
    await Promise.race([
      Promise.allSettled(stops),
      new Promise<void>((resolve) => void setTimeout(resolve, ms).unref()),
    ])
    for (const session of [...this.#all]) this.#discard(session)
  }

  /** Opens a session or, where the server takes no more of them, gives the one that was passed over or came back. */
  async #openOrShare(): Promise<Session> {
    try {
      return await this.#open()
    } catch (error) {
      const idle = isFull(error) ? this.#takeIdle(false) : undefined
      if (!idle) throw error
      return idle
    }
  }

  #takeIdle(rotate: boolean): Session | undefined {
    while (true) {
      const first = this.#idle[0]
      if (!first) return undefined
      // The session of the call before is passed over while another one can be opened.
      const alone = rotate && first.session === this.#last && this.#idle.length === 1
      if (alone && !first.session.lost && this.#all.size + this.#opening < 2) return undefined
      this.#idle.shift()
      if (!first.session.lost) return first.session
      this.#discard(first.session)
    }
  }

  #lend(session: Session): Session {
    this.#last = session
    return session
  }

  async #open(): Promise<Session> {
    this.#opening += 1
    try {
      const session = await Session.open(this.#options.login)
      if (this.#closed) {
        session.destroy()
        throw new DataApiError('ServiceUnavailableError', 'The endpoint is closing')
      }
      this.#all.add(session)
      return session
    } finally {
      this.#opening -= 1
    }
  }

  #wait(): Promise<Session> {
    return new Promise((resolve, reject) => {
      const waiter: Waiter = {
        take: (session) => {
          cancel()
          resolve(this.#lend(session))
        },
        fail: (error) => {
          cancel()
          reject(error)
        },
      }
      const cancel = this.#options.clock.after(WAIT_MS, () => {
        this.#waiting.splice(this.#waiting.indexOf(waiter), 1)
        reject(databaseError(TOO_MANY, this.#options.form))
      })
      this.#waiting.push(waiter)
    })
  }

  async #giveBack(session: Session, spoilt: boolean, keep: boolean): Promise<void> {
    await session.idle()
    if (spoilt || session.lost || this.#closed) return this.#discard(session)
    if (keep) session.markUsed()
    else await session.reset()
    const waiter = this.#waiting.shift()
    if (waiter) return waiter.take(session)
    if (this.#closed || this.#idle.length >= MAX_IDLE) return this.#discard(session)
    this.#idle.push({ session, since: this.#options.clock.now() })
    this.#sweep ??= this.#options.clock.after(IDLE_MS, () => this.#closeIdle())
  }

  #closeIdle(): void {
    this.#sweep = undefined
    const old = this.#options.clock.now() - IDLE_MS
    while (this.#idle[0] && this.#idle[0].since <= old) {
      const entry = this.#idle.shift()
      if (entry) this.#discard(entry.session)
    }
    if (this.#idle.length > 0) this.#sweep = this.#options.clock.after(IDLE_MS, () => this.#closeIdle())
  }

  /** A place became free: the next one waiting gets a new session. */
  #discard(session: Session): void {
    if (!this.#all.delete(session)) return
    session.destroy()
    const waiter = this.#closed ? undefined : this.#waiting.shift()
    if (waiter) this.#open().then(waiter.take, waiter.fail)
  }
}
