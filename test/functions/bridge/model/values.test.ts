import { execFileSync } from 'node:child_process'
import { fc } from '@fast-check/jest'
import { describe, expect, it } from '@jest/globals'
import { InvalidRecordError } from '../../../../functions/bridge/model/errors.ts'
import {
  canonicalText,
  DecimalText,
  decodeAttributeValue,
  decodeItem,
  sameValue,
  type Value,
} from '../../../../functions/bridge/model/values.ts'
import { codePoint } from '../../../support/code-point.ts'
import { runs } from '../../../support/runs.ts'

const decode = (attribute: unknown): Value => decodeAttributeValue(attribute, 'x')
const number = (text: string): DecimalText => new DecimalText(text)

describe('an attribute value', () => {
  it.each<[string, unknown, Value]>([
    ['text', { S: 'Bobby' }, 'Bobby'],
    ['an empty text', { S: '' }, ''],
    ['text outside the basic plane', { S: '👩🏽‍🍳 é' }, '👩🏽‍🍳 é'],
    ['a number', { N: '42' }, number('42')],
    ['a negative number', { N: '-0.5' }, number('-0.5')],
    [
      'a number of 38 digits',
      { N: '12345678901234567890123456789012345678' },
      number('12345678901234567890123456789012345678'),
    ],
    [
      '38 digits behind the point',
      { N: '0.12345678901234567890123456789012345678' },
      number('0.12345678901234567890123456789012345678'),
    ],
    ['an exponent form', { N: '9.99E+125' }, number('9.99E+125')],
    ['a small exponent form', { N: '1e-130' }, number('1e-130')],
    ['binary as an event has it', { B: 'AAEC/w==' }, Buffer.from([0, 1, 2, 255])],
    ['binary as the SDK has it', { B: new Uint8Array([0, 1, 2, 255]) }, new Uint8Array([0, 1, 2, 255])],
    ['empty binary', { B: '' }, Buffer.from([])],
    ['true', { BOOL: true }, true],
    ['false', { BOOL: false }, false],
    ['null', { NULL: true }, null],
    ['a list', { L: [{ S: 'a' }, { N: '1' }, { NULL: true }] }, ['a', number('1'), null]],
    ['an empty list', { L: [] }, []],
    ['a map', { M: { a: { S: 'b' }, c: { L: [{ BOOL: true }] } } }, { a: 'b', c: [true] }],
    ['an empty map', { M: {} }, {}],
    ['a set of texts', { SS: ['a', ''] }, new Set(['a', ''])],
    ['a set of numbers', { NS: ['1', '-2.50'] }, new Set([number('1'), number('-2.50')])],
    [
      'a set of binaries',
      { BS: ['AA==', new Uint8Array([1])] },
      new Set([Buffer.from([0]), new Uint8Array([1])]),
    ],
    ['an empty set', { SS: [] }, new Set()],
    ['a type beside members that are undefined', { S: 'a', N: undefined }, 'a'],
  ])('decodes %s', (_, attribute, value) => {
    expect(decode(attribute)).toEqual(value)
  })

  it.each<[string, unknown, string]>([
    ['two types', { S: 'a', N: '1' }, 'x: has 2 types instead of one'],
    ['no type', {}, 'x: has 0 types instead of one'],
    ['an unknown type', { X: 'a' }, 'x: unknown type X'],
    ['the SDK mark of an unknown type', { $unknown: ['X', 'a'] }, 'x: unknown type $unknown'],
    ['a bare text', 'a', 'x: not an attribute value'],
    ['null', null, 'x: not an attribute value'],
    ['a bare list', [{ S: 'a' }], 'x: not an attribute value'],
    ['bytes', new Uint8Array([1]), 'x: not an attribute value'],
    ['a number as text type', { S: 1 }, 'x: S is not text'],
    ['a JSON number', { N: 1 }, 'x: N is not a number'],
    ['an empty number', { N: '' }, 'x: N is not a number'],
    ['a number with blanks', { N: ' 1' }, 'x: N is not a number'],
    ['a hexadecimal number', { N: '0x10' }, 'x: N is not a number'],
    ['NaN', { N: 'NaN' }, 'x: N is not a number'],
    ['Infinity', { N: 'Infinity' }, 'x: N is not a number'],
    ['a point alone', { N: '.' }, 'x: N is not a number'],
    ['a boolean as text', { BOOL: 'true' }, 'x: BOOL is not a boolean'],
    ['NULL false', { NULL: false }, 'x: NULL is not true'],
    ['binary that is not base64', { B: 'AA' }, 'x: B is not binary'],
    ['binary in the URL alphabet', { B: '-_-_' }, 'x: B is not binary'],
    ['a list that is a map', { L: {} }, 'x: L is not a list'],
    ['a map that is a list', { M: [] }, 'x: M is not a map'],
    ['a map that is null', { M: null }, 'x: M is not a map'],
    ['a set that is a text', { SS: 'a' }, 'x: SS is not a list'],
    ['a set of texts with a number', { SS: ['a', 1] }, 'x: SS holds something else than text'],
    ['a set of numbers with a word', { NS: ['1', 'one'] }, 'x: NS holds something else than numbers'],
    ['a set of binaries with a word', { BS: ['AA==', '!'] }, 'x: BS holds something else than binary'],
    ['a fault inside a list', { L: [{ S: 'a' }, { N: 'b' }] }, 'x[1]: N is not a number'],
    ['a fault inside a map', { M: { a: { M: { b: { S: 1 } } } } }, 'x.a.b: S is not text'],
  ])('refuses %s and says where', (_, attribute, message) => {
    expect(() => decode(attribute)).toThrow(new InvalidRecordError(message))
  })

  const nested = (levels: number): unknown =>
    Array.from({ length: levels }).reduce<unknown>((inner) => ({ L: [inner] }), { S: 'deep' })

  it('is taken 32 levels deep, as DynamoDB allows, and not one deeper', () => {
    expect(JSON.stringify(decode(nested(32)))).toBe(`${'['.repeat(32)}"deep"${']'.repeat(32)}`)
    expect(() => decode(nested(33))).toThrow(/nested deeper than 32 levels$/)
    expect(() => decode(nested(5000))).toThrow(/nested deeper than 32 levels$/)
  })

  it('keeps null, absent, empty text and an empty set apart', () => {
    const item = decodeItem({ nothing: { NULL: true }, empty: { S: '' }, set: { SS: [] } }, 'item')

    expect(item).toEqual({ nothing: null, empty: '', set: new Set() })
    expect('absent' in item).toBe(false)
  })

  it('takes names that mean something to JavaScript as names', () => {
    const item = decodeItem(JSON.parse('{"toString": {"S": "a"}, "constructor": {"S": "b"}}'), 'item')

    expect(Object.entries(item)).toEqual([
      ['toString', 'a'],
      ['constructor', 'b'],
    ])
  })

  it('shows a number as its digits in JSON, not as an object', () => {
    expect(JSON.stringify(decode({ N: '9007199254740993' }))).toBe('"9007199254740993"')
  })
})

