import { DynamoDBServiceException, TransactionCanceledException } from '@aws-sdk/client-dynamodb'
import { describe, expect, it } from '@jest/globals'
import { DynamoError } from '../../../../../functions/bridge/drivers/dynamo/errors.ts'

const answer = (name: string, status: number, message = '') =>
  new DynamoDBServiceException({
    name,
    message,
    $fault: status >= 500 ? 'server' : 'client',
    $metadata: { httpStatusCode: status },
  })
const kind = (cause: unknown) => new DynamoError('GetItem', cause).kind

describe('a failed call of DynamoDB', () => {
  it.each([
    ['InternalServerError', 500],
    ['ServiceUnavailable', 503],
    // What a proxy, or the service of tomorrow, may say.
    ['SomethingNew', 500],
    ['UnknownError', 502],
    ['GatewayTimeout', 504],
    ['ThrottlingException', 400],
  ])('passes by itself: %s with %i', (name, status) => {
    expect(kind(answer(name, status))).toBe('transient')
  })

  it('passes by itself where only the status says whose fault it is', () => {
    const error = answer('Unnamed', 503)
    Object.assign(error, { $fault: 'client' })
    expect(kind(error)).toBe('transient')
  })

  it.each([
    ['AccessDeniedException', 400, '', 'configuration'],
    ['ValidationException', 400, 'One or more parameter values were invalid', 'configuration'],
    ['ValidationException', 400, 'Item size has exceeded the maximum allowed size', 'data'],
    ['SomethingNew', 400, '', 'unknown'],
  ])('does not: %s with %i %s', (name, status, message, expected) => {
    expect(kind(answer(name, status, message))).toBe(expected)
  })

  it('is judged by the reasons where a transaction was cancelled', () => {
    const cancelled = (Code: string) =>
      new TransactionCanceledException({
        message: '',
        $metadata: { httpStatusCode: 400 },
        CancellationReasons: [{ Code: 'None' }, { Code }],
      })
    expect(kind(cancelled('ThrottlingError'))).toBe('transient')
    expect(kind(cancelled('ConditionalCheckFailed'))).toBe('unknown')
  })
})
