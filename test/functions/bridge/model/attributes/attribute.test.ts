import { describe, expect, it } from '@jest/globals'
import type { Attribute } from '../../../../../functions/bridge/model/attributes/attribute.ts'
import { binary, fixedBinary } from '../../../../../functions/bridge/model/attributes/binary.ts'
import { bit } from '../../../../../functions/bridge/model/attributes/bit.ts'
import { boolean } from '../../../../../functions/bridge/model/attributes/boolean.ts'
import { char } from '../../../../../functions/bridge/model/attributes/char.ts'
import { date } from '../../../../../functions/bridge/model/attributes/date.ts'
import { datetime } from '../../../../../functions/bridge/model/attributes/datetime.ts'
import { decimal } from '../../../../../functions/bridge/model/attributes/decimal.ts'
import { double } from '../../../../../functions/bridge/model/attributes/double.ts'
import { float } from '../../../../../functions/bridge/model/attributes/float.ts'
import { integer } from '../../../../../functions/bridge/model/attributes/integer.ts'
import { json } from '../../../../../functions/bridge/model/attributes/json.ts'
import { oneOf } from '../../../../../functions/bridge/model/attributes/one-of.ts'
import { reference } from '../../../../../functions/bridge/model/attributes/reference.ts'
import { setOf } from '../../../../../functions/bridge/model/attributes/set-of.ts'
import { text } from '../../../../../functions/bridge/model/attributes/text.ts'
import { time } from '../../../../../functions/bridge/model/attributes/time.ts'
import { timestamp } from '../../../../../functions/bridge/model/attributes/timestamp.ts'
import { uuid } from '../../../../../functions/bridge/model/attributes/uuid.ts'
import { year } from '../../../../../functions/bridge/model/attributes/year.ts'
import { UnreadableValueError } from '../../../../../functions/bridge/model/errors.ts'
import { canonicalText } from '../../../../../functions/bridge/model/values.ts'
import { complaint } from '../../../fixtures/complaint.ts'

const column = 'c'
const values = ['low', 'high'] as const
const to = { name: 'chef', table: 'cheftable', idColumn: 'id' }

type Kind = (more: { readonly optional?: boolean }) => Attribute
const kinds: [string, Kind][] = [
  ['text', (more) => text({ column, maxLength: 10, ...more })],
  ['decimal', (more) => decimal({ column, precision: 5, scale: 2, ...more })],
  ['integer', (more) => integer({ column, ...more })],
  ['boolean', (more) => boolean({ column, ...more })],
  ['date', (more) => date({ column, ...more })],
  ['oneOf', (more) => oneOf({ column, values, ...more })],
  ['json', (more) => json({ column, ...more })],
  ['binary', (more) => binary({ column, maxBytes: 10, ...more })],
  ['char', (more) => char({ column, length: 10, ...more })],
  ['fixedBinary', (more) => fixedBinary({ column, length: 10, ...more })],
  ['bit', (more) => bit({ column, length: 8, ...more })],
  ['year', (more) => year({ column, ...more })],
  ['double', (more) => double({ column, ...more })],
  ['float', (more) => float({ column, ...more })],
  ['timestamp', (more) => timestamp({ column, ...more })],
  ['datetime', (more) => datetime({ column, ...more })],
  ['time', (more) => time({ column, ...more })],
  ['setOf', (more) => setOf({ column, values, ...more })],
  ['uuid', (more) => uuid({ column, ...more })],
  ['reference', (more) => reference({ column, to, ...more })],
]

describe.each(kinds)('a %s attribute', (name, kind) => {
  it('that a client must send may still be absent or NULL in an item: its column decides', () => {
    const required = kind({})

    expect(complaint(required.body, undefined)).toBe('is required')
    expect(complaint(required.body, null)).toMatch(/^must /)
    expect([required.image.parse(undefined), required.image.parse(null)]).toEqual([null, null])
  })

  it('that is optional is null when it is absent or null, on both sides', () => {
    const optional = kind({ optional: true })

    for (const schema of [optional.body, optional.image])
      expect([schema.parse(undefined), schema.parse(null)]).toEqual([null, null])
  })

  it('holds null as NULL in every place', () => {
    const { toSql, fromSql, toItem, toJson } = kind({})

    expect([toSql(null), fromSql(null), toItem(null), toJson(null)]).toEqual([
      null,
      null,
      { NULL: true },
      null,
    ])
  })

  it('says what it is, and reads nothing that it does not know', () => {
    const { kind: own, fromSql, plain } = kind({})

    expect(own).toBe(name)
    for (const strange of [Symbol('of no kind'), {}, [], () => 1])
      expect(() => fromSql(strange)).toThrow(UnreadableValueError)
    if (plain !== true) expect(() => fromSql(new Uint8Array([1]))).toThrow(UnreadableValueError)
  })

  it('says what is wrong with a value when it is optional, too', () => {
    const optional = kind({ optional: true })
    const wrong = Symbol('of no kind')

    for (const schema of [optional.body, optional.image])
      expect(complaint(schema, wrong)).toMatch(/^must be /)
  })
})

const defaults: [string, Attribute, string][] = [
  ['text', text({ column, maxLength: 10, optional: true, whenAbsent: 'none' }), '"none"'],
  ['decimal', decimal({ column, precision: 5, scale: 2, optional: true, whenAbsent: '1.50' }), '1.5'],
  ['integer', integer({ column, optional: true, whenAbsent: 4n }), '4'],
  ['boolean', boolean({ column, optional: true, whenAbsent: false }), 'false'],
  ['oneOf', oneOf({ column, values, optional: true, whenAbsent: 'low' }), '"low"'],
]

describe.each(defaults)('a %s attribute with a default', (_name, { body, image }, expected) => {
  it('has it when it is absent or null, on both sides', () => {
    for (const schema of [body, image])
      expect([schema.parse(undefined), schema.parse(null)].map(canonicalText)).toEqual([expected, expected])
  })
})

describe('a default', () => {
  it('does not make an attribute optional: a client must still send it', () => {
    const { body, image } = boolean({ column, whenAbsent: true })

    expect(complaint(body, undefined)).toBe('is required')
    expect(image.parse(undefined)).toBe(true)
  })

  it('does not stand in for a value that is empty', () => {
    expect(text({ column, maxLength: 5, whenAbsent: 'x' }).image.parse('')).toBe('')
    expect(boolean({ column, whenAbsent: true }).image.parse(false)).toBe(false)
  })
})
