import { fc } from '@fast-check/jest'
import { describe, expect, it } from '@jest/globals'
import { decimal } from '../../../../../functions/bridge/model/attributes/decimal.ts'
import { DecimalText } from '../../../../../functions/bridge/model/values.ts'
import { complaint } from '../../../fixtures/complaint.ts'

const number = (text: string) => new DecimalText(text)
const price = decimal({ column: 'price', precision: 6, scale: 2 })
const wide = decimal({ column: 'wide', precision: 65, scale: 30 })
const LIMIT = 'must not have more than 4 digits before the point and 2 behind it'

describe('a decimal attribute', () => {
  it.each<[string, string, string, string]>([
    ['of full width', '9999.99', '9999.99', '9999.99'],
    ['below zero', '-9999.99', '-9999.99', '-9999.99'],
    ['without a fraction', '12', '12', '12.00'],
    ['with needless zeros', '12.5000', '12.5', '12.50'],
    ['that is negative zero', '-0', '0', '0.00'],
    ['that is negative zero with a fraction', '-0.00', '0', '0.00'],
    ['in exponent form', '1E+3', '1000', '1000.00'],
    ['in small exponent form', '1.5e-1', '0.15', '0.15'],
    ['that is zero with an exponent', '0e9', '0', '0.00'],
  ])('takes a number %s: from JSON, from text, from an item', (_, text, kept, shown) => {
    for (const value of [
      price.body.parse(number(text)),
      price.body.parse(text),
      price.image.parse(number(text)),
    ]) {
      expect(price.toSql(value)).toBe(kept)
      expect(price.toItem(value)).toEqual({ N: kept })
      expect(price.toJson(value)).toBe(shown)
    }
  })

  it.each<[string, unknown, string]>([
    ['nothing', undefined, 'is required'],
    ['null', null, 'must be a number'],
    ['a boolean', true, 'must be a number'],
    ['a word', 'ten', 'must be a number'],
    ['an empty text', '', 'must be a number'],
    ['a text with a blank', ' 1', 'must be a number'],
    ['a hexadecimal number', '0x10', 'must be a number'],
    ['a sign alone', '-', 'must be a number'],
    ['a plus sign', '+1', 'must be a number'],
    ['a leading zero', '01', 'must be a number'],
    ['a point without digits behind it', '1.', 'must be a number'],
    ['not a number', 'NaN', 'must be a number'],
    ['a fraction longer than the scale, which MySQL would round', '1.005', LIMIT],
    ['one digit too many before the point', '10000', LIMIT],
    ['too large by its exponent', '1E+4', LIMIT],
    ['an exponent beyond every store', '1e999', LIMIT],
    ['an exponent beyond every store, of zero', '0e999', LIMIT],
    ['more digits than DynamoDB keeps', `1${'0'.repeat(37)}.5`, 'must not have more than 38 digits'],
  ])('refuses %s from a client, and says one thing', (_, value, message) => {
    expect(complaint(price.body, value)).toBe(message)
  })

  it('takes from a client what DynamoDB keeps, up to the last digit', () => {
    expect(complaint(wide.body, `0.${'0'.repeat(29)}1`)).toBeUndefined()
    expect(complaint(wide.body, `${'9'.repeat(35)}.999`)).toBeUndefined()
    expect(complaint(wide.body, `${'9'.repeat(35)}.9999`)).toBe('must not have more than 38 digits')
  })

  it('refuses an exponent beyond every store also where the column is wide', () => {
    const message = 'must not have more than 35 digits before the point and 30 behind it'

    expect(complaint(wide.body, '1e999')).toBe(message)
    expect(complaint(wide.image, number('1E+201'))).toBe(message)
  })

  it.each<[string, unknown, string]>([
    ['a text', '1', 'must be a number'],
    ['a set', new Set([number('1')]), 'must be a number'],
    ['38 digits', number('9'.repeat(38)), LIMIT],
    ['a fraction longer than the scale', number('0.001'), LIMIT],
    ['an exponent beyond every store', number('1e999'), LIMIT],
  ])('refuses %s in an item, by name', (_, value, message) => {
    expect(complaint(price.image, value)).toBe(message)
  })

  it('has no point where the scale is 0', () => {
    const whole = decimal({ column: 'n', precision: 38, scale: 0 })

    expect(whole.toJson(number('9'.repeat(38)))).toBe('9'.repeat(38))
    expect(complaint(whole.body, '0.1')).toBe('must be a whole number of at most 38 digits')
  })

  it('reads a column that is wider than any number of it, so that MySQL sees what is too long', () => {
    const widest = [
      decimal({ column: 'n', precision: 6, scale: 2 }),
      decimal({ column: 'n', precision: 5, scale: 5 }),
    ].map(({ jsonTableType }) => jsonTableType)

    expect(widest).toEqual(['VARCHAR(9) CHARACTER SET ascii', 'VARCHAR(8) CHARACTER SET ascii'])
    expect('-0.12345'.length).toBe(8)
  })

  it('keeps each amount as it is, whatever its digits and its form', async () => {
    const scaled = fc.bigInt({ min: -999_999n, max: 999_999n })
    await fc.assert(
      fc.property(scaled, fc.nat({ max: 20 }), (amount, zeros) => {
        const value = price.body.parse(number(`${amount * 10n ** BigInt(zeros)}E-${2 + zeros}`))

        const shown = String(price.toJson(value))
        expect(BigInt(shown.replace('.', ''))).toBe(amount)
        expect(price.toSql(price.fromSql(shown))).toBe(price.toSql(value))
        expect(price.toSql(price.body.parse(shown))).toBe(price.toSql(value))
      }),
      { seed: 42 },
    )
  })

  it.each<[unknown, string | null]>([
    ['12.50', '12.5'],
    [12, '12'],
    [12n, '12'],
    ['-0.00', '0'],
    [null, null],
    [undefined, null],
  ])('reads a column’s %p', (column, text) => {
    const value = price.fromSql(column)

    expect(value instanceof DecimalText ? value.text : value).toBe(text)
  })
})
