import { describe, expect, it } from '@jest/globals'
import { readSelected } from '../../../../functions/bridge/aurora/selection.ts'
import { DecimalText } from '../../../../functions/bridge/model/values.ts'
import { recipe } from '../../../fixtures/entities/recipe.ts'

const names = Object.keys(recipe.attributes)
/** A row as `selected` names its columns. */
const sqlRow = (columns: Record<string, unknown>, children: unknown = null) =>
  Object.fromEntries([...names.map((name, at) => [`c${at}`, columns[name] ?? null]), ['n0', children]])

describe('reading what was selected', () => {
  it('makes a row of the columns, each by its kind', () => {
    const row = readSelected(
      recipe,
      sqlRow({
        chefId: '7',
        title: 'Soup',
        price: '12.50',
        vegetarian: true,
        servings: 4,
        notes: '{"a":1.50}',
      }),
    )

    expect(row).toEqual({
      chefId: '7',
      title: 'Soup',
      price: new DecimalText('12.5'),
      publishedOn: null,
      vegetarian: true,
      servings: new DecimalText('4'),
      difficulty: null,
      notes: { a: new DecimalText('1.50') },
      thumbnail: null,
      ingredients: [],
    })
  })

  it('puts children in the order of their positions, as numbers, whatever the order of the aggregate', () => {
    const aggregate = JSON.stringify([
      [10, 'tenth', '1.000', null],
      [2, 'second', null, 'kg'],
      [1, 'first', '0.500', ''],
    ])

    expect(readSelected(recipe, sqlRow({}, aggregate)).ingredients).toEqual([
      { name: 'first', quantity: new DecimalText('0.5'), unit: '' },
      { name: 'second', quantity: null, unit: 'kg' },
      { name: 'tenth', quantity: new DecimalText('1'), unit: null },
    ])
  })

  it.each<[string, unknown]>([
    ['NULL, which is the aggregate of no rows', null],
    ['an empty list', '[]'],
  ])('makes an empty list of %s', (_, aggregate) => {
    expect(readSelected(recipe, sqlRow({}, aggregate)).ingredients).toEqual([])
  })
})
