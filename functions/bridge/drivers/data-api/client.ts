import {
  BeginTransactionCommand,
  CommitTransactionCommand,
  ExecuteStatementCommand,
  type ExecuteStatementResponse,
  type RDSDataClient,
  RollbackTransactionCommand,
  type SqlParameter,
} from '@aws-sdk/client-rds-data'
import { ConfigurationError } from '../../model/errors.ts'
import type { Deadline } from '../../runtime/deadline.ts'
import { retry } from '../../runtime/retry.ts'
import { CallBound } from './call-bound.ts'
import { DataApiError } from './errors.ts'
import { requireRequestSize } from './request-limit.ts'
import { type Release, Slots } from './slots.ts'

export type DataApiConfig = {
  /** Made with `maxAttempts: 1`: the SDK would repeat writes of which it can't know whether they ran. */
  readonly client: RDSDataClient
  readonly resourceArn: string
  readonly secretArn: string
  readonly database: string
  readonly deadline: Deadline
  /** As many as the client's request handler opens at once. @default 50, the SDK's own */
  readonly sockets?: number
}

export type Statement = {
  readonly sql: string
  readonly parameters?: readonly SqlParameter[]
  readonly transactionId?: string | undefined
  /** For DDL: let the statement run on when the call's 45 seconds are over, because its interruption could do damage. */
  readonly continueAfterTimeout?: boolean
}

export type SendOptions = {
  /** The statement may run more than once without harm: it is sent again when its answer was lost. */
  readonly idempotent?: boolean
  readonly signal?: AbortSignal | undefined
}

/** A statement's answer, and whether the statement may have run more than once because an answer was lost. */
export type Executed = ExecuteStatementResponse & { readonly repeated: boolean }

/** The call limit of the service is 45 s; a client that waits less would call a running statement failed. */
const CALL_LIMIT = 50_000
/** The service's own limit, in milliseconds: what was cut off there would be once more. */
const STATEMENT_LIMIT = 45_000
/** Below this many milliseconds no statement is started: it couldn't end before the invocation does. */
const SHORTEST = 250

/**
 * The Data API of one cluster and database. Every call is bounded by the invocation's deadline and by the caller's
 * signal. What is sent again, with growing pauses:
 *
 * | failure | sent again |
 * | --- | --- |
 * | the cluster resumes from its pause | always, for about 90 s: it has not run |
 * | throttled, unreachable, too many connections, another request of the transaction under way | always, 5 attempts: it has not run |
 * | deadlock, lock wait | 5 attempts, outside a transaction: MySQL has undone the statement |
 * | lost answer, 5xx, timeout, cut-off statement | 5 attempts, only an idempotent statement outside a transaction; one that took the service's whole limit, only with as much time left |
 *
 * Of all that share an SDK client so many transactions are open, and so many statements outside of them under way, that
 * its sockets suffice for both: a call that waits for a lock would else keep the one that ends the lock from being sent.
 *
 * All methods throw DataApiError, DeadlineError when there is no time left to start, NoSlotError when a place was waited
 * for in vain, StatementTooLargeError before anything is sent.
 */
export class DataApiClient {
  readonly #config: DataApiConfig
  readonly #bound: CallBound
  readonly #places: Places
  /** Of the transactions that are open, how each gives up its place. */
  readonly #open = new Map<string, Release>()
  #checked = false

  constructor(config: DataApiConfig) {
    this.#config = config
    this.#bound = new CallBound(config.deadline, CALL_LIMIT)
    this.#places = placesOf(config)
  }

