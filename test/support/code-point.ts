import fc from 'fast-check'

const SURROGATES = { from: 0xd800, count: 0x800 }
const LARGEST = 0x10_ffff

/**
 * Any character that there is, as the unit of a string: the same as fast-check's `binary`, which makes a table of all million of
 * them in each process, two seconds of a core and a hundred megabytes.
 */
export const codePoint: fc.Arbitrary<string> = fc.nat({ max: LARGEST - SURROGATES.count }).map(
  (at) => String.fromCodePoint(at < SURROGATES.from ? at : at + SURROGATES.count),
  // So that fast-check finds in it the names that are dangerous, such as __proto__.
  (value) => {
    const point = typeof value === 'string' && value.isWellFormed() ? value.codePointAt(0) : undefined
    if (point === undefined || value !== String.fromCodePoint(point)) throw new Error('no character')
    return point < SURROGATES.from ? point : point - SURROGATES.count
  },
)
