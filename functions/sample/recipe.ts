import { binary } from '../bridge/model/attributes/binary.ts'
import { boolean } from '../bridge/model/attributes/boolean.ts'
import { date } from '../bridge/model/attributes/date.ts'
import { decimal } from '../bridge/model/attributes/decimal.ts'
import { integer } from '../bridge/model/attributes/integer.ts'
import { json } from '../bridge/model/attributes/json.ts'
import { oneOf } from '../bridge/model/attributes/one-of.ts'
import { reference } from '../bridge/model/attributes/reference.ts'
import { text } from '../bridge/model/attributes/text.ts'
import { childRows } from '../bridge/model/child-rows.ts'
import { defineEntity } from '../bridge/model/entity.ts'
import { autoIncrement } from '../bridge/model/identity.ts'
import { chef } from './chef.ts'

export const recipe = defineEntity({
  name: 'recipe',
  plural: 'recipes',
  keyName: 'recipeId',
  table: 'recipetable',
  identity: autoIncrement('id'),
  attributes: {
    chefId: reference({ column: 'chef_id', to: chef }),
    title: text({ column: 'title', maxLength: 200 }),
    price: decimal({ column: 'price', precision: 10, scale: 2, optional: true }),
    publishedOn: date({ column: 'published_on', optional: true }),
    vegetarian: boolean({ column: 'is_vegetarian', optional: true, whenAbsent: false }),
    servings: integer({ column: 'servings', min: 1n, max: 1000n, optional: true, whenAbsent: 4n }),
    difficulty: oneOf({ column: 'difficulty', values: ['easy', 'medium', 'hard'], optional: true }),
    notes: json({ column: 'notes', optional: true }),
    thumbnail: binary({ column: 'thumbnail', maxBytes: 65_535, optional: true }),
  },
  children: {
    ingredients: childRows({
      table: 'recipe_ingredients',
      parentColumn: 'recipe_id',
      positionColumn: 'position',
      attributes: {
        name: text({ column: 'name', maxLength: 100 }),
        quantity: decimal({ column: 'quantity', precision: 12, scale: 3, optional: true }),
        unit: text({ column: 'unit', maxLength: 20, optional: true }),
      },
      optional: true,
    }),
  },
  mirror: {},
  example: {
    chefId: '1',
    title: 'Onion soup',
    price: '12.50',
    publishedOn: '2026-11-22',
    vegetarian: true,
    servings: 2,
    difficulty: 'easy',
    notes: { season: ['autumn', 'winter'], minutes: 45 },
    ingredients: [{ name: 'Onion', quantity: '1.5', unit: 'kg' }, { name: 'Butter' }],
  },
})
