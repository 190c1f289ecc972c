import { describe, expect, it } from '@jest/globals'
import { chef } from '../../../../fixtures/entities/chef.ts'
import { recipe } from '../../../../fixtures/entities/recipe.ts'
import { keyed } from '../../../fixtures/keyed.ts'
import { linked, world } from '../../../fixtures/linked.ts'
import { sentFor } from './sent.ts'

const dish = {
  ...{ chefId: '7', title: 'Soup', price: null, publishedOn: null, vegetarian: false, servings: null },
  ...{ difficulty: null, notes: null, thumbnail: null, ingredients: [] },
}

/** What is sent of entities of every identity, of what refers to them, and of those with lists. */
const sentForAll = async (): Promise<Record<string, readonly string[]>> => {
  const key = '01990000-0000-7000-8000-000000000001'
  const all = {
    ...(await sentFor([chef, recipe], chef, [key, '7'], { firstName: 'A', lastName: 'B' })),
    ...(await sentFor([chef, recipe], recipe, [key, '7'], dish)),
  }
  for (const [, { entity, keys, rows }] of keyed.slice(0, 6))
    Object.assign(all, await sentFor([entity], entity, keys, rows[0]))
  for (const one of world) Object.assign(all, await sentFor(linked, one.entity, [one.key], one.row))
  return all
}

describe('an entity whose records are in its rows', () => {
  it('sends no statement that knows of others', async () => {
    const all = Object.entries(await sentForAll())
    expect(all.filter(([, sent]) => sent.some((one) => one.includes('backsync_records')))).toEqual([])
    // Whatever it is asked for, something was sent.
    expect(all.filter(([, sent]) => sent.length > 0).length).toBeGreaterThan(200)
  })
})
