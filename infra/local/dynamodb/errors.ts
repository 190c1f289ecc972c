/** What can go wrong on the way to a DynamoDB. */
export type DynamoDbErrorCode =
  | 'dynamodb.not-found'
  | 'dynamodb.already-running'
  | 'dynamodb.bad-endpoint'
  | 'dynamodb.unreachable'
  | 'dynamodb.other-kind'

/** A DynamoDB that cannot be had; `code` says why, the message says what to do. */
export class DynamoDbError extends Error {
  override readonly name = 'DynamoDbError'
  readonly code: DynamoDbErrorCode

  constructor(code: DynamoDbErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}
