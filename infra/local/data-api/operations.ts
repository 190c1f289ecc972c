import { call, type Engine, refuseSchema } from './calls.ts'
import type { Column } from './columns.ts'
import { DataApiError, invalid } from './errors.ts'
import { bind } from './parameters.ts'
import type { Pool } from './pool.ts'
import type { OperationName, Request } from './request.ts'
import { ResultSet } from './result-set.ts'
import { type Ok, type RowSink, type Session, SessionLostError } from './session.ts'
import { prepare, readStatement, run, type Statement } from './statement.ts'
import { dropsDatabase, insertsRows } from './statement-kind.ts'

/** The key that an INSERT generated, from the statement's own OK packet. */
const generatedFields = (statement: Statement, ok: Ok | undefined): string => {
  if (!ok || !insertsRows(statement.words) || ok.insertId === '0') return '[]'
  return `[{"longValue":${BigInt.asUintN(64, BigInt(ok.insertId))}}]`
}

const executeStatement = async (engine: Engine, request: Request<'Execute'>): Promise<string> => {
  refuseSchema(request.schema, engine.form)
  const statement = readStatement(engine.rewrite?.(request.sql) ?? request.sql, engine)
  const values = bind(statement.names, request.parameters ?? [], engine.form)
  const options = {
    decimals: request.resultSetOptions?.decimalReturnType ?? 'STRING',
    longs: request.resultSetOptions?.longReturnType ?? 'LONG',
    json: request.formatRecordsAs === 'JSON',
    metadata: request.includeResultMetadata ?? false,
    limitRows: engine.limitRows,
    form: engine.form,
  } as const
  return await call(
    engine,
    request,
    async (session) => {
      let result: ResultSet | undefined
      const ok = await run(
        session,
        statement,
        values,
        {
          columns: (columns: readonly Column[]) => {
            result = new ResultSet(columns, options)
          },
          row: (row) => result?.add(row),
        },
        engine.form,
      )
      if (result) return result.toJson()
      return `{"generatedFields":${generatedFields(statement, ok)},"numberOfRecordsUpdated":${ok?.affectedRows ?? '0'}}`
    },
    {
      continueAfterTimeout: request.continueAfterTimeout ?? false,
      sessionless: statement.sessionless,
      spoils: dropsDatabase(statement.words) || statement.words[0] === 'USE',
    },
  )
}

const NO_ROWS: RowSink = {
  columns: () => {
    throw invalid('BatchExecuteStatement takes no statement that returns rows')
  },
  row: () => undefined,
}

/** Each set commits by itself unless there is a transaction, so a failing one leaves those before it applied. */
const batchExecuteStatement = async (engine: Engine, request: Request<'BatchExecute'>): Promise<string> => {
  refuseSchema(request.schema, engine.form)
  const sets = request.parameterSets ?? []
  // Nothing is run, not even looked at, without a set; the names of cluster, secret and transaction are checked.
  if (sets.length === 0) {
    if (request.transactionId === undefined) engine.clusters.pool(request)
    else await engine.transactions.use(request.transactionId, request, async () => undefined)
    return '{"updateResults":[]}'
  }
  const statement = readStatement(engine.rewrite?.(request.sql) ?? request.sql, engine)
  const rows = sets.map((set) => bind(statement.names, set, engine.form))
  const work = async (session: Session): Promise<string> => {
    const prepared = await prepare(session, statement, engine.form)
    if (prepared.columns > 0) NO_ROWS.columns([])
    const results: string[] = []
    for (const values of rows) {
      const ok = await prepared.execute(values, NO_ROWS)
      results.push(`{"generatedFields":${generatedFields(statement, ok)}}`)
    }
    return `{"updateResults":[${results.join(',')}]}`
  }
  return await call(engine, request, work, { sessionless: statement.sessionless })
}

const startTransaction = async (pool: Pool, session: Session): Promise<Session> => {
  try {
    await session.clean()
    await session.command('START TRANSACTION')
    return session
  } catch (error) {
    pool.release(session, { spoilt: true })
    throw error
  }
}

const beginTransaction = async (engine: Engine, request: Request<'BeginTransaction'>): Promise<string> => {
  refuseSchema(request.schema, engine.form)
  const pool = engine.clusters.pool(request)
  const session = await startTransaction(pool, await pool.acquire()).catch(async (error: unknown) => {
    // An idle session whose server went away. A transaction that was begun there is of no effect.
    if (error instanceof SessionLostError) return await startTransaction(pool, await pool.fresh())
    throw error
  })
  const { resourceArn, secretArn } = request
  const database = session.login.database
  const transactionId = engine.transactions.add({
    owner: { resourceArn, secretArn },
    database,
    session,
    pool,
  })
  return JSON.stringify({ transactionId })
}

/** Ends a transaction. The session is given back even when the server refuses, and then rolled back by its reset. */
const endTransaction =
  (command: 'COMMIT' | 'ROLLBACK', transactionStatus: string) =>
  async (engine: Engine, request: Request<'CommitTransaction'>): Promise<string> => {
    // The cluster and the secret must be right, as for any other call.
    engine.clusters.pool(request)
    try {
      await call(engine, request, async (session) => {
        await session.command(command)
      })
    } catch (error) {
      // Refused before it reached the transaction: that one goes on.
      if (!(error instanceof DataApiError)) engine.transactions.end(request.transactionId, 'terminated')
      throw error
    }
    engine.transactions.end(request.transactionId, 'finished')
    return JSON.stringify({ transactionStatus })
  }

const commitTransaction = endTransaction('COMMIT', 'Transaction Committed')
const rollbackTransaction = endTransaction('ROLLBACK', 'Rollback Complete')

/** An operation's answer, as the JSON text of its body. @throws DataApiError, or the error of MySQL or its driver */
export const operate: {
  readonly [Name in OperationName]: (engine: Engine, request: Request<Name>) => Promise<string>
} = {
  Execute: executeStatement,
  BatchExecute: batchExecuteStatement,
  BeginTransaction: beginTransaction,
  CommitTransaction: commitTransaction,
  RollbackTransaction: rollbackTransaction,
}
