import type { ColumnMetadata, Field, SqlParameter } from '@aws-sdk/client-rds-data'
import {
  type AbortableOperationOptions,
  type CompiledQuery,
  type DatabaseConnection,
  type Driver,
  type QueryResult,
  SelectQueryNode,
  type TransactionSettings,
} from 'kysely'
import { BridgeError } from '../../model/errors.ts'
import { type SqlError, undoesTransaction } from '../sql-errors.ts'
import { DataApiClient, type DataApiConfig, type Executed } from './client.ts'
import { DataApiError } from './errors.ts'
import { fromField, toParameter, UnsupportedValueError } from './fields.ts'
import { isMarkedIdempotent } from './idempotent.ts'
import { parameterName } from './query-compiler.ts'

/** Kysely's driver: a "connection" is nothing but the transaction that it may be in. */
export class DataApiDriver implements Driver {
  readonly #client: DataApiClient

  constructor(config: DataApiConfig) {
    this.#client = new DataApiClient(config)
  }

  async init(): Promise<void> {}

  async acquireConnection(): Promise<DataApiConnection> {
    return new DataApiConnection(this.#client)
  }

  async beginTransaction(connection: DataApiConnection, settings: TransactionSettings): Promise<void> {
    // There is no session before BeginTransaction and MySQL refuses SET TRANSACTION after it.
    if (settings.isolationLevel !== undefined && settings.isolationLevel !== 'repeatable read')
      throw new UnsupportedValueError(
        `The Data API can't set the isolation level "${settings.isolationLevel}": transactions are REPEATABLE READ. Use FOR UPDATE or FOR SHARE where a fresh read matters`,
      )
    if (settings.accessMode === 'read only')
      throw new UnsupportedValueError("The Data API can't begin a read-only transaction")
    await connection.begin()
  }

  async commitTransaction(connection: DataApiConnection): Promise<void> {
    await connection.commit()
  }

  async rollbackTransaction(connection: DataApiConnection): Promise<void> {
    await connection.rollback()
  }

  /** MySQL can't prepare savepoint statements, and the service prepares every statement. */
  async savepoint(): Promise<void> {
    throw noSavepoints()
  }

  async rollbackToSavepoint(): Promise<void> {
    throw noSavepoints()
  }

  async releaseSavepoint(): Promise<void> {
    throw noSavepoints()
  }

  async releaseConnection(connection: DataApiConnection): Promise<void> {
    connection.leave()
  }

  async destroy(): Promise<void> {}
}

const noSavepoints = (): UnsupportedValueError =>
  new UnsupportedValueError(
    'The Data API takes no savepoints: use a transaction of its own for what must be undone alone',
  )

/** Something is to be written in a transaction that is being rolled back. */
class TransactionOverError extends BridgeError {
  override readonly name = 'TransactionOverError'
  readonly code = 'transaction.over'
  readonly kind = 'unknown'

  constructor() {
    super('The transaction is being rolled back')
  }
}

/** What a connection of the Data API is: the transaction that it may be in. */
export class DataApiConnection implements DatabaseConnection {
  readonly #client: DataApiClient
  #transactionId: string | undefined
  #isEnding = false
  /** Statements of the transaction that have not ended. */
  readonly #running = new Set<Promise<Executed>>()
  /** What the server has undone the transaction for: whoever has kept that to himself must not go on in it. */
  #undone: SqlError | undefined
  #condition: (() => Promise<void>) | undefined

  constructor(client: DataApiClient) {
    this.#client = client
  }

  /** Has a condition asked before each statement and each commit, which throws where they mustn't be sent. */
  sendOnlyWhile(condition: (() => Promise<void>) | undefined): void {
    this.#condition = condition
  }

  async begin(): Promise<void> {
    this.#undone = undefined
    this.#transactionId = await this.#client.begin()
  }

