import { describe, expect, it } from '@jest/globals'
import { decimal } from '../../../../functions/bridge/model/attributes/decimal.ts'
import { integer } from '../../../../functions/bridge/model/attributes/integer.ts'
import { text } from '../../../../functions/bridge/model/attributes/text.ts'
import { childRows } from '../../../../functions/bridge/model/child-rows.ts'
import { DecimalText } from '../../../../functions/bridge/model/values.ts'
import { complaint } from '../../fixtures/complaint.ts'

const number = (digits: string) => new DecimalText(digits)
const definition = {
  table: 'recipe_ingredients',
  parentColumn: 'recipe_id',
  positionColumn: 'position',
  attributes: {
    name: text({ column: 'name', maxLength: 5 }),
    quantity: decimal({ column: 'quantity', precision: 5, scale: 2, optional: true }),
    parts: integer({ column: 'parts', optional: true, whenAbsent: 1n }),
  },
  maxItems: 3,
}
const list = childRows(definition)
const onion = { name: 'Onion', quantity: number('1.5'), parts: number('1') }

describe('a list that is kept as rows', () => {
  it('keeps what its author said', () => {
    expect(list).toMatchObject(definition)
  })

  it('takes a list of maps, in order, members repeated, each with what an absent attribute means', () => {
    const sent = [{ name: 'Onion', quantity: '1.5' }, { name: 'Salt' }, { name: 'Onion', quantity: '1.5' }]

    expect(list.body.parse(sent)).toEqual([
      onion,
      { name: 'Salt', quantity: null, parts: number('1') },
      onion,
    ])
  })

  it('shows every attribute of each member', () => {
    const rows = [onion, { name: 'Salt', quantity: null, parts: number('2') }]

    expect(list.toJson(rows)).toEqual([
      { name: 'Onion', quantity: '1.50', parts: 1 },
      { name: 'Salt', quantity: null, parts: 2 },
    ])
    expect(list.toItem(rows)).toEqual({
      L: [
        { M: { name: { S: 'Onion' }, quantity: { N: '1.5' }, parts: { N: '1' } } },
        { M: { name: { S: 'Salt' }, quantity: { NULL: true }, parts: { N: '2' } } },
      ],
    })
  })

  it.each<[string, unknown, string]>([
    ['nothing', undefined, 'is required'],
    ['null', null, 'must be a list'],
    ['a map', { 0: { name: 'a' } }, 'must be a list'],
    ['a text', 'Onion', 'must be a list'],
    ['a member that is no map', ['Onion'], 'must be an object'],
    ['a member that is null', [null], 'must be an object'],
    ['a member that is a number', [number('1')], 'must be an object'],
    ['a member without what it must have', [{}], 'is required'],
    ['a bad member', [{ name: 'Onions' }], 'must not be longer than 5 characters'],
    ['one member too many', Array(4).fill({ name: 'a' }), 'must not have more than 3 members'],
  ])('refuses %s from a client', (_, sent, message) => {
    expect(complaint(list.body, sent)).toBe(message)
  })

  it('names where a bad member stands, and each attribute that it does not know', () => {
    const issues = list.body.safeParse([{ name: 'a' }, { name: 'b', colour: 'red' }]).error?.issues

    expect(issues).toMatchObject([{ path: [1], code: 'unrecognized_keys', keys: ['colour'] }])
  })

  it('is required unless it is optional, which means empty', () => {
    const optional = childRows({ ...definition, optional: true })

    expect(optional.body.parse(undefined)).toEqual([])
    expect(complaint(optional.body, null)).toBe('must be a list')
  })

  it('takes at most 100 members from a client unless it is told otherwise', () => {
    const { maxItems: _, ...rest } = definition
    const usual = childRows(rest)

    expect(complaint(usual.body, Array(100).fill({ name: 'a' }))).toBeUndefined()
    expect(complaint(usual.body, Array(101).fill({ name: 'a' }))).toBe('must not have more than 100 members')
  })

  describe('in an item', () => {
    it.each<[string, unknown]>([
      ['absent', undefined],
      ['NULL', null],
      ['empty', []],
    ])('is empty when it is %s', (_, value) => {
      expect(list.image.parse(value)).toEqual([])
    })

    it('may have more members than a client may send, and attributes that nobody knows', () => {
      const many = Array(4).fill({ name: 'Onion', colour: 'red' })

      expect(list.image.parse(many)).toEqual(Array(4).fill({ ...onion, quantity: null }))
    })

    it.each<[string, unknown, string]>([
      ['is a set', new Set(['Onion']), 'must be a list'],
      ['is a text', 'Onion', 'must be a list'],
      ['has a member that is no map', ['Onion'], 'must be a map'],
      ['has a member that is a number', [number('1')], 'must be a map'],
      ['has a member that is binary', [new Uint8Array()], 'must be a map'],
      ['has a bad member', [{ name: number('1') }], 'must be a string'],
    ])('is refused when it %s, by name', (_, value, message) => {
      expect(complaint(list.image, value)).toBe(message)
    })
  })
})
