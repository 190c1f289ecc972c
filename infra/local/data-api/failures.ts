import { DataApiError, databaseError, type ErrorForm } from './errors.ts'
import { SessionLostError } from './session.ts'

/** The driver's errors of a host that can't be reached. */
const UNREACHABLE = [
  'ECONNREFUSED',
  'ECONNRESET',
  'EHOSTUNREACH',
  'ENOTFOUND',
  'EPIPE',
  'ETIMEDOUT',
  'PROTOCOL_CONNECTION_LOST',
]

const ACCESS_DENIED = 1045
/** Too many connections: of the server, of a user by the server's limit, of a user by a limit of its own. */
const FULL: readonly number[] = [1040, 1203, 1226]
const DEADLOCK = 1213
const NEED_REPREPARE = 1615

type ServerError = { readonly errno: number; readonly sqlState?: string; readonly sqlMessage: string }

const isServerError = (error: unknown): error is ServerError =>
  typeof error === 'object' &&
  error !== null &&
  'errno' in error &&
  typeof error.errno === 'number' &&
  'sqlMessage' in error &&
  typeof error.sqlMessage === 'string'

const codeOf = (error: unknown): unknown =>
  typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined

/** Whether the server itself says so: a trigger's SIGNAL may name any number, and then has a state of class 45. */
const isNumbered = (error: unknown, ...numbers: readonly number[]): error is ServerError =>
  isServerError(error) && numbers.includes(error.errno) && error.sqlState?.startsWith('45') !== true

/** After a deadlock InnoDB has rolled back the whole transaction, not just the statement. */
export const endsTransaction = (error: unknown): boolean => isNumbered(error, DEADLOCK)

/** The server takes no more connections. */
export const isFull = (error: unknown): boolean => isNumbered(error, ...FULL)

/** The prepared statement was refused before it ran, because its table or view was changed since. */
export const isStale = (error: unknown): boolean => isNumbered(error, NEED_REPREPARE)

/**
 * What the caller is told about a failure: MySQL's refusals with number and state, a login that fails as a bad
 * secret, an unreachable or lost database as unavailable. Anything else is a defect and returned as it is.
 */
export const toDataApiError = (error: unknown, form: ErrorForm): unknown => {
  if (error instanceof DataApiError) return error
  if (isServerError(error)) {
    if (isNumbered(error, ACCESS_DENIED)) {
      return new DataApiError('InvalidSecretException', error.sqlMessage, { cause: error })
    }
    const { errno, sqlState = 'HY000', sqlMessage: message } = error
    return databaseError({ errno, sqlState, message }, form, { cause: error })
  }
  if (error instanceof SessionLostError || UNREACHABLE.some((code) => code === codeOf(error))) {
    return new DataApiError(
      'DatabaseUnavailableException',
      'The writer instance in the DB cluster is not available',
      {
        cause: error,
      },
    )
  }
  return error
}
