import { describe, expect, it } from '@jest/globals'
import { oneOf } from '../../../../../functions/bridge/model/attributes/one-of.ts'
import { UnreadableValueError } from '../../../../../functions/bridge/model/errors.ts'
import { complaint } from '../../../fixtures/complaint.ts'

const level = oneOf({ column: 'level', values: ['low', 'High', 'größte 🏔'] })
const MESSAGE = 'must be one of low, High, größte 🏔'

describe('an attribute of a few words', () => {
  it.each(['low', 'High', 'größte 🏔'])('keeps %s', (value) => {
    expect(level.body.parse(value)).toBe(value)
    expect(level.image.parse(value)).toBe(value)
    expect(level.toSql(value)).toBe(value)
    expect(level.fromSql(value)).toBe(value)
    expect(level.toItem(value)).toEqual({ S: value })
    expect(level.toJson(value)).toBe(value)
  })

  it.each<[string, unknown]>([
    ['another case, which MySQL would take for the same', 'LOW'],
    ['a blank behind it, which MySQL would not see', 'low '],
    ['no accent', 'grosste 🏔'],
    ['another word', 'middle'],
    ['a number of the list, which MySQL would take for a place in it', '1'],
    ['an empty text', ''],
    ['a name of Object.prototype', 'toString'],
    ['null', null],
    ['a list', ['low']],
  ])('refuses %s, from a client and in an item', (_, value) => {
    expect(complaint(level.body, value)).toBe(MESSAGE)
    if (value !== null) expect(complaint(level.image, value)).toBe(MESSAGE)
  })

  it('says that it is required when a client leaves it out', () => {
    expect(complaint(level.body, undefined)).toBe('is required')
  })

  it('reads a column wider than its longest word', () => {
    expect(level.jsonTableType).toBe('VARCHAR(10) CHARACTER SET utf8mb4')
  })
})

describe('words with an empty one among them', () => {
  const some = oneOf({ column: 'level', values: ['', 'low'] })

  it('keep it, and tell it from the error value of the column', () => {
    expect([some.body.parse(''), some.image.parse(''), some.toSql(''), some.fromSql('')]).toEqual([
      '',
      '',
      '',
      '',
    ])
    expect(() => some.fromSql('\u0000')).toThrow(UnreadableValueError)
  })

  it.each<[string, [string, ...string[]]]>([
    ['a blank at its end, which MySQL cuts', ['low ']],
    ['a twin', ['low', 'low']],
  ])('are none with %s', (_, values) => {
    expect(() => oneOf({ column: 'level', values })).toThrow(TypeError)
  })
})
