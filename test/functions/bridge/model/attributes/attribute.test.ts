import { describe, expect, it } from '@jest/globals'
import type { Attribute } from '../../../../../functions/bridge/model/attributes/attribute.ts'
import { binary } from '../../../../../functions/bridge/model/attributes/binary.ts'
import { boolean } from '../../../../../functions/bridge/model/attributes/boolean.ts'
import { date } from '../../../../../functions/bridge/model/attributes/date.ts'
import { decimal } from '../../../../../functions/bridge/model/attributes/decimal.ts'
import { integer } from '../../../../../functions/bridge/model/attributes/integer.ts'
import { json } from '../../../../../functions/bridge/model/attributes/json.ts'
import { oneOf } from '../../../../../functions/bridge/model/attributes/one-of.ts'
import { reference } from '../../../../../functions/bridge/model/attributes/reference.ts'
import { text } from '../../../../../functions/bridge/model/attributes/text.ts'
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
  ['reference', (more) => reference({ column, to, ...more })],
]

describe.each(kinds)('a %s attribute', (_name, kind) => {
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
