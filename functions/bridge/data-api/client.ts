import {
  BeginTransactionCommand,
  CommitTransactionCommand,
  ExecuteStatementCommand,
  type ExecuteStatementResponse,
  type RDSDataClient,
  RollbackTransactionCommand,
} from '@aws-sdk/client-rds-data'
import { ConfigurationError } from '../errors.ts'
import type { Deadline } from '../runtime/deadline.ts'
import { retry } from '../runtime/retry.ts'
import { DataApiError } from './errors.ts'
import { toParameter } from './fields.ts'
import { limitRequests, requireSqlSize, StatementTooLargeError } from './request-limit.ts'

export type DataApiConfig = {
  /** Made with `maxAttempts: 1`: the SDK would repeat writes of which it can't know whether they ran. */
  readonly client: RDSDataClient
  readonly resourceArn: string
  readonly secretArn: string
  readonly database: string
  readonly deadline: Deadline
}

export type Statement = {
  readonly sql: string
  /** By placeholder name, without the colon. */
  readonly parameters?: Readonly<Record<string, unknown>>
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
/** Below this many milliseconds no statement is started: it couldn't end before the invocation does. */
const SHORTEST = 250

/**
 * The Data API of one cluster and database. Every call is bounded by the invocation's deadline and by the caller's
 * signal. What is sent again, with growing pauses:
 *
 * | failure | sent again |
 * | --- | --- |
 * | the cluster resumes from its pause | always, for about 90 s: it has not run |
 * | throttled, unreachable, another request of the transaction under way | always, 5 attempts: it has not run |
 * | deadlock, lock wait | 5 attempts, outside a transaction: MySQL has undone the statement |
 * | lost answer, 5xx, timeout, cut-off statement | 5 attempts, only an idempotent statement outside a transaction |
 *
 * All methods throw DataApiError, DeadlineError when there is no time left to start, StatementTooLargeError before
 * anything is sent.
 */
export class DataApiClient {
  readonly #config: DataApiConfig
  #checked: Promise<void> | undefined

  constructor(config: DataApiConfig) {
    this.#config = config
    limitRequests(config.client)
  }

  /** @param options `idempotent` has no effect within a transaction, which may be gone with the lost answer */
  async execute(statement: Statement, options: SendOptions = {}): Promise<Executed> {
    const { sql, parameters = {}, ...rest } = statement
    requireSqlSize(sql)
    const command = new ExecuteStatementCommand({
      ...this.#target(),
      ...rest,
      sql,
      database: this.#config.database,
      parameters: Object.entries(parameters).map(([name, value]) => toParameter(name, value)),
      includeResultMetadata: true,
      resultSetOptions: { longReturnType: 'STRING', decimalReturnType: 'STRING' },
    })
    const alone = statement.transactionId === undefined
    let repeated = false
    const repeatable = (error: DataApiError): boolean => {
      if (error.outcome === 'unknown' && alone && options.idempotent === true) repeated = true
      return error.outcome === 'unknown'
        ? alone && options.idempotent === true
        : alone && error.kind === 'transient'
    }
    const send = (abortSignal: AbortSignal) => this.#config.client.send(command, { abortSignal })
    const response = await this.#call('ExecuteStatement', send, { repeatable, sql, signal: options.signal })
    return { ...response, repeated }
  }

  async begin(): Promise<string> {
    const command = new BeginTransactionCommand({ ...this.#target(), database: this.#config.database })
    const { transactionId } = await this.#call('BeginTransaction', (abortSignal) =>
      this.#config.client.send(command, { abortSignal }),
    )
    if (transactionId === undefined)
      throw new DataApiError('BeginTransaction', new Error('no transaction id'))
    return transactionId
  }

  async commit(transactionId: string): Promise<void> {
    const command = new CommitTransactionCommand({ ...this.#target(), transactionId })
    await this.#call('CommitTransaction', (abortSignal) => this.#config.client.send(command, { abortSignal }))
  }

  async rollback(transactionId: string): Promise<void> {
    const command = new RollbackTransactionCommand({ ...this.#target(), transactionId })
    await this.#call('RollbackTransaction', (abortSignal) =>
      this.#config.client.send(command, { abortSignal }),
    )
  }

  #target(): { resourceArn: string; secretArn: string } {
    return { resourceArn: this.#config.resourceArn, secretArn: this.#config.secretArn }
  }

  async #call<T>(
    operation: string,
    send: (abortSignal: AbortSignal) => Promise<T>,
    options: {
      readonly repeatable?: (error: DataApiError) => boolean
      readonly sql?: string
      readonly signal?: AbortSignal | undefined
    } = {},
  ): Promise<T> {
    const { deadline } = this.#config
    this.#checked ??= requireOneAttempt(this.#config.client)
    await this.#checked
    const { repeatable = () => false, sql, signal } = options
    const attempt = async (): Promise<T> => {
      deadline.require(SHORTEST, operation)
      const limit = deadline.signal(CALL_LIMIT)
      try {
        return await send(signal === undefined ? limit : AbortSignal.any([limit, signal]))
      } catch (cause) {
        signal?.throwIfAborted()
        throw cause instanceof StatementTooLargeError ? cause : new DataApiError(operation, cause, sql)
      }
    }
    const isResuming = (error: unknown) =>
      error instanceof DataApiError && error.exception === 'DatabaseResumingException'
    const isRepeatable = (error: unknown) =>
      error instanceof DataApiError &&
      (error.outcome === 'not-run' || repeatable(error)) &&
      !isResuming(error)
    return retry({ ...RESUMING, retryable: isResuming, deadline }, () =>
      retry({ ...TRANSIENT, retryable: isRepeatable, deadline }, attempt),
    )
  }
}

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
