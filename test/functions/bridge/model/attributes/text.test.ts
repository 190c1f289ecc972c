import { describe, expect, it } from '@jest/globals'
import type { Charset } from '../../../../../functions/bridge/model/attributes/charsets.ts'
import { text } from '../../../../../functions/bridge/model/attributes/text.ts'
import { DecimalText } from '../../../../../functions/bridge/model/values.ts'

const attribute = text({ column: 'cheffirst', maxLength: 3 })
const complaint = (value: unknown): string | undefined =>
  attribute.body
    .safeParse(value)
    .error?.issues.map(({ message }) => message)
    .join('; ')

describe('a text attribute', () => {
  it.each([
    ['text', 'Bob'],
    ['a blank', ' '],
    ['as many characters as the column holds, counted as MySQL counts', '👩👩👩'],
    ['a combining character', 'e\u0301'],
    ['NUL', '\u0000'],
  ])('takes %s from a client, and keeps it', (_, value) => {
    expect(attribute.body.parse(value)).toBe(value)
    expect(attribute.toSql(value)).toBe(value)
    expect(attribute.fromSql(value)).toBe(value)
    expect(attribute.toItem(value)).toEqual({ S: value })
  })

  it.each<[string, unknown, string]>([
    ['nothing', undefined, 'is required'],
    ['null', null, 'must be a string'],
    ['a number', 1, 'must be a string'],
    ['a list', ['a'], 'must be a string'],
    ['an empty text', '', 'must not be empty'],
    ['one character too many', 'Bobb', 'must not be longer than 3 characters'],
    ['one emoji too many', '👩👩👩👩', 'must not be longer than 3 characters'],
    ['half a character', '\ud83d', 'must be well-formed Unicode'],
  ])('refuses %s from a client', (_, value, message) => {
    expect(complaint(value)).toBe(message)
  })

  it.each<[string, unknown, string | null]>([
    ['an empty text', '', ''],
    ['null', null, null],
    ['an absent attribute', undefined, null],
  ])('takes %s from an item, because the column holds it', (_, value, taken) => {
    expect(attribute.image.parse(value)).toBe(taken)
  })

  it.each<[string, unknown]>([
    ['a number', new DecimalText('1')],
    ['a boolean', true],
    ['a text that is too long', 'Bobb'],
    ['half a character', '\udc00'],
  ])('refuses %s in an item', (_, value) => {
    expect(attribute.image.safeParse(value).success).toBe(false)
  })

  it('holds null as NULL in both stores', () => {
    expect(attribute.toSql(null)).toBeNull()
    expect(attribute.fromSql(null)).toBeNull()
    expect(attribute.toItem(null)).toEqual({ NULL: true })
  })

  it('reads a column one character wider than it is, so that the INSERT sees what is too long', () => {
    expect(attribute.jsonTableType).toBe('VARCHAR(4) CHARACTER SET utf8mb4')
  })
})

describe('a text of a column that may be empty, or must not be short', () => {
  it('may be empty where its definition says so, so that what was read can be sent', () => {
    expect(text({ column: 'c', maxLength: 3, minLength: 0 }).body.parse('')).toBe('')
  })

  it('has as many characters as are asked for, from a client only', () => {
    const { body, image } = text({ column: 'c', maxLength: 3, minLength: 2 })

    expect(body.safeParse('👩').error?.issues[0]?.message).toBe('must have at least 2 characters')
    expect([body.parse('👩👩'), image.parse('a')]).toEqual(['👩👩', 'a'])
  })

  it('has no more bytes than its column, in the character set of that', () => {
    const tiny = { column: 'c', maxLength: 255, maxBytes: 255 }
    for (const schema of [text(tiny).body, text(tiny).image]) {
      expect(schema.parse(`${'é'.repeat(127)}x`)).toHaveLength(128)
      expect(schema.safeParse('é'.repeat(128)).error?.issues[0]?.message).toBe(
        'must not have more than 255 bytes',
      )
    }
    expect(text({ ...tiny, charset: 'latin1' }).body.parse('é'.repeat(255))).toHaveLength(255)
  })

  it.each([-1, 4, 0.5])('has no minLength of %d', (minLength) => {
    expect(() => text({ column: 'c', maxLength: 3, minLength })).toThrow(TypeError)
  })
})

describe('a text of a narrower character set', () => {
  it.each<[Charset, string, string]>([
    ['utf8mb3', '\uffff', '🎬'],
    ['latin1', 'é€™\u0081', 'ā'],
    ['latin1', 'Ÿ', '\u0080'],
    ['ascii', '\u007f', 'é'],
    ['latin2', 'ő', 'õ'],
    ['cp1251', 'Ж€', 'é'],
    ['greek', 'ά', '€'],
    ['cp932', '髙①', 'é'],
    ['euckr', '한', 'é'],
    ['ucs2', '\uffff', '🎬'],
  ])('%s holds %j and refuses %j, from a client and in an item', (charset, held, lacked) => {
    const { body, image } = text({ column: 'c', maxLength: 10, charset })
    for (const schema of [body, image]) {
      expect(schema.parse(held)).toBe(held)
      expect(schema.safeParse(lacked).error?.issues[0]?.message).toBe(
        `must not have characters that ${charset} lacks`,
      )
    }
  })
})
