import { describe, expect, it } from '@jest/globals'
import { setOf } from '../../../../../functions/bridge/model/attributes/set-of.ts'
import { UnreadableValueError } from '../../../../../functions/bridge/model/errors.ts'
import { complaint } from '../../../fixtures/complaint.ts'

const tags = setOf({ column: 'tags', values: ['vegan', 'hot', 'new'] })
const LIST = 'must be a list of some of vegan, hot, new'
const WORD = 'must be one of vegan, hot, new'

describe('some of a few words', () => {
  it.each<[string, unknown[], string[]]>([
    ['none', [], []],
    ['one', ['hot'], ['hot']],
    ['all', ['vegan', 'hot', 'new'], ['vegan', 'hot', 'new']],
    ['in another order', ['new', 'vegan'], ['vegan', 'new']],
    ['one of them twice', ['new', 'new'], ['new']],
  ])('are in the order of the column: %s', (_, sent, kept) => {
    for (const value of [tags.body.parse(sent), tags.image.parse(sent), tags.image.parse(new Set(sent))]) {
      expect(value).toEqual(kept)
      expect(tags.toSql(value)).toBe(kept.join(','))
      expect(tags.fromSql(tags.toSql(value))).toEqual(kept)
      expect(tags.toItem(value)).toEqual({ L: kept.map((word) => ({ S: word })) })
      expect(tags.toJson(value)).toEqual(kept)
    }
  })

  it('are read in the order of the definition, whatever the column’s', () => {
    expect(tags.fromSql('new,vegan')).toEqual(['vegan', 'new'])
  })

  it.each<[string, unknown, string]>([
    ['another word', ['mild'], WORD],
    ['another case, which MySQL would take for the same', ['HOT'], WORD],
    ['a blank behind it', ['hot '], WORD],
    ['two words in one', ['hot,new'], WORD],
    ['an empty text', [''], WORD],
    ['a text', 'hot', LIST],
    ['a number', 3, LIST],
  ])('refuses %s, from a client and in an item', (_, value, message) => {
    expect(complaint(tags.body, value)).toBe(message)
    expect(complaint(tags.image, value)).toBe(message)
  })

  it.each(['mild', 'hot,', ',', 3])('does not read a column’s %p', (column) => {
    expect(() => tags.fromSql(column)).toThrow(UnreadableValueError)
  })

  it.each<[string, [string, ...string[]]]>([
    ['a comma', ['a,b']],
    ['nothing', ['']],
    ['a blank at its end', ['a ']],
    ['a twin', ['a', 'a']],
  ])('have no word with %s', (_, values) => {
    expect(() => setOf({ column: 'tags', values })).toThrow(TypeError)
  })

  it('are 64 at most', () => {
    const [first = '', ...rest] = Array.from({ length: 65 }, (_, at) => `w${at}`)

    expect(() => setOf({ column: 'tags', values: [first, ...rest] })).toThrow(TypeError)
  })
})
