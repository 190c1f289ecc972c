import { fc } from '@fast-check/jest'
import { describe, expect, it } from '@jest/globals'
import { jsonValue, parseExactJson, toExactJson } from '../../../../functions/bridge/model/exact-json.ts'
import { DecimalText, type Value } from '../../../../functions/bridge/model/values.ts'
import { codePoint } from '../../../support/code-point.ts'

const number = (text: string) => new DecimalText(text)

describe('parsing JSON', () => {
  it.each(['9007199254740993', '-0', '1E+3', '0.10', '12345678901234567890.123456789012345678', '1e400'])(
    'keeps the digits of %s as they stood there',
    (text) => {
      expect(parseExactJson(`{"a":[${text}]}`)).toEqual({ a: [number(text)] })
    },
  )

  it('leaves a text that looks like a number a text', () => {
    expect(parseExactJson('["1", "1e3"]')).toEqual(['1', '1e3'])
  })

  it.each(['', '{', '01', '+1', '.5', '1.', 'NaN', "{'a':1}", '[1,]', '\u00a01'])('refuses %j', (text) => {
    expect(() => parseExactJson(text)).toThrow(SyntaxError)
  })
})

describe('a parsed value', () => {
  it('keeps names that mean something to JavaScript', () => {
    const value = jsonValue(parseExactJson('{"__proto__":{"a":1},"constructor":"b"}'))

    expect(Object.entries(value ?? {})).toEqual([
      ['__proto__', { a: number('1') }],
      ['constructor', 'b'],
    ])
  })

  it.each<[string, unknown]>([
    ['nothing', undefined],
    ['a JavaScript number', 1],
    ['a function', () => 1],
    ['a date', new Date(0)],
    ['a set', new Set(['a'])],
    ['an empty set', new Set()],
    ['a map of the language', new Map([['a', 'b']])],
    ['binary', new Uint8Array([1])],
    ['empty binary', new Uint8Array()],
  ])('is none when it is %s, at the top or inside', (_, strange) => {
    expect(jsonValue(strange)).toBeUndefined()
    expect(jsonValue([null, strange])).toBeUndefined()
    expect(jsonValue({ a: { b: strange } })).toBeUndefined()
  })
})

describe('writing JSON', () => {
  it.each<[string, string]>([
    ['1.50', '1.5'],
    ['-0.00', '0'],
    ['18446744073709551615', '18446744073709551615'],
    ['1E+30', `1${'0'.repeat(30)}`],
    ['1E+125', '1e125'],
    ['-12.5E+100', '-125e99'],
    ['1E-130', '1e-130'],
    [`-123${'0'.repeat(40)}.5`, `-123${'0'.repeat(40)}5e-1`],
  ])('gives the number %s all its digits, and no long row of zeros', (text, written) => {
    expect(toExactJson(number(text))).toBe(written)
  })

  it.each<[string, Value]>([
    ['a set', new Set(['a'])],
    ['binary', new Uint8Array([1])],
    ['a set inside', { a: [new Set(['a'])] }],
  ])('refuses %s, which has no JSON form', (_, value) => {
    expect(() => toExactJson(value)).toThrow(new TypeError('Binary values and sets have no JSON form'))
  })

  it('is undone by parsing, whatever the value', async () => {
    const digits = fc
      .tuple(fc.bigInt({ min: -(10n ** 38n) + 1n, max: 10n ** 38n - 1n }), fc.integer({ min: -130, max: 87 }))
      .map(([mantissa, exponent]) => number(number(`${mantissa}E${exponent}`).canonical))
    const { value } = fc.letrec<{ value: Value }>((tie) => ({
      value: fc.oneof(
        { maxDepth: 4 },
        fc.string({ unit: codePoint }),
        digits,
        fc.boolean(),
        fc.constant(null),
        fc.array(tie('value'), { maxLength: 4 }),
        fc.dictionary(fc.string({ unit: codePoint }), tie('value'), { maxKeys: 4, noNullPrototype: true }),
      ),
    }))
    /** Numbers by their amount. */
    const canonical = (of: Value): unknown => JSON.parse(toExactJson(of), (_key, member) => member)
    await fc.assert(
      fc.property(value, (original) => {
        const read = jsonValue(parseExactJson(toExactJson(original)))

        expect(read === undefined ? read : toExactJson(read)).toBe(toExactJson(original))
        expect(canonical(original)).toEqual(JSON.parse(JSON.stringify(toNumbers(original))))
      }),
      { seed: 42 },
    )
  })

  /** The value as JavaScript's own JSON would have it. */
  const toNumbers = (value: Value): unknown => {
    if (value instanceof DecimalText) return Number(value.text)
    if (Array.isArray(value)) return value.map((member: Value) => toNumbers(member))
    if (typeof value === 'object' && value !== null)
      return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, toNumbers(member)]))
    return value
  }
})
