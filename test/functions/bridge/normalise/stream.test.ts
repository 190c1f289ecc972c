import { describe, expect, it } from '@jest/globals'
import { entityReaders } from '../../../../functions/bridge/dynamo/entity-reader.ts'
import { ConfigurationError, InvalidRecordError } from '../../../../functions/bridge/model/errors.ts'
import { normaliseStreamEvent, type StreamBatch } from '../../../../functions/bridge/normalise/stream.ts'
import { chef } from '../../../fixtures/entities/chef.ts'
import { dish } from '../../fixtures/dish.ts'
import {
  CREATED_AT,
  image,
  KEY,
  streamEvent,
  streamRecord,
  UPDATED_AT,
} from '../../fixtures/stream-events.ts'

const tables = entityReaders([chef, dish], { chef: 'Chefs', dish: 'Dishes-prod' })

const normalise = (...records: unknown[]): StreamBatch => {
  const batch = normaliseStreamEvent(streamEvent(...records), tables)
  if (batch === undefined) throw new Error('not taken for a stream event')
  return batch
}
const only = (...records: unknown[]) => normalise(...records).changes.map(({ change }) => change)
const complaints = (...records: unknown[]): unknown[] =>
  normalise(...records).rejected.map(({ key, error }) => [key, error.message])

const upsert = {
  entity: 'chef',
  key: KEY,
  source: 'stream',
  op: 'upsert',
  version: 3n,
  row: { firstName: 'Bobby', lastName: 'Flay' },
  at: UPDATED_AT,
}

describe('a stream record', () => {
  it.each(['INSERT', 'MODIFY'])('of an %s becomes an upsert of the new image at its version', (eventName) => {
    const oldImage = image({ firstName: { S: 'Robert' }, version: { N: '2' } })
    const record = streamRecord({ eventName, sequence: '800000000003126276362', oldImage })
    const arrived = streamEvent(record).Records[0]

    expect(normalise(record)).toEqual({
      from: 'stream',
      changes: [
        { sequenceNumber: '800000000003126276362', change: upsert, record: arrived, unknownAttributes: 0 },
      ],
      rejected: [],
      ignored: new Map(),
    })
  })

  it('of a REMOVE becomes a delete one version above the old image, at the time of the record', () => {
    expect(only(streamRecord({ eventName: 'REMOVE' }))).toEqual([
      { entity: 'chef', key: KEY, source: 'stream', op: 'delete', version: 4n, at: CREATED_AT },
    ])
  })

  it('of an expiry is a delete like any other', () => {
    const userIdentity = { type: 'Service', principalId: 'dynamodb.amazonaws.com' }

    expect(only(streamRecord({ eventName: 'REMOVE', userIdentity }))).toEqual(
      only(streamRecord({ eventName: 'REMOVE' })),
    )
  })

  it('of each table becomes a change of its own entity', () => {
    const soup = {
      dishId: { S: '7' },
      title: { S: 'Soup' },
      version: { N: '1' },
      updatedAt: { S: UPDATED_AT },
    }
    const record = streamRecord({ table: 'Dishes-prod', newImage: soup })
    const keyed = { ...record, dynamodb: { ...record.dynamodb, Keys: { dishId: { S: '7' } } } }

    expect(only(keyed, streamRecord())).toEqual([
      { ...upsert, entity: 'dish', key: '7', version: 1n, row: { title: 'Soup' } },
      upsert,
    ])
  })

  it('keeps its place: changes come in the order of the records, repeats included', () => {
    const first = streamRecord({ newImage: image({ version: { N: '1' } }) })
    const second = streamRecord({ newImage: image({ version: { N: '2' } }) })

    expect(only(second, first, second).map(({ version }) => version)).toEqual([2n, 1n, 2n])
  })
})

