import { fc } from '@fast-check/jest'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals'
import { toAttributes } from '../../../../functions/bridge/dynamo/items.ts'
import { toRow } from '../../../../functions/bridge/http/body.ts'
import type { Change, Row } from '../../../../functions/bridge/model/change.ts'
import { jsonValue, parseExactJson } from '../../../../functions/bridge/model/exact-json.ts'
import {
  canonicalText,
  DecimalText,
  decodeItem,
  type Value,
} from '../../../../functions/bridge/model/values.ts'
import { recipe } from '../../../fixtures/entities/recipe.ts'
import { arbitraryRecipe } from '../../../support/arbitrary-recipe.ts'
import { openTestAurora, type TestAurora } from '../../../support/aurora.ts'
import { runs, times } from '../../../support/runs.ts'
import { createSpecimens, specimen } from '../../fixtures/specimen.ts'

const AT = '2026-11-22T03:00:00.123Z'
const number = (text: string) => new DecimalText(text)

const nothing: Row = Object.fromEntries(Object.keys(specimen.fields).map((name) => [name, null]))

const nested = (levels: number): Value =>
  Array.from({ length: levels }).reduce<Value>((inner) => [inner], 'deep')

/** Values at the edges of each kind. */
const edges: Record<string, readonly Value[]> = {
  amount: [
    `${'9'.repeat(35)}.${'9'.repeat(3)}`,
    `-${'9'.repeat(8)}.${'9'.repeat(30)}`,
    `0.${'0'.repeat(29)}1`,
    '0',
    '1E+3',
    '1E+34',
    '-1.5e-29',
  ].map(number),
  fraction: [`-0.${'9'.repeat(30)}`, '0.1', '0', '1E-30'].map(number),
  whole: ['9'.repeat(38), `-${'9'.repeat(38)}`, '12345678901234567890123456789012345678'].map(number),
  signed: ['9223372036854775807', '-9223372036854775808', '9007199254740993', '0'].map(number),
  unsigned: ['18446744073709551615', '0', '1E+19'].map(number),
  flag: [true, false],
  day: ['1000-01-01', '2000-02-29', '9999-12-31'],
  level: ['low', 'High', 'größte 🏔'],
  document: [
    {},
    [],
    '',
    'null',
    '"',
    false,
    number('0'),
    number('18446744073709551615'),
    number('-9223372036854775808'),
    number('9007199254740993'),
    number('0.1'),
    number('1E+125'),
    number('1E-130'),
    {
      '': null,
      ' ': ' ',
      '👩🏽‍🍳': '\u0000\u0001\u001f"\\/\u2028',
      nested: { list: [null, { a: [] }, [{}]] },
    },
    { constructor: { toString: 'a' }, hasOwnProperty: 'b' },
    nested(30),
  ],
  bytes: [
    Buffer.from([]),
    Buffer.from([0]),
    Buffer.from([92, 34, 39, 10, 13, 0, 255]),
    Buffer.alloc(57, 1),
    Buffer.alloc(58, 2),
    Buffer.from(Array.from({ length: 300 }, (_, at) => at % 256)),
  ],
  word: [
    '',
    ' ',
    'a ',
    'x'.repeat(40),
    '👩'.repeat(40),
    'e\u0301',
    '\u0000',
    '\\"\'`%_:p1\n\r\t\u0001\u001a',
    'NULL',
  ],
  story: ['x'.repeat(20_000), '👩'.repeat(20_000), '\u0001'.repeat(500)],
}

