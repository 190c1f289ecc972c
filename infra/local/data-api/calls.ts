import type { Clock } from './clock.ts'
import type { CallTarget, Clusters } from './clusters.ts'
import { withinLimit } from './deadline.ts'
import { DataApiError, type ErrorForm, invalid } from './errors.ts'
import { endsTransaction } from './failures.ts'
import { type Session, SessionLostError } from './session.ts'
import type { Transactions } from './transactions.ts'

/** What the operations share. */
export type Engine = {
  readonly clusters: Clusters
  readonly transactions: Transactions
  readonly clock: Clock
  readonly form: ErrorForm
  readonly strict: boolean
  readonly limitRows: boolean
  /** Changes each statement's text before it is read. */
  readonly rewrite?: (sql: string) => string
}

export type CallOptions = {
  readonly continueAfterTimeout?: boolean
  /** true when the session must not serve another call, as after DROP DATABASE */
  readonly spoils?: boolean
  /** true when the statement neither sees nor leaves session state, so that no reset is due */
  readonly sessionless?: boolean
}

/** v2 knows no `schema` member. */
export const refuseSchema = (schema: string | undefined, form: ErrorForm): void => {
  if (schema !== undefined && form === 'v2') throw invalid("The schema parameter isn't supported")
}

type Work<T> = (session: Session) => Promise<T>

const cleanFirst = async <T>(session: Session, work: Work<T>): Promise<T> => {
  await session.clean()
  return await work(session)
}

/** Runs `work` in a session of its own, for this call only. */
const alone = async <T>(
  engine: Engine,
  target: CallTarget,
  work: Work<T>,
  options: CallOptions,
): Promise<T> => {
  const pool = engine.clusters.pool(target)
  const once = async (session: Session): Promise<T> => {
    const sessionless = options.sessionless ?? false
    let spoilt = options.spoils ?? false
    let keep = false
    try {
      const answer = await withinLimit(sessionless ? work(session) : cleanFirst(session, work), {
        session,
        clock: engine.clock,
        continueAfterTimeout: options.continueAfterTimeout ?? false,
        onTimeout: () => {
          spoilt = true
        },
      })
      keep = sessionless
      return answer
    } finally {
      pool.release(session, { spoilt, keep })
    }
  }
  try {
    return await once(await pool.acquire())
  } catch (error) {
    // An idle session whose server went away: the statement was never executed, so it may go to a new session.
    if (!(error instanceof SessionLostError) || error.executed) throw error
    return await once(await pool.fresh())
  }
}

/** Runs `work` in a transaction's session. */
const inTransaction = <T>(
  engine: Engine,
  id: string,
  target: CallTarget,
  work: Work<T>,
  options: CallOptions,
): Promise<T> =>
  engine.transactions.use(id, target, async (transaction) => {
    if (target.database && target.database !== transaction.database) {
      throw new DataApiError('BadRequestException', 'Database name is not the same as transaction')
    }
    try {
      return await withinLimit(work(transaction.session), {
        session: transaction.session,
        clock: engine.clock,
        continueAfterTimeout: options.continueAfterTimeout ?? false,
        // What the statement has done by now is unknown, so the transaction is given up.
        onTimeout: () => engine.transactions.abandon(id),
      })
    } catch (error) {
      if (endsTransaction(error)) engine.transactions.end(id, 'aborted')
      throw error
    }
  })

/**
 * Runs a call's statements, in its transaction or in a session of its own.
 *
 * @throws StatementTimeoutException after 45 s, TransactionNotFoundException, and what `work` throws
 */
export const call = <T>(
  engine: Engine,
  target: CallTarget & { readonly transactionId?: string | undefined },
  work: Work<T>,
  options: CallOptions = {},
): Promise<T> =>
  target.transactionId === undefined
    ? alone(engine, target, work, options)
    : inTransaction(engine, target.transactionId, target, work, options)
