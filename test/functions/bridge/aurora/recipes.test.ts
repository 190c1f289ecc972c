import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals'
import type { RowDataPacket } from 'mysql2/promise'
import type { Change, Row } from '../../../../functions/bridge/model/change.ts'
import { DecimalText, type Value } from '../../../../functions/bridge/model/values.ts'
import { Deadline } from '../../../../functions/bridge/runtime/deadline.ts'
import { chef } from '../../../fixtures/entities/chef.ts'
import { recipe } from '../../../fixtures/entities/recipe.ts'
import { openTestAurora, type TestAurora } from '../../../support/aurora.ts'

const AT = '2026-11-22T03:00:00.123Z'
const CHEF = '01990000-0000-7000-8000-0000000000c1'
const KEY = '01990000-0000-7000-8000-000000000001'
const OTHER = '01990000-0000-7000-8000-000000000002'

const number = (text: string) => new DecimalText(text)

const soup: Row = {
  chefId: CHEF,
  title: 'Soupe à l’oignon 🧅',
  price: number('12.5'),
  publishedOn: '2026-11-22',
  vegetarian: true,
  servings: number('2'),
  difficulty: 'easy',
  notes: { season: ['autumn', null, true], minutes: number('45'), exact: number('18446744073709551615') },
  thumbnail: Buffer.from([0, 255, 10, 13, 92, 34]),
  ingredients: [
    { name: 'Onion', quantity: number('1.5'), unit: 'kg' },
    { name: 'Butter', quantity: null, unit: null },
    { name: 'Onion', quantity: number('-0.001'), unit: '' },
  ],
}

const empty: Row = {
  chefId: CHEF,
  title: '',
  price: null,
  publishedOn: null,
  vegetarian: false,
  servings: number('4'),
  difficulty: null,
  notes: null,
  thumbnail: null,
  ingredients: [],
}

const upsert = (version: number, row: Row = soup, key = KEY): Change => ({
  entity: 'recipe',
  key,
  op: 'upsert',
  version: BigInt(version),
  source: 'stream',
  at: AT,
  row,
})

const remove = (version: number, key = KEY): Change => ({
  entity: 'recipe',
  key,
  op: 'delete',
  version: BigInt(version),
  source: 'stream',
  at: AT,
})

const chefChange = (key: string, version = 1, op: 'upsert' | 'delete' = 'upsert'): Change => {
  const identified = { entity: 'chef', key, version: BigInt(version), source: 'stream', at: AT } as const
  return op === 'delete'
    ? { ...identified, op }
    : { ...identified, op, row: { firstName: 'Julia', lastName: 'Child' } }
}

const plain = (row: Row): Record<string, unknown> =>
  Object.fromEntries(
    Object.entries(recipe.fields).map(([name, field]) => [name, field.toJson(row[name] ?? null)]),
  )

