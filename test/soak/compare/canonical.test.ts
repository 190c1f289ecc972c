import { describe, expect, it } from '@jest/globals'
import { canonicalAttribute, canonicalJson, canonicalNumber } from './canonical.ts'

describe('the form in which the soak compares values', () => {
  it.each([
    ['12.50', '12.5'],
    ['-0.001', '-0.001'],
    ['-0', '0'],
    ['0.000', '0'],
    ['+7', '7'],
    ['007', '7'],
    ['1.5e3', '1500'],
    ['15e-4', '0.0015'],
    ['1E+20', '100000000000000000000'],
    ['12345678901234567890123456789012345678', '12345678901234567890123456789012345678'],
    ['.5', '0.5'],
  ])('of the number %s is %s', (text, canonical) => {
    expect(canonicalNumber(text)).toBe(canonical)
  })

  it('tells numbers apart that a double can not', () => {
    expect(canonicalJson('9007199254740993')).not.toBe(canonicalJson('9007199254740992'))
  })

  it('does not depend on the order of members, and on that of a list it does', () => {
    expect(canonicalJson('{"a":1,"b":[1,2]}')).toBe(canonicalJson('{ "b": [1.0, 2], "a": 1e0 }'))
    expect(canonicalJson('[1,2]')).not.toBe(canonicalJson('[2,1]'))
  })

  it('tells a number from a text with its digits, and null from nothing', () => {
    expect(canonicalJson('1')).not.toBe(canonicalJson('"1"'))
    expect(canonicalJson('{"a":null}')).not.toBe(canonicalJson('{}'))
  })

  it('is the same for a DynamoDB attribute and for the document that it stands for', () => {
    const attribute = {
      M: { a: { N: '1.50' }, b: { L: [{ NULL: true }, { BOOL: false }, { S: 'é\u0000' }] }, c: { M: {} } },
    }
    expect(canonicalAttribute(attribute)).toBe(canonicalJson('{"c":{},"b":[null,false,"é\\u0000"],"a":1.5}'))
    expect(canonicalAttribute({ SS: ['a'] })).not.toBe(canonicalJson('["a"]'))
  })
})
