import { describe, expect, it } from '@jest/globals'
import { inLanes } from '../../../../functions/bridge/runtime/lanes.ts'

describe('lanes', () => {
  it.each([1, 3, 10])('work on all, %i at a time, and give results in order', async (lanes) => {
    let flying = 0
    let most = 0
    const results = await inLanes([5, 1, 4, 2, 3], lanes, async (n, index) => {
      flying += 1
      most = Math.max(most, flying)
      for (let turn = 0; turn < n; turn++) await Promise.resolve()
      flying -= 1
      return `${index}:${n}`
    })

    expect(results).toEqual(['0:5', '1:1', '2:4', '3:2', '4:3'])
    expect(most).toBe(Math.min(lanes, 5))
  })

  it('begin nothing after a failure, and wait for what was begun', async () => {
    const begun: number[] = []
    let ended = 0
    const failure = new Error('no')
    const working = inLanes([1, 2, 3, 4, 5, 6], 2, async (n) => {
      begun.push(n)
      if (n === 2) throw failure
      for (let turn = 0; turn < 10; turn++) await Promise.resolve()
      ended += 1
    })

    await expect(working).rejects.toBe(failure)
    expect(begun).toEqual([1, 2])
    expect(ended).toBe(1)
  })
})
