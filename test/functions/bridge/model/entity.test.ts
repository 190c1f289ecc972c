import { describe, expect, it } from '@jest/globals'
import { readOnly } from '../../../../functions/bridge/model/attributes/read-only.ts'
import { reference } from '../../../../functions/bridge/model/attributes/reference.ts'
import { text } from '../../../../functions/bridge/model/attributes/text.ts'
import { childRows } from '../../../../functions/bridge/model/child-rows.ts'
import { defineEntity, type EntityDefinition } from '../../../../functions/bridge/model/entity.ts'
import { autoIncrement, natural } from '../../../../functions/bridge/model/identity.ts'
import { chef } from '../../../fixtures/entities/chef.ts'
import { entities } from '../../../fixtures/entities/index.ts'

const name = text({ column: 'dishname', maxLength: 10 })
const dish: EntityDefinition = {
  name: 'dish',
  plural: 'dishes',
  keyName: 'dishId',
  table: 'dishtable',
  identity: autoIncrement('id'),
  attributes: { name },
  example: { name: 'Soup' },
}

const what = text({ column: 'what', maxLength: 10 })
const stepRows = {
  table: 'dish_steps',
  parentColumn: 'dish_id',
  positionColumn: 'position',
  attributes: { what },
  optional: true,
}
const steps = childRows(stepRows)

