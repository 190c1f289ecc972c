import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { sql } from 'kysely'
import { isAmongFirst } from '../../../../functions/bridge/aurora/cohort.ts'
import { partOf, partsIn } from '../../../../functions/bridge/model/cohort.ts'
import { openTestAurora, type TestAurora } from '../../../support/aurora.ts'
import { codePoint } from '../../../support/code-point.ts'
import { runs } from '../../../support/runs.ts'

const text = () => fc.string({ unit: codePoint, minLength: 1, maxLength: 60 })

describe('the part of a key', () => {
  let aurora: TestAurora
  beforeAll(async () => {
    aurora = await openTestAurora()
  })
  afterAll(() => aurora.close())

  it('is the same in SQL as it is here, of any text, at the edge of a share also', async () => {
    await fc.assert(
      fc.asyncProperty(text(), fc.array(text(), { minLength: 1, maxLength: 40 }), async (salt, keys) => {
        const edges = keys.flatMap((key) => [partOf(salt, key), partOf(salt, key) + 1])
        const asked = keys.flatMap((key, at) => [
          { key, parts: edges[2 * at] ?? 0 },
          { key, parts: edges[2 * at + 1] ?? 0 },
        ])
        const each = asked.map(({ key, parts }) => isAmongFirst(salt, sql`${key}`, parts))
        const { rows } = await sql<Record<string, unknown>>`
          SELECT ${sql.join(each.map((one, at) => sql`IF(${one}, 1, 0) AS ${sql.ref(`c${at}`)}`))}`.execute(
          aurora.db,
        )

        expect(asked.map((_, at) => Number(rows[0]?.[`c${at}`]))).toEqual(asked.map((_, at) => at % 2))
      }),
      runs(60, { short: 20 }),
    )
  })

  it('is the same of a key that stands in a column of bytes of its own kind', async () => {
    await aurora.legacy.query(`CREATE TABLE parts (a VARCHAR(40) CHARACTER SET ascii COLLATE ascii_bin,
      l VARCHAR(40) CHARACTER SET latin1, u VARCHAR(40) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin)`)
    await aurora.legacy.query("INSERT INTO parts VALUES ('abc-1', 'käse', 'käse€')")
    for (const [column, key] of [
      ['a', 'abc-1'],
      ['l', 'käse'],
      ['u', 'käse€'],
    ] as const)
      for (const more of [0, 1]) {
        const among = isAmongFirst('s', sql.ref(column), partOf('s', key) + more)
        const { rows } = await sql<{ n: unknown }>`SELECT COUNT(*) AS n FROM parts WHERE ${among}`.execute(
          aurora.db,
        )
        expect([column, Number(rows[0]?.n)]).toEqual([column, more])
      }
  })
})

describe('a share', () => {
  it('has about as many keys as it says, whatever the salt', () => {
    for (const salt of ['a', 'b', '7f3c']) {
      const keys = Array.from({ length: 20_000 }, (_, at) => `chef-${at}`)
      const among = keys.filter((key) => partOf(salt, key) < partsIn(25)).length
      expect(among / keys.length).toBeCloseTo(0.25, 1)
    }
  })

  it('keeps its keys when it grows, and is of hundredths of a percent', () => {
    fc.assert(
      fc.property(
        text(),
        fc.integer({ min: 0, max: 10_000 }),
        fc.integer({ min: 0, max: 10_000 }),
        (key, a, b) => {
          const [less, more] = [Math.min(a, b), Math.max(a, b)]
          const part = partOf('salt', key)
          expect(partsIn(less / 100)).toBe(less)
          if (part < partsIn(less / 100)) expect(part).toBeLessThan(partsIn(more / 100))
        },
      ),
    )
    expect([partsIn(0), partsIn(100)]).toEqual([0, 10_000])
  })
})
