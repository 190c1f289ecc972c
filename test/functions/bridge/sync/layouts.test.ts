import type { AttributeValue } from '@aws-sdk/client-dynamodb'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals'
import { reportKey } from '../../../../functions/bridge/compare/key-report.ts'
import { askFollowed } from '../../../../functions/bridge/copy/followed.ts'
import { toItem } from '../../../../functions/bridge/dynamo/items.ts'
import type { Row } from '../../../../functions/bridge/model/change.ts'
import { retryParked } from '../../../../functions/bridge/sync/retry-parked.ts'
import { type LaidOut, layouts, schemaOf } from '../../fixtures/layouts.ts'
import { streamRecord } from '../../fixtures/stream-events.ts'
import { openTestSync, type TestSync } from './harness.ts'

const AT = '2026-11-22T03:00:00.123Z'
const nothing = { batchItemFailures: [] }

/** The table of each entity; two of them share one. */
const named = new Map(layouts)
const laidOut = layouts.map(([, one]) => ({ ...one, entity: { ...one.entity, overruled: 'lift' as const } }))
const entities = laidOut.map(({ entity }) => entity)

let last = 0
const recordOf = ({ entity }: LaidOut, item: Record<string, AttributeValue>, removes = false) => {
  last += 1
  const made = streamRecord({
    table: entity.item.table,
    sequence: String(last),
    eventName: removes ? 'REMOVE' : 'MODIFY',
    ...(removes ? { oldImage: item } : { newImage: item, oldImage: item }),
  })
  const { partition, sort } = schemaOf(entity)
  const Keys = Object.fromEntries([partition, ...(sort ? [sort] : [])].map(({ name }) => [name, item[name]]))
  return { ...made, dynamodb: { ...made.dynamodb, Keys } }
}

const itemOf = ({ entity, keys }: LaidOut, at: 0 | 1, version: bigint, row: Row) =>
  toItem(
    entity,
    { entity: entity.name, key: keys[at], op: 'upsert', source: 'stream', at: AT, version, row },
    row,
  )

describe('the way back of items with the primary keys of teams', () => {
  let sync: TestSync

  beforeAll(async () => {
    sync = await openTestSync(
      entities,
      Object.fromEntries(entities.map(({ item }) => [item.table, item.table])),
    )
    for (const { table } of laidOut) await sync.aurora.legacy.query(table)
  })
  afterAll(() => sync.close())
  beforeEach(async () => {
    for (const { entity } of laidOut) await sync.aurora.legacy.query(`DELETE FROM ${entity.table}`)
    await sync.aurora.legacy.query('DELETE FROM backsync_tombstones')
    sync.takeLifted()
  })

  const stored = ({ entity, keys }: LaidOut, at: 0 | 1) => sync.aurora.store.get(entity, keys[at])

  it('makes rows of them, and takes the rows away with them', async () => {
    const all = laidOut.flatMap((one) => [
      recordOf(one, itemOf(one, 0, 1n, one.rows[0])),
      recordOf(one, itemOf(one, 1, 1n, one.rows[1])),
    ])
    expect(await sync.deliver(...all)).toEqual(nothing)
    for (const one of laidOut)
      for (const at of [0, 1] as const)
        expect(await stored(one, at)).toMatchObject({ key: one.keys[at], row: one.rows[at], version: 1n })

    await sync.deliver(...laidOut.map((one) => recordOf(one, itemOf(one, 0, 1n, one.rows[0]), true)))
    for (const one of laidOut) {
      expect(await stored(one, 0)).toBeUndefined()
      expect(await stored(one, 1)).toMatchObject({ version: 1n })
    }
  })

  it.each([...named.keys()])('lifts what is current, where the primary key is %s', async (name) => {
    const one = laidOut.find(({ entity }) => entity.name === named.get(name)?.entity.name)
    if (one === undefined) throw new Error(name)
    const { entity, keys, rows } = one
    await sync.deliver(recordOf(one, itemOf(one, 0, 9n, rows[0])))
    const back = itemOf(one, 0, 2n, { ...rows[0], title: 'anew' })
    await sync.put(entity, back)
    await sync.deliver(recordOf(one, back))
    expect(await sync.item(entity, keys[0])).toMatchObject({ ...one.items[0], version: { N: '10' } })
    await sync.deliver(...sync.takeLifted().map(({ item }) => recordOf(one, item)))
    expect(await stored(one, 0)).toMatchObject({ version: 10n, row: { title: 'anew' } })
    await sync.remove(entity, keys[0])
  })

  it.each([...named.keys()])('tries what is parked again, where the primary key is %s', async (name) => {
    const one = laidOut.find(({ entity }) => entity.name === named.get(name)?.entity.name)
    if (one === undefined) throw new Error(name)
    const { entity, keys, rows } = one
    const bad = itemOf(one, 1, 3n, { ...rows[1], title: 'x'.repeat(41) })
    await sync.deliver(recordOf(one, bad))
    expect(await sync.parked(entity.name)).toEqual([[keys[1], 'data', 'record.invalid']])

    await sync.put(entity, itemOf(one, 1, 4n, rows[1]))
    const heads = [...(await sync.parts.parking.parkedOf(entity.name)).values()]
    expect(await retryParked(sync.parts, entity.name, heads)).toMatchObject([{ outcome: 'applied' }])
    expect(await stored(one, 1)).toMatchObject({ version: 4n, row: rows[1] })
    await sync.remove(entity, keys[1])
  })

  it.each([...named.keys()])(
    'is told of a key and of a table by name, where the primary key is %s',
    async (name) => {
      const one = laidOut.find(({ entity }) => entity.name === named.get(name)?.entity.name)
      if (one === undefined) throw new Error(name)
      const { entity, keys, rows, others } = one
      const item = itemOf(one, 0, 5n, rows[0])
      await sync.put(entity, item)
      await sync.deliver(recordOf(one, item))
      await sync.put(entity, itemOf(one, 1, 5n, rows[1]))
      for (const other of others) await sync.put(entity, { ...other, version: { N: '1' } })

      const ask = (key: string) =>
        reportKey(entity, key, {
          aurora: sync.aurora.store,
          dynamo: sync.dynamo,
          parking: sync.parts.parking,
        })
      expect(await ask(keys[0])).toMatchObject({
        key: keys[0],
        relation: 'agree',
        dynamo: { is: 'held', version: 5n },
      })
      expect(await ask(keys[1])).toMatchObject({ relation: 'only dynamo' })
      expect(
        await askFollowed(entity, sync.tables.of(entity.item.table), {
          ...sync.parts,
          client: sync.parking.client,
        }),
      ).toEqual({
        ...{ entity: entity.name, keys: 2, held: 1, parked: 0, toCome: 1, unreadable: 0 },
      })
      for (const key of [...keys, ...others]) await sync.remove(entity, key)
    },
  )
})
