import { describe, expect, it } from '@jest/globals'
import { passes } from '../../../../infra/local/streams/filter.ts'
import { record } from './records.fixture.ts'

const one = record(1, 'alton', 1_700_000_000)

describe('passes', () => {
  it.each<[string, boolean, unknown]>([
    ['an equal leaf', true, { dynamodb: { Keys: { id: { S: ['alton'] } } } }],
    ['another leaf', false, { dynamodb: { Keys: { id: { S: ['bobby'] } } } }],
    ['one of several values', true, { eventName: ['MODIFY', 'INSERT'] }],
    ['all fields of a pattern', false, { eventName: ['INSERT'], awsRegion: ['eu-west-1'] }],
    ['a prefix', true, { dynamodb: { Keys: { id: { S: [{ prefix: 'al' }] } } } }],
    ['a suffix', true, { dynamodb: { Keys: { id: { S: [{ suffix: 'ton' }] } } } }],
    ['case ignored', true, { dynamodb: { Keys: { id: { S: [{ 'equals-ignore-case': 'ALTON' }] } } } }],
    ['anything but', false, { eventName: [{ 'anything-but': ['INSERT', 'REMOVE'] }] }],
    [
      'a number within bounds',
      true,
      { dynamodb: { ApproximateCreationDateTime: [{ numeric: ['>', 0, '<=', 1_700_000_000] }] } },
    ],
    ['a number out of bounds', false, { dynamodb: { ApproximateCreationDateTime: [{ numeric: ['<', 5] }] } }],
    ['a leaf that exists', true, { dynamodb: { NewImage: { id: { S: [{ exists: true }] } } } }],
    ['a missing leaf', true, { dynamodb: { OldImage: { id: { S: [{ exists: false }] } } } }],
    ['a map, which does not exist as a leaf', false, { dynamodb: { NewImage: [{ exists: true }] } }],
    ['$or', true, { $or: [{ eventName: ['REMOVE'] }, { eventName: ['INSERT'] }] }],
  ])('%s: %s', (_, expected, pattern) => {
    expect(passes(one, [pattern])).toBe(expected)
  })

  it('needs only one of several patterns, and none when there is none', () => {
    expect(passes(one, [{ eventName: ['REMOVE'] }, { eventName: ['INSERT'] }])).toBe(true)
    expect(passes(one, [])).toBe(true)
  })

  it('refuses an operator that does not exist', () => {
    expect(() => passes(one, [{ eventName: [{ like: 'x' }] }])).toThrow(
      expect.objectContaining({ code: 'streams.filter' }),
    )
  })
})
