import { describe, expect, it } from '@jest/globals'
import { etagOf, readIfMatch } from '../../../../functions/bridge/http/etag.ts'

describe('an entity tag', () => {
  it('is the version in quotes', () => {
    expect(etagOf(7n)).toBe('"7"')
    expect(readIfMatch(etagOf(9007199254740991n))).toEqual([9007199254740991n])
  })
})

describe('If-Match', () => {
  it.each<[string, string | undefined, readonly bigint[] | undefined]>([
    ['no header: any version', undefined, undefined],
    ['a star: any version', '*', undefined],
    ['a star with blanks', ' * ', undefined],
    ['one version', '"3"', [3n]],
    ['a list', '"3", "4","5"', [3n, 4n, 5n]],
    ['a list with empty members, which HTTP allows', '"3",, "4",', [3n, 4n]],
    ['the same version again and again', '"3","3","3"', [3n]],
    ['a weak tag: it never matches', 'W/"3"', []],
    ['a weak tag beside a strong one', 'W/"3", "4"', [4n]],
    ['a tag that is no version', '"abc"', []],
    ['a tag with a comma in it', '"a,b", "4"', [4n]],
    ['an empty tag', '""', []],
    ['version 0: an item without one', '"0"', [0n]],
    ['a version that the stream gave', `"${'9'.repeat(50)}"`, [10n ** 50n - 1n]],
    ['a version with a leading zero', '"03"', []],
    ['a negative version', '"-3"', []],
    ['a version too large to be one', `"1${'0'.repeat(50)}"`, []],
  ])('reads %s', (_, header, versions) => {
    expect(readIfMatch(header)).toEqual(versions)
  })

  it.each(['', ' ', '3', '"3', '3"', '"3" "4"', '*, "3"', 'w/"3"', '"3";"4"', '"a"b"', ','])(
    'refuses %j with 400',
    (header) => {
      expect(() => readIfMatch(header)).toThrow(
        expect.objectContaining({ status: 400, code: 'malformed-if-match' }),
      )
    },
  )

  it('refuses more versions than one condition of DynamoDB takes', () => {
    const list = (count: number): string => Array.from({ length: count }, (_, at) => `"${at + 1}"`).join(',')

    expect(readIfMatch(list(100))).toHaveLength(100)
    expect(() => readIfMatch(list(101))).toThrow(expect.objectContaining({ status: 400 }))
  })
})
