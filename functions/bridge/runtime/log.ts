import { Logger } from '@aws-lambda-powertools/logger'

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
    this.#logger.info(message, fields)
  }

  warn(message: string, fields: Record<string, unknown> = {}): void {
    this.#logger.warn(message, fields)
  }

  error(message: string, fields: Record<string, unknown> = {}): void {
    this.#logger.error(message, fields)
  }
}
