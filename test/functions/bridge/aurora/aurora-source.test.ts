import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals'
import type { ResultSetHeader, RowDataPacket } from 'mysql2'
import { AuroraSource } from '../../../../functions/bridge/aurora/aurora-source.ts'
import { recordOwners } from '../../../../functions/bridge/aurora/owners.ts'
import { text } from '../../../../functions/bridge/model/attributes/text.ts'
import type { Change, Row } from '../../../../functions/bridge/model/change.ts'
import { defineEntity, type Entity } from '../../../../functions/bridge/model/entity.ts'
import { autoIncrement } from '../../../../functions/bridge/model/identity.ts'
import { DecimalText } from '../../../../functions/bridge/model/values.ts'
import { Deadline } from '../../../../functions/bridge/runtime/deadline.ts'
import { chef } from '../../../fixtures/entities/chef.ts'
import { recipe } from '../../../fixtures/entities/recipe.ts'
import { openTestAurora, type TestAurora } from '../../../support/aurora.ts'
import { emptyGuests, guest, guestTables, table } from './records/guests.ts'

const AT = new Date('2026-11-29T10:00:00.000Z')
/** Chefs as code of their own reads them: of one it says nothing, and one it can't read. */
const told = defineEntity({
  name: 'told',
  plural: 'tolds',
  keyName: 'toldId',
  table: 'cheftable',
  identity: autoIncrement('id'),
  attributes: { name: text({ column: 'no_name', maxLength: 20 }) },
  read: async ({ rows }) => {
    if (rows.some(({ key }) => key === '13')) throw new Error('unlucky')
    return new Map(rows.filter(({ key }) => key !== '12').map(({ key }) => [key, { name: `chef ${key}` }]))
  },
  example: { name: 'x' },
})

