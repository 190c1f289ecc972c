import { TransactionCanceledException } from '@aws-sdk/client-dynamodb'
import { BridgeError, type ErrorKind } from '../../model/errors.ts'
import { isConnectionLoss, isServiceFault } from '../../runtime/network.ts'

const TRANSIENT: ReadonlySet<string> = new Set([
  'AbortError',
  'InternalServerError',
  'LimitExceededException',
  'LostCallError',
  'ProvisionedThroughputExceededException',
  'ReplicatedWriteConflictException',
  'RequestLimitExceeded',
  'RequestTimeout',
  'ServiceUnavailable',
  'ThrottlingException',
  'TimeoutError',
  'TransactionConflictException',
  'TransactionInProgressException',
])

const CONFIGURATION: ReadonlySet<string> = new Set([
  'AccessDeniedException',
  'ExpiredTokenException',
  'ResourceNotFoundException',
  'UnrecognizedClientException',
  'ValidationException',
])

/** Why one write of a transaction made DynamoDB cancel all of it, where that passes by itself. */
const TRANSIENT_REASONS: ReadonlySet<string | undefined> = new Set([
  'ProvisionedThroughputExceeded',
  'ThrottlingError',
  'TransactionConflict',
])

/**
 * What DynamoDB says of values that it can't hold, as ValidationException: too many digits, too large a number, item or
 * depth. All its other validation errors are faults of the call.
 */
const UNFIT =
  /Number (?:over|under)flow|more than 38 significant digits|Item size (?:to update )?has exceeded|Nesting Levels have exceeded/i

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
  if (cause instanceof TransactionCanceledException) return kindOfCancellation(cause)
  if (name === 'ValidationException' && cause instanceof Error && UNFIT.test(cause.message)) return 'data'
  if (CONFIGURATION.has(name)) return 'configuration'
  return isConnectionLoss(cause) || isServiceFault(cause) ? 'transient' : 'unknown'
}

const kindOfCancellation = ({ CancellationReasons = [] }: TransactionCanceledException): ErrorKind => {
  if (CancellationReasons.some(({ Code }) => TRANSIENT_REASONS.has(Code))) return 'transient'
  return CancellationReasons.some(({ Message }) => UNFIT.test(Message ?? '')) ? 'data' : 'unknown'
}

/** Whether a transaction was cancelled because another one was at the same items. */
export const isConflict = (error: unknown): boolean =>
  cancellationOf(error)?.CancellationReasons?.some(({ Code }) => Code === 'TransactionConflict') ?? false

/** What cancelled a transaction; undefined for any other failure. */
export const cancellationOf = (error: unknown): TransactionCanceledException | undefined =>
  error instanceof DynamoError && error.cause instanceof TransactionCanceledException
    ? error.cause
    : undefined