describe('what goes through the guarded writer', () => {
  let aurora: TestAurora

  beforeAll(async () => {
    aurora = await openTestAurora()
    await createSpecimens(aurora.legacy)
  })
  afterAll(() => aurora.close())
  beforeEach(async () => {
    for (const table of ['specimen_parts', 'specimens']) await aurora.legacy.query(`DELETE FROM ${table}`)
  })

  const upsert = (key: string, row: Row, version = 1n, entity = 'specimen'): Change => ({
    entity,
    key,
    op: 'upsert',
    version,
    source: 'stream',
    at: AT,
    row,
  })

  /** Writes each row under a key of its own and reads it again. */
  const throughColumns = async (rows: readonly Row[]): Promise<(Row | undefined)[]> => {
    await aurora.writer.apply(
      specimen,
      rows.map((row, at) => upsert(`k${at}`, row)),
    )
    const stored = await Promise.all(rows.map((_, at) => aurora.store.get(specimen, `k${at}`)))
    return stored.map((found) => found?.row)
  }

  describe.each(Object.entries(edges))('%s', (name, values) => {
    it('comes back as it went in, from a column', async () => {
      const found = await throughColumns(values.map((value) => ({ ...nothing, [name]: value })))

      expect(found.map((row) => canonicalText(row?.[name] ?? null))).toEqual(values.map(canonicalText))
      expect(found.map((row) => row && canonicalText({ ...row, [name]: null }))).toEqual(
        values.map(() => canonicalText({ ...nothing, parts: [] })),
      )
    })

    it('comes back as it went in, from child rows, in the order of the list', async () => {
      const { parts: _, ...none } = nothing
      const parts = values.map((value) => ({ ...none, [name]: value }))

      const [found] = await throughColumns([{ ...nothing, parts }])

      expect(canonicalText(found?.parts ?? null)).toBe(canonicalText(parts))
    })

    it('comes back as it went in, from an item', () => {
      for (const value of values) {
        const item = toAttributes(specimen, { [name]: value })
        const read = specimen.image.parse(decodeItem(JSON.parse(JSON.stringify(wire(item))), 'item'))

        expect(canonicalText(read[name] ?? null)).toBe(canonicalText(value))
      }
    })

    it('comes back as it went in, from what a client was shown', () => {
      for (const value of values.filter((each) => each !== '' || name === 'document')) {
        const shown = specimen.fields[name]?.toJson(value)
        const sent = jsonValue(parseExactJson(JSON.stringify({ [name]: shown }))) ?? null

        expect(specimen.fields[name]?.toJson(toRow(specimen, sent)[name] ?? null)).toEqual(shown)
      }
    })
  })

  /** Binary as a stream event has it. */
  const wire = (item: object): unknown =>
    Object.fromEntries(
      Object.entries(item).map(([name, value]) => [
        name,
        value.B instanceof Uint8Array ? { B: Buffer.from(value.B).toString('base64') } : value,
      ]),
    )

  it('keeps null, empty and absent apart in a document, and takes null at its top for NULL', async () => {
    const documents: Value[] = [null, '', {}, [], [null], { a: null }]
    await throughColumns(documents.map((document) => ({ ...nothing, document })))

    const [rows] = await aurora.legacy.query('SELECT JSON_TYPE(document) AS type FROM specimens ORDER BY id')
    expect(rows).toEqual([null, 'STRING', 'OBJECT', 'ARRAY', 'ARRAY', 'OBJECT'].map((type) => ({ type })))
  })

  it(
    'keeps every number that a document may hold, whatever its digits',
    async () => {
      const double = fc
        .double({ noNaN: true, noDefaultInfinity: true, min: -1e125, max: 1e125 })
        .filter((value) => value === 0 || Math.abs(value) >= 1e-130)
        .map((value) => number(number(String(value)).canonical))
      const integer = fc
        .bigInt({ min: -(2n ** 63n), max: 2n ** 64n - 1n })
        .map((value) => number(String(value)))
      await fc.assert(
        fc.asyncProperty(
          fc.array(fc.oneof(double, integer), { minLength: 50, maxLength: 200 }),
          async (numbers) => {
            await aurora.legacy.query('DELETE FROM specimens')
            const [found] = await throughColumns([{ ...nothing, document: numbers }])
            const read = found?.document ?? null

            expect(Array.isArray(read) ? read.map(canonicalText) : read).toEqual(numbers.map(canonicalText))
          },
        ),
        runs(20, { seed: 42, short: 8 }),
      )
    },
    times(60_000),
  )

  it(
    'is the same row of a recipe, whatever the row',
    async () => {
      await aurora.legacy.query("INSERT INTO cheftable VALUES (77, 'Auguste', 'Escoffier')")
      let version = 0n
      await fc.assert(
        fc.asyncProperty(fc.array(arbitraryRecipe(['77']), { minLength: 5, maxLength: 20 }), async (rows) => {
          version += 1n
          await aurora.writer.apply(
            recipe,
            rows.map((row, at) => upsert(`r${at}`, row, version, 'recipe')),
          )
          for (const [at, row] of rows.entries())
            expect(canonicalText((await aurora.store.get(recipe, `r${at}`))?.row ?? null)).toBe(
              canonicalText(row),
            )
        }),
        runs(10, { seed: 42, short: 4 }),
      )
    },
    times(60_000),
  )
})
