import { describe, expect, it } from '@jest/globals'
import { times } from '../../../../support/runs.ts'
import { LARGE } from './scenes.ts'
import { search } from './search.ts'

/** States of a scene at which its search ends, where it comes to no end before: so many in a long proof, fewer in a short one. */
const MOST = times(50_000)

describe('a key of which nothing is lost, in scenes that take their time', () => {
  const searched: string[] = []

  it.each(Object.entries(LARGE))(
    `within ${MOST} states, with %s`,
    async (scene, moves) => {
      const { fault, states, whole } = await search(moves, { most: MOST })
      searched.push(`${whole ? 'whole' : 'bounded'}: ${states} states of ${scene}`)
      expect(fault).toBeUndefined()
      // Less than that is a search that has come to its end.
      expect(whole || states > MOST).toBe(true)
    },
    600_000,
  )

  it('says what was searched to the end, and of what only so much was', () => {
    expect(searched).toHaveLength(Object.keys(LARGE).length)
    process.stdout.write(`${searched.toSorted().join('\n')}\n`)
  })
})
