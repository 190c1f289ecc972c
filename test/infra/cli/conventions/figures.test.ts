import { describe, expect, it } from '@jest/globals'
import { bytes, duration, grouped, rateOf } from '../../../../infra/cli/conventions/figures.ts'

describe('figures for people', () => {
  it.each([
    [0.2, '1 s'],
    [59, '59 s'],
    [59.1, '1 m 0 s'],
    [130, '2 m 10 s'],
    [3_599.5, '1 h 0 m'],
    [11_100, '3 h 5 m'],
    [86_400, '1 d 0 h'],
    [187_200, '2 d 4 h'],
  ])('%s seconds are %s', (seconds, text) => {
    expect(duration(seconds)).toBe(text)
  })

  it.each([
    [0, '0'],
    [999, '999'],
    [12_345, '12,345'],
    [1_234_567.8, '1,234,568'],
  ])('%s is %s', (n, text) => {
    expect(grouped(n)).toBe(text)
  })

  it.each([
    [0, 2, '0/s'],
    [3, 2, '1.5/s'],
    [24_690, 2, '12,345/s'],
    [5, 0, '5,000/s'],
  ])('%s in %s s are %s', (n, seconds, text) => {
    expect(rateOf(n, seconds)).toBe(text)
  })

  it.each([
    [0, '0 bytes'],
    [9_999, '9,999 bytes'],
    [12_345, '12.3 KB'],
    [10_000_000, '10.0 MB'],
    [2_500_000_000, '2.5 GB'],
    [7_000_000_000_000, '7.0 TB'],
  ])('%s bytes are %s', (n, text) => {
    expect(bytes(n)).toBe(text)
  })
})
