import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals'
import type { RowDataPacket } from 'mysql2/promise'
import { reportKey } from '../../../../functions/bridge/compare/key-report.ts'
import type { Item } from '../../../../functions/bridge/drivers/dynamo/items.ts'
import { toItem } from '../../../../functions/bridge/dynamo/items.ts'
import type { Change, Row } from '../../../../functions/bridge/model/change.ts'
import type { Entity } from '../../../../functions/bridge/model/entity.ts'
import { emptyGuests, guest, guestTables, table } from '../aurora/records/guests.ts'
import { type FormerStack, openFormerStack } from './takeover-world.ts'
import { openWorld, type World } from './world.ts'

const AT = '2026-11-20T10:00:00.123Z'
/** One that a key column of 20 characters has room for. */
const newKey = (): string => randomUUID().slice(0, 18)
const rowOf = (entity: Entity, key: string, name: string): Row =>
  entity === table ? { code: key, name } : { name }

const both = [
  ['counted', guest],
  ['with a key of its own', table],
] as const

describe('a takeover of an entity whose records are beside its rows', () => {
  let stack: FormerStack

  beforeAll(async () => {
    stack = await openFormerStack([guest, table], guestTables)
  }, 60_000)
  afterAll(() => stack.close())
  beforeEach(async () => {
    await stack.empty()
    await emptyGuests(stack.aurora.legacy)
  })

  const changeOf = (entity: Entity, key: string, version: bigint): Change => ({
    ...{ entity: entity.name, key, op: 'upsert', version, source: 'stream', at: AT },
    row: rowOf(entity, key, 'former'),
  })
  const itemOf = (entity: Entity, key: string, version = 1n): Item =>
    toItem(entity, changeOf(entity, key, version), rowOf(entity, key, 'former'))
  /** A key with item, row and record, of which nobody has said whose it is. */
  const synced = async (entity: Entity, key: string = newKey()): Promise<string> => {
    await stack.put(entity, key, itemOf(entity, key))
    await stack.aurora.writer.apply(entity, [changeOf(entity, key, 1n)])
    await stack.aurora.legacy.query('UPDATE backsync_records SET owner = NULL')
    return key
  }
  const owners = async (entity: Entity): Promise<Record<string, string>> => {
    const [rows] = await stack.aurora.legacy.query<RowDataPacket[]>(
      "SELECT entity_key AS k, CONCAT(COALESCE(owner, 'null'), ' ', epoch, ' ', version) AS o FROM backsync_records WHERE entity = ?",
      [entity.name],
    )
    return Object.fromEntries(rows.map(({ k, o }) => [String(k), String(o)]))
  }

  it.each(both)('gives the records of its items to DynamoDB, and no other one: %s', async (_, entity) => {
    const key = await synced(entity)
    const mine = newKey()
    await stack.aurora.writer.apply(entity, [changeOf(entity, mine, 1n)])

    expect(await stack.take(entity)).toMatchObject({ done: true, tally: { applied: 1 }, refusals: [] })
    expect(await owners(entity)).toEqual({ [key]: 'dynamo 0 1', [mine]: 'null 0 1' })
  })

  it.each([
    ['counted', guest, "INSERT INTO guests (id, name) VALUES (5, 'former')", '5'],
    ['with a key of its own', table, "INSERT INTO guest_tables VALUES ('t5', 'former')", 't5'],
  ] as const)('makes the record of a row, %s, that has an item and none', async (_, entity, insert, key) => {
    await stack.aurora.legacy.query(insert)
    await stack.put(entity, key, itemOf(entity, key))
    await stack.take(entity)

    expect(await owners(entity)).toEqual({ [key]: 'dynamo 0 1' })
    // What DynamoDB writes next gets there.
    await stack.deliver(await stack.put(entity, key, itemOf(entity, key, 2n)))
    expect(await stack.aurora.store.get(entity, key)).toMatchObject({ version: 2n })
    expect(await stack.parked(entity)).toEqual([])
  })

  it.each(both)('gives a record to DynamoDB whose row plain SQL has taken away: %s', async (_, entity) => {
    const key = await synced(entity)
    await stack.aurora.legacy.query(`DELETE FROM ${entity.table}`)
    await stack.take(entity)

    expect(await owners(entity)).toEqual({ [key]: 'dynamo 0 1' })
    await stack.deliver(await stack.put(entity, key, itemOf(entity, key, 2n)))
    expect(await stack.aurora.store.get(entity, key)).toMatchObject({ version: 2n })
    expect(await stack.parked(entity)).toEqual([])
  })

  it.each(both)('goes on after it was stopped, and is known at its end: %s', async (_, entity) => {
    for (let n = 0; n < 9; n++) await synced(entity)
    const interrupt = new AbortController()
    const first = await stack.take(entity, {
      ...{ segments: 1, page: 3, signal: interrupt.signal },
      onProgress: (items) => items >= 6 && interrupt.abort(),
    })
    expect([first.done, await stack.isKnown(entity)]).toEqual([false, false])
    const taken = Object.values(await owners(entity)).filter((one) => one === 'dynamo 0 1')
    expect(taken).toHaveLength(first.tally.items)

    expect(await stack.take(entity, { segments: 5 })).toMatchObject({ done: true, tally: { applied: 9 } })
    expect(new Set(Object.values(await owners(entity)))).toEqual(new Set(['dynamo 0 1']))
    expect(await stack.isKnown(entity)).toBe(true)
  })

  it.each(both)('takes what is proved, once more, and lists what is not: %s', async (_, entity) => {
    await stack.take(entity)
    const proved = await synced(entity)
    const other = await synced(entity)
    await stack.aurora.legacy.query('UPDATE backsync_records SET version = 4 WHERE entity_key = ?', [other])

    const { refusals } = await stack.take(entity, { again: true })
    expect(await owners(entity)).toEqual({ [proved]: 'dynamo 0 1', [other]: 'null 0 4' })
    expect(refusals).toHaveLength(1)
  })
})

