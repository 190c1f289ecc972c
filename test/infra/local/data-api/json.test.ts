import { describe, expect, it } from '@jest/globals'
import * as fc from 'fast-check'
import { parseExact } from '../../../../infra/local/data-api/json.ts'

describe('parseExact', () => {
  it('keeps every digit of a large integer, wherever it stands', () => {
    expect(
      parseExact('{"a":9007199254740993,"b":[-9223372036854775808, 1],"c":{"d":18446744073709551615}}'),
    ).toEqual({
      a: 9007199254740993n,
      b: [-9223372036854775808n, 1],
      c: { d: 18446744073709551615n },
    })
  })

  it('leaves integers that a double holds, fractions, exponents and text as they are', () => {
    const text =
      '{"a":9007199254740991,"b":1.5e300,"c":1234567890123456.5,"d":"9007199254740993","e":":9007199254740993"}'
    expect(parseExact(text)).toEqual(JSON.parse(text))
  })

  it('reads any JSON as JSON.parse does, but for the digits of large integers', () => {
    const rounded = (value: unknown): string =>
      JSON.stringify(value, (_key, inner: unknown) => (typeof inner === 'bigint' ? Number(inner) : inner))
    return fc.assert(
      fc.property(fc.json(), (text) => {
        expect(rounded(parseExact(text))).toBe(rounded(JSON.parse(text)))
      }),
    )
  })

  it('reads any 64-bit integer', () =>
    fc.assert(
      fc.property(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), (value) => {
        expect(BigInt(String(parseExact(`[${value}]`)))).toBe(value)
      }),
    ))
})
