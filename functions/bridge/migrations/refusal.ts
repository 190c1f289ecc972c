import { DataApiError } from '../drivers/data-api/errors.ts'
import { SqlError } from '../drivers/sql-errors.ts'
import { BridgeError } from '../model/errors.ts'

/** Numbers with which the server ends a statement that was cut off: they don't tell what became of it. */
const CUT_OFF: ReadonlySet<number | undefined> = new Set([1053, 1317, 1927, 2006, 2013, 3024, undefined])

/** Whether nothing of a statement is left that failed so: it was refused, or never sent. */
export const isRefusal = (error: unknown): boolean => {
  if (error instanceof DataApiError) return error.outcome !== 'unknown'
  if (error instanceof SqlError) return !CUT_OFF.has(error.errno)
  // Ours, of before anything is sent: no time left, too large, a value without a form.
  return error instanceof BridgeError
}

/**
 * What a DDL statement answers when its effect is there already: table, view, column, key, primary key, constraint,
 * database, trigger, routine or event exists; or there is nothing to drop.
 */
const DONE_ALREADY: ReadonlySet<number | undefined> = new Set([
  1007, 1008, 1050, 1051, 1060, 1061, 1068, 1091, 1304, 1305, 1359, 1360, 1537, 1539, 1826, 3822, 3940, 4092,
])

/** Whether the server refused a statement because its effect is there already. */
export const isDoneAlready = (error: unknown): boolean =>
  error instanceof SqlError && DONE_ALREADY.has(error.errno)
