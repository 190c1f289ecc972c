import type { ExecuteValues } from 'mysql2'
import { DataApiError, databaseError, type ErrorForm, invalid } from './errors.ts'
import { isStale } from './failures.ts'
import { Recent } from './recent.ts'
import { type ScannedStatement, scanStatement } from './scan.ts'
import { KEPT_CHARACTERS, type Ok, type Prepared, type RowSink, type Session } from './session.ts'
import { createsStoredProgram, isSessionless, isUnpreparable } from './statement-kind.ts'

const NOT_PREPARABLE = {
  errno: 1295,
  sqlState: 'HY000',
  message: 'This command is not supported in the prepared statement protocol yet',
}
const WRONG_ARGUMENTS = {
  errno: 1210,
  sqlState: 'HY000',
  message: 'Incorrect arguments to mysqld_stmt_execute',
}

/** A statement ready for a session. */
export type Statement = ScannedStatement & {
  /** true when it goes through the text protocol, which only the lenient mode does */
  readonly asText: boolean
  /** true when the session need not be reset for it, before or after */
  readonly sessionless: boolean
}

type Read = ScannedStatement & { readonly sessionless: boolean }

const readText = (sql: string): Read => {
  const scanned = scanStatement(sql)
  return { ...scanned, sessionless: isSessionless(sql, scanned.words) }
}

/** What depends on nothing but the text. Callers send the same few texts again and again. */
const texts = new Recent<string, Read>(256)

const readKept = (sql: string): Read =>
  sql.length > KEPT_CHARACTERS ? readText(sql) : texts.get(sql, () => readText(sql))

/**
 * Reads a statement and refuses what the Data API refuses.
 *
 * @param strict every statement must be one that MySQL can prepare, on MariaDB as well; otherwise the rest goes
 *   through the text protocol, and the body of a stored program may hold `;`
 * @throws ValidationException for several statements; DatabaseErrorException 1295
 */
export const readStatement = (
  sql: string,
  { strict, form }: { strict: boolean; form: ErrorForm },
): Statement => {
  const scanned = readKept(sql)
  const asText = !strict && isUnpreparable(scanned.words)
  if (asText && createsStoredProgram(scanned.words)) {
    return { ...scanned, text: sql, names: [], asText, sessionless: false }
  }
  if (scanned.multiple) {
    throw form === 'v2'
      ? invalid("Multistatements aren't supported.")
      : new DataApiError('BadRequestException', "Multistatements aren't supported.")
  }
  if (strict && isUnpreparable(scanned.words)) throw databaseError(NOT_PREPARABLE, form)
  return { ...scanned, asText }
}

/** How often a statement is executed whose table or view changes under it each time; the server tries thrice each time. */
const EXECUTIONS = 5

/** A statement prepared for a session, to be executed any number of times. */
export type Runnable = Pick<Prepared, 'columns' | 'execute' | 'forget'>

/**
 * Prepares a statement. A change of its tables can make a prepared statement useless (errno 1615); as the client is
 * expected to, its executions then prepare it anew, but for a CALL, whose first statements may have run.
 *
 * @throws DatabaseErrorException 1210 when it holds a `?` of its own; the server's error
 * @see https://dev.mysql.com/doc/refman/8.4/en/statement-caching.html
 */
export const prepare = async (session: Session, statement: Statement, form: ErrorForm): Promise<Runnable> => {
  const prepareOnce = async (): Promise<Prepared> => {
    const prepared = await session.prepare(statement.text)
    if (prepared.parameters !== statement.names.length) throw databaseError(WRONG_ARGUMENTS, form)
    return prepared
  }
  const mayRepeat = statement.words[0] !== 'CALL'
  let prepared = await prepareOnce()
  return {
    columns: prepared.columns,
    execute: async (values, sink) => {
      for (let execution = 1; ; execution += 1) {
        try {
          return await prepared.execute(values, sink)
        } catch (error) {
          if (!isStale(error)) throw error
          prepared.discard()
          if (!mayRepeat || execution >= EXECUTIONS) throw error
          prepared = await prepareOnce()
        }
      }
    },
    forget: () => prepared.forget(),
  }
}

/** Runs a statement once. */
export const run = async (
  session: Session,
  statement: Statement,
  values: readonly ExecuteValues[],
  sink: RowSink,
  form: ErrorForm,
): Promise<Ok | undefined> => {
  if (statement.asText) return await session.text(statement.text, sink)
  const prepared = await prepare(session, statement, form)
  try {
    return await prepared.execute(values, sink)
  } finally {
    prepared.forget()
  }
}
