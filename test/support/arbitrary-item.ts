import type { AttributeValue } from '@aws-sdk/client-dynamodb'
import fc from 'fast-check'
import type { Item } from '../../functions/bridge/drivers/dynamo/items.ts'
import { codePoint } from './code-point.ts'

/** DynamoDB's numbers: up to 38 significant digits, amounts from 1E-130 to 9.99…E+125, of either sign, and 0. */
const DIGITS = 38
const SMALLEST_EXPONENT = -130
const LARGEST_EXPONENT = 125

/** A number as a client may write it: plain, or with an exponent. */
const number: fc.Arbitrary<string> = fc.oneof(
  fc.constantFrom(
    '0',
    '-0',
    '1',
    '-1',
    '0.1',
    '9007199254740993',
    '18446744073709551616',
    '9'.repeat(DIGITS),
    `-${'9'.repeat(DIGITS)}`,
    `0.${'0'.repeat(20)}${'1'.repeat(DIGITS)}`,
    `${'9'.repeat(20)}.${'9'.repeat(DIGITS - 20)}`,
    '1E-130',
    '-1E-130',
    `9.${'9'.repeat(DIGITS - 1)}E+125`,
    `-9.${'9'.repeat(DIGITS - 1)}E+125`,
    '1.50',
    '007',
    '5e3',
  ),
  fc.bigInt({ min: -(10n ** 38n) + 1n, max: 10n ** 38n - 1n }).map(String),
  fc
    .tuple(
      fc.bigInt({ min: 1n, max: 10n ** 38n - 1n }),
      fc.integer({ min: SMALLEST_EXPONENT, max: LARGEST_EXPONENT - DIGITS }),
      fc.boolean(),
    )
    .map(([digits, exponent, negative]) => `${negative ? '-' : ''}${digits}E${exponent}`),
)

/** Well-formed text: code points of four bytes, combining ones, control characters, and what other formats escape. */
const text = (minLength: number, maxLength: number): fc.Arbitrary<string> =>
  fc.oneof(
    { weight: 5, arbitrary: fc.string({ unit: codePoint, minLength, maxLength }) },
    {
      weight: 1,
      arbitrary: fc.constantFrom('👩🏽‍🍳', 'Zoe\u0308', '\u0000\\"', ' a ', 'a#b', '["x"]', '\u2028', 'é'),
    },
  )

const binary = (minLength: number): fc.Arbitrary<Uint8Array> =>
  fc.oneof(
    { weight: 8, arbitrary: fc.uint8Array({ minLength, maxLength: 40 }) },
    // Every byte there is.
    { weight: 1, arbitrary: fc.constant(Uint8Array.from({ length: 256 }, (_, byte) => byte)) },
  )

/** Two texts of one amount are one member of a set, which DynamoDB refuses to be given twice. */
const numberSet = fc.uniqueArray(fc.bigInt({ min: -(10n ** 38n) + 1n, max: 10n ** 38n - 1n }).map(String), {
  minLength: 1,
  maxLength: 5,
})

const scalar: fc.Arbitrary<AttributeValue> = fc.oneof(
  text(0, 20).map((S): AttributeValue => ({ S })),
  number.map((N): AttributeValue => ({ N })),
  binary(0).map((B): AttributeValue => ({ B })),
  fc.boolean().map((BOOL): AttributeValue => ({ BOOL })),
  fc.constant<AttributeValue>({ NULL: true }),
)

const set: fc.Arbitrary<AttributeValue> = fc.oneof(
  fc.uniqueArray(text(1, 12), { minLength: 1, maxLength: 5 }).map((SS): AttributeValue => ({ SS })),
  numberSet.map((NS): AttributeValue => ({ NS })),
  fc
    .uniqueArray(binary(1), {
      minLength: 1,
      maxLength: 4,
      selector: (bytes) => Buffer.from(bytes).toString('hex'),
    })
    .map((BS): AttributeValue => ({ BS })),
)

