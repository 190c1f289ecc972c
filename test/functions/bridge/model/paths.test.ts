import { describe, expect, it } from '@jest/globals'
import { text } from '../../../../functions/bridge/model/attributes/text.ts'
import {
  defineEntity,
  type EntityDefinition,
  requireDistinct,
} from '../../../../functions/bridge/model/entity.ts'
import { autoIncrement } from '../../../../functions/bridge/model/identity.ts'
import { facadePaths, pathOf } from '../../../../functions/bridge/model/paths.ts'

const customer: EntityDefinition = {
  name: 'customer',
  plural: 'customers',
  keyName: 'customer_id',
  table: 'customers',
  identity: autoIncrement('id'),
  attributes: { name: text({ column: 'name', maxLength: 10 }) },
  example: { name: 'Ada' },
}
const order: EntityDefinition = { ...customer, name: 'order', plural: 'orders', table: 'orders' }

describe('the paths of an entity', () => {
  it('are made of its side and its plural, unless it says others', () => {
    const { paths } = defineEntity(customer)
    expect(paths).toEqual({ legacy: '/aurora/customers', modern: '/dynamo/customers' })

    const own = defineEntity({ ...customer, paths: { legacy: '/v1/customers', modern: '/shop/order-items' } })
    expect([pathOf(own, 'aurora'), pathOf(own, 'dynamo')]).toEqual(['/v1/customers', '/shop/order-items'])
    expect(defineEntity({ ...customer, paths: { modern: '/v2/Customers' } }).paths).toEqual({
      legacy: '/aurora/customers',
      modern: '/v2/Customers',
    })
  })

  it.each([
    ['', '"" can\'t be a path'],
    ['/', '"/" can\'t be a path'],
    ['customers', '"customers" can\'t be a path'],
    ['/customers/', '"/customers/" can\'t be a path'],
    ['//customers', '"//customers" can\'t be a path'],
    ['/v1/{tenant}/customers', "can't be a path"],
    ['/v1/custom%65rs', "can't be a path"],
    ['/v1/customers?x', "can't be a path"],
    ['/v1/../customers', "can't be a path"],
    ['/v1/./customers', "can't be a path"],
    ['/v1/kundé', "can't be a path"],
    ['/aurora', '"/aurora" is taken'],
    ['/dynamo', '"/dynamo" is taken'],
  ])('are not %j', (path, why) => {
    for (const paths of [{ legacy: path }, { modern: path }])
      expect(() => defineEntity({ ...customer, paths })).toThrow(why)
  })

  it("are not the other side's", () => {
    expect(() => defineEntity({ ...customer, paths: { legacy: '/dynamo/c' } })).toThrow(/of the other side/)
    expect(() => defineEntity({ ...customer, paths: { modern: '/aurora/c/d' } })).toThrow(/of the other side/)
  })

  it('of its facade is its plural, where that is nobody’s path, or what it says', () => {
    const shop = defineEntity({ ...customer, paths: { legacy: '/orders/old' } })
    const named = defineEntity({ ...customer, name: 'c', plural: 'cs', paths: { facade: '/v3/customers' } })
    const free = defineEntity({ ...customer, name: 'd', plural: 'ds' })
    expect(facadePaths([shop, defineEntity(order), named, free])).toEqual(
      new Map([
        ['customer', '/customers'],
        ['c', '/v3/customers'],
        ['d', '/ds'],
      ]),
    )
    expect(() => defineEntity({ ...customer, paths: { facade: '/aurora/x' } })).toThrow(/of the other side/)
    expect(() => defineEntity({ ...customer, paths: { facade: 'x' } })).toThrow(/can't be a path/)
    const clashing = [defineEntity({ ...order, paths: { modern: '/v3/customers/of' } }), named]
    expect(() => requireDistinct(clashing)).toThrow(/facade path \/v3\/customers of c/)
  })

  const both = (one: EntityDefinition['paths'], other: EntityDefinition['paths']) => () =>
    requireDistinct([
      defineEntity({ ...customer, ...(one && { paths: one }) }),
      defineEntity({ ...order, ...(other && { paths: other }) }),
    ])

  it.each<[string, EntityDefinition['paths'], EntityDefinition['paths']]>([
    ['the same', { legacy: '/v1/x' }, { legacy: '/v1/x' }],
    ['the same on two sides', { legacy: '/v1/x' }, { modern: '/v1/x' }],
    ['one below the other', { legacy: '/v1/x' }, { legacy: '/v1/x/y' }],
    ['one far below the other', { modern: '/v1' }, { legacy: '/v1/x/y' }],
    ['what another has unsaid', { legacy: '/aurora/orders' }, undefined],
  ])('are refused where two are %s', (_, one, other) => {
    expect(both(one, other)).toThrow(/can't both be: they are the same, or one is below the other/)
    if (other !== undefined) expect(both(other, one)).toThrow(/can't both be/)
  })

  it('are refused where both of one entity are the same', () => {
    const same = defineEntity({ ...customer, paths: { legacy: '/customers', modern: '/customers' } })
    expect(() => requireDistinct([same])).toThrow(
      "The legacy path /customers of customer and the modern path /customers of customer can't both be",
    )
  })

  it.each<[EntityDefinition['paths'], EntityDefinition['paths']]>([
    [undefined, undefined],
    [{ legacy: '/v1/x' }, { legacy: '/v1/xy' }],
    [{ legacy: '/x' }, { legacy: '/v1/x' }],
    [
      { legacy: '/v1/x', modern: '/v2/x' },
      { legacy: '/v1/y', modern: '/v2/y' },
    ],
  ])('stand side by side as %j and %j', (one, other) => {
    expect(both(one, other)).not.toThrow()
  })
})

describe('what stands around the entities of a list', () => {
  it('has its names, unless an entity says others', () => {
    expect(defineEntity(customer).envelope).toEqual({
      items: 'items',
      unreadable: 'unreadable',
      cursor: 'cursor',
    })
    expect(defineEntity({ ...customer, envelope: { items: 'data', cursor: 'next' } }).envelope).toEqual({
      items: 'data',
      unreadable: 'unreadable',
      cursor: 'next',
    })
    expect(defineEntity({ ...customer, envelope: 'none' }).envelope).toBe('none')
  })

  it.each<[EntityDefinition['envelope'], string]>([
    [{ items: '' }, '"" can\'t be a name in JSON'],
    [{ items: '__proto__' }, '"__proto__" can\'t be a name in JSON'],
    [{ items: 'cursor' }, 'two of the names around its lists are the same'],
  ])('is not %j', (envelope, why) => {
    expect(() => defineEntity({ ...customer, ...(envelope && { envelope }) })).toThrow(
      new TypeError(`Entity customer: ${why}`),
    )
  })
})

describe('the names beside the fields of an entity', () => {
  it.each<[string, Partial<EntityDefinition>, string]>([
    [
      'a key with a blank',
      { keyName: 'customer id' },
      '"customer id" can\'t be a key\'s name: only letters, digits, _ and - can',
    ],
    ['an empty version', { names: { version: '' } }, '"" can\'t be a name in JSON'],
    [
      'a version that every object has',
      { names: { version: 'constructor' } },
      '"constructor" can\'t be a name in JSON',
    ],
    [
      'the key for its version',
      { names: { version: 'customer_id' } },
      '"customer_id" is the name of two things beside its fields',
    ],
    [
      'the version for its time',
      { names: { updatedAt: 'version' } },
      '"version" is the name of two things beside its fields',
    ],
    [
      'a key attribute for its version',
      { names: { version: 'PK' }, item: { table: 'x', keyAttribute: 'PK' } },
      '"PK" is the name of two things beside its fields',
    ],
    [
      'a key attribute for its type',
      { item: { table: 'x', keyAttribute: 'PK', type: { attribute: 'PK', value: 'c' } } },
      '"PK" is the name of two things beside its fields',
    ],
    ['a version that is an attribute', { names: { version: 'name' } }, '"name" is reserved'],
    ['a time that is an attribute', { names: { updatedAt: 'name' } }, '"name" is reserved'],
  ])('are not %s', (_, fault, why) => {
    expect(() => defineEntity({ ...customer, ...fault })).toThrow(new TypeError(`Entity customer: ${why}`))
  })

  it('are free for attributes once they are called something else', () => {
    const attributes = {
      version: text({ column: 'version', maxLength: 4 }),
      updatedAt: text({ column: 'at', maxLength: 4, optional: true }),
    }
    const names = { version: 'rev', updatedAt: 'rev_at' }
    expect(defineEntity({ ...customer, attributes, names, example: { version: 'x' } }).names).toEqual(names)
  })
})
