import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import type { Change, Row } from '../../../../functions/bridge/model/change.ts'
import { canonicalText } from '../../../../functions/bridge/model/values.ts'
import { recipe } from '../../../fixtures/entities/recipe.ts'
import { arbitraryRecipe } from '../../../support/arbitrary-recipe.ts'
import { runs } from '../../../support/runs.ts'
import { openDynamo, openTestTables } from './tables.ts'

const AT = '2026-11-22T03:00:00.123Z'
const create = (key: string, row: Row): Change => ({
  entity: 'recipe',
  key,
  op: 'upsert',
  version: 1n,
  source: 'api',
  at: AT,
  row,
})
const rows = arbitraryRecipe(['1', randomUUID()])
const seeded = runs(150, 20_261_122)

describe('recipes in DynamoDB', () => {
  let tables: Awaited<ReturnType<typeof openTestTables>>
  beforeAll(async () => {
    tables = await openTestTables('recipe', 'recipeId')
  })
  afterAll(() => tables.close())

  it('are what the generator makes', () => {
    fc.assert(
      fc.property(rows, (row) => {
        expect(canonicalText(recipe.image.parse(row))).toBe(canonicalText(row))
      }),
      seeded,
    )
  })

  it('come back as they went, value by value', async () => {
    await fc.assert(
      fc.asyncProperty(rows, async (row) => {
        const key = randomUUID()
        await tables.store.write(recipe, create(key, row))

        const stored = await tables.store.get(recipe, key)
        expect(canonicalText(stored?.row ?? null)).toBe(canonicalText(row))
      }),
      seeded,
    )
  })

  it('hold after a replacement what it says, and nothing of what was there', async () => {
    await fc.assert(
      fc.asyncProperty(rows, rows, async (before, after) => {
        const key = randomUUID()
        await tables.store.write(recipe, create(key, before))

        const stored = await tables.store.write(recipe, { ...create(key, after), version: 'next' })
        expect(stored?.version).toBe(2n)
        expect(canonicalText(stored?.row ?? null)).toBe(canonicalText(after))
        expect(await tables.store.get(recipe, key)).toEqual(stored)
      }),
      runs(60, 20_261_122),
    )
  })

  it.each<['create' | 'replacement', string]>([
    ['create', 'PutItemCommand'],
    ['replacement', 'UpdateItemCommand'],
  ])('are recognised as those of this very %s when its first answer is lost', async (what, commandName) => {
    const client = openDynamo()
    let lost = false
    client.middlewareStack.add(
      (next, context) => async (args) => {
        const answer = await next(args)
        if (lost || context.commandName !== commandName) return answer
        lost = true
        throw Object.assign(new Error('socket hang up'), { code: 'ECONNRESET' })
      },
      { step: 'deserialize', priority: 'high', name: 'loseFirstAnswer' },
    )
    const store = tables.storeOver(client)
    const samples = fc.sample(rows, { numRuns: 20, seed: 1 })
    for (const [at, row] of samples.entries()) {
      const key = randomUUID()
      if (what === 'replacement') await tables.store.write(recipe, create(key, samples[at - 1] ?? row))
      lost = false

      const change = create(key, row)
      const stored = await store.write(
        recipe,
        what === 'create' ? change : { ...change, version: 'next', ifMatch: [1n] },
      )

      expect([lost, stored?.version]).toEqual([true, what === 'create' ? 1n : 2n])
      expect(canonicalText(stored?.row ?? null)).toBe(canonicalText(row))
    }
    client.destroy()
  })
})
