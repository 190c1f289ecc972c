/**
 * The exceptions of the Data API and their HTTP status. The first block is the service's model, the second is what
 * every AWS service may answer.
 *
 * @see https://docs.aws.amazon.com/rdsdataservice/latest/APIReference/API_ExecuteStatement.html
 */
export const statuses = {
  AccessDeniedException: 403,
  BadRequestException: 400,
  DatabaseErrorException: 400,
  DatabaseNotFoundException: 404,
  DatabaseResumingException: 400,
  DatabaseUnavailableException: 504,
  ForbiddenException: 403,
  HttpEndpointNotEnabledException: 400,
  InternalServerErrorException: 500,
  InvalidResourceStateException: 400,
  InvalidSecretException: 400,
  NotFoundException: 404,
  SecretsErrorException: 400,
  ServiceUnavailableError: 503,
  StatementTimeoutException: 400,
  TransactionNotFoundException: 404,
  UnsupportedResultException: 400,

  SerializationException: 400,
  ThrottlingException: 400,
  UnknownOperationException: 404,
  ValidationException: 400,
} as const

export type ErrorName = keyof typeof statuses

/** An error that the caller gets to see: its `code` travels in `x-amzn-ErrorType`, its message in the body. */
export class DataApiError extends Error {
  override readonly name = 'DataApiError'
  readonly code: ErrorName
  /** further members of the body, as `dbConnectionId` of a timeout */
  readonly members: Readonly<Record<string, unknown>>

  constructor(
    code: ErrorName,
    message: string,
    { members = {}, ...options }: ErrorOptions & { members?: Readonly<Record<string, unknown>> } = {},
  ) {
    super(message, options)
    this.code = code
    this.members = members
  }

  get status(): number {
    return statuses[this.code]
  }
}

/** Shorthand for the commonest error: a request that is malformed. */
export const invalid = (message: string, options?: ErrorOptions): DataApiError =>
  new DataApiError('ValidationException', message, options)

/** Which generation's error texts are given: v1 is Aurora Serverless v1, v2 is everything current. */
export type ErrorForm = 'v1' | 'v2'

/** MySQL refused something: its number, SQLSTATE and text. */
export type MysqlRefusal = { readonly errno: number; readonly sqlState: string; readonly message: string }

/** A MySQL error in the text and under the name that the Data API gives it. */
export const databaseError = (
  { errno, sqlState, message }: MysqlRefusal,
  form: ErrorForm,
  options?: ErrorOptions,
): DataApiError =>
  form === 'v2'
    ? new DataApiError(
        'DatabaseErrorException',
        `${message}; Error code: ${errno}; SQLState: ${sqlState}`,
        options,
      )
    : new DataApiError('BadRequestException', `Database error code: ${errno}. Message: ${message}`, options)
