import {
  type AbortableOperationOptions,
  type CompiledQuery,
  createQueryId,
  type DatabaseConnection,
  type Driver,
  IdentifierNode,
  type QueryCompiler,
  type QueryResult,
  RawNode,
  type TransactionSettings,
} from 'kysely'
import { type SqlError, undoesTransaction } from '../sql-errors.ts'
import type { SessionPool } from './pool.ts'
import type { Limit, Session } from './session.ts'

type CompileQuery = QueryCompiler['compileQuery']

/**
 * Kysely's driver over a pool of verified sessions. Kysely's own would do three things that must not happen here: write
 * parameters into the text of a statement, end a stream whose connection broke as if it were complete, and hand on a
 * connection whose stream was left half read.
 */
export class DirectDriver implements Driver {
  readonly #pool: SessionPool
  readonly #limit: Limit

  constructor(pool: SessionPool, limit: Limit) {
    this.#pool = pool
    this.#limit = limit
  }

  async init(): Promise<void> {}

  async acquireConnection(): Promise<DirectConnection> {
    return new DirectConnection(await this.#pool.acquire(), this.#limit)
  }

  async beginTransaction(
    connection: DirectConnection,
    { isolationLevel, accessMode }: TransactionSettings,
  ): Promise<void> {
    const { session } = connection
    const settings = [
      ...(isolationLevel === undefined ? [] : [`ISOLATION LEVEL ${isolationLevel}`]),
      ...(accessMode === undefined ? [] : [accessMode]),
    ]
    await session.begin(settings, this.#limit)
    connection.begun()
  }

  async commitTransaction(connection: DirectConnection): Promise<void> {
    connection.requireThere()
    await connection.session.commit(this.#limit)
    connection.ended()
  }

  /** The server has rolled back the transaction of a connection that is lost; what failed before says more than this. */
  async rollbackTransaction(connection: DirectConnection): Promise<void> {
    const { session } = connection
    if (!session.lost) await session.rollback()
    connection.ended()
  }

  async savepoint(connection: DirectConnection, name: string, compile: CompileQuery): Promise<void> {
    await this.#onSavepoint(connection, 'SAVEPOINT', name, compile)
  }

  async rollbackToSavepoint(
    connection: DirectConnection,
    name: string,
    compile: CompileQuery,
  ): Promise<void> {
    await this.#onSavepoint(connection, 'ROLLBACK TO SAVEPOINT', name, compile)
  }

  async releaseSavepoint(connection: DirectConnection, name: string, compile: CompileQuery): Promise<void> {
    await this.#onSavepoint(connection, 'RELEASE SAVEPOINT', name, compile)
  }

  async releaseConnection({ session }: DirectConnection): Promise<void> {
    await this.#pool.release(session)
  }

  async destroy(): Promise<void> {
    await this.#pool.close()
  }

  async #onSavepoint(
    { session }: DirectConnection,
    command: string,
    name: string,
    compile: CompileQuery,
  ): Promise<void> {
    // The compiler quotes the name.
    const node = RawNode.createWithChildren([
      RawNode.createWithSql(`${command} `),
      IdentifierNode.create(name),
    ])
    await session.command(compile(node, createQueryId()).sql, this.#limit)
  }
}

/** A session on loan. */
class DirectConnection implements DatabaseConnection {
  readonly session: Session
  readonly #limit: Limit
  #isInTransaction = false
  #undone: SqlError | undefined

  constructor(session: Session, limit: Limit) {
    this.session = session
    this.#limit = limit
  }

  /** A transaction begins. */
  begun(): void {
    this.#isInTransaction = true
    this.#undone = undefined
  }

  /** The transaction is over. */
  ended(): void {
    this.#isInTransaction = false
    this.#undone = undefined
  }

  /** @throws SqlError for which the server has undone the transaction: whoever has kept that to himself must not go on in it */
  requireThere(): void {
    if (this.#undone !== undefined) throw this.#undone
  }

  async executeQuery<R>({ sql, parameters }: CompiledQuery): Promise<QueryResult<R>> {
    this.requireThere()
    const { rows, affected, insertId } = await this.session
      .execute(sql, parameters, this.#limit)
      .catch((error: unknown) => {
        if (this.#isInTransaction && undoesTransaction(error)) this.#undone = error
        throw error
      })
    return {
      rows: rows.map(asRow<R>),
      ...(affected === undefined ? {} : { numAffectedRows: affected }),
      ...(insertId === undefined ? {} : { insertId }),
    }
  }

  async *streamQuery<R>(
    { sql, parameters }: CompiledQuery,
    chunkSize: number,
    { signal }: AbortableOperationOptions = {},
  ): AsyncIterableIterator<QueryResult<R>> {
    // A generator that waits for rows can't be left: the query has to end first.
    const stop = (): void => void this.session.stop()
    signal?.addEventListener('abort', stop, { once: true })
    try {
      const chunks = this.session.stream(sql, parameters, Math.max(1, chunkSize), this.#limit)
      for await (const rows of chunks) yield { rows: rows.map(asRow<R>) }
    } finally {
      signal?.removeEventListener('abort', stop)
    }
  }

  async cancelQuery(): Promise<void> {
    await this.session.stop()
  }

  async killSession(): Promise<void> {
    await this.session.kill()
  }
}

/** The row's type is what the caller's query says it is; the server can't confirm it. */
const asRow = <R>(row: Record<string, unknown>): R => row as R
