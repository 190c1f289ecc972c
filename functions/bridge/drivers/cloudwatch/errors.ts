import { BridgeError, type ErrorKind } from '../../model/errors.ts'
import { isConnectionLoss, isServiceFault } from '../../runtime/network.ts'

const TRANSIENT: ReadonlySet<string> = new Set([
  'AbortError',
  'InternalServiceFault',
  'Throttling',
  'ThrottlingException',
  'TimeoutError',
])

const CONFIGURATION: ReadonlySet<string> = new Set([
  'AccessDenied',
  'AccessDeniedException',
  'CredentialsProviderError',
  'ExpiredTokenException',
  'UnrecognizedClientException',
])

/** Metrics that could not be read, after the SDK's own repeats. */
export class MetricsError extends BridgeError {
  override readonly name = 'MetricsError'
  readonly code: string
  readonly kind: ErrorKind

  constructor(operation: string, cause: unknown) {
    const name = cause instanceof Error ? cause.name : 'Unknown'
    super(`${operation}: ${name}`, { cause })
    this.code = `cloudwatch.${name}`
    const passes = TRANSIENT.has(name) || isConnectionLoss(cause) || isServiceFault(cause)
    this.kind = passes ? 'transient' : CONFIGURATION.has(name) ? 'configuration' : 'unknown'
  }
}