describe('the attributes of an image', () => {
  const row = (more: Record<string, unknown>): unknown =>
    only(streamRecord({ newImage: image(more) })).map((change) => change.op === 'upsert' && change.row)

  it('that the entity does not know are left out, of whatever type they are', () => {
    expect(
      row({ age: { N: '7' }, photo: { B: 'AAEC' }, tags: { SS: ['a'] }, nested: { M: { a: { L: [] } } } }),
    ).toEqual([{ firstName: 'Bobby', lastName: 'Flay' }])
  })

  it.each<[string, unknown, string | null]>([
    ['absent', undefined, null],
    ['NULL', { NULL: true }, null],
    ['an empty text', { S: '' }, ''],
    [
      'a text with every kind of character',
      { S: '👩🏽‍🍳 e\u0301 \'"`\\ \u0000' },
      '👩🏽‍🍳 e\u0301 \'"`\\ \u0000',
    ],
  ])('that are %s', (_, firstName, expected) => {
    expect(row({ firstName })).toEqual([{ firstName: expected, lastName: 'Flay' }])
  })

  it.each<[string, unknown, string]>([
    ['a number', { N: '7' }, 'The image is not a chef: firstName must be a string'],
    [
      'too long',
      { S: 'x'.repeat(256) },
      'The image is not a chef: firstName must not be longer than 255 characters',
    ],
    ['half a character', { S: '\ud800' }, 'The image is not a chef: firstName must be well-formed Unicode'],
    ['of no known type', { X: 'a' }, 'NewImage.firstName: unknown type X'],
  ])('make the record bad when they are %s', (_, firstName, message) => {
    expect(complaints(streamRecord({ newImage: image({ firstName }) }))).toEqual([[KEY, message]])
  })

  it('are all named when several are bad, and their values are not shown', () => {
    const [complaint] = complaints(
      streamRecord({ newImage: image({ firstName: { N: '41' }, lastName: { N: '42' } }) }),
    )

    expect(complaint).toEqual([
      KEY,
      'The image is not a chef: firstName must be a string; lastName must be a string',
    ])
  })
})

describe('the version', () => {
  const versions = (version: unknown, eventName = 'MODIFY'): bigint[] =>
    only(streamRecord({ eventName, newImage: image({ version }), oldImage: image({ version }) })).map(
      (change) => change.version,
    )
  const complaint = (version: unknown): unknown => complaints(streamRecord({ newImage: image({ version }) }))

  it('may be as large as a client can hold exactly, also after a delete', () => {
    expect(versions({ N: '9007199254740990' })).toEqual([9007199254740990n])
    expect(versions({ N: '9007199254740990' }, 'REMOVE')).toEqual([9007199254740991n])
  })

  it.each<[string, unknown, string]>([
    ['missing', undefined, 'version is missing or not a number'],
    ['NULL', { NULL: true }, 'version is missing or not a number'],
    ['a text', { S: '3' }, 'version is missing or not a number'],
    ['zero', { N: '0' }, 'version is not a positive integer'],
    ['negative', { N: '-3' }, 'version is not a positive integer'],
    ['a fraction', { N: '1.5' }, 'version is not a positive integer'],
    ['an exponent', { N: '1E+2' }, 'version is not a positive integer'],
    ['signed', { N: '+3' }, 'version is not a positive integer'],
    ['beyond what a client can hold', { N: '9007199254740991' }, 'version is not below 9007199254740991'],
    ['of 38 digits', { N: '9'.repeat(38) }, 'version is not below 9007199254740991'],
  ])('makes the record bad when it is %s', (_, version, message) => {
    expect(complaint(version)).toEqual([[KEY, message]])
  })
})

