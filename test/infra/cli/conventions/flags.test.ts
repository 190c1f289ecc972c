import { describe, expect, it } from '@jest/globals'
import {
  CONCURRENCY,
  MAX_RATE,
  NEWER_THAN,
  OLDER_THAN,
  SEGMENTS,
} from '../../../../infra/cli/conventions/flags.ts'

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

  it.each([
    ['90s', 90_000],
    ['30m', 1_800_000],
    ['2h', 7_200_000],
    ['7d', 604_800_000],
    ['0s', 0],
  ])('take an age of %s', (text, ms) => {
    expect(OLDER_THAN.value.parse(text)).toBe(ms)
  })

  it.each(['', '7', 'd', '1.5h', '-1h', '1w', '1 h', '1h30m', '1234567d'])('refuse %j as an age', (text) => {
    expect(NEWER_THAN.value.safeParse(text).error?.issues.map(({ message }) => message)).toEqual([
      `--newer-than ${JSON.stringify(text)} is no age: a whole number and s, m, h or d, as 30m or 7d`,
    ])
  })
})