describe('decoding', () => {
  /** A value and its two wire forms: an event's (binary as base64) and the SDK's (binary as bytes). */
  type Sample = { value: Value; event: unknown; sdk: unknown }
  const same = (type: string, value: Value, wire: unknown): Sample => ({
    value,
    event: { [type]: wire },
    sdk: { [type]: wire },
  })
  const binary = fc.uint8Array({ maxLength: 20 })
  const digits = fc
    .tuple(fc.bigInt({ min: -(10n ** 38n) + 1n, max: 10n ** 38n - 1n }), fc.integer({ min: -130, max: 87 }))
    .map(([mantissa, exponent]) => `${mantissa}E${exponent}`)
  const scalar: fc.Arbitrary<Sample> = fc.oneof(
    fc.string({ unit: codePoint }).map((text) => same('S', text, text)),
    digits.map((text) => same('N', number(text), text)),
    fc.boolean().map((value) => same('BOOL', value, value)),
    fc.constant(same('NULL', null, true)),
    binary.map((value) => ({
      value,
      event: { B: Buffer.from(value).toString('base64') },
      sdk: { B: value },
    })),
    fc.uniqueArray(fc.string()).map((texts) => same('SS', new Set(texts), texts)),
    fc.uniqueArray(digits).map((texts) => same('NS', new Set(texts.map(number)), texts)),
  )
  /** Such a member is refused. */
  const names = fc.string().filter((name) => name !== '__proto__')
  const { sample } = fc.letrec<{ sample: Sample }>((tie) => ({
    sample: fc.oneof(
      { maxDepth: 5 },
      scalar,
      fc.array(tie('sample'), { maxLength: 4 }).map((items) => ({
        value: items.map(({ value }) => value),
        event: { L: items.map(({ event }) => event) },
        sdk: { L: items.map(({ sdk }) => sdk) },
      })),
      fc.dictionary(names, tie('sample'), { maxKeys: 4 }).map((members) => ({
        value: Object.fromEntries(Object.entries(members).map(([name, { value }]) => [name, value])),
        event: { M: Object.fromEntries(Object.entries(members).map(([name, { event }]) => [name, event])) },
        sdk: { M: Object.fromEntries(Object.entries(members).map(([name, { sdk }]) => [name, sdk])) },
      })),
    ),
  }))

  /** Bytes of either class as one. */
  const plain = (value: Value): unknown => {
    if (value instanceof Uint8Array) return ['bytes', ...value]
    if (value instanceof DecimalText) return ['number', value.text]
    if (value instanceof Set) return ['set', ...[...value].map((member) => plain(member))]
    if (Array.isArray(value)) return ['list', ...value.map((member: Value) => plain(member))]
    if (typeof value === 'object' && value !== null)
      return ['map', ...Object.entries(value).map(([name, member]) => [name, plain(member)])]
    return value
  }

  it('gives back what was encoded, whichever wire form it came in', async () => {
    await fc.assert(
      fc.property(sample, ({ value, event, sdk }) => {
        expect(plain(decode(event))).toEqual(plain(value))
        expect(plain(decode(sdk))).toEqual(plain(value))
      }),
      { seed: 42 },
    )
  })

  it('never throws anything but an InvalidRecordError, whatever it gets', async () => {
    await fc.assert(
      fc.property(fc.anything(), (anything) => {
        try {
          decode(anything)
        } catch (error) {
          expect(error).toBeInstanceOf(InvalidRecordError)
        }
      }),
      runs(500, 42),
    )
  })
})

