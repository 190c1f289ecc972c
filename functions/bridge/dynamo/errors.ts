import { BridgeError, type ErrorKind } from '../errors.ts'

const TRANSIENT: ReadonlySet<string> = new Set([
  'AbortError',
  'InternalServerError',
  'LimitExceededException',
  'ProvisionedThroughputExceededException',
  'ReplicatedWriteConflictException',
  'RequestLimitExceeded',
  'RequestTimeout',
  'ServiceUnavailable',
  'ThrottlingException',
  'TimeoutError',
  'TransactionConflictException',
])

const CONFIGURATION: ReadonlySet<string> = new Set([
  'AccessDeniedException',
  'ExpiredTokenException',
  'ResourceNotFoundException',
  'UnrecognizedClientException',
  'ValidationException',
])

const CONNECTION_LOSS: ReadonlySet<unknown> = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
  'ETIMEDOUT',
  'EAI_AGAIN',
])

/** A call to DynamoDB that failed, after the SDK's own repeats. A failed condition isn't one: it is an answer. */
export class DynamoError extends BridgeError {
  override readonly name = 'DynamoError'
  readonly code: string
  readonly kind: ErrorKind

  constructor(operation: string, cause: unknown) {
    const name = cause instanceof Error ? cause.name : 'Unknown'
    super(`${operation}: ${name}`, { cause })
    this.code = `dynamodb.${name}`
    this.kind = kindOfFailure(name, cause)
  }
}

const kindOfFailure = (name: string, cause: unknown): ErrorKind => {
  if (TRANSIENT.has(name)) return 'transient'
  if (CONFIGURATION.has(name)) return 'configuration'
  return typeof cause === 'object' && cause !== null && CONNECTION_LOSS.has(Reflect.get(cause, 'code'))
    ? 'transient'
    : 'unknown'
}
