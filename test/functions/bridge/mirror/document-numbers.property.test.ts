import { randomUUID } from 'node:crypto'
import { fc } from '@fast-check/jest'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import type { ResultSetHeader, RowDataPacket } from 'mysql2'
import { toRow } from '../../../../functions/bridge/http/body.ts'
import { Problem } from '../../../../functions/bridge/http/problem.ts'
import type { Row } from '../../../../functions/bridge/model/change.ts'
import { defineEntity } from '../../../../functions/bridge/model/entity.ts'
import { jsonValue, parseExactJson } from '../../../../functions/bridge/model/exact-json.ts'
import { canonicalText, DecimalText } from '../../../../functions/bridge/model/values.ts'
import { chefDefinition } from '../../../fixtures/entities/chef.ts'
import { recipeDefinition } from '../../../fixtures/entities/recipe.ts'
import { runs, times } from '../../../support/runs.ts'
import { type MirrorWorld, openMirror } from './world.ts'

const chef = defineEntity({ ...chefDefinition, mirror: {} })
const recipe = defineEntity({ ...recipeDefinition(chef), mirror: {} })

/** Numbers of 17 digits, at the edges of doubles and of 64 bits; the last ones neither store's documents have both. */
const EDGES = [
  '0.30000000000000004',
  '0.1',
  '-0.1',
  '1.7976931348623155e+125',
  '2.2250738585072013e-129',
  '9007199254740993',
  '123456789012345678',
  '-9223372036854775808',
  '18446744073709551615',
  '123456789.12345679',
  '1e125',
  '1e-130',
  '0',
]
const BEYOND = ['5e-324', '1.7976931348623157e308', '-1.7976931348623157e308', '1e126', '1e-131']
const ROUNDED = [
  '0.10000000000000001',
  '18446744073709551616.5',
  '0.1234567890123456789',
  '36893488147419103233',
]

const canonical = (text: string): string => new DecimalText(text).canonical
/** As JavaScript writes it: with as many digits as tell it from its neighbours, 17 at most. */
const double = fc
  .double({ noNaN: true, noDefaultInfinity: true, min: -1e125, max: 1e125 })
  .filter((value) => value === 0 || Math.abs(value) >= 1e-130)
  .map(String)
const whole = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 64n - 1n }).map(String)
/** Any that JSON has a form for, most of which no double is. */
const decimal = fc
  .tuple(fc.stringMatching(/^-?(0|[1-9]\d{0,20})(\.\d{1,25})?$/), fc.integer({ min: -140, max: 140 }))
  .map(([digits, exponent]) => `${digits}e${exponent}`)

