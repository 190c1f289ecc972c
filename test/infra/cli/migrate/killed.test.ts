import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { openKilled } from './killed.ts'

describe('a run of forty statements that is killed', () => {
  let killed: Awaited<ReturnType<typeof openKilled>>
  beforeAll(async () => {
    killed = await openKilled()
  }, 60_000)
  afterAll(() => killed.close())

  it.each([30, 75, 120])(
    'once %i statements were sent, is finished by the next run, and each is done once',
    async (sent) => {
      await killed.clear()
      expect(await killed.killAfter(sent)).toBe('killed')
      await killed.goOn()
      await killed.expectOnce()
    },
    60_000,
  )
})
