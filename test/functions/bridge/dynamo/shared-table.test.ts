import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { ForeignItemError } from '../../../../functions/bridge/dynamo/items.ts'
import type { Change, Intent, Row } from '../../../../functions/bridge/model/change.ts'
import type { Entity } from '../../../../functions/bridge/model/entity.ts'
import { DecimalText } from '../../../../functions/bridge/model/values.ts'
import { knife, oven, pan, shelf } from '../../fixtures/kitchen.ts'
import { openTestTables } from './tables.ts'

const AT = '2026-11-22T03:00:00.123Z'
const unknown = expect.objectContaining({ name: 'NoSuchKeyError', kind: 'client' })
const stale = expect.objectContaining({ name: 'StaleVersionError', kind: 'client' })

const create = (entity: Entity, key: string, row: Row): Change => ({
  entity: entity.name,
  key,
  op: 'upsert',
  version: 1n,
  source: 'api',
  at: AT,
  row,
})
const replace = (entity: Entity, key: string, row: Row, ifMatch?: readonly bigint[]): Intent => ({
  ...create(entity, key, row),
  version: 'next',
  ...(ifMatch && { ifMatch }),
})
const remove = (entity: Entity, key: string, ifMatch?: readonly bigint[]): Intent => ({
  entity: entity.name,
  key,
  op: 'delete',
  version: 'next',
  source: 'api',
  at: AT,
  ...(ifMatch && { ifMatch }),
})

const copper: Row = { material: 'copper', litres: new DecimalText('3'), lid: true }
const bare: Row = { material: 'iron', litres: null, lid: null }
const cellar: Row = { room: 'cellar', boards: [{ wood: 'oak' }, { wood: null }] }

describe('entities that share a table', () => {
  let tables: Awaited<ReturnType<typeof openTestTables>>
  beforeAll(async () => {
    tables = await openTestTables('kitchen', 'pk')
  })
  afterAll(() => tables.close())

  describe('by a type attribute', () => {
    it('write it, and read what has it', async () => {
      const key = randomUUID()
      const stored = { key, row: copper, version: 1n, updatedAt: AT }

      expect(await tables.store.write(pan, create(pan, key, copper))).toEqual(stored)
      expect(await tables.item(key)).toEqual({
        pk: { S: key },
        kind: { S: 'pan' },
        material: { S: 'copper' },
        litres: { N: '3' },
        lid: { BOOL: true },
        version: { N: '1' },
        updatedAt: { S: AT },
      })
      expect(await tables.store.get(pan, key)).toEqual(stored)
    })

    it.each<[string, (key: string) => Promise<unknown>]>([
      ['replaced', (key) => tables.store.write(knife, replace(knife, key, { steel: 'x' }))],
      [
        'replaced at its version',
        (key) => tables.store.write(knife, replace(knife, key, { steel: 'x' }, [1n])),
      ],
      ['deleted', (key) => tables.store.write(knife, remove(knife, key))],
      ['deleted at its version', (key) => tables.store.write(knife, remove(knife, key, [1n]))],
    ])("keep another entity's item from being %s: it is not there", async (_, attempt) => {
      const key = randomUUID()
      await tables.store.write(pan, create(pan, key, copper))
      const before = await tables.item(key)

      expect(await tables.store.get(knife, key)).toBeUndefined()
      await expect(attempt(key)).rejects.toEqual(unknown)
      expect(await tables.item(key)).toEqual(before)
    })

    it("never create over another entity's item", async () => {
      const key = randomUUID()
      await tables.store.write(pan, create(pan, key, copper))

      await expect(tables.store.write(knife, create(knife, key, { steel: 'x' }))).rejects.toThrow()
      expect((await tables.store.get(pan, key))?.row).toEqual(copper)
    })

    it('replace and remove their own, at a version or any', async () => {
      const key = randomUUID()
      await tables.store.write(pan, create(pan, key, copper))

      expect(await tables.store.write(pan, replace(pan, key, bare, [1n]))).toMatchObject({
        version: 2n,
        row: bare,
      })
      await expect(tables.store.write(pan, replace(pan, key, copper, [1n]))).rejects.toEqual(stale)
      await expect(tables.store.write(pan, remove(pan, key, [1n]))).rejects.toEqual(stale)
      expect(await tables.store.write(pan, remove(pan, key, [2n]))).toBeUndefined()
      expect(await tables.item(key)).toBeUndefined()
    })
  })

  describe('by a prefix', () => {
    it('put it before the key, and nobody sees it', async () => {
      const key = randomUUID()
      const stored = { key, row: cellar, version: 1n, updatedAt: AT }

      expect(await tables.store.write(shelf, create(shelf, key, cellar))).toEqual(stored)
      expect(await tables.item(`SHELF#${key}`)).toMatchObject({
        pk: { S: `SHELF#${key}` },
        boards: { L: [{ M: { wood: { S: 'oak' } } }, { M: { wood: { NULL: true } } }] },
      })
      expect(await tables.store.get(shelf, key)).toEqual(stored)
      expect(await tables.store.get(shelf, `SHELF#${key}`)).toBeUndefined()
      expect(await tables.store.get(pan, `SHELF#${key}`)).toBeUndefined()
    })

    it('keep one key for each entity', async () => {
      const key = randomUUID()
      await tables.store.write(shelf, create(shelf, key, cellar))
      await tables.store.write(pan, create(pan, key, copper))
      await tables.store.write(oven, create(oven, key, { fuel: 'wood' }))

      await tables.store.write(shelf, remove(shelf, key))
      expect((await tables.store.get(pan, key))?.row).toEqual(copper)
      expect((await tables.store.get(oven, key))?.row).toEqual({ fuel: 'wood' })
    })
  })

  describe('what is NULL', () => {
    it('is left out of a new item, and taken from a replaced one', async () => {
      const key = randomUUID()
      await tables.store.write(pan, create(pan, key, bare))
      expect(Object.keys((await tables.item(key)) ?? {}).toSorted()).toEqual([
        'kind',
        'material',
        'pk',
        'updatedAt',
        'version',
      ])

      await tables.store.write(pan, replace(pan, key, copper))
      expect(await tables.item(key)).toMatchObject({ litres: { N: '3' }, lid: { BOOL: true } })
      expect(await tables.store.write(pan, replace(pan, key, bare))).toMatchObject({ row: bare, version: 3n })
      expect(Object.keys((await tables.item(key)) ?? {})).not.toContain('litres')
    })

    it('can be all there is', async () => {
      const key = randomUUID()
      await tables.store.write(knife, create(knife, key, { steel: 'carbon' }))

      expect(await tables.store.write(knife, replace(knife, key, { steel: null }))).toMatchObject({
        row: { steel: null },
        version: 2n,
      })
    })

    it("leaves other writers' attributes alone", async () => {
      const key = randomUUID()
      await tables.put({
        pk: { S: key },
        kind: { S: 'pan' },
        version: { N: '4' },
        rivets: { NS: ['1', '2'] },
      })

      await tables.store.write(pan, replace(pan, key, bare))
      expect(await tables.item(key)).toMatchObject({ rivets: { NS: ['1', '2'] }, version: { N: '5' } })
    })
  })

  describe('versions', () => {
    it('of more digits than DynamoDB has are nobody’s', async () => {
      const key = randomUUID()
      await tables.store.write(pan, create(pan, key, copper))
      const streamed = 10n ** 49n + 1n

      await expect(tables.store.write(pan, replace(pan, key, bare, [streamed]))).rejects.toEqual(stale)
      expect(await tables.store.write(pan, replace(pan, key, bare, [streamed, 1n]))).toMatchObject({
        version: 2n,
      })
    })

    it('are 0 for an item of a writer who keeps none, where that is so by definition', async () => {
      const key = randomUUID()
      const fuel = async (name: string, ifMatch: readonly bigint[]) =>
        (await tables.store.write(oven, replace(oven, key, { fuel: name }, ifMatch)))?.version
      await tables.put({ pk: { S: `OVEN#${key}` }, kind: { S: 'oven' }, fuel: { S: 'wood' } })

      expect(await tables.store.get(oven, key)).toMatchObject({ version: 0n, row: { fuel: 'wood' } })
      await expect(fuel('gas', [1n])).rejects.toEqual(stale)
      expect(await fuel('gas', [0n])).toBe(1n)
      await expect(fuel('coal', [0n])).rejects.toEqual(stale)
      expect(await fuel('coal', [0n, 1n])).toBe(2n)
    })

    it('are a must elsewhere', async () => {
      const key = randomUUID()
      await tables.put({ pk: { S: key }, kind: { S: 'pan' }, material: { S: 'tin' } })

      await expect(tables.store.get(pan, key)).rejects.toThrow(ForeignItemError)
    })
  })

  it('say so when the store can not hold a value', async () => {
    await expect(
      tables.store.write(pan, create(pan, randomUUID(), { ...copper, material: 'x'.repeat(410_000) })),
    ).rejects.toMatchObject({ kind: 'data' })
    await expect(
      tables.store.write(
        pan,
        create(pan, randomUUID(), { ...copper, litres: new DecimalText('1'.repeat(39)) }),
      ),
    ).rejects.toMatchObject({ kind: 'data' })
  })
})