describe('the time', () => {
  const times = (updatedAt: unknown, created?: unknown): string[] =>
    only(streamRecord({ newImage: image({ updatedAt }), created })).map(({ at }) => at)
  const OUTSIDE = 'The time of the write is outside 1970 to 2038'

  it.each([
    ['of the image', UPDATED_AT, UPDATED_AT],
    ['of the image, in whole seconds', '2026-11-22T03:00:00Z', CREATED_AT],
    ['of the image, cut to milliseconds', '2026-11-22T03:00:00.123999Z', UPDATED_AT],
    ['of the image, in the last second of TIMESTAMP', '2038-01-19T03:14:07.999Z', '2038-01-19T03:14:07.999Z'],
    ['of the record, where the image has words', 'yesterday', CREATED_AT],
    ['of the record, where the image has a local time', '2026-11-22T04:00:00+01:00', CREATED_AT],
    ['of the record, where the image has a day that does not exist', '2026-13-45T03:00:00Z', CREATED_AT],
  ])('is that %s', (_, updatedAt, at) => {
    expect(times({ S: updatedAt })).toEqual([at])
  })

  it('is that of the record where the image has none, or another type', () => {
    expect(times(undefined)).toEqual([CREATED_AT])
    expect(times({ N: '1795316400' })).toEqual([CREATED_AT])
  })

  it('of the record may have a fraction, and may be absent where the image has one', () => {
    expect(times(undefined, 1795316400.25)).toEqual(['2026-11-22T03:00:00.250Z'])
    const { ApproximateCreationDateTime: _, ...dynamodb } = streamRecord().dynamodb
    expect(only({ ...streamRecord(), dynamodb })).toEqual([upsert])
  })

  it.each([
    ['after the last second of TIMESTAMP', '2038-01-19T03:14:08.000Z'],
    ['before the first', '1970-01-01T00:00:00.000Z'],
    ['before 1970', '1969-12-31T23:59:59.000Z'],
  ])('is that of the record where the image has one %s: the row is not lost to it', (_, updatedAt) => {
    expect(times({ S: updatedAt })).toEqual([CREATED_AT])
  })

  it('makes a delete bad when the record has none', () => {
    const { ApproximateCreationDateTime: _, ...dynamodb } = streamRecord({ eventName: 'REMOVE' }).dynamodb

    expect(complaints({ ...streamRecord({ eventName: 'REMOVE' }), dynamodb })).toEqual([[KEY, OUTSIDE]])
  })
})

describe('the key', () => {
  it.each(['7', 'a key', ' leading', 'ключ', 'x'.repeat(255), '👩'.repeat(255)])('may be %j', (key) => {
    expect(only(streamRecord({ key: { S: key } })).map((change) => change.key)).toEqual([key])
  })

  it.each<[string, unknown, string]>([
    ['a number', { N: '7' }, 'chefId is not a string key'],
    ['binary', { B: 'AA==' }, 'chefId is not a string key'],
    ['empty', { S: '' }, 'chefId is empty'],
    ['longer than its column', { S: 'x'.repeat(256) }, 'chefId is longer than 255 characters'],
    ['ending with a blank, which MySQL would not see', { S: 'a ' }, 'chefId ends with a blank'],
  ])('makes the record bad when it is %s', (_, key, message) => {
    expect(complaints(streamRecord({ key }))).toEqual([[undefined, message]])
  })

  it('makes the record bad when it has another name', () => {
    const record = streamRecord()

    expect(complaints({ ...record, dynamodb: { ...record.dynamodb, Keys: { id: { S: '7' } } } })).toEqual([
      [undefined, 'chefId is not a string key'],
    ])
  })
})

