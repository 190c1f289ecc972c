import { describe, expect, it } from '@jest/globals'
import { json } from '../../../../../functions/bridge/model/attributes/json.ts'
import { UnreadableValueError } from '../../../../../functions/bridge/model/errors.ts'
import { parseExactJson } from '../../../../../functions/bridge/model/exact-json.ts'
import { canonicalText, DecimalText, type Value } from '../../../../../functions/bridge/model/values.ts'
import { complaint } from '../../../fixtures/complaint.ts'

const notes = json({ column: 'notes' })
const number = (text: string) => new DecimalText(text)
const nested = (levels: number, inner: Value = 'deep'): Value =>
  Array.from({ length: levels }).reduce<Value>((value, _, at) => (at % 2 ? [value] : { a: value }), inner)

describe('a document attribute', () => {
  it.each<[string, string]>([
    ['a map', '{"a":{"b":[1,null,true,"x"]},"c":{}}'],
    ['a list', '[[],{},""]'],
    ['an empty map', '{}'],
    ['an empty list', '[]'],
    ['an empty text', '""'],
    ['a text that says null', '"null"'],
    ['false', 'false'],
    ['zero', '0'],
    ['a fraction that a double holds', '0.1'],
    ['a whole number of 64 bits', '18446744073709551615'],
    ['the smallest of 64 bits', '-9223372036854775808'],
    ['a whole number beyond 2^53', '9007199254740993'],
    ['names that mean something to JavaScript', '{"toString":{"hasOwnProperty":1},"constructor":2}'],
    ['an empty name', '{"":1}'],
    ['U+0000, quotes and 4-byte text', '{"\\u0000":"\\"\\\\👩🏽‍🍳\\u2028"}'],
  ])('keeps %s as it came', (_, text) => {
    const value = notes.body.parse(parseExactJson(text))

    expect(notes.image.parse(value)).toEqual(value)
    expect(canonicalText(notes.fromSql(notes.toSql(value)))).toBe(canonicalText(value))
    expect(parseExactJson(notes.toSql(value) ?? '')).toEqual(parseExactJson(text))
  })

  it('shows numbers as numbers while a JSON parser keeps them, and as text beyond', () => {
    const shown = notes.toJson({
      small: number('1.50'),
      exact: number('9007199254740992'),
      large: number('9007199254740993'),
      list: [number('18446744073709551615'), null],
    })

    expect(shown).toEqual({
      small: 1.5,
      exact: 9007199254740992,
      large: '9007199254740993',
      list: ['18446744073709551615', null],
    })
  })

  it('takes null for NULL, and keeps a null inside', () => {
    expect(notes.image.parse(null)).toBeNull()
    expect([notes.toSql(null), notes.fromSql(null)]).toEqual([null, null])
    expect(notes.toSql([null])).toBe('[null]')
  })

  it.each<[unknown]>([['null'], ['{"a":'], [''], [7], [true]])(
    'does not read %p, which it could not write back',
    (column) => {
      expect(() => notes.fromSql(column)).toThrow(UnreadableValueError)
    },
  )

  const ROUNDS = 'has a number that JSON columns round'
  const RANGE = 'has a number that is beyond the range of DynamoDB'

  it.each<[string, unknown, string]>([
    ['a number beyond 64 bits', number('18446744073709551617'), ROUNDS],
    ['one below', number('-9223372036854775809'), ROUNDS],
    ['38 digits', number('12345678901234567890123456789012345678'), ROUNDS],
    ['a fraction of more digits than a double has', number('0.12345678901234567890'), ROUNDS],
    ['such a number inside', { a: [number('0.10000000000000000001')] }, ROUNDS],
    ['a number that is too large for DynamoDB', number('1e126'), RANGE],
    ['a number that is too small for DynamoDB', [number('-1e-131')], RANGE],
    ['a number that no double holds', number('1e999'), ROUNDS],
    ['half a character', ['\ud83d'], 'holds text that is not well-formed Unicode'],
    ['half a character in a name', { '\ud83d': '' }, 'holds a name that is not well-formed Unicode'],
    ['32 levels', nested(31, []), 'is nested deeper than 31 levels'],
    ['32 levels, the last a scalar', nested(31), 'is nested deeper than 31 levels'],
  ])('refuses %s by name, from a client and in an item', (_, value, message) => {
    expect(complaint(notes.body, value)).toBe(message)
    expect(complaint(notes.image, value)).toBe(message)
  })

  it.each<[string, Value, string]>([
    ['a set of texts', new Set(['a']), 'holds a set, which JSON columns have no form for'],
    ['a set inside', { tags: [new Set(['a'])] }, 'holds a set, which JSON columns have no form for'],
    ['an empty set inside', { tags: new Set() }, 'holds a set, which JSON columns have no form for'],
    ['binary', new Uint8Array([1]), 'holds binary, which JSON columns have no form for'],
    ['binary inside', [{ a: new Uint8Array([1]) }], 'holds binary, which JSON columns have no form for'],
    ['empty binary inside', { a: new Uint8Array() }, 'holds binary, which JSON columns have no form for'],
  ])('refuses %s in an item, by name: it would become an empty map', (_, value, message) => {
    expect(complaint(notes.image, value)).toBe(message)
  })

  it('takes 31 levels, which with its own are the 32 of DynamoDB', () => {
    expect(complaint(notes.body, nested(30))).toBeUndefined()
  })

  it.each<[string, unknown, string]>([
    ['nothing', undefined, 'is required'],
    ['an instance of another class', { at: new Date(0) }, 'must be JSON'],
    ['a function', { a: () => 1 }, 'must be JSON'],
  ])('refuses %s', (_, value, message) => {
    expect(complaint(notes.body, value)).toBe(message)
  })
})
