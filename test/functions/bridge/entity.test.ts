import { describe, expect, it } from '@jest/globals'
import { text } from '../../../functions/bridge/attributes/text.ts'
import { defineEntity, type EntityDefinition } from '../../../functions/bridge/entity.ts'
import { entities } from '../../../functions/entities/index.ts'

const name = text({ column: 'dishname', maxLength: 10 })
const dish: EntityDefinition = {
  name: 'dish',
  plural: 'dishes',
  keyName: 'dishId',
  table: 'dishtable',
  idColumn: 'id',
  attributes: { name },
  example: { name: 'Soup' },
}

describe('an entity', () => {
  it('keeps its definition and gets the two checks', () => {
    const entity = defineEntity(dish)

    expect(entity).toMatchObject(dish)
    expect(entity.body.safeParse({ name: 'Soup' }).success).toBe(true)
    expect(entity.body.safeParse({ name: 'Soup', price: '1' }).success).toBe(false)
    expect(entity.image.parse({ name: 'Soup', price: '1' })).toEqual({ name: 'Soup' })
    expect(entity.image.parse({})).toEqual({ name: null })
  })

  it.each<[string, Partial<EntityDefinition>, string]>([
    ['a name in upper case', { name: 'Dish' }, 'Entity Dish: "Dish" is not a lower camel case name'],
    ['a plural with a dash', { plural: 'dish-es' }, 'Entity dish: "dish-es" is not a lower camel case name'],
    ['an empty key name', { keyName: '' }, 'Entity dish: "" is not a lower camel case name'],
    ['a table with a quote', { table: 'dish`; DROP' }, 'Entity dish: "dish`; DROP" is not a plain SQL name'],
    [
      'a table in another schema',
      { table: 'other.dish' },
      'Entity dish: "other.dish" is not a plain SQL name',
    ],
    ['an id column with a blank', { idColumn: 'the id' }, 'Entity dish: "the id" is not a plain SQL name'],
    ['no attributes', { attributes: {} }, 'Entity dish: has no attributes'],
    [
      'an attribute with an odd name',
      { attributes: { 'a.b': name } },
      'Entity dish: "a.b" is not a lower camel case name',
    ],
    ['an attribute named version', { attributes: { version: name } }, 'Entity dish: "version" is reserved'],
    [
      'an attribute named updatedAt',
      { attributes: { updatedAt: name } },
      'Entity dish: "updatedAt" is reserved',
    ],
    ['an attribute named origin', { attributes: { origin: name } }, 'Entity dish: "origin" is reserved'],
    ['an attribute named as the key', { attributes: { dishId: name } }, 'Entity dish: "dishId" is reserved'],
    [
      'a column of the bridge',
      { attributes: { name: text({ column: 'backsync_key', maxLength: 1 }) } },
      'Entity dish: "backsync_key" can\'t be its column',
    ],
    [
      'a column that is no SQL name',
      { attributes: { name: text({ column: '1st', maxLength: 1 }) } },
      'Entity dish: "1st" can\'t be its column',
    ],
    [
      'two attributes over one column',
      { attributes: { name, other: name } },
      'Entity dish: two attributes share a column',
    ],
    [
      'an example that its own rules refuse',
      { example: { name: '' } },
      'Entity dish: its example is not valid: ✖ must not be empty\n  → at name',
    ],
  ])('is refused with %s', (_, fault, message) => {
    expect(() => defineEntity({ ...dish, ...fault })).toThrow(new TypeError(message))
  })
})

describe('the entities', () => {
  it('have names, paths, tables and key names that are theirs alone', () => {
    for (const property of ['name', 'plural', 'table'] as const)
      expect(new Set(entities.map((entity) => entity[property])).size).toBe(entities.length)
  })
})
