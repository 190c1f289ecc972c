import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals'
import type { ResultSetHeader, RowDataPacket } from 'mysql2'
import { relay } from '../../../../functions/bridge/mirror/relay.ts'
import { defineEntity } from '../../../../functions/bridge/model/entity.ts'
import { retryParked } from '../../../../functions/bridge/sync/retry-parked.ts'
import { chefDefinition } from '../../../fixtures/entities/chef.ts'
import { recipeDefinition } from '../../../fixtures/entities/recipe.ts'
import { until } from '../../../support/until.ts'
import { type MirrorWorld, openMirror } from './world.ts'

const mirror = { plainSql: 'record' } as const
const chef = defineEntity({ ...chefDefinition, mirror })
const recipe = defineEntity({ ...recipeDefinition(chef), mirror })

describe('what legacy programs write, carried over to DynamoDB', () => {
  let world: MirrorWorld
  beforeAll(async () => {
    world = await openMirror([chef, recipe], { chef: 'Chefs', recipe: 'Recipes' })
  }, 60_000)
  afterAll(() => world.close())
  beforeEach(async () => {
    await world.carry()
  })

  const run = async (statement: string, values: unknown[] = []): Promise<number> => {
    const [{ insertId }] = await world.legacy.query<ResultSetHeader>(statement, values)
    return insertId
  }
  const newChef = async (name: string): Promise<string> =>
    String(await run("INSERT INTO cheftable (cheffirst, cheflast) VALUES (?, 'T')", [name]))
  const rename = (id: string, name: string) =>
    run('UPDATE cheftable SET cheffirst = ? WHERE id = ?', [name, id])
  const count = async (table: string): Promise<number> => {
    const [[row]] = await world.legacy.query<RowDataPacket[]>(`SELECT COUNT(*) AS n FROM ${table}`)
    return Number(row?.n)
  }
  const told = async (key: string) => {
    const item = await world.item(chef, key)
    if (item === undefined) return 'nothing'
    const { backsync_owner: owner, backsync_deleted: deleted, firstName, version } = item
    return [owner?.S ?? 'nobody', version?.N, deleted === undefined ? firstName?.S : 'deleted'].join(' ')
  }
  const parked = async (name: string, key: string) =>
    (await world.sync.parts.parking.parkedAmong(name, [key])).get(key)

  it('brings rows that are made, changed and deleted, as they are by then, and empties the log', async () => {
    const [kept, changed, gone] = [await newChef('Kept'), await newChef('First'), await newChef('Gone')]
    await rename(changed, 'Second')
    await run('DELETE FROM cheftable WHERE id = ?', [gone])

    expect(await world.carry()).toMatchObject({ rows: 5, keys: 3, parked: 0, again: 0 })
    expect([await told(kept), await told(changed), await told(gone)]).toEqual([
      ...['aurora 1 Kept', 'aurora 2 Second', 'aurora 2 deleted'],
    ])
    expect(await count('backsync_changes')).toBe(0)
    expect(await world.carry()).toEqual({ rows: 0, keys: 0, parked: 0, again: 0, conflicts: 0 })
  })

  it('keeps what was written before a move that is half done, and carries it over where that is given back', async () => {
    const id = await newChef('Given back')
    const to = { owner: 'dynamo', epoch: 1n } as const
    await world.sides.dynamo.release(chef, id, { owner: 'aurora', epoch: 0n }, { above: 0n, was: 0n })
    await world.sides.aurora.release(chef, id, to, { was: 0n })
    const warned: unknown[] = []
    const log = { ...world.relayParts.log, warn: (...said: unknown[]) => void warned.push(said) }
    expect(await relay({ ...world.relayParts, log })).toMatchObject({ rows: 0, again: 1 })
    expect([await told(id), await count('backsync_changes')]).toEqual(['aurora 0 deleted', 1])
    // Once, however often it looks: nobody may be there to complete it.
    expect(warned).toEqual([
      [
        expect.stringContaining('half moved'),
        { entity: 'chef', key: id, command: `npx backsync key chef '${id}' --claim dynamo` },
      ],
    ])

    await world.sides.aurora.restore(chef, id, 1n)
    await world.carry()
    expect([await told(id), await count('backsync_changes')]).toEqual(['aurora 1 Given back', 0])
  })

  it('has nothing to carry of a key that DynamoDB has taken over by then', async () => {
    const id = await newChef('Taken')
    await world.claim(chef, id, 'dynamo')
    expect(await world.carry()).toMatchObject({ rows: 1, again: 0 })
    expect([await told(id), await count('backsync_changes')]).toEqual(['dynamo 1 Taken', 0])
  })

  it('is harmless twice at once, and beside writers', async () => {
    const ids = await Promise.all(Array.from({ length: 20 }, (_, n) => newChef(`Chef ${n}`)))
    for (let round = 1; round <= 3; round++) {
      await Promise.all([
        ...[world.carry(), world.carry()],
        ...ids.map((id, n) => rename(id, `Chef ${n}.${round}`)),
      ])
    }
    await world.carry()
    const names = await Promise.all(ids.map(told))
    expect(names).toEqual(ids.map((_, n) => `aurora 4 Chef ${n}.3`))
    expect(await count('backsync_changes')).toBe(0)
  })

  it('gets a row through whose version is not above the item’s: ids that are used again after a TRUNCATE', async () => {
    const id = await newChef('Former')
    for (const name of ['a', 'b', 'c']) await rename(id, name)
    await world.carry()
    expect(await told(id)).toBe('aurora 4 c')

    await run('SET FOREIGN_KEY_CHECKS = 0')
    await run('DELETE FROM backsync_changes')
    await run('TRUNCATE TABLE cheftable')
    await run('SET FOREIGN_KEY_CHECKS = 1')
    await run("INSERT INTO cheftable (id, cheffirst, cheflast) VALUES (?, 'Again', 'T')", [id])
    await world.carry()
    expect(await told(id)).toBe('aurora 5 Again')
  })

  it('brings a list that was changed, of which the row’s version says nothing', async () => {
    const chefId = await newChef('Julia')
    const id = await run("INSERT INTO recipetable (chef_id, title) VALUES (?, 'Soup')", [chefId])
    await world.carry()
    await run("INSERT INTO recipe_ingredients (recipe_id, position, name) VALUES (?, 0, 'Onion')", [id])
    await world.carry()

    expect(await world.item(recipe, String(id))).toMatchObject({
      ...{ version: { N: '2' }, title: { S: 'Soup' }, ingredients: { L: [{ M: { name: { S: 'Onion' } } }] } },
    })
    expect(await count('backsync_changes')).toBe(0)
  })

  it('sets aside what no item can hold beside what waits there from DynamoDB, and ends it when it fits', async () => {
    const id = await newChef('x'.repeat(10))
    await run("INSERT INTO recipetable (chef_id, title, notes) VALUES (?, 'Large', ?)", [
      ...[id, JSON.stringify({ a: 'x'.repeat(450_000) })],
    ])
    const [[row]] = await world.legacy.query<RowDataPacket[]>('SELECT MAX(id) AS id FROM recipetable')
    const key = String(row?.id)
    expect(await world.carry()).toMatchObject({ parked: 1 })
    expect(await parked('recipe', key)).toBeUndefined()
    expect(await parked('recipe.mirror', key)).toMatchObject({
      code: 'item.too-large',
      state: 'parked',
      op: 'upsert',
    })
    expect(await count('backsync_changes')).toBe(0)

    await run('UPDATE recipetable SET notes = NULL WHERE id = ?', [key])
    expect(await world.carry()).toMatchObject({ parked: 0 })
    expect(await parked('recipe.mirror', key)).toBeUndefined()
    expect(await world.item(recipe, key)).toMatchObject({ title: { S: 'Large' } })
  })

  it('tries what was set aside again by what Aurora holds now, beside what is parked of the same key', async () => {
    const large = JSON.stringify({ a: 'x'.repeat(450_000) })
    const key = String(
      await run("INSERT INTO recipetable (chef_id, title, notes) VALUES (?, 'Large', ?)", [
        ...[await newChef('Julia'), large],
      ]),
    )
    await world.carry()
    const { outward } = world.relayParts
    const heads = () => outward.parking.parkedAmong('recipe', [key])
    expect(await retryParked(outward, 'recipe', [...(await heads()).values()])).toMatchObject([
      { outcome: 'parked', error: { code: 'item.too-large' } },
    ])
    await run('UPDATE recipetable SET notes = NULL WHERE id = ?', [key])
    await run('DELETE FROM backsync_changes')
    expect(await retryParked(outward, 'recipe', [...(await heads()).values()])).toMatchObject([
      { outcome: 'applied' },
    ])
    expect(await world.item(recipe, key)).toMatchObject({ title: { S: 'Large' } })
    expect((await heads()).size).toBe(0)
  })

  it('leaves alone what DynamoDB has taken over since it was logged', async () => {
    const id = await newChef('Legacy')
    await world.carry()
    await rename(id, 'Last')
    await world.claim(chef, id, 'dynamo')
    await world.replace(chef, 'dynamo', id, { firstName: 'Modern', lastName: 'T' })

    expect(await world.carry()).toMatchObject({ keys: 1, parked: 0 })
    expect(await told(id)).toBe('dynamo 3 Modern')
  })

  it('goes on where a claim has given the key to Aurora', async () => {
    const key = randomUUID()
    await world.create(chef, 'dynamo', { firstName: 'Modern', lastName: 'T' }, key)
    await world.claim(chef, key, 'aurora')
    await run('UPDATE cheftable SET cheffirst = ? WHERE backsync_key = ?', ['Legacy', key])

    expect(await world.carry()).toMatchObject({ rows: 1, parked: 0 })
    expect(await told(key)).toBe('aurora 2 Legacy')
  })

  it('tries again what waits in the other direction for a row that a legacy program has made', async () => {
    const chefId = String(Number(await newChef('Last')) + 1)
    const key = randomUUID()
    const row = {
      ...{ chefId, title: 'Waits', price: null, publishedOn: null, vegetarian: false },
      notes: null,
    }
    await world.create(
      recipe,
      'dynamo',
      { ...row, servings: null, difficulty: null, thumbnail: null, ingredients: [] },
      key,
    )
    await world.sync.deliver(recordOfRecipe(key, await world.item(recipe, key)))
    expect(await parked('recipe', key)).toMatchObject({ class: 'dependency' })

    await newChef('Comes')
    await world.carry()
    expect(await parked('recipe', key)).toBeUndefined()
    expect(await world.stores.aurora.get(recipe, key)).toMatchObject({ row: { title: 'Waits' } })
  })
  const recordOfRecipe = (key: string, after: Parameters<MirrorWorld['recordOf']>[2]) =>
    world.recordOf(recipe, key, undefined, after)

  it('sets a foreign write aside and has Aurora’s image written over it', async () => {
    const id = await newChef('Legacy')
    await world.carry()
    const before = await world.item(chef, id)
    await world.sync.put(chef, {
      ...{ chefId: { S: id }, firstName: { S: 'Foreign' }, lastName: { S: 'T' }, version: { N: '7' } },
    })
    const foreign = await world.item(chef, id)
    await world.sync.deliverWith(world.relayParts.inward(), world.recordOf(chef, id, before, foreign))
    expect(await parked('chef.conflicts', id)).toMatchObject({ code: 'owner.foreign' })

    await world.carry()
    expect(await told(id)).toBe('aurora 8 Legacy')
    expect(await parked('chef.conflicts', id)).toMatchObject({ state: 'parked' })
    expect(await count('backsync_changes')).toBe(0)
  })

  it('has it written also where another relay has taken the item back in between', async () => {
    const id = await newChef('Legacy')
    await world.sync.put(chef, {
      ...{ chefId: { S: id }, firstName: { S: 'Foreign' }, lastName: { S: 'T' }, version: { N: '1' } },
    })
    const { takeBack } = world.relayParts
    let other = 0
    const late = {
      ...world.relayParts,
      takeBack: async (change: Parameters<typeof takeBack>[0]) => {
        other += 1
        await takeBack(change)
        return takeBack(change)
      },
    }
    await relay(late)
    expect(other).toBe(1)
    expect(await told(id)).toBe('aurora 2 Legacy')
  })

  it('takes back what plain SQL has written of DynamoDB’s, and lists it', async () => {
    const key = randomUUID()
    await world.create(chef, 'dynamo', { firstName: 'Modern', lastName: 'T' }, key)
    await world.sync.deliver(world.recordOf(chef, key, undefined, await world.item(chef, key)))
    await run("UPDATE cheftable SET cheffirst = 'Legacy' WHERE backsync_key = ?", [key])
    expect(await count('backsync_conflicts')).toBe(1)

    expect(await world.carry()).toMatchObject({ conflicts: 1 })
    expect(await world.stores.aurora.get(chef, key)).toMatchObject({
      row: { firstName: 'Modern' },
      version: 1n,
    })
    expect(await parked('chef.conflicts', key)).toMatchObject({ code: 'owner.foreign', op: 'upsert' })
    expect(await count('backsync_conflicts')).toBe(0)
  })

  it('keeps the rows of what could neither be carried over nor set aside', async () => {
    const id = await newChef('Legacy')
    const failing = {
      ...world.relayParts,
      outward: {
        ...world.relayParts.outward,
        sink: {
          ...{ names: ['chef', 'recipe'], isLater: async () => false },
          applyIsolating: async () => {
            throw new Error('the store is away')
          },
        },
      },
    }
    await expect(relay(failing)).rejects.toThrow('the store is away')
    expect(await count('backsync_changes')).toBe(1)
    await world.carry()
    expect(await told(id)).toBe('aurora 1 Legacy')
  })

  it('keeps the rows of what no item can hold while that can’t be listed', async () => {
    const chefId = await newChef('Julia')
    await world.carry()
    const large = JSON.stringify({ a: 'x'.repeat(450_000) })
    await run("INSERT INTO recipetable (chef_id, title, notes) VALUES (?, 'Large', ?)", [chefId, large])
    const { outward } = world.relayParts
    const park = async () => {
      throw new Error('parking is away')
    }
    const parking = Object.assign(Object.create(outward.parking), { park })
    parking.parkedAmong = async () => new Map()
    parking.tidy = async () => undefined
    const without = { ...world.relayParts, outward: { ...outward, parking } }
    expect(await relay(without)).toMatchObject({ rows: 0, again: 1 })
    expect(await count('backsync_changes')).toBe(1)
    expect(await world.carry()).toMatchObject({ parked: 1 })
  })

  it('carries nothing of an entity of whose rows it isn’t known whose they are', async () => {
    const id = await newChef('Legacy')
    const unknown = { ...world.relayParts, owned: async () => new Set<string>() }
    expect(await relay(unknown)).toMatchObject({ rows: 0, keys: 0 })
    expect([await told(id), await count('backsync_changes')]).toEqual(['nothing', 1])
  })

  it('lingers where it was woken, and sees what comes meanwhile', async () => {
    const lingering = relay(world.relayParts, { poll: 5, linger: 400 })
    const first = await newChef('First')
    await until('the first is there', 20_000, async () => (await told(first)) === 'aurora 1 First')
    const second = await newChef('Second')
    expect(await lingering).toMatchObject({ keys: 2 })
    expect(await told(second)).toBe('aurora 1 Second')
  })

  it('stays for its time where it is to, and sees what comes meanwhile', async () => {
    let id = ''
    let looks = 0
    const staying = relay(world.relayParts, { poll: 5, mayBegin: () => looks++ < 2_000 && id !== 'seen' })
    id = await newChef('Later')
    const key = id
    while ((await told(key)) !== 'aurora 1 Later') expect(looks).toBeLessThan(2_000)
    id = 'seen'
    expect(await staying).toMatchObject({ keys: 1 })
  })
})
