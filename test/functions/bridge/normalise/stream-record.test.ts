import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { InvalidRecordError } from '../../../../functions/bridge/model/errors.ts'
import { isOwnForm, isoTime, parseRecord } from '../../../../functions/bridge/normalise/stream-record.ts'
import { runs } from '../../../support/runs.ts'

const two = (from: number, to: number) =>
  fc.integer({ min: from, max: to }).map((value) => String(value).padStart(2, '0'))

describe('the time of a write', () => {
  it('is taken as it stands only where working it out gives the very same text', () => {
    const day = fc.tuple(fc.integer({ min: 1979, max: 2039 }).map(String), two(0, 13), two(0, 32))
    const time = fc.tuple(two(0, 25), two(0, 60), two(0, 60))
    const taken = new Set<boolean>()
    fc.assert(
      fc.property(day, time, fc.constantFrom('.000Z', '.123Z', '.5Z', 'Z'), (date, clock, end) => {
        const text = `${date.join('-')}T${clock.join(':')}${end}`
        taken.add(isOwnForm(text))
        if (isOwnForm(text)) expect(isoTime(Date.parse(text))).toBe(text)
      }),
      runs(2_000, 7),
    )
    expect(taken).toEqual(new Set([true, false]))
  })

  it.each([
    '2026-02-29T10:00:00.000Z',
    '2028-02-29T10:00:00.000Z',
    '2026-04-31T10:00:00.000Z',
    '2026-11-28T24:00:00.000Z',
    '1970-01-01T00:00:00.500Z',
    '2038-01-28T00:00:00.000Z',
    '2026-11-28T10:00:00.000Z\n',
    ' 2026-11-28T10:00:00.000Z',
  ])('is worked out where it is %j', (text) => {
    expect(isOwnForm(text)).toBe(false)
  })
})

describe('a record', () => {
  const good = {
    eventName: 'MODIFY',
    dynamodb: {
      ApproximateCreationDateTime: 1_790_000_000,
      SequenceNumber: '1',
      Keys: { id: { S: 'a' } },
      NewImage: { id: { S: 'a' } },
      OldImage: { id: { S: 'a' } },
    },
  }

  it('is read with its images as they came', () => {
    const { NewImage: after, OldImage: before } = good.dynamodb
    const read = parseRecord(good)

    expect(read).toEqual({
      eventName: 'MODIFY',
      origin: { created: 1_790_000_000, sequenceNumber: '1' },
      keys: { id: 'a' },
      before,
      after,
    })
    expect(read.after).toBe(after)
  })

  it('may lack its time and its images', () => {
    const dynamodb = { SequenceNumber: '1', Keys: { id: { S: 'a' } } }

    expect(parseRecord({ ...good, dynamodb })).toMatchObject({ before: undefined, after: undefined })
  })

  it.each([
    ['of another name', { ...good, eventName: 'CHANGE' }],
    ['without a name', { dynamodb: good.dynamodb }],
    ['that is a list', [good]],
    ['without its contents', { eventName: 'INSERT' }],
    ...Object.entries({
      SequenceNumber: 7,
      Keys: ['id'],
      NewImage: 'none',
      OldImage: null,
      ApproximateCreationDateTime: Number.NaN,
    }).map(([name, value]): [string, unknown] => [
      `whose ${name} is ${JSON.stringify(value)}`,
      { ...good, dynamodb: { ...good.dynamodb, [name]: value } },
    ]),
  ])('%s is refused, and its shape is named', (_, record) => {
    const refused = (() => {
      try {
        return parseRecord(record)
      } catch (error) {
        return error
      }
    })()

    expect(refused).toBeInstanceOf(InvalidRecordError)
    expect(refused).toMatchObject({ message: 'The stream record is malformed', cause: expect.any(Error) })
  })
})
