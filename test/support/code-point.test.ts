import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { codePoint } from './code-point.ts'

const sample = (arbitrary: fc.Arbitrary<string>, numRuns = 20_000): string[] =>
  fc.sample(arbitrary, { numRuns, seed: 42 })

describe('any character', () => {
  it('is one, whole, of each plane, the first and the last among them', () => {
    const found = sample(codePoint)
    expect(found.every((one) => [...one].length === 1 && one.isWellFormed())).toBe(true)
    const planes = new Set(found.map((one) => (one.codePointAt(0) ?? 0) >> 16))
    expect(planes.size).toBe(17)
    expect(found).toEqual(expect.arrayContaining(['\0', '\u{10ffff}']))
  })

  it('is of both sides of the surrogates', () => {
    const around = [0xd7ff, 0xe000].map((point) => String.fromCodePoint(point))
    for (const one of around) expect(codePoint.canShrinkWithoutContext(one)).toBe(true)
    expect(codePoint.canShrinkWithoutContext('\ud800')).toBe(false)
    expect(codePoint.canShrinkWithoutContext('ab')).toBe(false)
  })

  it('makes strings with the names that are dangerous to objects', () => {
    expect(sample(fc.string({ unit: codePoint })).join('\n')).toContain('__proto__')
  })
})