describe('a bad record', () => {
  const bad = { entity: 'chef', error: expect.any(InvalidRecordError) }

  it('is rejected by its sequence number, with all that could be told of it, and the records around it go on', () => {
    const records = [
      streamRecord({ sequence: '1' }),
      streamRecord({ sequence: '2', newImage: image({ version: { N: '0' } }) }),
      streamRecord({ sequence: '3', eventName: 'REMOVE' }),
      streamRecord({ sequence: '4', key: { N: '7' } }),
      streamRecord({ sequence: '5', newImage: image({ firstName: { N: '7' } }) }),
    ]
    const arrived = streamEvent(...records).Records
    const batch = normalise(...records)

    expect(batch.changes.map(({ sequenceNumber }) => sequenceNumber)).toEqual(['1', '3'])
    expect(batch.rejected).toEqual([
      { ...bad, sequenceNumber: '2', key: KEY, version: undefined, record: arrived[1] },
      { ...bad, sequenceNumber: '4', key: undefined, version: undefined, record: arrived[3] },
      { ...bad, sequenceNumber: '5', key: KEY, version: 3n, record: arrived[4] },
    ])
  })

  const base = streamRecord()
  it.each<[string, unknown, string]>([
    ['an event of another name', { ...base, eventName: 'TRUNCATE' }, 'The stream record is malformed'],
    ['no event name', { ...base, eventName: undefined }, 'The stream record is malformed'],
    ['no keys', { ...base, dynamodb: { SequenceNumber: '1' } }, 'The stream record is malformed'],
    [
      'a time that is a text',
      { ...base, dynamodb: { ...base.dynamodb, ApproximateCreationDateTime: 'now' } },
      'The stream record is malformed',
    ],
    [
      'an INSERT without its new image',
      { ...base, dynamodb: { ...base.dynamodb, NewImage: undefined } },
      'INSERT without NewImage',
    ],
    [
      'a MODIFY that has only its old image, and is no delete for that',
      {
        ...base,
        eventName: 'MODIFY',
        dynamodb: { ...base.dynamodb, OldImage: image(), NewImage: undefined },
      },
      'MODIFY without NewImage',
    ],
    [
      'a REMOVE without its old image, from a stream of another kind',
      { ...base, eventName: 'REMOVE', dynamodb: { ...base.dynamodb, OldImage: undefined } },
      'REMOVE without OldImage',
    ],
  ])('is one with %s', (_, record, message) => {
    expect(complaints(record).map((complaint) => Array.isArray(complaint) && complaint[1])).toEqual([message])
  })

  it.each<[string, Record<string, unknown>]>([
    ['no sequence number', { SequenceNumber: undefined }],
    ['an empty sequence number', { SequenceNumber: '' }],
    ['a sequence number that is a number', { SequenceNumber: 1 }],
  ])('that has %s fails the batch, because it could not be reported', (_, more) => {
    const bad = { ...base, dynamodb: { ...base.dynamodb, ...more } }

    expect(() => normalise(streamRecord(), bad)).toThrow(InvalidRecordError)
  })
})

describe('the table', () => {
  it('that no entity is kept in is a fault of the set-up, not of the record', () => {
    expect(() => normalise(streamRecord({ table: 'Waiters' }))).toThrow(ConfigurationError)
    expect(() => normalise(streamRecord({ table: 'Waiters' }))).toThrow(/table\/Waiters\/stream/)
  })

  it('is not guessed from an ARN of another kind', () => {
    const record = {
      ...streamRecord(),
      eventSourceARN: 'arn:aws:kinesis:us-east-1:123456789012:stream/Chefs',
    }

    expect(() => normalise(record)).toThrow(ConfigurationError)
  })

  it('is known by the entities that it keeps', () => {
    const index = entityReaders([chef, dish], { dish: 'Dishes', waiter: 'Waiters' })
    expect([...index].map(([table, reader]) => [table, reader.table])).toEqual([['Dishes', 'dish']])
  })
})

describe('no stream event', () => {
  it.each<[string, unknown]>([
    ['nothing', undefined],
    ['an empty batch', { Records: [] }],
    ['a queue event', { Records: [{ eventSource: 'aws:sqs', body: '{}' }] }],
    ['a batch of two sources', { Records: [streamRecord(), { eventSource: 'aws:sqs' }] }],
    ['an HTTP event', { version: '2.0', rawPath: '/' }],
  ])('is %s', (_, event) => {
    expect(normaliseStreamEvent(event, tables)).toBeUndefined()
  })
})
