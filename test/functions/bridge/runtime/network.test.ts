import { describe, expect, it } from '@jest/globals'
import { DataApiError } from '../../../../functions/bridge/drivers/data-api/errors.ts'
import { toDirectError } from '../../../../functions/bridge/drivers/direct/errors.ts'
import { DynamoError } from '../../../../functions/bridge/drivers/dynamo/errors.ts'
import { S3Error } from '../../../../functions/bridge/drivers/s3/errors.ts'
import { kindOf } from '../../../../functions/bridge/model/errors.ts'
import { isConnectionLoss, isServiceFault } from '../../../../functions/bridge/runtime/network.ts'

const failure = (code: string): Error => Object.assign(new Error('the network failed'), { code })

describe('a connection that was lost', () => {
  it.each(['EAI_AGAIN', 'ECONNREFUSED', 'ECONNRESET', 'EHOSTUNREACH', 'ENETUNREACH', 'EPIPE', 'ETIMEDOUT'])(
    'is told by %s, and passes, for each of the drivers',
    (code) => {
      const error = failure(code)

      expect(isConnectionLoss(error)).toBe(true)
      for (const told of [
        new DataApiError('ExecuteStatement', error),
        new DynamoError('GetItem', error),
        toDirectError('the statement', error),
      ])
        expect(kindOf(told)).toBe('transient')
    },
  )

  it.each([failure('EACCES'), new Error('no code'), 'ECONNRESET', undefined, null])(
    'is not told by %p',
    (error) => {
      expect(isConnectionLoss(error)).toBe(false)
    },
  )
})

describe('an answer of a service', () => {
  const answer = (status: number, $fault: string) =>
    Object.assign(new Error(''), { name: 'SomethingNew', $fault, $metadata: { httpStatusCode: status } })

  it.each([answer(500, 'server'), answer(503, 'client'), answer(504, 'server')])(
    'passes for each of the drivers where the fault is its own, by whatever name: %#',
    (error) => {
      expect(isServiceFault(error)).toBe(true)
      for (const told of [
        new DataApiError('ExecuteStatement', error),
        new DynamoError('GetItem', error),
        new S3Error('GetObject', error),
      ])
        expect(kindOf(told)).toBe('transient')
      expect(new DataApiError('ExecuteStatement', error).outcome).toBe('unknown')
    },
  )

  it.each([answer(400, 'client'), new Error('no status'), undefined, null, 'text'])(
    'is no fault of its own: %#',
    (error) => {
      expect(isServiceFault(error)).toBe(false)
      expect(kindOf(new DynamoError('GetItem', error))).toBe('unknown')
    },
  )
})
