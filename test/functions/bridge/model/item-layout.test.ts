import { describe, expect, it } from '@jest/globals'
import { char } from '../../../../functions/bridge/model/attributes/char.ts'
import { date } from '../../../../functions/bridge/model/attributes/date.ts'
import { integer } from '../../../../functions/bridge/model/attributes/integer.ts'
import { text } from '../../../../functions/bridge/model/attributes/text.ts'
import {
  defineEntity,
  type Entity,
  type EntityDefinition,
  requireDistinct,
} from '../../../../functions/bridge/model/entity.ts'
import { autoIncrement, natural, uuidKey } from '../../../../functions/bridge/model/identity.ts'

const collation = 'utf8mb4_general_ci'
const spell: EntityDefinition = {
  name: 'spell',
  plural: 'spells',
  keyName: 'spellKey',
  table: 'spells',
  identity: natural(['emp_no', 'dept_no', 'from_date'], { collation }),
  attributes: {
    empNo: integer({ column: 'emp_no' }),
    deptNo: char({ column: 'dept_no', as: 'dept', length: 4 }),
    from: date({ column: 'from_date' }),
    title: text({ column: 'title', maxLength: 40, optional: true }),
  },
  example: { empNo: 1, dept: 'd001', from: '1999-12-31' },
}
const order: EntityDefinition = {
  ...spell,
  name: 'order',
  plural: 'orders',
  keyName: 'orderKey',
  table: 'orders',
  identity: natural(['order_no']),
  attributes: { orderNo: integer({ column: 'order_no' }), title: text({ column: 'title', maxLength: 4 }) },
  example: { orderNo: 1, title: 'x' },
}
const table = 'staff'
const keyAttribute = 'PK'

describe("the layout of an entity's items", () => {
  it.each<[string, EntityDefinition, EntityDefinition['item'], string]>([
    [
      'one attribute as both keys',
      spell,
      { table, keyAttribute, sort: { attribute: 'PK' } },
      '"PK" can\'t be partition and sort key at once',
    ],
    [
      'a key in no attribute',
      order,
      { table, keyAttribute, value: 'X', sort: { attribute: 'SK', value: 'Y' } },
      'the key of its items lacks "orderNo"',
    ],
    [
      'parts of the key in no attribute',
      spell,
      { table, keyAttribute, parts: ['empNo'], sort: { attribute: 'SK', parts: ['from'] } },
      'the key of its items lacks "deptNo"',
    ],
    [
      'a constant alone',
      { ...order, identity: autoIncrement('id') },
      { table, keyAttribute, value: 'X' },
      'the key of its items lacks its key',
    ],
    [
      'a constant with a prefix',
      order,
      { table, keyAttribute, sort: { attribute: 'SK', value: 'Y', prefix: 'Z' } },
      'the key attribute "SK" is a constant, or has parts of the key',
    ],
    [
      'an empty constant',
      order,
      { table, keyAttribute, sort: { attribute: 'SK', value: '' } },
      'the key attribute "SK" is empty',
    ],
    [
      'no parts',
      spell,
      { table, keyAttribute, parts: [] },
      'the key attribute "PK" has none of the parts of the key',
    ],
    [
      'a part twice',
      spell,
      { table, keyAttribute, parts: ['empNo', 'empNo'] },
      'the key attribute "PK" has a part of the key twice',
    ],
    [
      'a part that is none',
      spell,
      { table, keyAttribute, parts: ['title'] },
      'the key attribute "PK" has "title", which is no part of the key',
    ],
    [
      'a part by its name in JSON',
      spell,
      { table, keyAttribute, parts: ['dept'] },
      'the key attribute "PK" has "dept", which is no part of the key',
    ],
    [
      'parts of a key that has none',
      { ...order, identity: uuidKey('id') },
      { table, keyAttribute, parts: ['id'] },
      'the key attribute "PK" has "id", which is no part of the key',
    ],
    [
      'an attribute without a name',
      order,
      { table, keyAttribute: '' },
      'the key attribute "" has no name that DynamoDB takes',
    ],
    [
      'a number for keys of which most are UUIDs',
      { ...order, identity: autoIncrement('id') },
      { table, keyAttribute, keyType: 'N' },
      'the key attribute "PK" is a number: a key that is one has a single natural part of the kind integer or decimal',
    ],
    [
      'a number for UUIDs',
      { ...order, identity: uuidKey('id') },
      { table, keyAttribute, keyType: 'N' },
      'the key attribute "PK" is a number: a key that is one has a single natural part of the kind integer or decimal',
    ],
    [
      'a number for text, whose zeros it would drop',
      spell,
      { table, keyAttribute, sort: { attribute: 'SK', type: 'N', parts: ['deptNo'] } },
      'the key attribute "SK" is a number: a key that is one has a single natural part of the kind integer or decimal',
    ],
    [
      'a number for several parts',
      spell,
      { table, keyAttribute, keyType: 'N' },
      'the key attribute "PK" is a number: a key that is one has a single natural part of the kind integer or decimal',
    ],
    [
      'a number with a prefix',
      order,
      { table, keyAttribute, keyType: 'N', prefix: 'ORDER#' },
      'the key attribute "PK" is a number, and holds no text',
    ],
    [
      'a constant number',
      order,
      { table, keyAttribute, sort: { attribute: 'SK', type: 'N', value: '1' } },
      'the key attribute "SK" is a number, and holds no text',
    ],
    [
      'a number as the text of the same attribute',
      order,
      { table, keyAttribute: 'orderNo' },
      'the key attribute "orderNo" is the attribute "orderNo" itself, which is of type N',
    ],
    [
      'an attribute that is the key with something before it',
      spell,
      { table, keyAttribute, sort: { attribute: 'dept', prefix: 'DEPT#', parts: ['deptNo'] } },
      'the key attribute "dept" is the attribute "deptNo" itself, and more than that',
    ],
    [
      'an attribute that is one of several parts',
      spell,
      { table, keyAttribute, sort: { attribute: 'from', parts: ['from', 'deptNo'] } },
      'the key attribute "from" is the attribute "from" itself, and more than that',
    ],
    [
      'a key that is an attribute which never is',
      spell,
      { table, keyAttribute: 'title' },
      '"title" is reserved',
    ],
    [
      'a sort key that is another attribute',
      order,
      { table, keyAttribute, sort: { attribute: 'title', value: 'x' } },
      '"title" is reserved',
    ],
  ])('is refused with %s', (_, definition, item, why) => {
    const of = item === undefined ? definition : { ...definition, item }
    expect(() => defineEntity(of)).toThrow(new TypeError(`Entity ${definition.name}: ${why}`))
  })
})

