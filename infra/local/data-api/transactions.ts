import { randomBytes } from 'node:crypto'
import type { Clock } from './clock.ts'
import { DataApiError, type ErrorForm } from './errors.ts'
import { limits } from './limits.ts'
import type { Pool } from './pool.ts'
import type { Session } from './session.ts'

type Ended = 'expired' | 'terminated' | 'aborted' | 'finished'

/** The second sentence of a TransactionNotFoundException. */
const REASONS: Readonly<Record<Ended, string>> = {
  expired: 'Transaction may be expired',
  terminated: 'One previous call resulted in a termination of your transaction',
  finished: 'Transaction may be expired',
  aborted: 'Transaction has been aborted due to an error from a previous call',
}

/** Ended transactions whose reason is still known; an older one reads as expired. */
const REMEMBERED = 1000

/** Who opened a transaction; another caller's call does not find it. */
export type Owner = { readonly resourceArn: string; readonly secretArn: string }

export type Transaction = {
  readonly id: string
  readonly owner: Owner
  readonly database: string | undefined
  readonly session: Session
  readonly pool: Pool
}

type Entry = Transaction & {
  busy: boolean
  stopIdleTimer: () => void
  stopLifeTimer: () => void
}

/** The open transactions: one session each, one call at a time, three minutes idle, a day at most. */
export class Transactions {
  readonly #open = new Map<string, Entry>()
  readonly #ended = new Map<string, Ended>()
  readonly #clock: Clock
  readonly #form: ErrorForm

  constructor(clock: Clock, form: ErrorForm) {
    this.#clock = clock
    this.#form = form
  }

  /** Registers a session on which a transaction was started. @returns the id, opaque, as long as AWS's */
  add(transaction: Omit<Transaction, 'id'>): string {
    const id = randomBytes(138).toString('base64')
    const entry: Entry = {
      ...transaction,
      id,
      busy: false,
      stopIdleTimer: () => undefined,
      stopLifeTimer: this.#clock.after(limits.transactionMs, () => this.end(id, 'expired')),
    }
    this.#open.set(id, entry)
    this.#startIdleTimer(entry)
    return id
  }

  /**
   * Runs a call in a transaction.
   *
   * @throws TransactionNotFoundException; DatabaseErrorException when another call of the transaction is running
   */
  async use<T>(id: string, owner: Owner, work: (transaction: Transaction) => Promise<T>): Promise<T> {
    const entry = this.#open.get(id)
    if (
      !entry ||
      entry.owner.resourceArn !== owner.resourceArn ||
      entry.owner.secretArn !== owner.secretArn
    ) {
      throw this.#notFound(id)
    }
    if (entry.busy) {
      throw new DataApiError(
        this.#form === 'v2' ? 'DatabaseErrorException' : 'BadRequestException',
        'Transaction is still running a query',
      )
    }
    entry.stopIdleTimer()
    entry.busy = true
    try {
      return await work(entry)
    } finally {
      entry.busy = false
      if (entry.session.lost) this.end(id, 'terminated')
      if (this.#open.has(id)) this.#startIdleTimer(entry)
    }
  }

  /** Takes a transaction off the list; What is open in it is rolled back. */
  end(id: string, reason: Ended): void {
    const entry = this.#open.get(id)
    if (!entry) return
    this.#forget(entry, reason)
    // A statement that still runs would hold its locks until it ends by itself, so its session goes with it.
    const running = entry.session.busy
    if (running) entry.session.stop().catch(() => entry.session.destroy())
    entry.pool.release(entry.session, { spoilt: running })
  }

  /** Gives up a transaction whose statement went over its time; its session closes when that statement has ended. */
  abandon(id: string): void {
    const entry = this.#open.get(id)
    if (!entry) return
    this.#forget(entry, 'terminated')
    entry.pool.release(entry.session, { spoilt: true })
  }

  #forget(entry: Entry, reason: Ended): void {
    this.#open.delete(entry.id)
    entry.stopIdleTimer()
    entry.stopLifeTimer()
    this.#remember(entry.id, reason)
  }

  #startIdleTimer(entry: Entry): void {
    entry.stopIdleTimer = this.#clock.after(limits.transactionIdleMs, () => this.end(entry.id, 'expired'))
  }

  #remember(id: string, reason: Ended): void {
    this.#ended.set(id, reason)
    const oldest = this.#ended.keys().next()
    if (this.#ended.size > REMEMBERED && !oldest.done) this.#ended.delete(oldest.value)
  }

  #notFound(id: string): DataApiError {
    const text = `Transaction ${id} is not found`
    if (this.#form === 'v1') return new DataApiError('BadRequestException', text)
    const reason = REASONS[this.#ended.get(id) ?? 'expired']
    return new DataApiError('TransactionNotFoundException', `${text}. ${reason}`)
  }
}
