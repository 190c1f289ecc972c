import type { Kysely, Transaction } from 'kysely'
import type { Deadline } from '../../runtime/deadline.ts'
import { retry } from '../../runtime/retry.ts'
import { SqlError } from '../sql-errors.ts'

/** MySQL's numbers for a lock wait that ended, a deadlock, and a table that changed under a prepared statement. */
const CONFLICTS: ReadonlySet<number | undefined> = new Set([1205, 1213, 1615])

/**
 * Runs a transaction, and runs all of it again after a deadlock, a lock wait or a change of its tables, with growing
 * pauses: five times in all.
 * The call itself is the caller's word that `work` may be repeated: it must have no effect outside the transaction.
 *
 * A commit whose answer was lost is not repeated, because it may have happened: its error has `outcome: 'unknown'`.
 *
 * @throws what the last attempt threw
 */
export const repeatableTransaction = <DB, T>(
  db: Kysely<DB>,
  deadline: Deadline,
  work: (transaction: Transaction<DB>) => Promise<T>,
): Promise<T> =>
  retry(
    {
      attempts: 5,
      firstPause: 50,
      longestPause: 1_000,
      retryable: (error) => error instanceof SqlError && CONFLICTS.has(error.errno),
      deadline,
    },
    () => db.transaction().execute(work),
  )
