import { fc } from '@fast-check/jest'
import { describe, expect, it } from '@jest/globals'
import { timestamp } from '../../../../../functions/bridge/model/attributes/timestamp.ts'
import { UnreadableValueError } from '../../../../../functions/bridge/model/errors.ts'
import { complaint } from '../../../fixtures/complaint.ts'

const seen = timestamp({ column: 'seen' })
const exact = timestamp({ column: 'seen', precision: 3 })

const FORM = 'must be an instant, as YYYY-MM-DDThh:mm:ssZ'
const RANGE = 'must be from 1970-01-01T00:00:01Z to 2038-01-19T03:14:07Z'

describe('an instant', () => {
  it.each<[string, string, string]>([
    ['in UTC', '2026-11-22T03:00:00Z', '2026-11-22T03:00:00Z'],
    ['at an offset to the east', '2026-11-22T08:45:00+05:45', '2026-11-22T03:00:00Z'],
    ['at an offset to the west, of the day before', '2026-12-31T23:30:00-01:00', '2027-01-01T00:30:00Z'],
    ['at no offset, of either sign', '2026-11-22T03:00:00-00:00', '2026-11-22T03:00:00Z'],
    ['with a fraction of zeros', '2026-11-22T03:00:00.000000000Z', '2026-11-22T03:00:00Z'],
    ['the first', '1970-01-01T00:00:01Z', '1970-01-01T00:00:01Z'],
    ['the last', '2038-01-19T03:14:07Z', '2038-01-19T03:14:07Z'],
    ['the last, where it is another year', '2038-01-18T23:14:07-04:00', '2038-01-19T03:14:07Z'],
  ])('is one text in every place: %s', (_, sent, kept) => {
    for (const schema of [seen.body, seen.image]) {
      const value = schema.parse(sent)
      expect(value).toBe(kept)
      expect(seen.toItem(value)).toEqual({ S: kept })
      expect(seen.toJson(value)).toBe(kept)
      expect(seen.fromSql(seen.toSql(value))).toBe(kept)
    }
  })

  it('has all the digits of its column', () => {
    expect(exact.body.parse('2026-11-22T03:00:00.5Z')).toBe('2026-11-22T03:00:00.500Z')
    expect(exact.body.parse('2026-11-22T03:00:00Z')).toBe('2026-11-22T03:00:00.000Z')
    expect(exact.toSql('2026-11-22T03:00:00.500Z')).toBe('2026-11-22 03:00:00.500')
    expect(exact.fromSql('2026-11-22 03:00:00.500000')).toBe('2026-11-22T03:00:00.500Z')
  })

  it.each<[string, unknown, string]>([
    ['a fraction', '2026-11-22T03:00:00.7Z', 'must not have a fraction of a second'],
    ['no zone', '2026-11-22T03:00:00', FORM],
    ['a blank for the T', '2026-11-22 03:00:00Z', FORM],
    ['30 February', '2026-02-30T03:00:00Z', FORM],
    ['hour 24', '2026-11-22T24:00:00Z', FORM],
    ['a leap second', '2016-12-31T23:59:60Z', FORM],
    ['an offset of a day', '2026-11-22T03:00:00+24:00', FORM],
    ['the zero value', '0000-00-00T00:00:00Z', FORM],
    ['the second before the first', '1970-01-01T00:00:00Z', RANGE],
    ['what an offset makes the second before it', '1970-01-01T00:00:01+00:01', RANGE],
    ['the second behind the last', '2038-01-19T03:14:08Z', RANGE],
    ['a line break behind it', '2026-11-22T03:00:00Z\n', FORM],
    ['a number', 1795316400, FORM],
    ['an empty text', '', FORM],
  ])('refuses %s, from a client and in an item', (_, value, message) => {
    expect(complaint(seen.body, value)).toBe(message)
    expect(complaint(seen.image, value)).toBe(message)
  })

  it.each([
    '0000-00-00 00:00:00',
    '2026-11-22 03:00:00.7',
    '2026-11-22T03:00:00Z',
    '1970-01-01 00:00:00',
    true,
  ])('does not read a column’s %p', (column) => {
    expect(() => seen.fromSql(column)).toThrow(UnreadableValueError)
  })

  it('is the same moment at any offset', async () => {
    const [min, max] = [new Date('1970-01-03T00:00:00Z'), new Date('2038-01-17T00:00:00Z')]
    await fc.assert(
      fc.property(
        fc.date({ min, max, noInvalidDate: true }),
        fc.integer({ min: -14 * 60, max: 14 * 60 }),
        (moment, offset) => {
          const local = new Date(moment.getTime() + offset * 60_000).toISOString().slice(0, -1)
          const minutes = Math.abs(offset)
          const zone = [Math.floor(minutes / 60), minutes % 60]
            .map((n) => String(n).padStart(2, '0'))
            .join(':')

          expect(exact.body.parse(`${local}${offset < 0 ? '-' : '+'}${zone}`)).toBe(moment.toISOString())
        },
      ),
      { seed: 42 },
    )
  })

  it.each([-1, 7, 0.5, Number.NaN])('has no precision of %d', (precision) => {
    expect(() => timestamp({ column: 'seen', precision })).toThrow(TypeError)
  })
})
