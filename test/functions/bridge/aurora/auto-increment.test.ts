import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import type { ResultSetHeader, RowDataPacket } from 'mysql2/promise'
import type { Change } from '../../../../functions/bridge/model/change.ts'
import { recipe } from '../../../fixtures/entities/recipe.ts'
import { openTestAurora, type TestAurora } from '../../../support/aurora.ts'

const keys = Array.from({ length: 20 }, (_, at) => `key-${at}`)

const row = recipe.image.parse({ chefId: '77', ingredients: [{ name: 'Onion' }] })

/** A whole batch of recipes, each with one ingredient. */
const batch = (version: number): Change[] =>
  keys.map((key) => ({
    entity: 'recipe',
    key,
    op: 'upsert',
    version: BigInt(version),
    source: 'stream',
    at: '2026-11-22T03:00:00.123Z',
    row: { ...row, title: `v${version}` },
  }))

describe('the ids of an entity with child rows', () => {
  let aurora: TestAurora

  beforeAll(async () => {
    aurora = await openTestAurora()
    await aurora.legacy.query("INSERT INTO cheftable VALUES (77, 'Auguste', 'Escoffier')")
  })
  afterAll(() => aurora.close())

  const nextId = async (): Promise<number> => {
    const [{ insertId }] = await aurora.legacy.query<ResultSetHeader>(
      "INSERT INTO recipetable (chef_id, title, is_vegetarian, servings) VALUES (77, 'next', 0, 4)",
    )
    return Number(insertId)
  }

  it('are not used up by updates, by late writes, by repeats, and by deletes', async () => {
    await aurora.writer.apply(recipe, batch(1))
    const before = await nextId()

    for (const version of [3, 4, 2, 4, 5]) await aurora.writer.apply(recipe, batch(version))
    await aurora.writer.apply(
      recipe,
      keys.map((key) => ({ ...identified(key), op: 'delete' as const, version: 9n })),
    )
    await aurora.writer.apply(recipe, batch(6))

    expect(await nextId()).toBe(before + 1)
    const [[left]] = await aurora.legacy.query<RowDataPacket[]>(
      'SELECT COUNT(*) AS n FROM recipe_ingredients',
    )
    expect(Number(left?.n)).toBe(0)
  })

  const identified = (key: string) =>
    ({ entity: 'recipe', key, source: 'stream', at: '2026-11-22T03:00:00.123Z' }) as const
})
