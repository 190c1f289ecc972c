import { describe, expect, it } from '@jest/globals'
import { year } from '../../../../../functions/bridge/model/attributes/year.ts'
import { UnreadableValueError } from '../../../../../functions/bridge/model/errors.ts'
import { DecimalText } from '../../../../../functions/bridge/model/values.ts'
import { complaint } from '../../../fixtures/complaint.ts'

const made = year({ column: 'made' })
const number = (text: string) => new DecimalText(text)
const RANGE = 'must be 0 or a year from 1901 to 2155'

describe('a year', () => {
  it.each<[string, string, number]>([
    ['the first', '1901', 1901],
    ['the last', '2155', 2155],
    ['none, which as one digit would be 2000', '0', 0],
  ])('keeps its four digits: %s', (_, text, shown) => {
    const value = made.body.parse(number(text))
    expect(made.image.parse(number(text))).toEqual(value)
    expect(made.toSql(value)).toBe(String(shown).padStart(4, '0'))
    expect(made.toJson(made.fromSql(made.toSql(value)))).toBe(shown)
    expect(made.toItem(value)).toEqual({ N: text })
  })

  it.each(['1900', '2156', '70', '-2000', '2000.5', '1e9'])(
    'refuses %s, from a client and in an item',
    (text) => {
      expect(complaint(made.body, number(text))).toBe(RANGE)
      expect(complaint(made.image, number(text))).toBe(RANGE)
    },
  )

  it.each<[unknown]>([[true], ['year'], ['']])('does not read a column’s %p', (column) => {
    expect(() => made.fromSql(column)).toThrow(UnreadableValueError)
  })
})
