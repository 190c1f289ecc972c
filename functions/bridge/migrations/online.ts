import { SqlError } from '../drivers/sql-errors.ts'
import { alteredTable } from './alter-clauses.ts'

/**
 * The ways to send what changes a table so that others go on writing to it, the best first: INSTANT, then INPLACE with LOCK=NONE, and no
 * other. A statement that says its own ALGORITHM or LOCK is sent as it is, as is one that changes no table.
 */
export const onlineWays = (statement: string): readonly string[] => {
  const altered = alteredTable(statement)
  if (altered === undefined || altered.clauses.some((clause) => /^(?:ALGORITHM|LOCK)\b/i.test(clause)))
    return [statement]
  // MariaDB has no ALGORITHM for DROP INDEX.
  if (/^DROP\b/i.test(statement.trim())) return [statement]
  if (/^CREATE\b/i.test(statement.trim())) return [`${statement} ALGORITHM=INPLACE LOCK=NONE`]
  return [`${statement}, ALGORITHM=INSTANT`, `${statement}, ALGORITHM=INPLACE, LOCK=NONE`]
}

/** ALGORITHM or LOCK can't be had, for this change or this table: nothing was done. */
const NOT_SO: ReadonlySet<number | undefined> = new Set([1845, 1846])

export const isRefusedWay = (error: unknown): boolean => error instanceof SqlError && NOT_SO.has(error.errno)
