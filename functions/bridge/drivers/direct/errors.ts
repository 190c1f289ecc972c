import { BridgeError, type ErrorKind } from '../../model/errors.ts'
import { isConnectionLoss } from '../../runtime/network.ts'
import { describeServer, kindOfRefusal, type ServerRefusal, SqlError } from '../sql-errors.ts'

/** What went wrong beside the statement itself; MySQL's own refusals are `mysql.<errno>`. */
type Fault =
  | 'closed'
  | 'connection-lost'
  | 'failed'
  | 'pool-timeout'
  | 'secret'
  | 'session-settings'
  | 'statement-timeout'
  | 'tls'

const KIND_BY_FAULT: Readonly<Record<Fault, ErrorKind>> = {
  closed: 'configuration',
  'connection-lost': 'transient',
  failed: 'unknown',
  'pool-timeout': 'transient',
  secret: 'configuration',
  'session-settings': 'configuration',
  'statement-timeout': 'transient',
  tls: 'configuration',
}

/**
 * Something over the direct connection that failed, with the same members as a `DataApiError` that the database
 * caused. The message never holds a value of a statement; MySQL's own text is the cause's.
 */
export class DirectError extends SqlError {
  override readonly name = 'DirectError'
  /** `mysql.1062`, `direct.statement-timeout` */
  readonly code: string
  readonly kind: ErrorKind

  constructor(
    message: string,
    { fault, kind, cause }: { fault: Fault; kind?: ErrorKind | undefined; cause?: unknown },
  ) {
    const server = serverErrorOf(cause)
    super(`${message}${server === undefined ? '' : describeServer(server)}`, server, { cause })
    // A statement that was stopped at its bound ends with MySQL's "interrupted"; the bound says more.
    const byServer = server !== undefined && fault === 'failed'
    this.code = byServer ? `mysql.${server.errno}` : `direct.${fault}`
    this.kind = kind ?? (byServer ? kindOfRefusal(server.errno, server.sqlState) : KIND_BY_FAULT[fault])
  }
}

/** The driver's error for a login or a statement, as ours. One that is ours already stays as it is. */
export const toDirectError = (operation: string, cause: unknown): BridgeError => {
  if (cause instanceof BridgeError) return cause
  if (serverErrorOf(cause)) return new DirectError(operation, { fault: 'failed', cause })
  const code = codeOf(cause)
  if (TLS.some((start) => code.startsWith(start)))
    return new DirectError(`${operation}: ${code}`, { fault: 'tls', cause })
  if (isFatal(cause) || isConnectionLoss(cause))
    return new DirectError(`${operation}: ${code || 'the connection was lost'}`, {
      fault: 'connection-lost',
      cause,
    })
  return new DirectError(operation, { fault: 'failed', cause })
}

/** Refused logins: wrong password, and MariaDB's number for an account that takes none. */
export const isLoginRefused = (error: unknown): boolean =>
  error instanceof DirectError && (error.errno === 1045 || error.errno === 1698)

/** Whether the driver calls the connection unusable after this error. */
export const isFatal = (error: unknown): boolean =>
  memberOf(error, 'fatal') === true && serverErrorOf(error) === undefined

/** MySQL's number of a driver's error; undefined for an error of another origin. */
export const errnoOf = (error: unknown): number | undefined => serverErrorOf(error)?.errno

const TLS = ['HANDSHAKE_NO_SSL', 'HANDSHAKE_SSL', 'ERR_TLS', 'ERR_SSL', 'CERT_', 'SELF_SIGNED', 'UNABLE_TO_']

const codeOf = (error: unknown): string => {
  const code = memberOf(error, 'code')
  return typeof code === 'string' ? code : ''
}

/** The network's errors carry a negative `errno` of the operating system; only the server's are MySQL's. */
const serverErrorOf = (error: unknown): ServerRefusal | undefined => {
  const errno = memberOf(error, 'errno')
  const sqlState = memberOf(error, 'sqlState')
  if (typeof errno !== 'number' || errno <= 0) return undefined
  const text = memberOf(error, 'sqlMessage') ?? memberOf(error, 'message')
  return {
    errno,
    sqlState: typeof sqlState === 'string' && sqlState !== '' ? sqlState : undefined,
    text: typeof text === 'string' ? text : '',
  }
}

/** By shape, since the runtime's own errors need not be of this realm's Error. */
const memberOf = (error: unknown, name: string): unknown =>
  typeof error === 'object' && error !== null ? Reflect.get(error, name) : undefined
