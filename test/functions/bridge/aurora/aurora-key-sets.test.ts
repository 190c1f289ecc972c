import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { DecimalText } from '../../../../functions/bridge/model/values.ts'
import { mirroredChef as chef, mirroredRecipe as recipe } from '../../../fixtures/mirrored/entities.ts'
import { installMirror } from '../../../support/mirrored.ts'
import { openWorld, type World } from '../cutover/world.ts'

/** What is claimed together is in cutover/claim-set.test.ts; here is what rows with lists have beside it. */
describe('rows with lists, which are claimed together', () => {
  let world: World
  beforeAll(async () => {
    world = await openWorld([chef, recipe], { chef: 'Chefs', recipe: 'Recipes' })
    await installMirror(world.sync.aurora, [chef, recipe])
  })
  afterAll(() => world.close())

  const made = async (): Promise<string> => {
    const key = randomUUID()
    await world.create(chef, 'aurora', { firstName: 'Ida', lastName: 'Test' }, key)
    await world.create(
      recipe,
      'aurora',
      {
        chefId: key,
        title: 'Soup',
        vegetarian: true,
        servings: new DecimalText('4'),
        ingredients: [{ name: 'Onion' }],
      },
      key,
    )
    return key
  }
  /** As by the relay, which has carried over what it logs. */
  const carried = () => world.sync.aurora.legacy.query('DELETE FROM backsync_changes')

  it('are left to a look at each while something of them is to be carried over: its version may not tell', async () => {
    const [quiet, written] = [await made(), await made()]
    await carried()
    await world.sync.aurora.legacy.query(
      'INSERT INTO backsync_changes (entity, entity_key, op, version) VALUES (?, ?, ?, 1)',
      ['recipe', written, 'upsert'],
    )
    const read = await world.sets.aurora.read(recipe, [quiet, written])
    expect([...read.keys()]).toEqual([quiet])
    await carried()
    expect((await world.sets.aurora.read(recipe, [quiet, written])).size).toBe(2)
  })

  it('get another version as they are given away, where a list was written behind the look', async () => {
    const key = await made()
    await carried()
    const [record] = (await world.sets.aurora.read(recipe, [key])).values()
    if (record === undefined) throw new TypeError('it is there')
    await world.sync.aurora.legacy.query(
      'INSERT INTO backsync_changes (entity, entity_key, op, version) VALUES (?, ?, ?, 1)',
      ['recipe', key, 'upsert'],
    )
    const to = { owner: 'dynamo', epoch: 1n } as const
    const released = await world.sets.aurora.release(recipe, [{ record, as: { was: 0n, above: 0n } }], to)
    expect(released.get(key)).toMatchObject({ ...to, version: record.version + 1n })
  })
})
