import { describe, expect, it } from '@jest/globals'
import { integer } from '../../../../../functions/bridge/model/attributes/integer.ts'
import { DecimalText } from '../../../../../functions/bridge/model/values.ts'
import { complaint } from '../../../fixtures/complaint.ts'

const number = (text: string) => new DecimalText(text)
const int = integer({ column: 'n' })
const bigint = integer({ column: 'n', min: -(2n ** 63n), max: 2n ** 64n - 1n })
const servings = integer({ column: 'n', min: 1n, max: 1000n })

describe('a whole number attribute', () => {
  it.each<[string, string, unknown]>([
    ['zero', '0', 0],
    ['negative zero', '-0', 0],
    ['in exponent form', '1E+3', 1000],
    ['with a fraction of zeros', '7.000', 7],
    ['the largest that every JSON parser keeps', '9007199254740991', 9007199254740991],
    ['one beyond it, as text', '9007199254740993', '9007199254740993'],
    ['the largest of 64 bits, as text', '18446744073709551615', '18446744073709551615'],
    ['the smallest of 64 bits, as text', '-9223372036854775808', '-9223372036854775808'],
  ])('is shown with every digit: %s', (_, text, shown) => {
    for (const value of [
      bigint.body.parse(number(text)),
      bigint.body.parse(text),
      bigint.image.parse(number(text)),
    ]) {
      expect(bigint.toJson(value)).toBe(shown)
      expect(bigint.toSql(value)).toBe(String(shown))
      expect(bigint.toItem(value)).toEqual({ N: String(shown) })
      expect(bigint.fromSql(BigInt(String(shown)))).toEqual(number(String(shown)))
    }
  })

  const RANGE = 'must be a whole number from 1 to 1000'

  it.each<[string, unknown, string]>([
    ['nothing', undefined, 'is required'],
    ['null', null, 'must be a number'],
    ['a word', 'ten', 'must be a number'],
    ['a fraction', '1.5', RANGE],
    ['less than the smallest', '0', RANGE],
    ['more than the largest', '1001', RANGE],
    ['a number of 30 digits', '9'.repeat(30), RANGE],
    ['an exponent beyond every store', '1e999', RANGE],
  ])('refuses %s, and says one thing', (_, value, message) => {
    expect(complaint(servings.body, value)).toBe(message)
  })

  it.each<[string, unknown, string]>([
    ['a text', '1', 'must be a number'],
    ['a fraction', number('0.5'), RANGE],
    ['38 digits', number('9'.repeat(38)), RANGE],
  ])('refuses %s in an item, by name', (_, value, message) => {
    expect(complaint(servings.image, value)).toBe(message)
  })

  it('has the range of INT unless it is told another', () => {
    expect([complaint(int.body, '2147483647'), complaint(int.body, '-2147483648')]).toEqual([
      undefined,
      undefined,
    ])
    expect(complaint(int.body, '2147483648')).toBe('must be a whole number from -2147483648 to 2147483647')
    expect(complaint(int.body, '-2147483649')).toBe('must be a whole number from -2147483648 to 2147483647')
  })
})
