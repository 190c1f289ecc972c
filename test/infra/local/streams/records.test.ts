import { describe, expect, it } from '@jest/globals'
import { itemKeyOf, toEventRecord } from '../../../../infra/local/streams/records.ts'
import { record } from './records.fixture.ts'

const arn = 'arn:aws:dynamodb:ddblocal:000000000000:table/t/stream/s'

describe('toEventRecord', () => {
  it('gives Lambda its own shape: seconds, base64 at every depth, lower-case identity, the stream ARN', () => {
    const bytes = new TextEncoder().encode('foobar')
    const result = toEventRecord(
      {
        eventID: '1',
        eventName: 'REMOVE',
        awsRegion: 'ddblocal',
        userIdentity: { Type: 'Service', PrincipalId: 'dynamodb.amazonaws.com' },
        dynamodb: {
          ApproximateCreationDateTime: new Date(1_700_000_000_900),
          Keys: { id: { B: bytes } },
          OldImage: {
            l: { L: [{ M: { b: { BS: [bytes] } } }, { NULL: true }] },
            n: { N: '12345678901234567890.123' },
          },
          SequenceNumber: '800000000003126276362',
          SizeBytes: 3,
          StreamViewType: 'NEW_AND_OLD_IMAGES',
        },
      },
      arn,
      'us-east-1',
    )

    expect(JSON.parse(JSON.stringify(result))).toEqual({
      eventID: '1',
      eventName: 'REMOVE',
      eventVersion: '1.1',
      eventSource: 'aws:dynamodb',
      awsRegion: 'us-east-1',
      eventSourceARN: arn,
      userIdentity: { type: 'Service', principalId: 'dynamodb.amazonaws.com' },
      dynamodb: {
        ApproximateCreationDateTime: 1_700_000_000,
        Keys: { id: { B: 'Zm9vYmFy' } },
        OldImage: {
          l: { L: [{ M: { b: { BS: ['Zm9vYmFy'] } } }, { NULL: true }] },
          n: { N: '12345678901234567890.123' },
        },
        SequenceNumber: '800000000003126276362',
        SizeBytes: 3,
        StreamViewType: 'NEW_AND_OLD_IMAGES',
      },
    })
  })

  it('recognises an identity whose content an emulator got wrong', () => {
    const change = { Keys: { id: { S: 'a' } }, SequenceNumber: '1' }
    const result = toEventRecord(
      { eventName: 'REMOVE', userIdentity: {}, dynamodb: change },
      arn,
      'us-east-1',
    )
    expect(result.userIdentity).toEqual({ type: 'Service', principalId: 'dynamodb.amazonaws.com' })
  })

  it('refuses a record without a sequence number', () => {
    const broken = () => toEventRecord({ eventName: 'INSERT', dynamodb: { Keys: {} } }, arn, 'us-east-1')
    expect(broken).toThrow(expect.objectContaining({ code: 'streams.record-shape' }))
  })
})

describe('itemKeyOf', () => {
  it('does not depend on the order of the attributes', () => {
    const one = record(1)
    const other = record(2)
    one.dynamodb.Keys = { pk: { S: 'a' }, sk: { N: '1' } }
    other.dynamodb.Keys = { sk: { N: '1' }, pk: { S: 'a' } }
    expect(itemKeyOf(one)).toBe(itemKeyOf(other))
  })
})
