import type { InvokeError, InvokeErrorCode } from './errors.ts'

/** Lambda's exceptions, with their status. */
const STATUSES = {
  InvalidParameterValueException: 400,
  InvalidRequestContentException: 400,
  ValidationException: 400,
  ResourceNotFoundException: 404,
  UnknownOperationException: 404,
  RequestTooLargeException: 413,
  TooManyRequestsException: 429,
  ServiceException: 500,
} as const

type ServiceErrorName = keyof typeof STATUSES

/** A refusal in Lambda's words. */
export class ServiceError extends Error {
  override readonly name = 'ServiceError'
  readonly code: ServiceErrorName
  /** What the answer says besides type and message. */
  readonly members: Readonly<Record<string, string>>

  constructor(
    code: ServiceErrorName,
    message: string,
    { members = {}, ...options }: ErrorOptions & { readonly members?: Readonly<Record<string, string>> } = {},
  ) {
    super(message, options)
    this.code = code
    this.members = members
  }

  get status(): number {
    return STATUSES[this.code]
  }
}

const NAMES: Readonly<Record<InvokeErrorCode, ServiceErrorName>> = {
  'lambda.throttled': 'TooManyRequestsException',
  'lambda.payload-too-large': 'RequestTooLargeException',
  'lambda.unknown-function': 'ResourceNotFoundException',
  'lambda.closed': 'ServiceException',
}

/** Why a function could not be invoked, as Lambda says it. */
export const serviceErrorOf = (error: InvokeError): ServiceError =>
  error.code === 'lambda.throttled'
    ? new ServiceError('TooManyRequestsException', 'Rate Exceeded.', {
        cause: error,
        members: { Reason: 'ReservedFunctionConcurrentInvocationLimitExceeded' },
      })
    : new ServiceError(NAMES[error.code], error.message, { cause: error })
