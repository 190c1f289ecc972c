import { describe, expect, it } from '@jest/globals'
import { addressesOf } from '../../../../functions/bridge/compare/addresses.ts'
import { defineEntity } from '../../../../functions/bridge/model/entity.ts'
import { chef, chefDefinition } from '../../../fixtures/entities/chef.ts'
import { recipe } from '../../../fixtures/entities/recipe.ts'

const customer = defineEntity({
  ...chefDefinition,
  ...{ name: 'customer', plural: 'customers', table: 'customers' },
  paths: { legacy: '/v1/people', modern: '/v2/customers' },
})
const all = [chef, recipe, customer]

describe('the addresses of a path', () => {
  it.each(['/chefs/17', '/aurora/chefs/17', '/dynamo/chefs/17', 'https://api.example.com/chefs/17'])(
    'are the same from whichever side it is named: %s',
    (path) => {
      expect(addressesOf(path, all)).toMatchObject({
        entity: chef,
        key: '17',
        paths: { legacy: '/aurora/chefs/17', modern: '/dynamo/chefs/17', facade: '/chefs/17' },
      })
    },
  )

  it('are an entity’s own paths where it has some', () => {
    for (const path of ['/v1/people/a%20b', '/v2/customers/a%20b', '/customers/a%20b'])
      expect(addressesOf(path, all)).toMatchObject({
        key: 'a b',
        paths: { legacy: '/v1/people/a%20b', modern: '/v2/customers/a%20b', facade: '/customers/a%20b' },
      })
  })

  it('keep the query, and name no key for a list', () => {
    const list = addressesOf('/recipes?limit=2&cursor=x', all)
    expect(list).toMatchObject({ entity: recipe, paths: { legacy: '/aurora/recipes?limit=2&cursor=x' } })
    expect(list).not.toHaveProperty('key')
  })

  it.each([
    ['/cooks/1', 'nothing is at /cooks/1; known are /chefs, /recipes, /customers'],
    ['/chefs/1/more', 'nothing is at /chefs/1/more'],
    ['/chefsandmore', 'nothing is at /chefsandmore'],
    ['/aurora', 'nothing is at /aurora'],
    ['/chefs/%E0%A4%A', 'an escape in it is none'],
  ])('are none of %s, and it is said which there are', (path, message) => {
    expect(() => addressesOf(path, all)).toThrow(message)
  })
})
