import { describe, expect, it } from '@jest/globals'
import { GUARDS } from '../fakes/guards.ts'
import { SCENES, WITHOUT } from './scenes.ts'
import { search } from './search.ts'

/** States of a scene at which a search ends, where it comes to no end before. */
const MOST = 12_000

describe('a key of which nothing is lost, and which never has two owners, in whatever order things happen', () => {
  it.each(Object.entries(SCENES))('with %s', async (_, scene) => {
    const { fault, states, whole } = await search(scene, { most: MOST })
    expect(fault).toBeUndefined()
    expect({ whole, isMuch: states > 10 }).toEqual({ whole: true, isMuch: true })
  })
})

describe('each guard', () => {
  it.each(WITHOUT)('%s: without it something is lost', async (guard, scene) => {
    const { fault } = await search(scene, { out: [guard], most: 20_000 })
    expect(fault?.says).toMatch(
      /^(two owners|lost|a stale read|the sides differ|a foreign write is not listed)/,
    )
  })

  it('is among them, but for one that a lift makes good, and one that is met only where a record was lost', () => {
    const tried = new Set<string>(WITHOUT.map(([guard]) => guard))
    expect(Object.keys(GUARDS).filter((guard) => !tried.has(guard))).toEqual([
      'owner-in-take',
      'epoch-in-mirror',
    ])
  })
})
