import { describe, expect, it } from '@jest/globals'
import { datetime } from '../../../../../functions/bridge/model/attributes/datetime.ts'
import { UnreadableValueError } from '../../../../../functions/bridge/model/errors.ts'
import { complaint } from '../../../fixtures/complaint.ts'

const at = datetime({ column: 'at' })
const exact = datetime({ column: 'at', precision: 6 })
const FORM = 'must be a date and time without a zone, as YYYY-MM-DDThh:mm:ss'

describe('a local date and time', () => {
  it.each<[string, string]>([
    ['2026-11-22T10:00:00', '2026-11-22T10:00:00'],
    ['2026-11-22T10:00:00.000', '2026-11-22T10:00:00'],
    ['1000-01-01T00:00:00', '1000-01-01T00:00:00'],
    ['9999-12-31T23:59:59', '9999-12-31T23:59:59'],
  ])('is one text in every place, and moved by no zone: %s', (sent, kept) => {
    for (const schema of [at.body, at.image]) {
      const value = schema.parse(sent)
      expect(value).toBe(kept)
      expect(at.toSql(value)).toBe(kept.replace('T', ' '))
      expect(at.fromSql(at.toSql(value))).toBe(kept)
      expect(at.toItem(value)).toEqual({ S: kept })
      expect(at.toJson(value)).toBe(kept)
    }
  })

  it('has all the digits of its column', () => {
    expect(exact.body.parse('2026-11-22T10:00:00.7')).toBe('2026-11-22T10:00:00.700000')
    expect(exact.fromSql('2026-11-22 10:00:00.700000')).toBe('2026-11-22T10:00:00.700000')
    expect(complaint(exact.body, '2026-11-22T10:00:00.0000001')).toBe(
      "must not have more than 6 digits of a second's fraction",
    )
  })

  it.each<[string, unknown, string]>([
    ['a fraction', '2026-11-22T10:00:00.7', 'must not have a fraction of a second'],
    ['a zone', '2026-11-22T10:00:00Z', FORM],
    ['an offset', '2026-11-22T10:00:00+01:00', FORM],
    ['the zero value', '0000-00-00T00:00:00', FORM],
    ['a day that there is not', '2026-02-30T10:00:00', FORM],
    ['hour 24', '2026-11-22T24:00:00', FORM],
    ['no seconds', '2026-11-22T10:00', FORM],
    ['MySQL’s own form', '2026-11-22 10:00:00', FORM],
    ['a date', '2026-11-22', FORM],
    ['a number', 20261122100000, FORM],
  ])('refuses %s, from a client and in an item', (_, value, message) => {
    expect(complaint(at.body, value)).toBe(message)
    expect(complaint(at.image, value)).toBe(message)
  })

  it.each(['0000-00-00 00:00:00', '2024-00-10 00:00:00', '2026-11-22 10:00:00.7', '2026-11-22', 5])(
    'does not read a column’s %p',
    (column) => {
      expect(() => at.fromSql(column)).toThrow(UnreadableValueError)
    },
  )
})