describe('listing a shared table', () => {
  let tables: Awaited<ReturnType<typeof openTestTables>>
  const keys: Record<'pan' | 'shelf', string[]> = { pan: [], shelf: [] }
  beforeAll(async () => {
    tables = await openTestTables('kitchen', 'pk')
    for (let at = 0; at < 12; at++) {
      for (const entity of [pan, shelf] as const) {
        const key = randomUUID()
        keys[entity.name === 'pan' ? 'pan' : 'shelf'].push(key)
        await tables.store.write(entity, create(entity, key, entity === pan ? copper : cellar))
      }
      await tables.store.write(knife, create(knife, randomUUID(), { steel: 'carbon' }))
    }
  })
  afterAll(() => tables.close())

  it.each([
    ['type', pan, 'pan', 5],
    ['type, one by one', pan, 'pan', 1],
    ['type, all at once', pan, 'pan', 12],
    ['prefix', shelf, 'shelf', 5],
    ['prefix, on a page with room', shelf, 'shelf', 13],
  ] as const)('by %s gives full pages, each item once', async (_, entity, name, limit) => {
    const sizes: number[] = []
    const found: string[] = []
    let position: string | undefined
    do {
      const page = await tables.store.list(entity, { limit, position })
      sizes.push(page.items.length)
      found.push(...page.items.map(({ key }) => key))
      position = page.next
    } while (position !== undefined && sizes.length <= 13)

    expect(found.toSorted()).toEqual(keys[name].toSorted())
    expect(new Set(sizes.slice(0, Math.floor(12 / limit)))).toEqual(new Set(limit > 12 ? [] : [limit]))
  })

  it('is empty where there is none', async () => {
    expect(await tables.store.list(oven, { limit: 3, position: undefined })).toEqual({
      items: [],
      next: undefined,
    })
  })
})
