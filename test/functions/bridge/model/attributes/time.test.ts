import { describe, expect, it } from '@jest/globals'
import { time } from '../../../../../functions/bridge/model/attributes/time.ts'
import { UnreadableValueError } from '../../../../../functions/bridge/model/errors.ts'
import { complaint } from '../../../fixtures/complaint.ts'

const took = time({ column: 'took' })
const exact = time({ column: 'took', precision: 2 })
const FORM = 'must be a time, as hh:mm:ss'
const RANGE = 'must be from -838:59:59 to 838:59:59'

describe('a time', () => {
  it.each<[string, string]>([
    ['10:00:00', '10:00:00'],
    ['010:00:00', '10:00:00'],
    ['-00:00:00', '00:00:00'],
    ['-00:00:01', '-00:00:01'],
    ['838:59:59', '838:59:59'],
    ['-838:59:59.000', '-838:59:59'],
    ['100:00:00', '100:00:00'],
  ])('is one text in every place: %s', (sent, kept) => {
    for (const schema of [took.body, took.image]) {
      const value = schema.parse(sent)
      expect(value).toBe(kept)
      expect(took.toSql(value)).toBe(kept)
      expect(took.fromSql(kept)).toBe(kept)
      expect(took.toItem(value)).toEqual({ S: kept })
      expect(took.toJson(value)).toBe(kept)
    }
  })

  it('has all the digits of its column, and a sign for the least', () => {
    expect(exact.body.parse('-0:00:00.01'.replace('-0', '-00'))).toBe('-00:00:00.01')
    expect(exact.body.parse('-00:00:00.00')).toBe('00:00:00.00')
    expect(complaint(exact.body, '10:00:00.001')).toBe(
      "must not have more than 2 digits of a second's fraction",
    )
    expect(complaint(exact.body, '838:59:59.01')).toBe(RANGE)
  })

  it.each<[string, unknown, string]>([
    ['a fraction, which engines round or cut', '10:00:00.7', 'must not have a fraction of a second'],
    ['more than the longest', '839:00:00', RANGE],
    ['less than the shortest', '-839:00:00', RANGE],
    ['no seconds, which MySQL takes for hours and minutes', '10:00', FORM],
    ['minute 60', '10:60:00', FORM],
    ['one digit of hours', '1:00:00', FORM],
    ['a day before it', '1 10:00:00', FORM],
    ['a plus', '+10:00:00', FORM],
    ['a number', 100000, FORM],
  ])('refuses %s, from a client and in an item', (_, value, message) => {
    expect(complaint(took.body, value)).toBe(message)
    expect(complaint(took.image, value)).toBe(message)
  })

  it.each(['839:00:00', '10:00:00.7', 'ten', 5])('does not read a column’s %p', (column) => {
    expect(() => took.fromSql(column)).toThrow(UnreadableValueError)
  })
})
