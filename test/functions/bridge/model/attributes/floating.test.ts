import { fc } from '@fast-check/jest'
import { describe, expect, it } from '@jest/globals'
import { double } from '../../../../../functions/bridge/model/attributes/double.ts'
import { float } from '../../../../../functions/bridge/model/attributes/float.ts'
import { UnreadableValueError } from '../../../../../functions/bridge/model/errors.ts'
import { DecimalText } from '../../../../../functions/bridge/model/values.ts'
import { complaint } from '../../../fixtures/complaint.ts'

const ratio = double({ column: 'ratio' })
const share = float({ column: 'share' })
const number = (text: string) => new DecimalText(text)

describe('a DOUBLE', () => {
  it.each<[string, string]>([
    ['0.1', '0.1'],
    ['1.10', '1.1'],
    ['-0', '0'],
    ['0e5', '0'],
    ['100000000000000000000000', '1e+23'],
    ['0.30000000000000004', '0.30000000000000004'],
    ['5e-324', '5e-324'],
    ['-2.2250738585072014E-308', '-2.2250738585072014e-308'],
    ['1.7976931348623157e308', '1.7976931348623157e+308'],
    ['9007199254740992', '9007199254740992'],
  ])('is the shortest text of its number: %s', (sent, kept) => {
    for (const value of [
      ratio.body.parse(sent),
      ratio.body.parse(number(sent)),
      ratio.image.parse(number(sent)),
      ratio.image.parse(sent),
    ]) {
      expect(value).toBe(kept)
      expect(ratio.fromSql(ratio.toSql(value))).toBe(kept)
      expect(ratio.toJson(value)).toBe(kept)
    }
  })

  it('is a number in an item, and a text where the range of those ends', () => {
    expect(ratio.toItem('0.1')).toEqual({ N: '0.1' })
    expect(ratio.toItem('0')).toEqual({ N: '0' })
    expect(ratio.toItem('1e-130')).toEqual({ N: '1e-130' })
    expect(ratio.toItem('9e-131')).toEqual({ S: '9e-131' })
    expect(ratio.toItem('1e+126')).toEqual({ S: '1e+126' })
    expect(ratio.toItem('-1e+126')).toEqual({ S: '-1e+126' })
  })

  const ROUNDS = 'must be a number that a DOUBLE holds without rounding'

  it.each<[string, unknown, string]>([
    ['a whole number between two of its own', '9007199254740993', ROUNDS],
    ['more digits than it has', '0.12345678901234567890', ROUNDS],
    ['more than its largest', '1.8e308', ROUNDS],
    ['less than its smallest', '1e-400', ROUNDS],
    ['a word', 'many', 'must be a number'],
    ['infinity', 'Infinity', 'must be a number'],
    ['no number', 'NaN', 'must be a number'],
    ['an empty text', '', 'must be a number'],
    ['a boolean', true, 'must be a number'],
  ])('is not %s, from a client and in an item', (_, value, message) => {
    expect(complaint(ratio.body, value)).toBe(message)
    expect(complaint(ratio.image, value)).toBe(message)
  })

  it.each<[unknown]>([['many'], [true], [''], ['1e999']])('is not read from %p', (column) => {
    expect(() => ratio.fromSql(column)).toThrow(UnreadableValueError)
  })

  it('is what it was, whatever it is', async () => {
    await fc.assert(
      fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (value) => {
        const kept = ratio.body.parse(number(JSON.stringify(value)))

        expect(Number(ratio.toSql(kept))).toBe(value + 0)
        expect(ratio.body.parse(String(ratio.toJson(kept)))).toBe(kept)
      }),
      { seed: 42 },
    )
  })

  it.each<[string, boolean]>([
    ['99999999.99', true],
    ['-99999999.99', true],
    ['0.01', true],
    ['100', true],
    ['0', true],
    ['0.001', false],
    ['100000000', false],
    ['1e+8', false],
  ])('of fixed digits takes what it does not round: %s, %p', (value, taken) => {
    const price = double({ column: 'price', digits: { precision: 10, scale: 2 } })
    const rounds = 'must be a number that a DOUBLE(10, 2) holds without rounding'

    expect(complaint(price.body, value)).toBe(taken ? undefined : rounds)
    expect(complaint(price.image, number(value))).toBe(taken ? undefined : rounds)
    expect(price.fromSql('0.10')).toBe('0.1')
  })

  it('may have a default', () => {
    expect(double({ column: 'ratio', optional: true, whenAbsent: 0.5 }).body.parse(null)).toBe('0.5')
  })
})

describe('a FLOAT', () => {
  it.each<[string, string, string]>([
    ['0.1', '0.1', '0.10000000149011612'],
    ['0.10000000149011612', '0.1', '0.10000000149011612'],
    ['16777216', '16777216', '16777216'],
    ['3.4028235e38', '3.4028235e+38', '3.4028234663852886e+38'],
    ['1e-45', '1e-45', '1.401298464324817e-45'],
    ['-0', '0', '0'],
  ])('is the shortest text of its number, and all of its digits to SQL: %s', (sent, kept, digits) => {
    for (const value of [share.body.parse(sent), share.image.parse(number(sent))]) {
      expect(value).toBe(kept)
      expect(share.toSql(value)).toBe(digits)
      expect(share.fromSql(digits)).toBe(kept)
    }
  })

  it.each<[string, string]>([
    ['a whole number between two of its own', '16777217'],
    ['more digits than it has', '0.123456789'],
    ['more than its largest', '3.5e38'],
    ['less than its smallest', '1e-60'],
  ])('is not %s', (_, value) => {
    const message = 'must be a number that a FLOAT holds without rounding'
    expect(complaint(share.body, value)).toBe(message)
    expect(complaint(share.image, number(value))).toBe(message)
  })

  it('is what it was, whatever it is', async () => {
    await fc.assert(
      fc.property(fc.float({ noNaN: true, noDefaultInfinity: true }), (value) => {
        const kept = share.body.parse(number(JSON.stringify(value)))

        expect(Number(share.toSql(kept))).toBe(value + 0)
        expect(share.body.parse(String(share.toJson(kept)))).toBe(kept)
      }),
      { seed: 42 },
    )
  })
})
