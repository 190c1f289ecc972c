import { describe, expect, it } from '@jest/globals'
import { boolean } from '../../../../../functions/bridge/model/attributes/boolean.ts'
import { UnreadableValueError } from '../../../../../functions/bridge/model/errors.ts'
import { DecimalText } from '../../../../../functions/bridge/model/values.ts'
import { complaint } from '../../../fixtures/complaint.ts'

const flag = boolean({ column: 'flag' })

describe('a boolean attribute', () => {
  it.each([true, false])('keeps %s apart from null, in every place', (value) => {
    expect(flag.body.parse(value)).toBe(value)
    expect(flag.image.parse(value)).toBe(value)
    expect(flag.toSql(value)).toBe(value ? '1' : '0')
    expect(flag.toItem(value)).toEqual({ BOOL: value })
    expect(flag.toJson(value)).toBe(value)
  })

  it.each<[unknown, boolean | null]>([
    [true, true],
    [false, false],
    ['1', true],
    ['0', false],
    [0, false],
    [0n, false],
    [1n, true],
    [null, null],
    [undefined, null],
  ])('reads a column’s %p as SQL would', (column, value) => {
    expect(flag.fromSql(column)).toBe(value)
  })

  it.each<[unknown]>([['5'], ['-1'], [2], [''], ['\u0001'], [new Uint8Array([1])]])(
    'does not read a column’s %p, which it would write back as 1',
    (column) => {
      expect(() => flag.fromSql(column)).toThrow(UnreadableValueError)
    },
  )

  it.each<[string, unknown, string]>([
    ['nothing', undefined, 'is required'],
    ['null', null, 'must be true or false'],
    ['a word', 'true', 'must be true or false'],
    ['a number', new DecimalText('1'), 'must be true or false'],
  ])('refuses %s', (_, value, message) => {
    expect(complaint(flag.body, value)).toBe(message)
  })

  it('refuses what an item has instead, by name', () => {
    expect(complaint(flag.image, 'true')).toBe('must be true or false')
    expect(complaint(flag.image, new DecimalText('0'))).toBe('must be true or false')
  })
})
