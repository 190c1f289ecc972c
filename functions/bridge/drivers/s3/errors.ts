import { BridgeError, type ErrorKind } from '../../model/errors.ts'
import { isConnectionLoss, isServiceFault } from '../../runtime/network.ts'

const TRANSIENT: ReadonlySet<string> = new Set([
  'AbortError',
  'InternalError',
  'RequestTimeout',
  'ServiceUnavailable',
  'SlowDown',
  'ThrottlingException',
  'TimeoutError',
])

const CONFIGURATION: ReadonlySet<string> = new Set([
  'AccessDenied',
  'CredentialsProviderError',
  'ExpiredToken',
  'InvalidAccessKeyId',
  'NoSuchBucket',
  'PermanentRedirect',
  'SignatureDoesNotMatch',
])

/** A call to S3 that failed, after the SDK's own repeats. */
export class S3Error extends BridgeError {
  override readonly name = 'S3Error'
  readonly code: string
  readonly kind: ErrorKind

  constructor(operation: string, cause: unknown) {
    const name = cause instanceof Error ? cause.name : 'Unknown'
    super(`${operation}: ${name}`, { cause })
    this.code = `s3.${name}`
    this.kind = kindOfFailure(name, cause)
  }

  /** Whether the object is not there, or not any more. */
  get isAbsence(): boolean {
    return this.code === 's3.NoSuchKey' || this.code === 's3.NotFound'
  }
}

const kindOfFailure = (name: string, cause: unknown): ErrorKind => {
  if (TRANSIENT.has(name) || isConnectionLoss(cause) || isServiceFault(cause)) return 'transient'
  return CONFIGURATION.has(name) ? 'configuration' : 'unknown'
}