describe('Aurora as where changes come from', () => {
  let aurora: TestAurora
  let source: AuroraSource
  beforeAll(async () => {
    aurora = await openTestAurora()
    for (const statement of guestTables) await aurora.legacy.query(statement)
    const entities = [chef, recipe, guest, table, told]
    for (const entity of entities) await recordOwners(aurora.db, entity)
    const parts = { catalogue: aurora.writer.catalogue, deadline: new Deadline(), entities }
    source = new AuroraSource({ db: aurora.db, ...parts })
  })
  afterAll(() => aurora.close())
  beforeEach(async () => {
    await aurora.empty()
    await emptyGuests(aurora.legacy)
  })

  const run = async (statement: string, values: unknown[] = []): Promise<number> => {
    const [{ insertId }] = await aurora.legacy.query<ResultSetHeader>(statement, values)
    return insertId
  }
  const newChef = (name: string) => run("INSERT INTO cheftable (cheffirst, cheflast) VALUES (?, 'T')", [name])
  const newRecipe = (chefId: number, title: string, notes: unknown = null) =>
    run('INSERT INTO recipetable (chef_id, title, notes) VALUES (?, ?, ?)', [
      ...[chefId, title],
      notes === null ? null : JSON.stringify(notes),
    ])
  const fromDynamo = (entity: Entity, key: string, row: Row | undefined, version = 1n): Promise<unknown> => {
    const own = { entity: entity.name, key, version, source: 'stream', at: AT.toISOString() }
    const change: Change = row === undefined ? { ...own, op: 'delete' } : { ...own, op: 'upsert', row }
    return aurora.writer.applyIsolating(entity, [change])
  }
  const records = async (name: string, ...keys: (string | number)[]) => {
    const read = await source.records(name, keys.map(String))
    return read.map(({ key, state, owner, version, ...of }) =>
      [key, state, owner, version, ...('row' in of ? Object.values(of.row).slice(0, 1) : [])].join(' '),
    )
  }

  it('reads records of many keys by one statement: rows, tombstones, and whose they are', async () => {
    const [key, gone, theirs] = [randomUUID(), randomUUID(), randomUUID()]
    const id = await newChef('Legacy')
    await aurora.store.write(chef, {
      ...{ entity: 'chef', key, op: 'upsert', version: 1n, source: 'api', at: AT.toISOString() },
      row: { firstName: 'Named', lastName: 'T' },
    })
    await fromDynamo(chef, theirs, { firstName: 'Theirs', lastName: 'T' })
    await fromDynamo(chef, gone, undefined, 7n)
    const calls = aurora.calls()

    expect(await records('chef', id, key, theirs, gone, 'never', id + 9)).toEqual([
      ...[`${id} held aurora 1 Legacy`, `${key} held aurora 1 Named`, `${theirs} held dynamo 1 Theirs`],
      ...[`${gone} deleted dynamo 7`, 'never absent aurora 0', `${id + 9} absent aurora 0`],
    ])
    expect(aurora.calls() - calls).toBe(1)
  })

  it('reads a row with its lists and the keys that it refers to, of one moment', async () => {
    const id = await newRecipe(await newChef('Julia'), 'Soup')
    await run(
      "INSERT INTO recipe_ingredients VALUES (?, 1, 'Butter', NULL, NULL), (?, 0, 'Onion', 1.5, 'kg')",
      [...[id, id]],
    )
    const [change] = await source.current({ entity: 'recipe', key: String(id) }, AT)
    expect(change).toMatchObject({
      ...{ key: String(id), op: 'upsert', version: 1n, epoch: 0n, source: 'log' },
      row: {
        title: 'Soup',
        ingredients: [
          { name: 'Onion', quantity: new DecimalText('1.5'), unit: 'kg' },
          { name: 'Butter', quantity: null, unit: null },
        ],
      },
    })
  })

  it('reads what is larger than a result by halves, and names what no item could hold', async () => {
    const chefId = await newChef('Julia')
    const ids = []
    for (const bytes of [10, 300_000, 300_000, 60_000, 300_000, 300_000, 3_000_000, 10])
      ids.push(await newRecipe(chefId, `of ${bytes}`, { a: 'x'.repeat(bytes) }))

    const read = await source.records('recipe', ids.map(String))
    expect(read.map(({ state }) => state)).toEqual([
      ...['held', 'held', 'held', 'held', 'held', 'held', 'unread', 'held'],
    ])
    expect(read[6]).toMatchObject({
      ...{ version: 1n, owner: 'aurora' },
      error: { kind: 'data', message: expect.stringContaining('most of it is notes') },
    })
    expect(read[1]).toMatchObject({ row: { notes: { a: 'x'.repeat(300_000) } } })
  })

  it('names a row that can’t be read, and reads the others', async () => {
    const ids = [await newChef('One'), await newChef('x'.repeat(200)), await newChef('Three')]
    const strict = defineEntity({
      ...{ name: 'strict', plural: 'stricts', keyName: 'strictId', table: 'cheftable' },
      identity: autoIncrement('id'),
      attributes: { firstName: text({ column: 'cheffirst', maxLength: 100 }) },
      example: { firstName: 'x' },
    })
    await recordOwners(aurora.db, strict)
    const parts = { catalogue: aurora.writer.catalogue, deadline: new Deadline(), entities: [strict] }
    const own = new AuroraSource({ db: aurora.db, ...parts })

    const read = await own.records('strict', ids.map(String))
    expect(read.map(({ state }) => state)).toEqual(['held', 'unread', 'held'])
    expect(read[1]).toMatchObject({
      error: { code: 'row.unreadable', message: expect.stringContaining('firstName') },
    })
    const unread = own.current({ entity: 'strict', key: String(ids[1]) }, AT)
    await expect(unread).rejects.toMatchObject({
      code: 'record.invalid',
      message: expect.stringContaining('firstName'),
    })
  })

  it('has an entity’s own code read its rows, and names alone the one at which that fails', async () => {
    await run(
      "INSERT INTO cheftable (id, cheffirst, cheflast) VALUES (11, 'a', 'b'), (12, 'a', 'b'), (14, 'a', 'b')",
    )
    expect(await records('told', 11, 12, 14, 15)).toEqual([
      ...['11 held aurora 1 chef 11', '12 absent aurora 0', '14 held aurora 1 chef 14', '15 absent aurora 0'],
    ])
    await run("INSERT INTO cheftable (id, cheffirst, cheflast) VALUES (13, 'a', 'b')")
    expect(await records('told', 11, 13, 14)).toEqual([
      ...['11 held aurora 1 chef 11', '13 unread aurora 1', '14 held aurora 1 chef 14'],
    ])
  })

  it('reads records beside rows; one whose row plain SQL has taken away is a delete', async () => {
    const id = await run("INSERT INTO guests (name) VALUES ('Legacy')")
    const key = randomUUID().slice(0, 18)
    await fromDynamo(guest, key, { name: 'Theirs' }, 4n)
    await fromDynamo(table, 'T1', { code: 'T1', name: 'Window' }, 2n)
    expect(await records('guest', id, key)).toEqual([
      `${id} held aurora 1 Legacy`,
      `${key} held dynamo 4 Theirs`,
    ])
    expect(await records('table', 'T1')).toEqual(['T1 held dynamo 2 T1'])

    await run('DELETE FROM guests WHERE name = ?', ['Theirs'])
    expect(await records('guest', key)).toEqual([`${key} deleted dynamo 5`])
  })

  it('brings nothing of what DynamoDB owns, and the delete of what is nowhere', async () => {
    const key = randomUUID()
    await fromDynamo(chef, key, { firstName: 'Theirs', lastName: 'T' })
    expect(await source.current({ entity: 'chef', key }, AT)).toEqual([])
    expect(await source.current({ entity: 'chef', key: 'never' }, AT)).toEqual([])
    expect(await source.current({ entity: 'chef', key: 'never', version: 3n }, AT)).toMatchObject([
      { op: 'delete', version: 4n },
    ])
    expect(
      await source.current({ entity: 'chef', key: 'never', version: 3n, op: 'delete' }, AT),
    ).toMatchObject([{ op: 'delete', version: 3n }])
  })

  it('tells nothing as long as it isn’t known of all records whose they are', async () => {
    await aurora.legacy.query("DELETE FROM backsync_owners WHERE entity = 'recipe'")
    const id = await newRecipe(await newChef('Julia'), 'Soup')
    await expect(source.records('recipe', [String(id)])).rejects.toMatchObject({ code: 'owners.unknown' })
    await recordOwners(aurora.db, recipe)
  })

  describe('lifts', () => {
    const currentOf = async (entity: Entity, key: string | number): Promise<Change> => {
      const [change] = await source.current({ entity: entity.name, key: String(key), version: 1n }, AT)
      if (change === undefined) throw new Error('nothing is there')
      return change
    }
    const stampOf = async (id: number) => {
      const [[row]] = await aurora.legacy.query<RowDataPacket[]>(
        'SELECT backsync_version AS version, backsync_updated_at AS at FROM cheftable WHERE id = ?',
        [id],
      )
      return row
    }

    it('a row above what DynamoDB holds, and nothing else of it, if it still is what is there', async () => {
      const id = await newChef('Legacy')
      await run('UPDATE cheftable SET backsync_updated_at = ? WHERE id = ?', ['2026-11-20 10:00:00.123', id])
      const change = await currentOf(chef, id)

      expect(await source.lift(change, 9n)).toBe('lifted')
      expect(await stampOf(id)).toMatchObject({ version: '10', at: '2026-11-20 10:00:00.123' })
      // Its answer was lost, or another relay has done it.
      expect(await source.lift(change, 9n)).toBe('lifted')
      expect(await source.lift(change, 20n)).toBe('late')
      expect(await stampOf(id)).toMatchObject({ version: '10' })
    })

    it('no row of DynamoDB’s, and none to a version that has no next one', async () => {
      const key = randomUUID()
      await fromDynamo(chef, key, { firstName: 'Theirs', lastName: 'T' }, 2n)
      const row = { firstName: 'Theirs', lastName: 'T' }
      const theirs: Change = { entity: 'chef', key, op: 'upsert', version: 2n, row, source: 'log', at: '' }
      expect(await source.lift({ ...theirs, at: AT.toISOString() }, 5n)).toBe('kept')
      expect(await records('chef', key)).toEqual([`${key} held dynamo 2 Theirs`])

      const change = await currentOf(chef, await newChef('Legacy'))
      expect(await source.lift(change, BigInt(Number.MAX_SAFE_INTEGER) - 1n)).toBe('kept')
    })

    it('a row that is of an earlier move than its item, and tells it of that', async () => {
      const change = await currentOf(chef, await newChef('Legacy'))
      expect(await source.lift(change, 0n, 3n)).toBe('lifted')
      expect(await currentOf(chef, change.key)).toMatchObject({ version: 2n, epoch: 3n })
    })

    it('a tombstone, so that what comes behind it is above both', async () => {
      const key = randomUUID()
      await aurora.legacy.query(
        "INSERT INTO backsync_tombstones (entity, entity_key, version) VALUES ('chef', ?, 2)",
        [key],
      )
      const change = await currentOf(chef, key)
      expect(await source.lift(change, 9n)).toBe('lifted')
      expect(await records('chef', key)).toEqual([`${key} deleted aurora 10`])
      expect(await source.lift(change, 9n)).toBe('lifted')
      expect(await source.lift({ ...change, version: 1n }, 20n)).toBe('late')
    })

    it('no delete whose key is there again', async () => {
      const id = await newChef('Legacy')
      const gone: Change = { ...(await currentOf(chef, id)), op: 'delete', version: 1n }
      expect(await source.lift(gone, 9n)).toBe('late')
    })

    it('a record beside its row, also where there is none yet, and logs it: no trigger does', async () => {
      const id = await run("INSERT INTO guests (name) VALUES ('Legacy')")
      const change = await currentOf(guest, id)
      expect(await source.lift(change, 9n)).toBe('lifted')
      expect(await records('guest', id)).toEqual([`${id} held aurora 10 Legacy`])
      const [rows] = await aurora.legacy.query<RowDataPacket[]>(
        'SELECT entity, entity_key, op, version FROM backsync_changes',
      )
      expect(rows).toEqual([{ entity: 'guest', entity_key: String(id), op: 'upsert', version: '10' }])
    })
  })
})
