import { describe, expect, it } from '@jest/globals'
import { readGivenUp } from '../../../../functions/bridge/undelivered/given-up.ts'
import { endedKey, readKey } from '../../../../functions/bridge/undelivered/object-keys.ts'

const record = { eventSource: 'aws:dynamodb', dynamodb: { SequenceNumber: '1' } }
/** As AWS documents the object of a DynamoDB stream's on-failure destination in S3. */
const object = {
  requestContext: {
    requestId: '316aa6d0-8154-xmpl-9af7-85d5f4a6bc81',
    functionArn: 'arn:aws:lambda:us-east-2:123456789012:function:myfunction:$LATEST',
    condition: 'RetryAttemptsExhausted',
    approximateInvokeCount: 3,
  },
  responseContext: { statusCode: 200, executedVersion: '$LATEST', functionError: 'Unhandled' },
  version: '1.0',
  timestamp: '2026-11-22T18:20:40.950Z',
  DDBStreamBatchInfo: {
    shardId: 'shardId-00000001573689847184-864758bb',
    startSequenceNumber: '800000000003126276362',
    endSequenceNumber: '800000000003126276362',
    approximateArrivalOfFirstRecord: '2026-11-22T18:20:40Z',
    approximateArrivalOfLastRecord: '2026-11-22T18:20:40Z',
    batchSize: 1,
    streamArn: 'arn:aws:dynamodb:us-east-2:123456789012:table/mytable/stream/2026-11-14T00:04:06.388',
  },
  payload: { Records: [record] },
}

describe('an object of the failure bucket', () => {
  it('tells where its records were, and who would not take them', () => {
    expect(readGivenUp(JSON.stringify(object))).toMatchObject({
      table: 'mytable',
      functionName: 'myfunction',
      condition: 'RetryAttemptsExhausted',
      invocations: 3,
      shard: 'shardId-00000001573689847184-864758bb',
      records: [record],
    })
  })

  it('may have its payload as text', () => {
    const text = JSON.stringify({ ...object, payload: JSON.stringify(object.payload) })
    expect(readGivenUp(text).records).toEqual([record])
  })

  it('of records that were too old had no response', () => {
    const { responseContext: _, ...old } = object
    expect(readGivenUp(JSON.stringify(old)).records).toHaveLength(1)
  })

  it.each([
    ['no JSON', '{'],
    ['another thing', '[]'],
    ['a pointer into the stream only', JSON.stringify({ ...object, payload: undefined })],
    ['an empty batch', JSON.stringify({ ...object, payload: { Records: [] } })],
    ['payload that is no JSON', JSON.stringify({ ...object, payload: 'x{' })],
    [
      'a stream of something else',
      JSON.stringify({
        ...object,
        DDBStreamBatchInfo: { ...object.DDBStreamBatchInfo, streamArn: 'arn:aws:kinesis:x:y:stream/z' },
      }),
    ],
  ])('that is %s is refused by name', (_, text) => {
    expect(() => readGivenUp(text)).toThrow(expect.objectContaining({ code: 'undelivered.unreadable' }))
  })
})

describe('the key of such an object', () => {
  const key =
    'aws/lambda/7a1c9c6e-8d2e-4b25-9f0d-2f3c4d5e6f70/shardId-1/2026/11/22/2026-11-22T18.20.41-316aa6d0'

  it('tells when it was given up, and by which mapping', () => {
    expect(readKey(key)).toEqual({
      id: '2026-11-22T18.20.41-316aa6d0',
      mapping: '7a1c9c6e-8d2e-4b25-9f0d-2f3c4d5e6f70',
      shard: 'shardId-1',
      at: '2026-11-22T18:20:41.000Z',
    })
    expect(readKey(`${key}.json`)?.at).toBe('2026-11-22T18:20:41.000Z')
  })

  it('that somebody else has made tells nothing', () => {
    expect(readKey('aws/lambda/x')).toBeUndefined()
    expect(readKey('exports/2026')).toBeUndefined()
  })

  it('becomes another one when the batch is ended, from which the first can be told', () => {
    expect(endedKey(key, 'dropped')).toBe(`ended/dropped/${key.slice('aws/lambda/'.length)}`)
  })
})
