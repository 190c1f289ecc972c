import { describe, expect, it } from '@jest/globals'
import { bit } from '../../../../../functions/bridge/model/attributes/bit.ts'
import { UnreadableValueError } from '../../../../../functions/bridge/model/errors.ts'
import { DecimalText } from '../../../../../functions/bridge/model/values.ts'
import { complaint } from '../../../fixtures/complaint.ts'

const number = (text: string) => new DecimalText(text)

describe('bits', () => {
  it.each<[number, string, unknown]>([
    [1, '1', 1],
    [5, '31', 31],
    [64, '18446744073709551615', '18446744073709551615'],
    [64, '0', 0],
  ])('of %d are a whole number: %s', (length, text, shown) => {
    const bits = bit({ column: 'bits', length })
    const value = bits.body.parse(text)

    expect(bits.image.parse(number(text))).toEqual(number(text))
    expect(bits.fromSql(bits.toSql(value))).toEqual(number(text))
    expect(bits.toItem(value)).toEqual({ N: text })
    expect(bits.toJson(value)).toBe(shown)
  })

  it('are no more than the column has', () => {
    const message = 'must be a whole number from 0 to 31'
    const bits = bit({ column: 'bits', length: 5 })

    for (const text of ['32', '-1', '0.5']) {
      expect(complaint(bits.body, text)).toBe(message)
      expect(complaint(bits.image, number(text))).toBe(message)
    }
  })

  it.each<[unknown]>([[true], [new Uint8Array([1])], ['\u0001']])('are not read from %p', (column) => {
    expect(() => bit({ column: 'bits', length: 8 }).fromSql(column)).toThrow(UnreadableValueError)
  })

  it.each([0, 65, 1.5])('are not %d', (length) => {
    expect(() => bit({ column: 'bits', length })).toThrow(TypeError)
  })
})
