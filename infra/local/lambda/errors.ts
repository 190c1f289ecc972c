/** Why a function could not be invoked at all: none of these is an error of the function's code. */
export type InvokeErrorCode =
  | 'lambda.throttled'
  | 'lambda.payload-too-large'
  | 'lambda.unknown-function'
  | 'lambda.closed'

/** An invocation that never reached the function. Stream batches are retried after one, without counting it. */
export class InvokeError extends Error {
  override readonly name = 'InvokeError'
  readonly code: InvokeErrorCode

  constructor(code: InvokeErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}
