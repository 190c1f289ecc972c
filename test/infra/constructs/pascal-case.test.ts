import { expect, it } from '@jest/globals'
import { pascalCase } from '../../../infra/constructs/pascal-case.ts'

it.each([
  ['chef', 'Chef'],
  ['recipe-step', 'RecipeStep'],
  ['recipeStep', 'RecipeStep'],
  ['recipe_step 2', 'RecipeStep2'],
  ['a-b-c', 'ABC'],
])('turns %s into %s', (name, expected) => {
  expect(pascalCase(name)).toBe(expected)
})
