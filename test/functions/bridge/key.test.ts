import { describe, expect, it } from '@jest/globals'
import { isKey, legacyIdOf } from '../../../functions/bridge/key.ts'

describe('the id of a legacy-born row', () => {
  it.each<[string, bigint]>([
    ['1', 1n],
    ['42', 42n],
    ['9007199254740993', 9007199254740993n],
    ['9223372036854775807', 9223372036854775807n],
  ])('is the key %s', (key, id) => {
    expect(legacyIdOf(key)).toBe(id)
    expect(isKey(key)).toBe(true)
  })

  it.each([
    '0',
    '-1',
    '+1',
    '01',
    '1.0',
    '1e3',
    ' 1',
    '1 ',
    '1\n',
    '',
    '9223372036854775808',
    '99999999999999999999',
    '١',
    'abc',
  ])('is not %j', (key) => {
    expect(legacyIdOf(key)).toBeUndefined()
    expect(isKey(key)).toBe(false)
  })
})

describe('a key of our own', () => {
  it('is a UUID in lower case', () => {
    expect(isKey('01990000-0000-7000-8000-000000000001')).toBe(true)
    expect(legacyIdOf('01990000-0000-7000-8000-000000000001')).toBeUndefined()
  })

  it.each([
    ['upper case', '01990000-0000-7000-8000-00000000000A'],
    ['braces', '{01990000-0000-7000-8000-000000000001}'],
    ['no dashes', '01990000000070008000000000000001'],
    ['a line feed behind it', '01990000-0000-7000-8000-000000000001\n'],
    ['a digit too many', '01990000-0000-7000-8000-0000000000012'],
  ])('has not %s', (_, key) => {
    expect(isKey(key)).toBe(false)
  })
})
