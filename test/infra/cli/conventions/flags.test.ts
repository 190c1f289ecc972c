import { describe, expect, it } from '@jest/globals'
import { CONCURRENCY, MAX_RATE, SEGMENTS } from '../../../../infra/cli/conventions/flags.ts'

describe('shared flags', () => {
  it.each([
    ['1', 1],
    ['0.5', 0.5],
    ['.5', 0.5],
    ['1000000', 1_000_000],
  ])('take --max-rate %s', (text, n) => {
    expect(MAX_RATE.value.parse(text)).toBe(n)
  })

  it.each(['0', '-1', 'fast', '', '1e3', '1000001', '1,000', ' 1', 'NaN', 'Infinity'])(
    'refuse --max-rate %j, and say what is expected',
    (text) => {
      const { error } = MAX_RATE.value.safeParse(text)
      expect(error?.issues.map(({ message }) => message)).toEqual([
        `--max-rate ${JSON.stringify(text)} is not a number above 0, at most 1000000`,
      ])
    },
  )

  it.each([
    [SEGMENTS, '1', 1],
    [SEGMENTS, '1000', 1_000],
    [CONCURRENCY, '64', 64],
  ])('take whole numbers', (flag, text, n) => {
    expect(flag.value.parse(text)).toBe(n)
  })

  it.each([
    [SEGMENTS, '1.5', '--segments "1.5" is not a whole number from 1 to 1000'],
    [SEGMENTS, '1001', '--segments "1001" is not a whole number from 1 to 1000'],
    [CONCURRENCY, '0', '--concurrency "0" is not a whole number from 1 to 64'],
  ])('refuse others', (flag, text, message) => {
    expect(flag.value.safeParse(text).error?.issues.map((issue) => issue.message)).toEqual([message])
  })
})
