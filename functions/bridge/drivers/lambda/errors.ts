import { BridgeError, type ErrorKind } from '../../model/errors.ts'
import { isConnectionLoss, isServiceFault } from '../../runtime/network.ts'

/** Refused before anything ran, as there is too much of something. */
const THROTTLED: ReadonlySet<string> = new Set([
  'EC2ThrottledException',
  'EFSMountConnectivityException',
  'ENILimitReachedException',
  'ResourceConflictException',
  'ResourceNotReadyException',
  'SnapStartNotReadyException',
  'SubnetIPAddressLimitReachedException',
  'ThrottlingException',
  'TooManyRequestsException',
])

/** About the event itself. */
const EVENT: ReadonlySet<string> = new Set([
  'InvalidRequestContentException',
  'RequestTooLargeException',
  'UnsupportedMediaTypeException',
])

const LOST: ReadonlySet<string> = new Set(['AbortError', 'RequestTimeout', 'TimeoutError'])

/** A call of a function of which there is no answer. */
export class InvokeError extends BridgeError {
  override readonly name = 'InvokeError'
  readonly code: string
  readonly kind: ErrorKind
  /** Whether the function may have run, or may run still. */
  readonly mayHaveRun: boolean

  constructor(functionName: string, cause: unknown) {
    const name = cause instanceof Error ? cause.name : 'Unknown'
    super(`Invoke of ${functionName}: ${name}`, { cause })
    this.code = `lambda.${name}`
    this.mayHaveRun =
      !THROTTLED.has(name) && (LOST.has(name) || isConnectionLoss(cause) || isServiceFault(cause))
    this.kind =
      this.mayHaveRun || THROTTLED.has(name) ? 'transient' : EVENT.has(name) ? 'data' : 'configuration'
  }

  /** The service's text may quote the event. */
  override get causeQuotesData(): boolean {
    return this.kind === 'data'
  }
}