describe('a table that was truncated, beside its records', () => {
  let world: World

  beforeAll(async () => {
    world = await openWorld([guest, table], { guest: 'Guests', table: 'Tables' })
    for (const statement of guestTables) await world.sync.aurora.legacy.query(statement)
  })
  afterAll(() => world.close())
  beforeEach(async () => {
    await emptyGuests(world.sync.aurora.legacy)
    // So that ids that are given after it are those of rows that were there.
    for (const { table: name } of [guest, table])
      await world.sync.aurora.legacy.query(`TRUNCATE TABLE ${name}`)
  })

  const streamed = async (entity: Entity, key: string, work: () => Promise<unknown>) => {
    const before = await world.item(entity, key)
    await work()
    const { batchItemFailures } = await world.sync.deliver(
      world.recordOf(entity, key, before, await world.item(entity, key)),
    )
    expect(batchItemFailures).toEqual([])
  }
  const made = async (entity: Entity): Promise<string> => {
    const key = newKey()
    await streamed(entity, key, () => world.create(entity, 'dynamo', rowOf(entity, key, 'one'), key))
    return key
  }
  const written = (entity: Entity, key: string, name: string) =>
    streamed(entity, key, () => world.replace(entity, 'dynamo', key, rowOf(entity, key, name)))
  const report = (entity: Entity, key: string) =>
    reportKey(entity, key, {
      ...{ aurora: world.stores.aurora, parking: world.sync.parts.parking },
      dynamo: world.sync.dynamo,
    })
  const truncate = (entity: Entity) => world.sync.aurora.legacy.query(`TRUNCATE TABLE ${entity.table}`)
  const names = async (entity: Entity, keys: readonly string[]) =>
    Promise.all(keys.map(async (key) => (await world.stores.aurora.get(entity, key))?.row.name))
  const parked = async (entity: Entity) => [
    ...(await world.sync.parked(entity.name)),
    ...(await world.sync.parked(`${entity.name}.conflicts`)),
  ]

  it.each(both)('has none of its rows, and the key shows that: %s', async (_, entity) => {
    const key = await made(entity)
    await truncate(entity)

    expect(await world.stores.aurora.get(entity, key)).toBeUndefined()
    expect(await report(entity, key)).toMatchObject({ relation: 'only dynamo', owner: { is: 'dynamo' } })
  })

  it.each([
    ['first', guest],
    ['last', guest],
    ['first', table],
    ['last', table],
  ] as const)('gets the next write of each key as a new row, the %s one first: $#', async (which, entity) => {
    const keys = [await made(entity), await made(entity), await made(entity)]
    await truncate(entity)
    const order = which === 'first' ? keys : keys.toReversed()
    for (const key of order) await written(entity, key, `next of ${key}`)

    expect(await names(entity, keys)).toEqual(keys.map((key) => `next of ${key}`))
    for (const key of keys) expect(await report(entity, key)).toMatchObject({ relation: 'agree' })
    expect(await parked(entity)).toEqual([])
    // And they stay whose they are.
    for (const key of keys) await written(entity, key, `last of ${key}`)
    expect(await names(entity, keys)).toEqual(keys.map((key) => `last of ${key}`))
  })

  it.each(both)('gets them in one batch, too, and new ones beside: %s', async (_, entity) => {
    const keys = [await made(entity), await made(entity), await made(entity)]
    await truncate(entity)
    const fresh = await made(entity)
    const records = []
    for (const key of [...keys].toReversed()) {
      const before = await world.item(entity, key)
      await world.replace(entity, 'dynamo', key, rowOf(entity, key, `next of ${key}`))
      records.push(world.recordOf(entity, key, before, await world.item(entity, key)))
    }
    expect(await world.sync.deliver(...records)).toEqual({ batchItemFailures: [] })

    expect(await names(entity, [...keys, fresh])).toEqual([...keys.map((key) => `next of ${key}`), 'one'])
    expect(await parked(entity)).toEqual([])
  })

  it.each(both)('takes deletes of what is gone: %s', async (_, entity) => {
    const [key, other] = [await made(entity), await made(entity)]
    await truncate(entity)
    await written(entity, other, 'next')
    await streamed(entity, key, () => world.remove(entity, 'dynamo', key))

    expect(await names(entity, [key, other])).toEqual([undefined, 'next'])
    expect(await report(entity, key)).toMatchObject({ relation: 'agree' })
    expect(await parked(entity)).toEqual([])
  })
})
