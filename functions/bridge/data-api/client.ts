import {
  BeginTransactionCommand,
  CommitTransactionCommand,
  ExecuteStatementCommand,
  type ExecuteStatementCommandOutput,
  type RDSDataClient,
  RollbackTransactionCommand,
} from '@aws-sdk/client-rds-data'
import type { Deadline } from '../runtime/deadline.ts'
import { retry } from '../runtime/retry.ts'
import { DataApiError } from './errors.ts'
import { toParameter } from './fields.ts'

export type DataApiConfig = {
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

/** The call limit of the service is 45 s; a client that waits less would call a running statement failed. */
const CALL_LIMIT = 50_000
/** Below this many milliseconds no statement is started: it couldn't end before the invocation does. */
const SHORTEST = 250

/**
 * The Data API of one cluster and database. Every call is bounded by the invocation's deadline. A cluster that is
 * resuming from its pause is waited for: the call has not run then, so repeating it is safe. The SDK itself repeats
 * calls after a broken connection or a 5xx; what is written must be idempotent.
 *
 * All methods throw DataApiError, or DeadlineError when there is no time left to start.
 */
export class DataApiClient {
  readonly #config: DataApiConfig

  constructor(config: DataApiConfig) {
    this.#config = config
  }

  execute({ sql, parameters = {}, ...options }: Statement): Promise<ExecuteStatementCommandOutput> {
    const command = new ExecuteStatementCommand({
      ...this.#target(),
      ...options,
      sql,
      database: this.#config.database,
      parameters: Object.entries(parameters).map(([name, value]) => toParameter(name, value)),
      includeResultMetadata: true,
      resultSetOptions: { longReturnType: 'STRING', decimalReturnType: 'STRING' },
    })
    return this.#call('ExecuteStatement', (abortSignal) => this.#config.client.send(command, { abortSignal }))
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

  #call<T>(operation: string, send: (abortSignal: AbortSignal) => Promise<T>): Promise<T> {
    const { deadline } = this.#config
    const resuming = {
      attempts: 20,
      firstPause: 500,
      longestPause: 5_000,
      retryable: (error: unknown) =>
        error instanceof DataApiError && error.exception === 'DatabaseResumingException',
      deadline,
    }
    return retry(resuming, async () => {
      deadline.require(SHORTEST, operation)
      try {
        return await send(deadline.signal(CALL_LIMIT))
      } catch (cause) {
        throw new DataApiError(operation, cause)
      }
    })
  }
}
