import { describe, expect, it } from '@jest/globals'
import { faultOfKey, legacyIdOf } from '../../../../functions/bridge/model/key.ts'

describe('the id of a legacy-born row', () => {
  it.each<[string, bigint]>([
    ['1', 1n],
    ['42', 42n],
    ['9007199254740993', 9007199254740993n],
    ['9223372036854775807', 9223372036854775807n],
  ])('is the key %s', (key, id) => {
    expect(legacyIdOf(key)).toBe(id)
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
  })
})

describe('a key', () => {
  it.each([
    '01990000-0000-7000-8000-000000000001',
    '7',
    'abc',
    ' x',
    'Ключ 👩',
    'x'.repeat(255),
    '👩'.repeat(255),
  ])('can be %j', (key) => {
    expect(faultOfKey(key)).toBeUndefined()
  })

  it.each([
    ['', 'is empty'],
    ['x'.repeat(256), 'is longer than 255 characters'],
    ['x ', 'ends with a blank'],
    ['\ud83d', 'is not well-formed Unicode'],
  ])('can not be %j', (key, fault) => {
    expect(faultOfKey(key)).toBe(fault)
  })

  it('of our own making is no legacy id', () => {
    expect(legacyIdOf('01990000-0000-7000-8000-000000000001')).toBeUndefined()
  })
})