describe('a number by its amount', () => {
  it.each<[string, string]>([
    ['0', '0'],
    ['-0', '0'],
    ['-0.000', '0'],
    ['0E+5', '0'],
    ['007', '7'],
    ['+7', '7'],
    ['7.', '7'],
    ['.5', '0.5'],
    ['1.50', '1.5'],
    ['1E+3', '1000'],
    ['1e-3', '0.001'],
    ['-12.5E1', '-125'],
    ['-12.5E-2', '-0.125'],
    ['9.99E+125', `999${'0'.repeat(123)}`],
    ['1E-130', `0.${'0'.repeat(129)}1`],
  ])('%s is %s', (text, canonical) => {
    expect(number(text).canonical).toBe(canonical)
    expect(number(canonical).canonical).toBe(canonical)
  })

  it('counts its digits without needless zeros', () => {
    expect(number('0012.3400').digits).toEqual({ whole: 2, fraction: 2 })
    expect(number('-0.05').digits).toEqual({ whole: 0, fraction: 2 })
    expect(number('1E+3').digits).toEqual({ whole: 4, fraction: 0 })
    expect(number('0').digits).toEqual({ whole: 0, fraction: 0 })
  })

  it('is found without trying again at each zero of a text as long as a body may be', () => {
    const values = new URL('../../../../functions/bridge/model/values.ts', import.meta.url).href
    const program = `
      import { DecimalText } from '${values}'
      console.log(new DecimalText('0.' + '0'.repeat(256_000) + '1').canonical.length)`

    // In a process of its own, which a bound can end: a regular expression would take minutes here.
    const printed = execFileSync(process.execPath, ['--input-type=module', '--eval', program], {
      timeout: 25_000,
    })

    expect(String(printed).trim()).toBe('256003')
  })

  it('does not write out an exponent that no store has', () => {
    expect(number('1E+999999999').canonical).toBe('1E+999999999')
  })
})

