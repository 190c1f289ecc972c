import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { entityReaders } from '../../../../functions/bridge/dynamo/entity-reader.ts'
import { undeliveredOfKey } from '../../../../functions/bridge/undelivered/of-key.ts'
import { chef } from '../../../fixtures/entities/chef.ts'
import { recipe } from '../../../fixtures/entities/recipe.ts'
import { openTestFailures, type TestFailures } from '../../../support/failures.ts'
import { chefItem, chefRecord, recipeItem, recipeRecord } from '../../fixtures/recipe-records.ts'

const AT = new Date('2026-11-22T10:00:00.000Z')
const LATER = new Date('2026-11-22T11:00:00.000Z')
const index = entityReaders([chef, recipe], { chef: 'Chefs', recipe: 'Recipes' })

describe('the undelivered records of a key', () => {
  let failures: TestFailures
  beforeAll(async () => {
    failures = await openTestFailures()
    await failures.give(
      [
        chefRecord(chefItem('k', 2)),
        chefRecord(chefItem('other', 1)),
        chefRecord(chefItem('k', 3), { removes: true }),
      ],
      { table: 'Chefs', at: AT },
    )
    await failures.give([recipeRecord(recipeItem('k', 7))], { table: 'Recipes', at: AT })
    // Its version is none, so that it makes no change: its key is still known.
    await failures.give([chefRecord({ ...chefItem('k', 4), version: { S: 'four' } })], {
      table: 'Chefs',
      at: LATER,
    })
    await failures.give([chefRecord(chefItem('k', 9))], { table: 'Elsewhere', at: LATER })
    await failures.put('aws/lambda/m/shard/2026/11/22/2026-11-22T12.00.00-strange', 'no json')
  })
  afterAll(() => failures.close())

  const find = (entity: string, key: string, most?: number) =>
    undeliveredOfKey({ entity, key }, { undelivered: failures.undelivered, index }, most)

  it('are found in the batches, changes and what can be none, the oldest first', async () => {
    const { records, looked, batches } = await find('chef', 'k')

    expect([looked, batches]).toEqual([5, 5])
    expect(records.map(({ at, op, version }) => [at, op, version])).toEqual([
      [AT.toISOString(), 'upsert', 2n],
      [AT.toISOString(), 'delete', 4n],
      [LATER.toISOString(), undefined, undefined],
    ])
    expect(records[0]?.batch).toMatch(/^2026-11-22T10\.00\.00-/)
  })

  it('are those of the entity: another one may have the same key', async () => {
    expect((await find('recipe', 'k')).records).toMatchObject([{ op: 'upsert', version: 7n }])
    expect((await find('chef', 'nobody')).records).toEqual([])
  })

  it('are looked for in so many batches, and it is said in how many', async () => {
    const { looked, batches } = await find('chef', 'k', 1)
    expect([looked, batches]).toEqual([1, 5])
  })
})
