import { describe, expect, it } from '@jest/globals'
import { extentOf, PER_CLAIM } from '../../../../functions/bridge/cutover/move-extent.ts'

const count = (keys: number) => ({ keys, moving: 1, exact: true })

describe('what a move is about', () => {
  it('is told for sets of keys, and at the most, as if each were claimed by itself', () => {
    expect(extentOf(count(1_000), true)).toEqual({
      ...count(1_000),
      usual: { dataApi: 48, reads: 3_000, writes: 2_000, seconds: 2 },
      sweep: { dataApi: 12_000, reads: 6_000, writes: 3_000, seconds: 30 },
    })
  })

  it('is told at the most alone, where an entity’s keys are claimed one by one', () => {
    expect(extentOf(count(1_000), false)).not.toHaveProperty('usual')
  })

  it('is usually no more than at the most, however few keys there are', () => {
    for (const keys of [0, 1, 2, 249, 250, 251, 100_000]) {
      const { usual, sweep } = extentOf(count(keys), true) ?? {}
      for (const name of ['dataApi', 'reads', 'writes', 'seconds'] as const)
        expect(usual?.[name]).toBeLessThanOrEqual(sweep?.[name] ?? -1)
    }
    expect(extentOf(count(1), true)?.usual?.dataApi).toBe(PER_CLAIM.dataApi)
  })

  it('is not told of what is not known', () => {
    expect(extentOf(undefined, true)).toBeUndefined()
  })
})
