import { describe, expect, it } from '@jest/globals'
import { withRetired } from '../../../../functions/bridge/cutover/retired-routes.ts'
import { isOver, targetOf, unmoved } from '../../../../functions/bridge/model/route.ts'
import { RouteUnreadableError } from '../../../../functions/bridge/routes/route-cache.ts'
import { chef } from '../../../fixtures/entities/chef.ts'
import { recipe } from '../../../fixtures/entities/recipe.ts'

const blind = {
  now: () => 7,
  current: async (name: string) => ({ route: unmoved(name), isKnown: false, asOf: 0 }),
  since: async (name: string) => {
    throw new RouteUnreadableError(name)
  },
}

describe('where the route of a retired entity stands', () => {
  const routes = withRetired([{ ...chef, retired: true }, recipe], blind)

  it('is that it is over, whatever can be read of it: nothing is asked of Aurora', async () => {
    for (const known of [await routes.current('chef'), await routes.since('chef', 9)]) {
      expect([isOver(known.route), known.isKnown, targetOf(known.route, 'a')]).toEqual([true, true, 'dynamo'])
      expect(known.route.settled?.at).toBe('1970-01-01T00:00:00.000Z')
    }
  })

  it('is as ever for any other', async () => {
    expect(await routes.current('recipe')).toMatchObject({ isKnown: false, route: { stage: 'legacy' } })
    await expect(routes.since('recipe', 9)).rejects.toThrow(RouteUnreadableError)
    expect(routes.now()).toBe(7)
  })
})