describe('an entity', () => {
  it('keeps its definition and gets the two checks', () => {
    const entity = defineEntity(dish)

    expect(entity).toMatchObject(dish)
    expect(entity.body.safeParse({ name: 'Soup' }).success).toBe(true)
    expect(entity.body.safeParse({ name: 'Soup', price: '1' }).success).toBe(false)
    expect(entity.image.parse({ name: 'Soup', price: '1' })).toEqual({ name: 'Soup' })
    expect(entity.image.parse({})).toEqual({ name: null })
  })

  it('has versions that its writers count, a table of its own and no lists, unless it says so', () => {
    expect(defineEntity(dish)).toMatchObject({
      versions: 'counted',
      item: { table: 'dish', keyAttribute: 'dishId' },
      children: {},
      fields: { name },
    })
    expect(
      defineEntity({
        ...dish,
        versions: 'stream',
        item: { table: 'kitchen', keyAttribute: 'pk', prefix: 'DISH#' },
      }),
    ).toMatchObject({ versions: 'stream', item: { table: 'kitchen', keyAttribute: 'pk', prefix: 'DISH#' } })
    expect(defineEntity({ ...dish, item: { table: 'kitchen' } }).item.keyAttribute).toBe('dishId')
  })

  it('takes the column that numbers its rows for its identity, as former definitions say it, and wants one of the two', () => {
    const { identity: _, ...none } = dish
    expect(defineEntity({ ...none, idColumn: 'id' }).identity).toEqual(autoIncrement('id'))
    expect(() => defineEntity(none)).toThrow("says no identity: autoIncrement('id')")
  })

  it('has its records in its rows unless it says otherwise', () => {
    expect(defineEntity(dish).record).toBe('row')
    expect(defineEntity({ ...dish, record: 'sideTable' }).record).toBe('sideTable')
  })

  it('has what is overruled lifted unless it says otherwise, or versions come from the stream', () => {
    expect(defineEntity(dish).overruled).toBe('lift')
    expect(defineEntity({ ...dish, overruled: 'park' }).overruled).toBe('park')
    expect(defineEntity({ ...dish, versions: 'stream' }).overruled).toBe('park')
    expect(() => defineEntity({ ...dish, versions: 'stream', overruled: 'lift' })).toThrow(/could be lifted/)
  })

  it('has its lists among its fields', () => {
    const { fields, body, image } = defineEntity({ ...dish, children: { steps } })

    expect(Object.keys(fields)).toEqual(['name', 'steps'])
    expect(body.parse({ name: 'Soup', steps: [{ what: 'Stir' }] })).toEqual({
      name: 'Soup',
      steps: [{ what: 'Stir' }],
    })
    expect(image.parse({})).toEqual({ name: null, steps: [] })
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
    [
      'an id column with a blank',
      { identity: autoIncrement('the id') },
      'Entity dish: "the id" is not a plain SQL name',
    ],
    ['no attributes', { attributes: {} }, 'Entity dish: has no attributes'],
    [
      'an attribute with an odd name',
      { attributes: { 'a.b': name } },
      'Entity dish: "a.b" is not a lower camel case name',
    ],
    [
      'a name in JSON that is empty',
      { attributes: { name: text({ column: 'a', as: '', maxLength: 1 }) } },
      'Entity dish: "" can\'t be a name in JSON',
    ],
    [
      "a name in JSON that is the key's",
      { attributes: { name: text({ column: 'a', as: 'dishId', maxLength: 1 }) } },
      'Entity dish: "dishId" is reserved',
    ],
    [
      'a name in JSON that every object has',
      { attributes: { name: text({ column: 'a', as: '__proto__', maxLength: 1 }) } },
      'Entity dish: "__proto__" is reserved',
    ],
    [
      'a name in JSON that another attribute has',
      { attributes: { name, other: text({ column: 'a', as: 'name', maxLength: 1 }) } },
      'Entity dish: two of its names in JSON are the same',
    ],
    [
      'a list with the name in JSON of an attribute',
      { children: { steps: childRows({ ...stepRows, as: 'name' }) } },
      'Entity dish: two of its names in JSON are the same',
    ],
    [
      'nothing but what the database sets',
      { attributes: { name: readOnly(name) } },
      'Entity dish: has no attribute that is written',
    ],
    [
      'what the database sets in child rows',
      { children: { steps: childRows({ ...stepRows, attributes: { what, when: readOnly(name) } }) } },
      'Entity dish: steps: child rows are written whole: leave out a column that the database sets',
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
      'Entity dish: two of its columns are the same',
    ],
    [
      'two columns that differ in case only, which are one to MySQL',
      { attributes: { name, other: text({ column: 'DishName', maxLength: 1 }) } },
      'Entity dish: two of its columns are the same',
    ],
    [
      'the id for a column of an attribute',
      { attributes: { name: text({ column: 'ID', maxLength: 1 }) } },
      'Entity dish: two of its columns are the same',
    ],
    [
      'a column of the bridge in capitals',
      { attributes: { name: text({ column: 'BACKSYNC_KEY', maxLength: 1 }) } },
      'Entity dish: "BACKSYNC_KEY" can\'t be its column',
    ],
    [
      'an attribute that every JavaScript object has',
      { attributes: { constructor: name } },
      'Entity dish: "constructor" is reserved',
    ],
    [
      'an attribute named as the table’s key',
      { attributes: { pk: name }, item: { table: 'kitchen', keyAttribute: 'pk' } },
      'Entity dish: "pk" is reserved',
    ],
    [
      'an attribute named as the type that tells it apart',
      { attributes: { kind: name }, item: { table: 'kitchen', type: { attribute: 'kind', value: 'dish' } } },
      'Entity dish: "kind" is reserved',
    ],
    [
      'a DynamoDB table with an odd name',
      { item: { table: 'my-kitchen' } },
      'Entity dish: "my-kitchen" is not a lower camel case name',
    ],
    ['a list named version', { children: { version: steps } }, 'Entity dish: "version" is reserved'],
    [
      'a list with an odd name',
      { children: { 'the steps': steps } },
      'Entity dish: "the steps" is not a lower camel case name',
    ],
    [
      'a list and an attribute of one name',
      { children: { name: steps } },
      'Entity dish: an attribute and a list share a name',
    ],
    [
      'a list in a table with a quote',
      { children: { steps: childRows({ ...stepRows, table: 'a`' }) } },
      'Entity dish: steps: "a`" is not a plain SQL name',
    ],
    [
      'a list in its own table',
      { children: { steps: childRows({ ...stepRows, table: 'dishtable' }) } },
      'Entity dish: two of its lists, or it and a list, share a table',
    ],
    [
      'two lists in one table',
      { children: { steps, others: steps } },
      'Entity dish: two of its lists, or it and a list, share a table',
    ],
    [
      'a list without attributes',
      { children: { steps: childRows({ ...stepRows, attributes: {} }) } },
      'Entity dish: steps: has no attributes',
    ],
    [
      'a list whose members have an odd name',
      { children: { steps: childRows({ ...stepRows, attributes: { 'a.b': what } }) } },
      'Entity dish: steps: "a.b" is not a lower camel case name',
    ],
    [
      'a list whose members have what every JavaScript object has',
      { children: { steps: childRows({ ...stepRows, attributes: { toString: what } }) } },
      'Entity dish: steps: "toString" is reserved',
    ],
    [
      'a list over a column of the bridge',
      { children: { steps: childRows({ ...stepRows, parentColumn: 'backsync_id' }) } },
      'Entity dish: steps: "backsync_id" can\'t be its column',
    ],
    [
      'a list of which an attribute is the position',
      { children: { steps: childRows({ ...stepRows, positionColumn: 'what' }) } },
      'Entity dish: steps: two of its columns are the same',
    ],
    [
      'a list whose members refer to entities',
      {
        children: {
          steps: childRows({ ...stepRows, attributes: { by: reference({ column: 'chef_id', to: chef }) } }),
        },
      },
      "Entity dish: steps: child rows can't refer to entities",
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

describe('an entity’s own part in the write', () => {
  const base = {
    name: 'mug',
    plural: 'mugs',
    keyName: 'mugId',
    table: 'mugs',
    identity: autoIncrement('id'),
    attributes: { label: text({ column: 'label', maxLength: 20 }) },
    example: { label: 'Blue' },
  }
  const nothing = async (): Promise<undefined> => undefined

  it('may be a function alone: what comes after', () => {
    expect(defineEntity({ ...base, write: nothing }).write).toEqual({ after: nothing })
    expect(defineEntity(base)).not.toHaveProperty('write')
  })

  it.each([
    ['nothing at all', { write: {} }, 'write has before, after or instead'],
    ['nothing in place of anything', { write: { instead: {} } }, 'write.instead has upsert or delete'],
    [
      'a natural key, and rows in the way of their own return',
      { identity: natural(['label'], { collation: 'utf8mb4_bin' }), write: { instead: { delete: nothing } } },
      'write.instead.delete needs write.instead.upsert',
    ],
    [
      'records beside rows, and the same',
      { record: 'sideTable' as const, write: { instead: { delete: nothing } } },
      'write.instead.delete needs write.instead.upsert',
    ],
  ])('is refused with %s', (_, more, message) => {
    expect(() => defineEntity({ ...base, ...more })).toThrow(message)
  })
})