/** `__proto__` isn't one of them: the SDK's reader of stream records loses it in nested maps. */
const name = fc.oneof(
  { weight: 3, arbitrary: fc.string({ minLength: 1, maxLength: 10 }).filter((one) => one !== '__proto__') },
  {
    weight: 1,
    arbitrary: fc.constantFrom('constructor', 'toString', 'size', 'a.b', '#n', ':v', 'né', '🥐'),
  },
)

const { value } = fc.letrec<{ value: AttributeValue }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    scalar,
    set,
    fc.array(tie('value'), { maxLength: 4 }).map((L): AttributeValue => ({ L })),
    fc
      .dictionary(name, tie('value'), { maxKeys: 4, noNullPrototype: true })
      .map((M): AttributeValue => ({ M })),
  ),
}))

/** DynamoDB's own limit on lists and maps in one another, the outermost attribute included. */
const DEEPEST = 32

const nested: fc.Arbitrary<AttributeValue> = fc
  .tuple(scalar, fc.array(fc.boolean(), { minLength: DEEPEST - 1, maxLength: DEEPEST - 1 }))
  .map(([inner, lists]) =>
    lists.reduce<AttributeValue>((member, list) => (list ? { L: [member] } : { M: { a: member } }), inner),
  )

/** One value of any type that an attribute can have. */
export const arbitraryValue: fc.Arbitrary<AttributeValue> = fc.oneof(
  { weight: 12, arbitrary: value },
  { weight: 1, arbitrary: nested },
)

/** One of each type, at its edges: whatever a run draws, these are in it. */
export const everyType: Item = {
  text: { S: 'Zoë 👩🏽‍🍳' },
  emptyText: { S: '' },
  digits: { N: '12345678901234567890123456789012345678' },
  fraction: { N: '-0.00000000000000000000000000000000000001' },
  tiny: { N: '1E-130' },
  huge: { N: `9.${'9'.repeat(DIGITS - 1)}E+125` },
  bytes: { B: Uint8Array.from({ length: 256 }, (_, byte) => byte) },
  emptyBytes: { B: new Uint8Array() },
  yes: { BOOL: true },
  no: { BOOL: false },
  nothing: { NULL: true },
  texts: { SS: ['b', 'a', ' '] },
  numbers: { NS: ['12345678901234567890123456789012345678', '-1', '0.5'] },
  binaries: { BS: [new Uint8Array([1]), new Uint8Array([0, 255])] },
  list: { L: [{ S: '' }, { N: '1' }, { NULL: true }, { L: [] }, { M: {} }, { NS: ['1'] }] },
  map: { M: { inner: { M: { 'a.b': { BOOL: false } } }, empty: { L: [] } } },
  deep: Array.from({ length: DEEPEST - 1 }).reduce<AttributeValue>(
    (member, _, at) => (at % 2 === 0 ? { L: [member] } : { M: { a: member } }),
    { S: 'bottom' },
  ),
}

/** An item's attributes beside its key, of every type. @param taken names that they don't have */
export const arbitraryAttributes = (taken: readonly string[]): fc.Arbitrary<Item> =>
  fc.dictionary(
    name.filter((candidate) => !taken.includes(candidate)),
    arbitraryValue,
    { maxKeys: 6, noNullPrototype: true },
  )

/** A value that a key attribute can have, by its type. */
export const arbitraryKey: Readonly<Record<'S' | 'N' | 'B', fc.Arbitrary<AttributeValue>>> = {
  S: text(1, 20).map((S) => ({ S })),
  N: number.map((N) => ({ N })),
  B: binary(1).map((B) => ({ B })),
}

/** An item with a text key `id` and attributes of any type. */
export const arbitraryItem: fc.Arbitrary<Item> = fc
  .tuple(fc.uuid(), arbitraryAttributes(['id']))
  .map(([id, attributes]) => ({ ...attributes, id: { S: id } }))