  /** @param options `idempotent` has no effect within a transaction, which may be gone with the lost answer */
  async execute(statement: Statement, options: SendOptions = {}): Promise<Executed> {
    const { sql, parameters = [], transactionId, continueAfterTimeout } = statement
    const { client, resourceArn, secretArn, database } = this.#config
    const input = {
      resourceArn,
      secretArn,
      database,
      sql,
      transactionId,
      continueAfterTimeout,
      parameters: [...parameters],
      includeResultMetadata: true,
      resultSetOptions: RESULT_OPTIONS,
    }
    requireRequestSize(input)
    const command = new ExecuteStatementCommand(input)
    const alone = transactionId === undefined
    let repeated = false
    const repeatable = (error: DataApiError): boolean => {
      if (error.outcome !== 'unknown') return alone && error.kind === 'transient'
      if (!alone || options.idempotent !== true) return false
      const tookAll = error.exception === 'StatementTimeoutException'
      if (tookAll && this.#config.deadline.remaining() < STATEMENT_LIMIT) return false
      repeated = true
      return true
    }
    const { signal } = options
    // A statement of a transaction has that one's place.
    const release = alone ? await this.#places.statements.take(this.#config.deadline, signal) : undefined
    try {
      const response = await this.#call({
        operation: 'ExecuteStatement',
        send: (abortSignal) => client.send(command, { abortSignal }),
        repeatable,
        sql,
        signal,
      })
      return { ...response, repeated }
    } finally {
      release?.()
    }
  }

  /** Waits for a place among the open transactions. @returns the id of a transaction that has it until it ends */
  async begin(): Promise<string> {
    const command = new BeginTransactionCommand({ ...this.#target(), database: this.#config.database })
    const release = await this.#places.transactions.take(this.#config.deadline)
    try {
      const { transactionId } = await this.#call({
        operation: 'BeginTransaction',
        send: (abortSignal) => this.#config.client.send(command, { abortSignal }),
      })
      if (transactionId === undefined)
        throw new DataApiError('BeginTransaction', new Error('no transaction id'))
      this.#open.set(transactionId, release)
      return transactionId
    } catch (error) {
      release()
      throw error
    }
  }

  /** Gives up a transaction's place; done by `commit` and `rollback`, and for one that gets neither. */
  leave(transactionId: string): void {
    this.#open.get(transactionId)?.()
    this.#open.delete(transactionId)
  }

  /** A transaction whose commit fails is still to be rolled back. */
  async commit(transactionId: string): Promise<void> {
    const command = new CommitTransactionCommand({ ...this.#target(), transactionId })
    await this.#call({
      operation: 'CommitTransaction',
      send: (abortSignal) => this.#config.client.send(command, { abortSignal }),
    })
    this.leave(transactionId)
  }

  async rollback(transactionId: string): Promise<void> {
    const command = new RollbackTransactionCommand({ ...this.#target(), transactionId })
    try {
      await this.#call({
        operation: 'RollbackTransaction',
        send: (abortSignal) => this.#config.client.send(command, { abortSignal }),
      })
    } finally {
      this.leave(transactionId)
    }
  }

  #target(): { resourceArn: string; secretArn: string } {
    return { resourceArn: this.#config.resourceArn, secretArn: this.#config.secretArn }
  }

  /** Most calls are made once: what it takes to make one again is set up when the first attempt has failed. */
  async #call<T>(call: Call<T>): Promise<T> {
    if (!this.#checked) {
      await requireOneAttempt(this.#config.client)
      this.#checked = true
    }
    const signal = this.#start(call)
    let error: unknown
    try {
      return await call.send(signal)
    } catch (cause) {
      error = failureOf(call, cause)
    }
    return await this.#again(call, error)
  }

  /** @returns the signal that ends the attempt. @throws DeadlineError */
  #start({ operation, signal }: Call<unknown>): AbortSignal {
    this.#config.deadline.require(SHORTEST, operation)
    const limit = this.#bound.signal()
    return signal === undefined ? limit : AbortSignal.any([limit, signal])
  }

  /** Repeats a call as its failure allows. The attempt that was made counts as the first one. */
  #again<T>(call: Call<T>, error: unknown): Promise<T> {
    const { deadline } = this.#config
    const { repeatable = () => false } = call
    let made = true
    const attempt = async (): Promise<T> => {
      if (made) {
        made = false
        throw error
      }
      const signal = this.#start(call)
      try {
        return await call.send(signal)
      } catch (cause) {
        throw failureOf(call, cause)
      }
    }
    const isResuming = (failure: unknown) =>
      failure instanceof DataApiError && failure.exception === 'DatabaseResumingException'
    const isRepeatable = (failure: unknown) =>
      failure instanceof DataApiError &&
      (failure.outcome === 'not-run' || repeatable(failure)) &&
      !isResuming(failure)
    return retry({ ...RESUMING, retryable: isResuming, deadline }, () =>
      retry({ ...TRANSIENT, retryable: isRepeatable, deadline }, attempt),
    )
  }
}

type Places = { readonly transactions: Slots; readonly statements: Slots }

/** The SDK's default. */
const SOCKETS = 50
/** Of the sockets; the rest is for what ends a call and for what another client of the process does. */
const FOR_TRANSACTIONS = 0.32
const FOR_STATEMENTS = 0.48
/** Longer than any call takes, in milliseconds. */
const STALL = 60_000

const placesOfClients = new WeakMap<RDSDataClient, Places>()

const placesOf = ({ client, sockets = SOCKETS }: DataApiConfig): Places => {
  const most = (share: number): number => Math.max(1, Math.floor(sockets * share))
  const places = placesOfClients.get(client) ?? {
    transactions: new Slots('transactions', most(FOR_TRANSACTIONS), STALL),
    statements: new Slots('statements', most(FOR_STATEMENTS), STALL),
  }
  placesOfClients.set(client, places)
  return places
}

type Call<T> = {
  readonly operation: string
  readonly send: (abortSignal: AbortSignal) => Promise<T>
  /** whether to send it again after a failure of which it isn't known that nothing has run; default: no */
  readonly repeatable?: (error: DataApiError) => boolean
  readonly sql?: string
  /** the caller's own */
  readonly signal?: AbortSignal | undefined
}

/** @throws the reason of the caller's signal, where that has ended the attempt */
const failureOf = ({ operation, sql, signal }: Call<unknown>, cause: unknown): DataApiError => {
  signal?.throwIfAborted()
  return new DataApiError(operation, cause, sql)
}

/** Integers and decimals come as text, so that no digit is lost. */
const RESULT_OPTIONS = { longReturnType: 'STRING', decimalReturnType: 'STRING' } as const

/** About 90 s in all: a cluster needs about 15 s, and 30 s and more after a day's pause. */
const RESUMING = { attempts: 20, firstPause: 500, longestPause: 5_000 }
const TRANSIENT = { attempts: 5, firstPause: 50, longestPause: 1_000 }

const requireOneAttempt = async (client: RDSDataClient): Promise<void> => {
  const attempts = await client.config.maxAttempts()
  if (attempts !== 1)
    throw new ConfigurationError([
      `the RDSDataClient makes ${attempts} attempts: create it with maxAttempts: 1, because the SDK repeats writes that may have run`,
    ])
}
