import { BridgeError, type ErrorKind } from '../../model/errors.ts'
import { isConnectionLoss } from '../../runtime/network.ts'

const TRANSIENT: ReadonlySet<string> = new Set(['AbortError', 'ThrottlingException', 'TimeoutError'])

const CONFIGURATION: ReadonlySet<string> = new Set([
  'AccessDeniedException',
  'CredentialsProviderError',
  'ExpiredTokenException',
  'InvalidArn',
  'InvalidSignatureException',
  'StateMachineDeleting',
  'StateMachineDoesNotExist',
  'UnrecognizedClientException',
])

/** A call that Step Functions has refused, or that did not come through. */
export class StatesError extends BridgeError {
  override readonly name = 'StatesError'
  readonly code: string
  readonly kind: ErrorKind

  /** @param status of the answer, where there was one */
  constructor(
    operation: string,
    {
      name,
      message,
      status = 0,
    }: { readonly name: string; readonly message: string; readonly status?: number },
    options?: ErrorOptions,
  ) {
    super(`${operation}: ${name}: ${message}`, options)
    this.code = `states.${name}`
    const { cause } = options ?? {}
    // What fetch throws says of the network only that it has failed, by a cause of its own.
    const passes =
      TRANSIENT.has(name) ||
      status >= 500 ||
      isConnectionLoss(cause) ||
      (cause instanceof Error && isConnectionLoss(cause.cause))
    this.kind = passes ? 'transient' : CONFIGURATION.has(name) ? 'configuration' : 'unknown'
  }
}
