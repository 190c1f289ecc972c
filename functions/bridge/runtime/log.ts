import { Logger } from '@aws-lambda-powertools/logger'
import { BridgeError } from '../errors.ts'
import { SqlError } from '../sql/errors.ts'

/**
 * What the bridge needs of a logger. Fields name entities, keys and versions, never a customer's values.
 */
export interface Log {
  info(message: string, fields?: Record<string, unknown>): void
  warn(message: string, fields?: Record<string, unknown>): void
  error(message: string, fields?: Record<string, unknown>): void
}

/** One JSON line an entry, each with the invocation's request id. */
export class LambdaLog implements Log {
  readonly #logger: Logger

  constructor(service: string) {
    this.#logger = new Logger({ serviceName: service })
  }

  begin(requestId: string): void {
    this.#logger.resetKeys()
    this.#logger.appendKeys({ requestId })
  }

  info(message: string, fields: Record<string, unknown> = {}): void {
    this.#logger.info(message, showing(fields))
  }

  warn(message: string, fields: Record<string, unknown> = {}): void {
    this.#logger.warn(message, showing(fields))
  }

  error(message: string, fields: Record<string, unknown> = {}): void {
    this.#logger.error(message, showing(fields))
  }
}

const showing = (fields: Record<string, unknown>): Record<string, unknown> =>
  Object.fromEntries(
    Object.entries(fields).map(([name, value]) => [name, value instanceof Error ? describe(value) : value]),
  )

/**
 * An error as the log may show it. A BridgeError's own message names no customer's value, but MySQL's text in its
 * cause quotes them (`Duplicate entry 'Bobby'`): of that cause, the number stands in the message and the text is left
 * out, unless the error is about the connection or the set-up.
 */
const describe = (error: Error): Record<string, unknown> => {
  const { name, message, stack, cause } = error
  const own = error instanceof BridgeError ? Object.fromEntries(Object.entries(error)) : {}
  const quotesData = error instanceof SqlError && (error.kind === 'data' || error.kind === 'unknown')
  return {
    ...own,
    name,
    message,
    stack,
    ...(cause instanceof Error && { cause: quotesData ? { name: cause.name } : describe(cause) }),
  }
}
