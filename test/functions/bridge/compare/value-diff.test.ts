import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { differencesOf } from '../../../../functions/bridge/compare/value-diff.ts'
import { jsonValue, parseExactJson } from '../../../../functions/bridge/model/exact-json.ts'
import { sameValue, type Value } from '../../../../functions/bridge/model/values.ts'
import { runs } from '../../../support/runs.ts'

const read = (text: string): Value => jsonValue(parseExactJson(text)) ?? null
const between = (left: string, right: string) =>
  differencesOf(read(left), read(right)).map(({ path, is }) => `${path} ${is}`)

describe('the differences of two values', () => {
  it.each<[string, string, string[]]>([
    ['{"a":1,"b":"x"}', '{"b":"x","a":1}', []],
    ['{"a":1.50}', '{"a":1.5}', []],
    ['{"a":9007199254740993}', '{"a":9007199254740992}', ['/a value']],
    ['{"a":1}', '{"a":"1"}', ['/a type']],
    ['{"a":null}', '{"a":""}', ['/a type']],
    ['{"a":null}', '{}', ['/a only left']],
    ['{}', '{"a":null}', ['/a only right']],
    ['{"a":{"b":[1,2]}}', '{"a":{"b":[1,3,4]}}', ['/a/b/1 value', '/a/b/2 only right']],
    ['{"a":[]}', '{"a":{}}', ['/a type']],
    ['{"a/b~c":true}', '{"a/b~c":false}', ['/a~1b~0c value']],
    ['1', '2', [' value']],
  ])('of %s and %s are %j', (left, right, expected) => {
    expect(between(left, right)).toEqual(expected)
  })

  it('are none exactly where the two are the same, and turn around with them', () => {
    fc.assert(
      fc.property(fc.json({ maxDepth: 3 }), fc.json({ maxDepth: 3 }), (one, other) => {
        const [left, right] = [read(one), read(other)]
        const found = differencesOf(left, right)
        expect(found.length === 0).toBe(sameValue(left, right))
        expect(differencesOf(left, left)).toEqual([])
        expect(
          differencesOf(right, left)
            .map(({ path }) => path)
            .toSorted(),
        ).toEqual(found.map(({ path }) => path).toSorted())
      }),
      runs(300, { short: 100 }),
    )
  })
})
