import { describe, expect, it } from '@jest/globals'
import { STAGES, type Stage, unmoved } from '../../../../functions/bridge/model/route.ts'
import { RouteCompleteError, requireKept } from '../../../../functions/bridge/routes/require-kept.ts'
import { silent } from '../../../support/log.ts'

const reading = (read: () => Promise<Stage>) => ({
  routes: {
    read: async () => ({ route: { ...unmoved('chef'), stage: await read() }, revision: 1, token: '' }),
  },
  log: silent,
})

describe('whether both sides of an entity are kept', () => {
  it.each(STAGES)('they are in each stage but the last: %s', async (stage) => {
    const asked = requireKept(
      { name: 'chef' },
      reading(async () => stage),
    )
    if (stage === 'complete') await expect(asked).rejects.toThrow(RouteCompleteError)
    else await expect(asked).resolves.toBeUndefined()
  })

  it('they count as kept where nobody can tell', async () => {
    const asked = requireKept(
      { name: 'chef' },
      reading(() => Promise.reject(new Error('unreachable'))),
    )
    await expect(asked).resolves.toBeUndefined()
  })
})
