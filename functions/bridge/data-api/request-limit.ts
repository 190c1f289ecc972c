import type { RDSDataClient } from '@aws-sdk/client-rds-data'
import { BridgeError } from '../errors.ts'

/**
 * Bytes that a request may have, its headers among them.
 * @see RDS Data API reference, ExecuteStatement: 4 MiB
 */
export const REQUEST_LIMIT = 4 * 1024 * 1024
/** Kept free for headers: a session token has some kilobytes. */
const HEADERS = 16 * 1024
/** Characters of SQL text, parameters not counted. */
export const SQL_LIMIT = 65_536

/** A statement that the service would refuse for its size. It was not sent. */
export class StatementTooLargeError extends BridgeError {
  override readonly name = 'StatementTooLargeError'
  readonly code = 'data-api.too-large'
  readonly kind = 'data'
  readonly size: number
  readonly limit: number

  constructor(what: string, size: number, limit: number) {
    super(`${what} has ${size}; the Data API takes ${limit}. Nothing was sent: split it`)
    this.size = size
    this.limit = limit
  }
}

/** @throws StatementTooLargeError when the text alone is too long */
export const requireSqlSize = (sql: string): void => {
  if (sql.length > SQL_LIMIT)
    throw new StatementTooLargeError('The SQL text, in characters,', sql.length, SQL_LIMIT)
}

const guarded = new WeakSet<RDSDataClient>()

/** Has a client measure each request when it has been serialised, so that nothing is serialised twice for it. */
export const limitRequests = (client: RDSDataClient): void => {
  if (guarded.has(client)) return
  guarded.add(client)
  client.middlewareStack.add(
    (next) => async (args) => {
      const size = bodySize(args.request)
      if (size > REQUEST_LIMIT - HEADERS)
        throw new StatementTooLargeError('The request, in bytes,', size, REQUEST_LIMIT - HEADERS)
      return next(args)
    },
    { step: 'build', name: 'limitRequestSize' },
  )
}

const bodySize = (request: unknown): number => {
  const body = typeof request === 'object' && request !== null ? Reflect.get(request, 'body') : undefined
  return typeof body === 'string' || body instanceof Uint8Array ? Buffer.byteLength(body) : 0
}
