import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals'
import type { RowDataPacket } from 'mysql2'
import { json } from '../../../../functions/bridge/model/attributes/json.ts'
import { defineEntity } from '../../../../functions/bridge/model/entity.ts'
import { autoIncrement } from '../../../../functions/bridge/model/identity.ts'
import type { Page } from '../../../../functions/bridge/ports/store.ts'
import { recipe } from '../../../fixtures/entities/recipe.ts'
import { openTestAurora, type TestAurora } from '../../../support/aurora.ts'

/** More than a result of the Data API may have. */
const LARGE = 1_200_000
/** Two of these are. */
const HALF = 700_000
/** More than a row of a result may have. */
const WIDE = 70_000
/** No answer holds it. */
const HUGE = 6_000_000

/** JSON text of about so many bytes, its characters of one to four bytes each, so that pieces end within none. */
const document = (bytes: number): { readonly a: string } => ({ a: 'xé€🎬'.repeat(Math.ceil(bytes / 10)) })

describe('rows that are larger than the Data API returns', () => {
  let aurora: TestAurora
  let chefId: string
  beforeAll(async () => {
    aurora = await openTestAurora()
  })
  afterAll(() => aurora.close())
  beforeEach(async () => {
    await aurora.empty()
    await aurora.legacy.query("INSERT INTO cheftable (cheffirst, cheflast) VALUES ('Julia', 'Child')")
    const [rows] = await aurora.legacy.query<RowDataPacket[]>('SELECT id FROM cheftable')
    chefId = String(rows[0]?.id)
  })

  /** A row as the legacy application writes it. @returns its id */
  const insert = async (title: string, bytes = 10, thumbnail: Buffer | null = null): Promise<string> => {
    await aurora.legacy.query(
      'INSERT INTO recipetable (chef_id, title, notes, thumbnail) VALUES (?, ?, ?, ?)',
      [chefId, title, JSON.stringify(document(bytes)), thumbnail],
    )
    const [rows] = await aurora.legacy.query<RowDataPacket[]>('SELECT MAX(id) AS id FROM recipetable')
    return String(rows[0]?.id)
  }
  const all = async (limit: number): Promise<readonly Page[]> => {
    const pages: Page[] = []
    let position: string | undefined
    do {
      const page: Page = await aurora.store.list(recipe, { limit, position })
      pages.push(page)
      position = page.next
    } while (position !== undefined)
    return pages
  }
  const titles = (pages: readonly Page[]) => pages.flatMap(({ items }) => items.map(({ row }) => row.title))

  it.each([
    ['a row over 64 KB', WIDE],
    ['a row of 700 KB', HALF],
    ['a row of 1.2 MB', LARGE],
  ])('%s is read, to the last character', async (_, bytes) => {
    const thumbnail = Buffer.from(Array.from({ length: 65_535 }, (_, at) => at % 256))
    const id = await insert('wide', bytes, thumbnail)
    const stored = await aurora.store.get(recipe, id)

    expect(stored).toMatchObject({ key: id, version: 1n, row: { title: 'wide', chefId } })
    expect(stored?.row.notes).toEqual(document(bytes))
    expect(thumbnail.equals(Buffer.from(Object(stored?.row.thumbnail)))).toBe(true)
  })

  it('a row is read with all of its children, whatever these take', async () => {
    const id = await insert('many')
    const children = Array.from({ length: 5_000 }, (_, at) => [id, at, `ingredient ${at} ${'é'.repeat(40)}`])
    await aurora.legacy.query('INSERT INTO recipe_ingredients (recipe_id, position, name) VALUES ?', [
      children,
    ])
    const ingredients = (await aurora.store.get(recipe, id))?.row.ingredients

    expect(ingredients).toHaveLength(5_000)
    expect(Object(ingredients)[4_999]).toMatchObject({ name: children[4_999]?.[2] })
  })

  it('a row is replaced and deleted, whatever it holds', async () => {
    const at = '2026-11-22T10:00:00.000Z'
    for (const bytes of [WIDE, LARGE, HUGE]) {
      const id = await insert('old', bytes)
      const old = { entity: 'recipe', key: id, version: 'next', source: 'api', at } as const
      const row = {
        ...(await aurora.store.get(recipe, await insert('pattern')))?.row,
        title: 'new',
        notes: null,
      }

      expect(await aurora.store.write(recipe, { ...old, op: 'upsert', row })).toMatchObject({
        version: 2n,
        row: { title: 'new', notes: null },
      })
    }
    for (const bytes of [WIDE, LARGE, HUGE]) {
      const id = await insert('doomed', bytes)
      const gone = { entity: 'recipe', key: id, version: 'next', source: 'api', at, op: 'delete' } as const
      expect(await aurora.store.write(recipe, gone)).toBeUndefined()
      expect(await aurora.store.head(recipe, id)).toBeUndefined()
    }
  })

  it.each([1, 3, 100])('are listed among the others, each once, with pages of %i', async (limit) => {
    const expected = ['s1', 'h1', 'h2', 's2', 'l1', 'w1', 'w2', 's3']
    const sizes: Readonly<Record<string, number>> = { s: 10, h: HALF, l: LARGE, w: WIDE }
    for (const title of expected) await insert(title, sizes[title.slice(0, 1)])
    const pages = await all(limit)

    expect(titles(pages)).toEqual(expected)
    expect(pages.every(({ items }) => items.length <= limit)).toBe(true)
  })

  it('are left out of a list by name where no answer could hold them, and the list goes on', async () => {
    await insert('before')
    const huge = await insert('huge', HUGE)
    await insert('behind')
    for (const limit of [1, 100]) {
      const pages = await all(limit)
      expect(titles(pages)).toEqual(['before', 'behind'])
      expect(pages.flatMap(({ unreadable = [] }) => unreadable)).toMatchObject([
        { key: huge, error: { code: 'row.too-large' } },
      ])
    }
    await expect(aurora.store.get(recipe, huge)).rejects.toMatchObject({ code: 'row.too-large' })
  })

  it('cost no call more while rows are small', async () => {
    const id = await insert('small')
    const before = aurora.calls()
    await aurora.store.get(recipe, id)
    await aurora.store.list(recipe, { limit: 100, position: undefined })
    expect(aurora.calls() - before).toBe(2)
  })

  it('are not mixed with what is written meanwhile', async () => {
    const id = await insert('torn', LARGE)
    const [one, other] = [document(LARGE), { a: 'other'.repeat(LARGE / 5) }]
    const write = async (notes: unknown) =>
      aurora.legacy.query('UPDATE recipetable SET notes = ? WHERE id = ?', [JSON.stringify(notes), id])
    let done = false
    const writing = (async () => {
      for (let n = 0; !done; n++) await write(n % 2 === 0 ? other : one)
    })()
    try {
      for (let n = 0; n < 5; n++) {
        const notes = (await aurora.store.get(recipe, id))?.row.notes
        expect([JSON.stringify(one), JSON.stringify(other)].includes(JSON.stringify(notes))).toBe(true)
      }
    } finally {
      done = true
      await writing
    }
  })
})

describe('a row whose columns hold what its definition has no form for', () => {
  const misread = defineEntity({
    name: 'misread',
    plural: 'misreads',
    keyName: 'misreadId',
    table: 'recipetable',
    identity: autoIncrement('id'),
    attributes: { title: json({ column: 'title' }) },
    example: { title: {} },
  })
  let aurora: TestAurora
  beforeAll(async () => {
    aurora = await openTestAurora()
  })
  afterAll(() => aurora.close())

  it('is named in a list, which goes on', async () => {
    await aurora.legacy.query("INSERT INTO cheftable (cheffirst, cheflast) VALUES ('Julia', 'Child')")
    for (const title of ['{"a":1}', 'no json', '{"a":2}'])
      await aurora.legacy.query('INSERT INTO recipetable (chef_id, title) SELECT MAX(id), ? FROM cheftable', [
        title,
      ])

    const page = await aurora.store.list(misread, { limit: 10, position: undefined })

    expect(page.items).toHaveLength(2)
    expect(page.unreadable).toMatchObject([{ error: { code: 'row.unreadable' } }])
    expect(JSON.stringify(page.unreadable)).not.toContain('no json')
  })
})