describe('an entity with references, child rows and every kind of column', () => {
  let aurora: TestAurora
  /** As the stream's writes, all of them. */
  const apply: TestAurora['writer']['apply'] = (entity, changes) =>
    aurora.writer.apply(entity, changes, 'dynamo')

  beforeAll(async () => {
    aurora = await openTestAurora()
  })
  afterAll(() => aurora.close())
  beforeEach(async () => {
    await aurora.empty()
    await apply(chef, [chefChange(CHEF)])
  })
  afterEach(() => aurora.api.faults.clear())

  const stored = async (key = KEY) => {
    const found = await aurora.store.get(recipe, key)
    return found && { version: Number(found.version), ...plain(found.row) }
  }
  const ingredients = async (): Promise<number> => {
    const [[row]] = await aurora.legacy.query<RowDataPacket[]>('SELECT COUNT(*) AS n FROM recipe_ingredients')
    return Number(row?.n)
  }

  it('reads back what it wrote, each value of each kind', async () => {
    await apply(recipe, [upsert(1), upsert(1, empty, OTHER)])

    expect(await stored()).toEqual({ version: 1, ...plain(soup) })
    expect(await stored(OTHER)).toEqual({ version: 1, ...plain(empty) })
  })

  it('does not read a reference to a row that is gone as none, which a PUT would make true', async () => {
    await apply(recipe, [upsert(1)])
    await aurora.legacy.query('SET foreign_key_checks = 0')
    await aurora.legacy.query('UPDATE recipetable SET chef_id = 4711')
    await aurora.legacy.query('SET foreign_key_checks = 1')

    await expect(aurora.store.get(recipe, KEY)).rejects.toMatchObject({
      code: 'row.unreadable',
      message: "A recipe can't be read: chefId (reference) names a chef that is not there",
    })
  })

  it('replaces every column and the whole list of children at once', async () => {
    await apply(recipe, [upsert(1)])
    await apply(recipe, [upsert(2, empty)])
    expect(await stored()).toEqual({ version: 2, ...plain(empty) })
    expect(await ingredients()).toBe(0)

    await apply(recipe, [upsert(3)])
    expect(await stored()).toEqual({ version: 3, ...plain(soup) })
    expect(await ingredients()).toBe(3)
  })

  it('keeps the children when an older write arrives late, and when a write comes twice', async () => {
    await apply(recipe, [upsert(3)])
    expect(await apply(recipe, [upsert(2, empty)])).toMatchObject({ applied: 0, skipped: 1 })
    expect(await apply(recipe, [upsert(3)])).toMatchObject({ applied: 0, skipped: 1 })

    expect(await stored()).toEqual({ version: 3, ...plain(soup) })
  })

  it('deletes the children with their parent, and not by an older delete', async () => {
    await apply(recipe, [upsert(3)])
    await apply(recipe, [remove(2)])
    expect(await ingredients()).toBe(3)

    expect(await apply(recipe, [remove(4)])).toMatchObject({ applied: 1 })
    expect(await stored()).toBeUndefined()
    expect(await ingredients()).toBe(0)
  })

  it('changes neither the parent nor its children when one of the children is bad', async () => {
    await apply(recipe, [upsert(1)])
    const bad: Value = [{ name: 'x'.repeat(101), quantity: null, unit: null }]
    const { refused, applied } = await aurora.writer.applyIsolating(recipe, [
      upsert(2, { ...empty, ingredients: bad }),
      upsert(1, soup, OTHER),
    ])

    expect(refused.map(({ change, error }) => [change.key, error])).toMatchObject([[KEY, { kind: 'data' }]])
    expect(applied).toBe(1)
    expect(await stored()).toEqual({ version: 1, ...plain(soup) })
    expect(await stored(OTHER)).toEqual({ version: 1, ...plain(soup) })
  })

  it('refers to a legacy-born chef by its id, and to one with a key by that alone', async () => {
    await aurora.legacy.query("INSERT INTO cheftable VALUES (77, 'Auguste', 'Escoffier')")
    const [[keyed]] = await aurora.legacy.query<RowDataPacket[]>(
      'SELECT id FROM cheftable WHERE backsync_key IS NOT NULL',
    )
    await apply(recipe, [upsert(1, { ...empty, chefId: '77' })])
    const { refused } = await aurora.writer.applyIsolating(recipe, [
      upsert(1, { ...empty, chefId: String(keyed?.id) }, OTHER),
    ])

    expect(await stored()).toMatchObject({ chefId: '77' })
    expect(refused).toMatchObject([{ error: { code: 'parent.missing', kind: 'dependency' } }])
  })

  it('names the changes whose chef is not there, and applies the others', async () => {
    const { applied, refused } = await aurora.writer.applyIsolating(recipe, [
      upsert(1, { ...soup, chefId: 'nobody' }),
      upsert(1, soup, OTHER),
    ])

    expect(applied).toBe(1)
    expect(refused).toMatchObject([{ change: { key: KEY }, error: { code: 'parent.missing' } }])
    expect(await stored()).toBeUndefined()
    expect(await ingredients()).toBe(3)
  })

  it('leaves a row as it is when it is to refer to a chef that is not there', async () => {
    await apply(recipe, [upsert(1)])
    const { refused } = await aurora.writer.applyIsolating(recipe, [
      upsert(2, { ...empty, chefId: 'nobody' }),
    ])

    expect(refused).toHaveLength(1)
    expect(await stored()).toEqual({ version: 1, ...plain(soup) })
  })

  it('says that a chef with recipes can not be deleted yet', async () => {
    await apply(recipe, [upsert(1)])
    const others = Array.from({ length: 5 }, (_, at) => `01990000-0000-7000-8000-0000000000d${at}`)
    await apply(
      chef,
      others.map((key) => chefChange(key)),
    )
    const { applied, refused } = await aurora.writer.applyIsolating(
      chef,
      [CHEF, ...others].map((key) => chefChange(key, 2, 'delete')),
    )

    expect(applied).toBe(5)
    expect(refused).toMatchObject([{ change: { key: CHEF }, error: { kind: 'dependency' } }])
  })

  it('is listed in smaller pages where the rows of a page are larger than a result may be', async () => {
    const thumbnail = Buffer.alloc(65_535, 7)
    const keys = Array.from({ length: 40 }, (_, at) => `key-${at}`)
    await apply(
      recipe,
      keys.map((key) => upsert(1, { ...empty, thumbnail }, key)),
    )
    const seen: string[] = []
    let position: string | undefined
    do {
      const page = await aurora.store.list(recipe, { limit: 100, position })
      seen.push(...page.items.map(({ key }) => key))
      position = page.next
    } while (position !== undefined)

    expect(seen).toEqual(keys)
  })

  it('sends a constant number of calls for a batch of any size', async () => {
    const callsFor = async (changes: readonly Change[]): Promise<number> => {
      const before = aurora.calls()
      await apply(recipe, changes)
      return aurora.calls() - before
    }
    const many = Array.from({ length: 300 }, (_, at) => upsert(1, soup, `key-${at}`))

    expect(await callsFor(many.slice(0, 1))).toBe(7)
    expect(await callsFor(many.slice(1))).toBe(7)
    expect(await callsFor(many.map(({ key }) => upsert(2, soup, key)))).toBe(7)
    expect(await callsFor(many.map(({ key }) => remove(3, key)))).toBe(6)
  })

  it('applies a transaction whose commit was answered with silence exactly once', async () => {
    aurora.api.faults.add({ kind: 'drop-after', operation: 'CommitTransaction', times: 1 })
    expect(await apply(recipe, [upsert(1)])).toMatchObject({ repeated: true })

    expect(await stored()).toEqual({ version: 1, ...plain(soup) })
    expect(await ingredients()).toBe(3)
  })

  it('gives up on a row that an abandoned transaction holds, and leaves no transaction of its own behind', async () => {
    await apply(recipe, [upsert(1)])
    await aurora.legacy.query('START TRANSACTION')
    await aurora.legacy.query('SELECT id FROM recipetable FOR UPDATE')
    const deadline = new Deadline()
    deadline.begin({ awsRequestId: 'held', getRemainingTimeInMillis: () => 8_000 })

    await expect(aurora.writerUntil(deadline).apply(recipe, [upsert(2)])).rejects.toMatchObject({
      kind: 'transient',
    })
    await aurora.legacy.query('ROLLBACK')
    // At once, not after the three minutes for which the service keeps a transaction that nobody has ended.
    await aurora.legacy.query('SELECT id FROM recipetable FOR UPDATE NOWAIT')
    expect(await apply(recipe, [upsert(2)])).toMatchObject({ applied: 1 })
  })

  it('ends with the newest write of each key when batches of the same keys run at once', async () => {
    const keys = Array.from({ length: 20 }, (_, at) => `key-${at}`)
    const batch = (version: number) =>
      keys.map((key) =>
        version % 5 === 0 ? remove(version, key) : upsert(version, version % 2 === 0 ? soup : empty, key),
      )
    await Promise.all(Array.from({ length: 12 }, (_, at) => apply(recipe, batch(at + 1).toReversed())))

    for (const key of keys) expect(await stored(key)).toEqual({ version: 12, ...plain(soup) })
    expect(await ingredients()).toBe(60)
  })
})