  /** After a commit that failed the id is kept: Kysely then rolls back, or the locks would stay for three minutes. */
  async commit(): Promise<void> {
    await this.#condition?.()
    if (this.#undone !== undefined) throw this.#undone
    if (this.#transactionId !== undefined) await this.#client.commit(this.#transactionId)
    this.#transactionId = undefined
  }

  /** A transaction that is not there any more is rolled back, or was committed: what failed before says more than this. */
  async rollback(): Promise<void> {
    // Whoever still has the transaction must write neither in it nor outside of it meanwhile.
    this.#isEnding = true
    const transactionId = this.#transactionId
    try {
      if (transactionId !== undefined)
        await this.#client.rollback(transactionId).catch(async (error: unknown) => {
          if (this.#running.size === 0) throw error
          // As long as one of its statements runs the service rolls nothing back, and what is not keeps its locks for minutes.
          await Promise.allSettled(this.#running)
          await this.#client.rollback(transactionId)
        })
    } catch (error) {
      if (!(error instanceof DataApiError) || error.exception !== 'TransactionNotFoundException') throw error
    } finally {
      this.#transactionId = undefined
      this.#undone = undefined
      this.#isEnding = false
    }
  }

  /** Gives up the place of a transaction that was neither committed nor rolled back: the service ends it. */
  leave(): void {
    if (this.#transactionId !== undefined) this.#client.leave(this.#transactionId)
    this.#transactionId = undefined
  }

  async executeQuery<R>(
    { sql, parameters, query, queryId }: CompiledQuery,
    { signal }: AbortableOperationOptions = {},
  ): Promise<QueryResult<R>> {
    await this.#condition?.()
    if (this.#isEnding) throw new TransactionOverError()
    if (this.#undone !== undefined) throw this.#undone
    const transactionId = this.#transactionId
    const running = this.#client.execute(
      { sql, parameters: parameters.map(toNamed), transactionId },
      { idempotent: SelectQueryNode.is(query) || isMarkedIdempotent(queryId), signal },
    )
    if (transactionId !== undefined) this.#running.add(running)
    try {
      return toQueryResult<R>(await running)
    } catch (error) {
      if (transactionId !== undefined && undoesTransaction(error)) this.#undone = error
      throw error
    } finally {
      this.#running.delete(running)
    }
  }

  // biome-ignore lint/correctness/useYield: the interface wants a generator; the service has no cursor to yield from.
  async *streamQuery<R>(): AsyncIterableIterator<QueryResult<R>> {
    throw new UnsupportedValueError('The Data API has no cursor: page by key with LIMIT instead of stream()')
  }
}

const toNamed = (value: unknown, at: number): SqlParameter => toParameter(parameterName(at + 1), value)

/** A result that also tells whether the statement may have run more than once. */
export type DataApiQueryResult<R> = QueryResult<R> & { readonly repeated: boolean }

/** Whether a statement may have run more than once, so that its counts may be those of a repeat. */
export const wasRepeated = (result: QueryResult<unknown>): boolean =>
  'repeated' in result && result.repeated === true

/** The service sends `records` for a statement with a result set only; a write has counts instead. */
const toQueryResult = <R>(response: Executed): DataApiQueryResult<R> => {
  const { repeated } = response
  if (response.records === undefined) {
    const generated = response.generatedFields?.[0]
    const id = generated?.longValue ?? generated?.stringValue
    return {
      repeated,
      rows: [],
      // Counts matched rows: the service's connections report found rows, not changed ones.
      numAffectedRows: BigInt(response.numberOfRecordsUpdated ?? 0),
      ...(id === undefined ? {} : { insertId: BigInt(id) }),
    }
  }
  const columns = response.columnMetadata ?? []
  const labels = columns.map(({ label, name }, at) => label ?? name ?? `column${at}`)
  return { repeated, rows: response.records.map((record) => toRow<R>(record, columns, labels)) }
}

const OWN = { configurable: true, enumerable: true, writable: true } as const

/** The row's type is what the caller's query says it is; the service can't confirm it. */
const toRow = <R>(
  record: readonly Field[],
  columns: readonly ColumnMetadata[],
  labels: readonly string[],
): R => {
  const row: Record<string, unknown> = {}
  for (let at = 0; at < record.length; at += 1) {
    const field = record[at]
    if (!field) continue
    const label = labels[at] ?? `column${at}`
    const value = fromField(field, columns[at])
    // An assignment would set the object's prototype.
    if (label === '__proto__') Object.defineProperty(row, label, { value, ...OWN })
    else row[label] = value
  }
  return row as R
}
