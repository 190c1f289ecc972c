import type { ColumnMetadata, Field } from '@aws-sdk/client-rds-data'
import { describe, expect, it } from '@jest/globals'
import {
  fromField,
  toField,
  toParameter,
  UnsupportedValueError,
} from '../../../../../functions/bridge/drivers/data-api/fields.ts'

describe('a parameter', () => {
  it.each<[string, unknown, Field]>([
    ['null', null, { isNull: true }],
    ['undefined', undefined, { isNull: true }],
    ['text', "Robert'); --", { stringValue: "Robert'); --" }],
    ['an empty text', '', { stringValue: '' }],
    ['true', true, { booleanValue: true }],
    ['false', false, { booleanValue: false }],
    ['an integer', -7, { longValue: -7 }],
    ['zero', 0, { longValue: 0 }],
    ['the largest safe integer', Number.MAX_SAFE_INTEGER, { longValue: 9007199254740991 }],
    ['the smallest safe integer', Number.MIN_SAFE_INTEGER, { longValue: -9007199254740991 }],
    ['a number beyond the safe integers', 2 ** 53, { doubleValue: 9007199254740992 }],
    ['a fraction', 0.1, { doubleValue: 0.1 }],
    ['a huge number', 1e300, { doubleValue: 1e300 }],
    ['minus zero', -0, { doubleValue: -0 }],
    ['a small bigint', 7n, { longValue: 7 }],
    ['a bigint beyond the safe integers', 2n ** 53n, { stringValue: '9007199254740992' }],
    ['the largest BIGINT', 2n ** 63n - 1n, { stringValue: '9223372036854775807' }],
    ['the smallest BIGINT', -(2n ** 63n), { stringValue: '-9223372036854775808' }],
    ['the largest BIGINT UNSIGNED', 2n ** 64n - 1n, { stringValue: '18446744073709551615' }],
    ['bytes', new Uint8Array([0, 255]), { blobValue: new Uint8Array([0, 255]) }],
    ['a buffer', Buffer.from('a'), { blobValue: Buffer.from('a') }],
    ['a date', new Date('2026-11-22T03:00:00.120Z'), { stringValue: '2026-11-22 03:00:00.120' }],
  ])('of %s', (_, value, field) => {
    expect(toField(value)).toEqual(field)
  })

  it.each<[string, unknown, string]>([
    ['NaN', Number.NaN, 'A number that is not finite has no SQL form'],
    ['Infinity', Number.POSITIVE_INFINITY, 'A number that is not finite has no SQL form'],
    ['an invalid date', new Date(Number.NaN), 'A date that is not valid has no SQL form'],
    ['a symbol', Symbol('a'), 'A value of type symbol has no SQL form'],
    ['a function', () => 1, 'A value of type function has no SQL form'],
    ['an object', { a: 1 }, 'A value of type object has no SQL form'],
    ['a list', [1], 'A value of type object has no SQL form'],
  ])('of %s is refused, not turned into NULL', (_, value, message) => {
    expect(() => toField(value)).toThrow(new UnsupportedValueError(message))
  })

  it('has its name without the colon', () => {
    expect(toParameter('p1', 'a')).toEqual({ name: 'p1', value: { stringValue: 'a' } })
  })
})

describe("a result's value", () => {
  const column = (type: number): ColumnMetadata => ({ type, label: 'c' })

  it.each<[string, Field, ColumnMetadata | undefined, unknown]>([
    ['NULL', { isNull: true }, column(-5), null],
    ['BIGINT as text', { stringValue: '9223372036854775807' }, column(-5), 9223372036854775807n],
    ['BIGINT as a number', { longValue: 7 }, column(-5), 7n],
    ['TINYINT', { stringValue: '-7' }, column(-6), -7],
    ['SMALLINT', { stringValue: '7' }, column(5), 7],
    ['INT', { stringValue: '4294967295' }, column(4), 4294967295],
    ['INT as a number', { longValue: 7 }, column(4), 7],
    ['DECIMAL', { stringValue: '1.10' }, column(3), '1.10'],
    ['VARCHAR that looks like a number', { stringValue: '007' }, column(12), '007'],
    ['an empty VARCHAR', { stringValue: '' }, column(12), ''],
    ['text of an unknown column', { stringValue: '7' }, undefined, '7'],
    ['DOUBLE', { doubleValue: 0.1 }, column(8), 0.1],
    ['BOOLEAN', { booleanValue: false }, column(-7), false],
    ['BLOB', { blobValue: new Uint8Array([1]) }, column(-4), new Uint8Array([1])],
    ['an empty BLOB', { blobValue: new Uint8Array() }, column(-4), new Uint8Array()],
  ])('of %s', (_, field, of, value) => {
    expect(fromField(field, of)).toEqual(value)
  })

  it.each<[string, Field]>([
    ['a list', { arrayValue: { longValues: [1] } }],
    ['a kind that a later service invents', { $unknown: ['dateValue', '2026-11-22'] }],
  ])('of %s is refused by the name of its column', (_, field) => {
    expect(() => fromField(field, column(12))).toThrow('Column c has a kind of value that is not known')
  })
})
