import { describe, expect, it } from '@jest/globals'
import type { EntityDescription } from '../../infra/constructs/entity-table.ts'
import type { ProjectionDescription, TableDescription } from '../../infra/constructs/plain-table.ts'
import { deployedBy, expectKept, stages } from './fixtures/deployed.ts'
import { synthesise } from './fixtures/synthesise.ts'

/** What version 0.1.0 came with, as far as the stack looks at it. */
const entities: readonly EntityDescription[] = [
  { name: 'chef', plural: 'chefs', keyName: 'chefId' },
  { name: 'recipe', plural: 'recipes', keyName: 'recipeId' },
]
const users: TableDescription = { name: 'users', key: { partition: { name: 'email', type: 'S' } } }
const preferences: TableDescription = {
  name: 'user-preferences',
  key: { partition: { name: 'id', type: 'S' }, sort: { name: 'preferenceType', type: 'S' } },
}
const projections: readonly ProjectionDescription[] = [
  {
    name: 'users-by-city',
    from: users,
    key: { partition: { name: 'state', type: 'S' }, sort: { name: 'city', type: 'S' } },
  },
  { ...preferences, name: 'user-preferences-v2', from: preferences },
]
const declared = { tables: [users, preferences], projections }

/** A deployed stack would get a new, empty resource beside or in place of its own. */
describe.each(stages)('an update of a deployed %s stack', (stage, context) => {
  const { template } = synthesise(context, entities, declared)

  it('leaves every resource that holds something in its place: those of 0.1.0', () => {
    // The sample's own function has its test beside it.
    const before = deployedBy('0.1.0', stage, ['UsersApi'])
    expect(Object.keys(before)).toHaveLength(34)
    expectKept(before, template)
  })
})