describe('numbers in a document, on their way between the stores', () => {
  let world: MirrorWorld
  let chefId = ''
  beforeAll(async () => {
    world = await openMirror([chef, recipe], { chef: 'Chefs', recipe: 'Recipes' })
    chefId = String(await run("INSERT INTO cheftable (cheffirst, cheflast) VALUES ('Julia', 'C')"))
    await world.carry()
  }, 60_000)
  afterAll(() => world.close())

  const run = async (statement: string, values: unknown[] = []): Promise<number> => {
    const [{ insertId }] = await world.legacy.query<ResultSetHeader>(statement, values)
    return insertId
  }
  /** What a client sends, as it is taken. @throws Problem */
  const body = (numbers: readonly string[]): Row => {
    const text = `{"chefId":"${chefId}","title":"Soup","notes":{"all":[${numbers.join()}]}}`
    return toRow(recipe, jsonValue(parseExactJson(text)) ?? null)
  }
  const numbersOf = (row: Row | undefined): unknown => {
    const notes: unknown = JSON.parse(canonicalText(row?.notes ?? null))
    return notes
  }
  /** Writes them by the modern API, has the stream bring them, and reads the row by the legacy API. */
  const there = async (row: Row): Promise<Row | undefined> => {
    const key = randomUUID()
    await world.create(recipe, 'dynamo', row, key)
    await world.sync.deliver(world.recordOf(recipe, key, undefined, await world.item(recipe, key)))
    return (await world.stores.aurora.get(recipe, key))?.row
  }
  /** Has a legacy program write a document, and the mirror carry it over. */
  const back = async (notes: string, values: unknown[] = []) => {
    const id = await run(`INSERT INTO recipetable (chef_id, title, notes) VALUES (?, 'Soup', ${notes})`, [
      ...[chefId, ...values],
    ])
    await world.carry()
    const key = String(id)
    const [[row]] = await world.legacy.query<RowDataPacket[]>(
      'SELECT CAST(notes AS CHAR) AS text FROM recipetable WHERE id = ?',
      [id],
    )
    const parked = await world.relayParts.outward.parking.parkedAmong('recipe', [key])
    return { item: await world.item(recipe, key), held: String(row?.text), code: parked.get(key)?.code }
  }
  const numbersIn = (text: string): string[] =>
    [...text.matchAll(/-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g)].map(([one]) => canonical(one))

  it.each(EDGES)('keep each digit from the modern API to the legacy one, and back: %s', async (number) => {
    const row = body([number])
    const read = await there(row)
    expect(canonicalText(read?.notes ?? null)).toBe(canonicalText(row.notes ?? null))
    expect(numbersOf(read)).toEqual(numbersOf(row))

    const { item, code } = await back('?', [`{"all":[${number}]}`])
    expect(code).toBeUndefined()
    expect(canonical(item?.notes?.M?.all?.L?.[0]?.N ?? 'none')).toBe(canonical(number))
  })

  it.each([...BEYOND, ...ROUNDED])(
    'are refused at the door where a store would change them, and listed where a legacy program wrote them: %s',
    async (number) => {
      expect(() => body([number])).toThrow(Problem)

      const { item, held, code } = await back('?', [`{"all":[${number}]}`])
      const [kept = ''] = numbersIn(held)
      // A server that keeps a double for it has rounded it already: that is what there is to carry over.
      if (code === undefined) expect(canonical(item?.notes?.M?.all?.L?.[0]?.N ?? 'none')).toBe(kept)
      else expect([code, item]).toEqual([expect.stringMatching(/^(row|record)\./), undefined])
      if (BEYOND.includes(number)) expect(code).toBeDefined()
    },
  )

  it('are listed where the server itself holds more digits than a double has', async () => {
    const { item, held, code } = await back(
      "JSON_OBJECT('all', CAST('0.1234567890123456789012' AS DECIMAL(30, 22)))",
    )
    expect(held).toContain('0.1234567890123456789012')
    expect([code, item]).toEqual([expect.stringMatching(/^(row|record)\./), undefined])
  })

  it(
    'keep each digit, or are refused, whatever they are',
    async () => {
      await fc.assert(
        fc.asyncProperty(
          fc.array(fc.oneof(double, whole, decimal), { minLength: 40, maxLength: 80 }),
          async (numbers) => {
            const taken = numbers.filter((number) => {
              try {
                body([number])
                return true
              } catch (error) {
                if (error instanceof Problem) return false
                throw error
              }
            })
            const read = await there(body(taken))
            expect(canonicalText(read?.notes ?? null)).toBe(canonicalText(body(taken).notes ?? null))

            const { item, held, code } = await back('?', [`{"all":[${taken.join()}]}`])
            expect(code).toBeUndefined()
            expect(numbersIn(held)).toEqual(taken.map(canonical))
            expect(item?.notes?.M?.all?.L?.map(({ N = 'none' }) => canonical(N))).toEqual(
              taken.map(canonical),
            )
          },
        ),
        runs(20, { seed: 42, short: 6 }),
      )
    },
    times(120_000),
  )

  it(
    'are carried over as the server holds them, or listed, whatever a legacy program has written',
    async () => {
      await fc.assert(
        fc.asyncProperty(fc.oneof(decimal, double), async (number) => {
          const { item, held, code } = await back('?', [`{"all":[${number}]}`])
          if (code !== undefined) expect(item).toBeUndefined()
          else expect([canonical(item?.notes?.M?.all?.L?.[0]?.N ?? 'none')]).toEqual(numbersIn(held))
        }),
        runs(100, { seed: 42, short: 25 }),
      )
    },
    times(120_000),
  )
})
