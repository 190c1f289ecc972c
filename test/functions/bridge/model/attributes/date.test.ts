import { fc } from '@fast-check/jest'
import { describe, expect, it } from '@jest/globals'
import { date } from '../../../../../functions/bridge/model/attributes/date.ts'
import { complaint } from '../../../fixtures/complaint.ts'

const day = date({ column: 'day' })
const MESSAGE = 'must be a date, as YYYY-MM-DD'

describe('a date attribute', () => {
  it.each(['1000-01-01', '1582-10-10', '2000-02-29', '2024-02-29', '9999-12-31'])('keeps %s', (value) => {
    expect(day.body.parse(value)).toBe(value)
    expect(day.image.parse(value)).toBe(value)
    expect(day.toSql(value)).toBe(value)
    expect(day.fromSql(value)).toBe(value)
    expect(day.toItem(value)).toEqual({ S: value })
    expect(day.toJson(value)).toBe(value)
  })

  it.each<[string, unknown]>([
    ['the last day before MySQL’s first year', '0999-12-31'],
    ['the first day after its last year', '10000-01-01'],
    ['a year with a sign', '+002026-01-01'],
    ['MySQL’s zero date', '0000-00-00'],
    ['30 February', '2026-02-30'],
    ['29 February of a year that has none', '1900-02-29'],
    ['31 April', '2026-04-31'],
    ['month 13', '2026-13-01'],
    ['day 0', '2026-01-00'],
    ['a time with it', '2026-01-01T00:00:00Z'],
    ['one digit for the month', '2026-1-01'],
    ['another order', '01.02.2026'],
    ['a blank before it', ' 2026-01-01'],
    ['a line break behind it', '2026-01-01\n'],
    ['other digits', '２０２６-01-01'],
    ['an empty text', ''],
    ['null', null],
    ['a number', 20260101],
  ])('refuses %s from a client', (_, value) => {
    expect(complaint(day.body, value)).toBe(MESSAGE)
  })

  it('refuses in an item what the column can not hold, by name', () => {
    expect(complaint(day.image, '2026-02-30')).toBe(MESSAGE)
    expect(complaint(day.body, undefined)).toBe('is required')
  })

  it('takes every day that there is', async () => {
    const [min, max] = [new Date('1000-01-01T00:00:00Z'), new Date('9999-12-31T00:00:00Z')]
    await fc.assert(
      fc.property(fc.date({ min, max, noInvalidDate: true }), (moment) => {
        expect(complaint(day.body, moment.toISOString().slice(0, 10))).toBeUndefined()
      }),
      { seed: 42 },
    )
  })
})