describe('entities that share a table', () => {
  const made = (
    definition: EntityDefinition,
    name: string,
    item: Omit<NonNullable<EntityDefinition['item']>, 'table' | 'keyAttribute'>,
  ): Entity =>
    defineEntity({
      ...definition,
      name,
      plural: `${name}s`,
      keyName: `${name}Key`,
      table: `${name}s`,
      item: { table, keyAttribute, ...item },
    })
  const SK = 'SK'
  const profile = made(order, 'profile', { prefix: 'EMP#', sort: { attribute: SK, value: 'PROFILE' } })
  const badge = made(order, 'badge', { prefix: 'EMP#', sort: { attribute: SK, value: 'PROFILE#1' } })
  const member = made(spell, 'member', {
    prefix: 'EMP#',
    parts: ['empNo'],
    sort: { attribute: SK, prefix: 'DEPT#', parts: ['deptNo', 'from'] },
  })
  const dept = made(spell, 'dept', { prefix: 'DEPT#', sort: { attribute: SK, prefix: 'D' } })
  const any = made(spell, 'any', {
    prefix: 'EMP#',
    parts: ['empNo'],
    sort: { attribute: SK, parts: ['deptNo', 'from'] },
  })
  const near = made(order, 'near', { prefix: 'EMP', sort: { attribute: SK, prefix: 'PROF' } })

  it.each([
    ['constants', [profile, badge]],
    ['a constant and a prefix', [profile, member]],
    ['prefixes of their partition keys', [member, dept]],
    ['all of that', [badge, profile, dept, member]],
  ])('are told apart by %s of their sort keys', (_, entities) => {
    expect(() => requireDistinct(entities)).not.toThrow()
    expect(() => requireDistinct(entities.toReversed())).not.toThrow()
  })

  it.each([
    ['a constant may be a key', [profile, any]],
    ['a prefix may begin a key', [member, any]],
    ['a prefix begins a constant', [profile, near]],
  ])('are refused where %s', (_, entities) => {
    for (const all of [entities, entities.toReversed()])
      expect(() => requireDistinct(all)).toThrow(/share the table staff, and nothing tells their items apart/)
  })

  it.each([
    ['sort key', { prefix: 'ORDER#' }, 'PK + SK and PK'],
    ['type of a key', { value: 'ORDER', sort: { attribute: SK, type: 'N' } }, 'PK + SK and PK + SK (N)'],
  ] as const)('are refused with another %s', (_, item, keys) => {
    expect(() => requireDistinct([profile, made(order, 'order', item)])).toThrow(`but have the keys ${keys}`)
  })

  it('are refused where their types alone tell them apart, and one has natural keys', () => {
    const typed = (name: string, of: EntityDefinition) =>
      made(of, name, { type: { attribute: 'kind', value: name } })
    const counted = { ...order, identity: autoIncrement('id') }

    expect(() => requireDistinct([typed('one', counted), typed('two', counted)])).not.toThrow()
    for (const all of [
      [typed('one', order), typed('two', counted)],
      [typed('one', counted), typed('two', order)],
    ])
      expect(() => requireDistinct(all)).toThrow(/share the table staff, and a natural key may be both's/)
  })
})
