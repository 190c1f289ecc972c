import { describe, expect, it } from '@jest/globals'
import { char } from '../../../../../functions/bridge/model/attributes/char.ts'
import { complaint } from '../../../fixtures/complaint.ts'

const code = char({ column: 'code', length: 3 })

describe('a text over a CHAR column', () => {
  it.each<[string, string, string]>([
    ['has no blanks at its end', 'ab  ', 'ab'],
    ['may be filled up beyond its length', 'abc   ', 'abc'],
    ['keeps those before and within', ' a b', ' a b'],
    ['keeps what is no blank', 'a\t', 'a\t'],
    ['counts as MySQL counts', '👩👩👩', '👩👩👩'],
  ])('%s', (_, sent, kept) => {
    const wide = char({ column: 'code', length: 4 })
    for (const schema of [wide.body, wide.image]) expect(schema.parse(sent)).toBe(kept)
    expect(wide.fromSql(sent)).toBe(kept)
  })

  it.each<[string, unknown, string]>([
    ['one character too many', 'abcd', 'must not be longer than 3 characters'],
    ['blanks alone', '  ', 'must not be empty'],
    ['a number', 7, 'must be a string'],
    ['half a character', '\ud83d', 'must be well-formed Unicode'],
  ])('is not %s from a client', (_, value, message) => {
    expect(complaint(code.body, value)).toBe(message)
  })

  it('may be empty in an item, and from a client where its definition says so', () => {
    expect(code.image.parse('  ')).toBe('')
    expect(char({ column: 'code', length: 3, minLength: 0 }).body.parse(' ')).toBe('')
  })
})
