import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals'
import type { ResultSetHeader, RowDataPacket } from 'mysql2/promise'
import { KeyTakenError } from '../../../../functions/bridge/aurora/refusals.ts'
import type { Change } from '../../../../functions/bridge/model/change.ts'
import { StaleVersionError } from '../../../../functions/bridge/ports/store.ts'
import { chef } from '../../../fixtures/entities/chef.ts'
import { recipe } from '../../../fixtures/entities/recipe.ts'
import { openTestAurora, type TestAurora } from '../../../support/aurora.ts'

const AT = '2026-11-22T03:00:00.123Z'
const PHONE = '15551234567'
const LARGEST = '9223372036854775807'

const upsert = (key: string, version: number, firstName = `v${version}`): Change => {
  const row = { firstName, lastName: 'Test' }
  return { entity: 'chef', key, op: 'upsert', version: BigInt(version), source: 'stream', at: AT, row }
}
const remove = (key: string, version: number): Change => {
  return { entity: 'chef', key, op: 'delete', version: BigInt(version), source: 'stream', at: AT }
}

describe('a key that is made of digits', () => {
  let aurora: TestAurora

  beforeAll(async () => {
    aurora = await openTestAurora()
  })
  afterAll(() => aurora.close())
  beforeEach(() => aurora.empty())

  const apply = (...changes: readonly Change[]) => aurora.writer.apply(chef, changes)
  const rows = async () => {
    const [found] = await aurora.legacy.query<RowDataPacket[]>(
      'SELECT id, backsync_key AS k, cheffirst AS f, backsync_version AS v FROM cheftable ORDER BY id',
    )
    return found.map(({ id, k, f, v }) => [Number(id), k, f, Number(v)])
  }
  /** What the legacy application gets, which knows nothing of keys. */
  const legacyInsert = async (name = 'Legacy'): Promise<number> => {
    const [{ insertId }] = await aurora.legacy.query<ResultSetHeader>(
      'INSERT INTO cheftable VALUES (NULL, ?, ?)',
      [name, 'Test'],
    )
    return Number(insertId)
  }

  it.each([PHONE, LARGEST, '5'])(
    'is a key like any other where there is no such legacy row: %s',
    async (key) => {
      await apply(upsert(key, 1))
      await apply(upsert(key, 2))
      expect(await rows()).toEqual([[1, key, 'v2', 2]])
      expect(await legacyInsert()).toBe(2)
      expect(await aurora.store.get(chef, key)).toMatchObject({ key, version: 2n })

      await apply(remove(key, 3))
      await apply(upsert(key, 2))
      expect(await rows()).toEqual([[2, null, 'Legacy', 1]])
      await apply(upsert(key, 4))
      expect((await rows()).map(([, k, , v]) => [k, v])).toEqual([
        [null, 1],
        [key, 4],
      ])
      expect(await legacyInsert()).toBe(4)
    },
  )

  it('is inserted at its first version, and later, alone and among others', async () => {
    await apply(upsert(PHONE, 7), upsert('a', 1), upsert('7', 1), remove('8', 2))

    expect((await rows()).map(([, k]) => k).sort()).toEqual(['7', 'a', PHONE].sort())
    expect(await legacyInsert()).toBe(4)
  })

  it('is the id of a legacy row where there is one, and where there was one', async () => {
    const id = await legacyInsert()
    await legacyInsert('Next')
    await apply(upsert(String(id), 2))
    expect(await rows()).toEqual([
      [id, null, 'v2', 2],
      [2, null, 'Next', 1],
    ])

    await apply(remove(String(id), 3))
    await apply(upsert(String(id), 4))
    expect((await rows())[0]).toEqual([id, String(id), 'v4', 4])
    expect(await legacyInsert()).toBe(3)
  })

  it('is not the id of a row that has a key of its own: that row is refused by name', async () => {
    await apply(upsert('own', 1))

    await expect(apply(upsert('1', 9))).rejects.toThrow(KeyTakenError)
    expect(await rows()).toEqual([[1, 'own', 'v1', 1]])
  })

  it('may be the id of a row whose own key is made of digits, too', async () => {
    for (const key of ['3', '1', '2']) await apply(upsert(key, 1))
    for (const key of ['1', '2', '3']) await apply(upsert(key, 2, `new ${key}`))

    expect(await rows()).toEqual([
      [1, '3', 'new 3', 2],
      [2, '1', 'new 1', 2],
      [3, '2', 'new 2', 2],
    ])
    for (const key of ['1', '2', '3'])
      expect(await aurora.store.get(chef, key)).toMatchObject({ key, row: { firstName: `new ${key}` } })
  })

  it('is read, written and compared as a key where a legacy row gets that id later', async () => {
    await apply(upsert('2', 1))
    expect(await legacyInsert()).toBe(2)

    expect(await aurora.store.get(chef, '2')).toMatchObject({ key: '2', row: { firstName: 'v1' } })
    const wish = { ...upsert('2', 0, 'PUT'), version: 'next' as const }
    await expect(aurora.store.write(chef, { ...wish, ifMatch: [9n] })).rejects.toThrow(StaleVersionError)
    expect(await aurora.store.write(chef, { ...wish, ifMatch: [1n] })).toMatchObject({ version: 2n })
    expect(await rows()).toEqual([
      [1, '2', 'PUT', 2],
      [2, null, 'Legacy', 1],
    ])
  })

  it('can be referred to', async () => {
    await apply(upsert(PHONE, 1))
    const row = recipe.image.parse({ chefId: PHONE, title: 'Soup' })
    const soup: Change = { ...upsert('soup', 1), entity: 'recipe', op: 'upsert', row }
    await aurora.writer.apply(recipe, [soup])

    expect(await aurora.store.get(recipe, 'soup')).toMatchObject({ row: { chefId: PHONE } })
  })
})
