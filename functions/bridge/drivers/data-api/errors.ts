import type { ErrorKind } from '../../model/errors.ts'
import { isConnectionLoss, isServiceFault } from '../../runtime/network.ts'
import {
  describeServer,
  isLockWait,
  kindOfRefusal,
  type Outcome,
  outcomeOfRefusal,
  type ServerRefusal,
  SqlError,
} from '../sql-errors.ts'
import { shapeOf } from './statement-shape.ts'

const KIND_BY_NAME: ReadonlyMap<string, ErrorKind> = new Map([
  ...[
    'DatabaseResumingException',
    'DatabaseUnavailableException',
    'InternalFailure',
    'InternalServerErrorException',
    'InvalidResourceStateException',
    'ServiceUnavailableError',
    'StatementTimeoutException',
    'ThrottlingException',
    'TooManyRequestsException',
    'TransactionNotFoundException',
    'AbortError',
    'TimeoutError',
  ].map((name) => [name, 'transient'] as const),
  ...[
    'AccessDeniedException',
    'DatabaseNotFoundException',
    'ForbiddenException',
    'HttpEndpointNotEnabledException',
    'InvalidSecretException',
    'NotFoundException',
    'SecretsErrorException',
    'UnsupportedResultException',
    'ValidationException',
  ].map((name) => [name, 'configuration'] as const),
])

const NOT_RUN: ReadonlySet<string> = new Set([
  'DatabaseResumingException',
  'ThrottlingException',
  'TooManyRequestsException',
])

/** A call to the Data API that failed. The message never holds parameter values; MySQL's own text is the cause's. */
export class DataApiError extends SqlError {
  override readonly name = 'DataApiError'
  readonly code: string
  readonly kind: ErrorKind
  /** The service's name of the exception: `DatabaseErrorException`. */
  readonly exception: string
  readonly requestId: string | undefined
  readonly outcome: Outcome
  /** The statement without its values; undefined for a call that carries none. */
  readonly statement: string | undefined

  constructor(operation: string, cause: unknown, sql?: string) {
    const { name, message, requestId } = describe(cause)
    const database = parseDatabaseError(name, message)
    const number = database && describeServer(database)
    const statement = sql === undefined ? undefined : shapeOf(sql)
    const at = statement === undefined ? '' : `, at: ${statement}`
    super(`${operation}: ${name}${number ?? ''}${at}`, database, { cause })
    this.statement = statement
    this.outcome = outcomeOf(name, message, database, cause)
    this.exception = name
    this.requestId = requestId
    this.kind = isConnectionLoss(cause) ? 'transient' : kindOfFailure({ name, message, database, cause })
    this.code = this.errno === undefined ? `data-api.${name}` : `mysql.${this.errno}`
  }
}

/** The texts with which the service, in its present and its first form, refuses a result beyond 1 MiB. */
const TOO_LARGE =
  /exceeds the size limit|more than the allowed response size limit|^Packet for query is too large/

/** Whether a result, or a row of it, was larger than the service returns: fewer rows, or a part of one, may fit. */
export const isResultTooLarge = (error: unknown): boolean =>
  error instanceof DataApiError && error.cause instanceof Error && TOO_LARGE.test(error.cause.message)

/** Those with which a call ends that has taken all the time it may. */
const CUT_OFF: ReadonlySet<string> = new Set(['StatementTimeoutException', 'TimeoutError'])

/** Whether a statement may have waited for what others hold for as long as it could. */
export const mayHaveWaited = (error: unknown): boolean =>
  isLockWait(error) || (error instanceof DataApiError && CUT_OFF.has(error.exception))

const outcomeOf = (
  name: string,
  message: string,
  database: ServerRefusal | undefined,
  cause: unknown,
): Outcome => {
  if (database !== undefined) return outcomeOfRefusal(database.errno, database.sqlState)
  if (NOT_RUN.has(name) || isStillRunning(message) || isUnreachable(cause)) return 'not-run'
  return KIND_BY_NAME.get(name) === 'configuration' ? 'refused' : 'unknown'
}

/** Another request of the same transaction is under way: this one has not run. */
const isStillRunning = (message: string): boolean =>
  message.startsWith('Transaction is still running a query')

/** No connection came about, so nothing was sent. */
const isUnreachable = (cause: unknown): boolean =>
  cause instanceof Error &&
  ['ECONNREFUSED', 'EAI_AGAIN', 'ENOTFOUND'].includes(String(Reflect.get(cause, 'code')))

const kindOfFailure = ({
  name,
  message,
  database,
  cause,
}: {
  readonly name: string
  readonly message: string
  readonly database: ServerRefusal | undefined
  readonly cause: unknown
}): ErrorKind => {
  if (database !== undefined) return kindOfRefusal(database.errno, database.sqlState)
  if (isStillRunning(message)) return 'transient'
  // What comes without a number is about the way to the database, such as "Communications link failure" in a failover.
  if (name === 'BadRequestException' && !TOO_LARGE.test(message)) return 'transient'
  return KIND_BY_NAME.get(name) ?? (isServiceFault(cause) ? 'transient' : 'unknown')
}

const describe = (cause: unknown): { name: string; message: string; requestId: string | undefined } => {
  if (!(cause instanceof Error)) return { name: 'Unknown', message: String(cause), requestId: undefined }
  const metadata: unknown = Reflect.get(cause, '$metadata')
  const requestId: unknown =
    typeof metadata === 'object' && metadata !== null ? Reflect.get(metadata, 'requestId') : undefined
  return {
    name: cause.name,
    message: cause.message,
    requestId: typeof requestId === 'string' ? requestId : undefined,
  }
}

/**
 * Finds MySQL's error number in the service's text: the current form ends with it, the first generation's begins
 * with it. Only these places count, because the text between may quote a customer's data.
 */
export const parseDatabaseError = (name: string, message: string): ServerRefusal | undefined => {
  if (name !== 'DatabaseErrorException' && name !== 'BadRequestException') return undefined
  const current = /; Error code: (\d+); SQLState: ([0-9A-Z]{5})\s*$/.exec(message)
  if (current)
    return { errno: Number(current[1]), sqlState: current[2], text: message.slice(0, current.index) }
  const first = /^Database error code: (\d+)\. Message: /.exec(message)
  return first
    ? { errno: Number(first[1]), sqlState: undefined, text: message.slice(first[0].length) }
    : undefined
}