describe('whether two values are the same', () => {
  it.each<[string, Value, Value]>([
    ['1.0 and 1', number('1.0'), number('1')],
    ['1E+2 and 100', number('1E+2'), number('100')],
    ['-0 and 0', number('-0'), number('0')],
    ['bytes of two classes', Buffer.from([1]), new Uint8Array([1])],
    ['sets in another order', new Set(['a', 'b']), new Set(['b', 'a'])],
    [
      'sets of numbers in another form',
      new Set([number('1.0'), number('2')]),
      new Set([number('2.0'), number('1')]),
    ],
    ['sets of bytes', new Set([new Uint8Array([1])]), new Set([Buffer.from([1])])],
    ['maps in another order', { a: 'x', b: { c: null, d: 'y' } }, { b: { d: 'y', c: null }, a: 'x' }],
  ])('%s are', (_, a, b) => {
    expect([sameValue(a, b), sameValue(b, a)]).toEqual([true, true])
  })

  it.each<[string, Value, Value]>([
    ['"1" and 1', '1', number('1')],
    ['"null" and null', 'null', null],
    ['"true" and true', 'true', true],
    ['null and an empty text', null, ''],
    ['an empty map and an empty list', {}, []],
    ['an empty list and an empty set', [], new Set()],
    ['a set and a list of the same', new Set(['a']), ['a']],
    ['a set of texts and one of numbers', new Set(['1']), new Set([number('1')])],
    ['empty bytes and an empty text', new Uint8Array(), ''],
    ['bytes and their base64', new Uint8Array([1]), 'AQ=='],
    ['lists in another order', ['a', 'b'], ['b', 'a']],
    ['an absent and a null member', {}, { a: null }],
    ['a member more', { a: 'x' }, { a: 'x', b: 'y' }],
    ['a text with a comma and two texts', ['a","b'], ['a', 'b']],
    ['names with a colon', { 'a":"b': 'c' }, { a: 'b":"c' }],
    ['half a character and its escape', '\ud800', '\\ud800'],
    ['a composed and a combined character', '\u00e9', 'e\u0301'],
  ])('%s are not', (_, a, b) => {
    expect([sameValue(a, b), sameValue(b, a)]).toEqual([false, false])
  })

  const digits = fc
    .tuple(fc.bigInt({ min: -999n, max: 999n }), fc.integer({ min: -3, max: 3 }))
    .map(([mantissa, exponent]) => ({
      amount: Number(mantissa) * 10 ** exponent,
      text: `${mantissa}E${exponent}`,
    }))

  /** The same value once more, with every order turned round and every number in another form. */
  const turned = (value: Value): Value => {
    if (value instanceof DecimalText)
      return number(`${value.canonical}${value.canonical.includes('.') ? '0' : '.0'}`)
    if (value instanceof Uint8Array) return Buffer.from(value)
    if (value instanceof Set) return new Set([...value].reverse())
    if (Array.isArray(value)) return value.map((member: Value) => turned(member))
    if (typeof value === 'object' && value !== null)
      return Object.fromEntries(
        Object.entries(value)
          .reverse()
          .map(([name, member]) => [name, turned(member)]),
      )
    return value
  }
  const { value } = fc.letrec<{ value: Value }>((tie) => ({
    value: fc.oneof(
      { maxDepth: 3 },
      fc.string({ unit: codePoint, maxLength: 4 }),
      digits.map(({ text }) => number(text)),
      fc.boolean(),
      fc.constant(null),
      fc.uint8Array({ maxLength: 3 }),
      fc.uniqueArray(fc.string({ maxLength: 2 }), { maxLength: 3 }).map((texts) => new Set(texts)),
      fc.array(tie('value'), { maxLength: 3 }),
      fc.dictionary(fc.string({ maxLength: 3 }), tie('value'), { maxKeys: 3, noNullPrototype: true }),
    ),
  }))

  it('does not depend on order and form', async () => {
    await fc.assert(
      fc.property(value, (any) => sameValue(any, any) && canonicalText(turned(any)) === canonicalText(any)),
      { seed: 42 },
    )
  })

  it('is the question whether numbers have one amount', async () => {
    await fc.assert(
      fc.property(digits, digits, (a, b) => {
        const equal = Math.abs(a.amount - b.amount) < 1e-7

        expect(sameValue(number(a.text), number(b.text))).toBe(equal)
      }),
      runs(500, 42),
    )
  })
})

describe('a member __proto__ of a map, whose value not every reader keeps', () => {
  it.each([
    ['as JSON has it', '{"a":{"M":{"__proto__":{"S":"x"}}}}'],
    ['at the top', '{"__proto__":{"S":"x"}}'],
    ['in a list', '{"a":{"L":[{"M":{"__proto__":{"NULL":true}}}]}}'],
  ])('is refused by name %s', (_, text) => {
    expect(() => decodeItem(JSON.parse(text), 'NewImage')).toThrow(/^NewImage.*has a member __proto__/)
  })

  it('is refused also where a reader has made a prototype of it', () => {
    const map: Record<string, unknown> = {}
    Object.setPrototypeOf(map, { S: 'x' })
    expect(() => decodeItem({ a: { M: map } }, 'NewImage')).toThrow(/has a member __proto__/)
  })

  it.each(['constructor', 'toString', 'hasOwnProperty'])('is not %s, which is carried', (name) => {
    const item = { [name]: { M: { [name]: { S: 'x' } } } }
    expect(decodeItem(item, 'NewImage')).toEqual({ [name]: { [name]: 'x' } })
  })
})
