import fc from 'fast-check'
import type { Row } from '../../functions/bridge/model/change.ts'
import { DecimalText, type Value } from '../../functions/bridge/model/values.ts'
import { codePoint } from './code-point.ts'

/** A number with at most so many digits before and behind the point, its edges included. */
const decimal = (whole: number, fraction: number): fc.Arbitrary<DecimalText> => {
  const largest = 10n ** BigInt(whole + fraction) - 1n
  const scaled = fc.oneof(
    fc.constantFrom(0n, 1n, -1n, largest, -largest, 10n ** BigInt(fraction)),
    fc.bigInt({ min: -largest, max: largest }),
  )
  return scaled.map((value) => {
    const digits = String(value < 0n ? -value : value).padStart(fraction + 1, '0')
    const text = `${value < 0n ? '-' : ''}${digits.slice(0, -fraction)}.${digits.slice(-fraction)}`
    return new DecimalText(new DecimalText(text).canonical)
  })
}

/** Well-formed text of so many characters (code points), 4-byte ones, combining ones and SQL among them. */
const text = (minLength: number, maxLength: number): fc.Arbitrary<string> =>
  fc.oneof(
    { weight: 6, arbitrary: fc.string({ unit: codePoint, minLength, maxLength: Math.min(maxLength, 30) }) },
    {
      weight: 1,
      arbitrary: fc.constantFrom('👩🏽‍🍳', 'Zoe\u0308', "'; DROP", '\u0000\\"', ' a ', '%_', 'é'.repeat(5)),
    },
    { weight: 1, arbitrary: fc.constantFrom('x'.repeat(maxLength), '👩'.repeat(maxLength)) },
  )

/** A JSON column rounds what is neither a 64-bit integer nor a double. DynamoDB's numbers end at 10^125. */
const jsonNumber: fc.Arbitrary<DecimalText> = fc
  .oneof(
    fc.constantFrom(
      '0',
      '-1',
      '9007199254740993',
      '18446744073709551615',
      '-9223372036854775808',
      '0.1',
      '1e-7',
    ),
    fc.bigInt({ min: -(2n ** 63n), max: 2n ** 64n - 1n }).map(String),
    fc
      .double({ noNaN: true, noDefaultInfinity: true, min: -1e60, max: 1e60 })
      .map((value) => (Math.abs(value) < 1e-60 ? '0' : String(value))),
  )
  .map((digits) => new DecimalText(new DecimalText(digits).canonical))

/** A document as clients send it: nested, every kind of JSON value. At the top no null: that is an absent one. */
const { document } = fc.letrec<{ document: Value; inner: Value }>((tie) => ({
  document: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    fc.boolean(),
    fc.string({ unit: codePoint, maxLength: 20 }),
    jsonNumber,
    fc.array(tie('inner'), { maxLength: 4 }),
    fc.dictionary(fc.string({ unit: codePoint, minLength: 1, maxLength: 8 }), tie('inner'), {
      maxKeys: 4,
      noNullPrototype: true,
    }),
  ),
  inner: fc.oneof({ depthSize: 'small' }, fc.constant(null), tie('document')),
}))

const calendarDate = fc.oneof(
  fc.constantFrom('1000-01-01', '1582-10-10', '1900-02-28', '2000-02-29', '2026-11-22', '9999-12-31'),
  fc
    .date({
      min: new Date('1000-01-01T00:00:00Z'),
      max: new Date('9999-12-31T00:00:00Z'),
      noInvalidDate: true,
    })
    .map((value) => value.toISOString().slice(0, 10)),
)

/** BLOB's width is 65,535 bytes. Mostly small: a large one costs as much as all the rest of a run. */
const thumbnail = fc.oneof(
  { weight: 20, arbitrary: fc.uint8Array({ maxLength: 48 }) },
  { weight: 1, arbitrary: fc.uint8Array({ minLength: 4_000, maxLength: 4_100 }) },
  { weight: 1, arbitrary: fc.nat({ max: 255 }).map((byte) => new Uint8Array(65_535).fill(byte)) },
)

const ingredient = fc.record({
  name: text(0, 100),
  quantity: fc.option(decimal(9, 3)),
  unit: fc.option(text(0, 20)),
})

/**
 * Rows of `recipe` that both stores hold exactly, with the edges of every attribute: what an item may be, also the
 * values that a client could not send, such as an empty text. A field that a row hasn't is null, as in a row that was
 * read.
 *
 * @param chefKeys the chefs that recipes may belong to
 */
export const arbitraryRecipe = (chefKeys: readonly string[]): fc.Arbitrary<Row> =>
  fc.record({
    chefId: fc.constantFrom(...chefKeys),
    title: text(0, 200),
    price: fc.option(decimal(8, 2)),
    publishedOn: fc.option(calendarDate),
    vegetarian: fc.boolean(),
    servings: fc
      .oneof(fc.constantFrom(1, 1000), fc.integer({ min: 1, max: 1000 }))
      .map((value) => new DecimalText(String(value))),
    difficulty: fc.option(fc.constantFrom('easy', 'medium', 'hard')),
    notes: fc.option(document),
    thumbnail: fc.option(thumbnail),
    ingredients: fc.oneof(
      { weight: 8, arbitrary: fc.array(ingredient, { maxLength: 4 }) },
      { weight: 1, arbitrary: fc.array(ingredient, { minLength: 30, maxLength: 40 }) },
    ),
  })
