import { describe, expect, it } from '@jest/globals'
import { derivedKey, generationOf, nextDerived } from '../../../../functions/bridge/model/derived-key.ts'

describe('a key that is derived', () => {
  it('is a UUID of version 5, the same each time, and another one for each scope and life', () => {
    expect(derivedKey('a', 0)).toMatch(
      /^[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/,
    )
    expect(derivedKey('a', 0)).toBe(derivedKey('a', 0))
    // Written down: a later release has to find what an earlier one has made.
    expect(derivedKey('a', 0)).toBe('62030b6f-69e5-5f1b-9a63-51639f264c83')
    const keys = ['a', 'b', 'a#1'].flatMap((scope) => [0, 1, 11].map((life) => derivedKey(scope, life)))
    expect(new Set(keys).size).toBe(keys.length)
  })

  it('is followed by the next one of its scope, and by none in the end', () => {
    expect(nextDerived('a', derivedKey('a', 0))).toBe(derivedKey('a', 1))
    expect(nextDerived('a', derivedKey('a', 63))).toBe(derivedKey('a', 64))
    expect(nextDerived('a', derivedKey('a', 64))).toBeUndefined()
  })

  it('is told from any other', () => {
    expect(nextDerived('a', derivedKey('b', 0))).toBeUndefined()
    expect(generationOf('a', derivedKey('b', 0))).toBeUndefined()
    expect([0, 7, 64].map((life) => generationOf('a', derivedKey('a', life)))).toEqual([0, 7, 64])
  })
})
