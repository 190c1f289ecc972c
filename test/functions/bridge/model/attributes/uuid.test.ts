import { describe, expect, it } from '@jest/globals'
import { type UuidColumn, uuid } from '../../../../../functions/bridge/model/attributes/uuid.ts'
import { UnreadableValueError } from '../../../../../functions/bridge/model/errors.ts'
import { complaint } from '../../../fixtures/complaint.ts'

const ID = '6ccd780c-baba-1026-9564-5b8c656024db'
const FORM = 'must be a UUID, as 01990000-0000-7000-8000-000000000001'

describe('a UUID', () => {
  it.each<[UuidColumn, string]>([
    ['binary', '6ccd780cbaba102695645b8c656024db'],
    // As the manual of MySQL shows it for UUID_TO_BIN(…, 1).
    ['swapped', '1026baba6ccd780c95645b8c656024db'],
    ['text', ID],
  ])('is the same text in every place, kept as %s', (kept, column) => {
    const id = uuid({ column: 'id', kept })
    for (const value of [id.body.parse(ID), id.image.parse(ID), id.body.parse(ID.toUpperCase())]) {
      expect(value).toBe(ID)
      expect(id.toSql(value)).toBe(column)
      expect(id.fromSql(column)).toBe(ID)
      expect(id.toItem(value)).toEqual({ S: ID })
      expect(id.toJson(value)).toBe(ID)
    }
  })

  it.each<[string, unknown]>([
    ['no dashes', ID.replaceAll('-', '')],
    ['braces', `{${ID}}`],
    ['a digit more', `${ID}0`],
    ['a letter that is no digit', ID.replace('c', 'g')],
    ['a number', 7],
    ['an empty text', ''],
  ])('is refused with %s', (_, value) => {
    const id = uuid({ column: 'id' })
    expect(complaint(id.body, value)).toBe(FORM)
    expect(complaint(id.image, value)).toBe(FORM)
  })

  it.each<[UuidColumn, unknown]>([
    ['text', ID.toUpperCase()],
    ['text', ''],
    ['binary', '6ccd'],
    ['swapped', new Uint8Array(16)],
  ])('kept as %s is not read from %p', (kept, column) => {
    expect(() => uuid({ column: 'id', kept }).fromSql(column)).toThrow(UnreadableValueError)
  })
})
