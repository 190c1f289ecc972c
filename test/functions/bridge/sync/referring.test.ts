import { fc } from '@fast-check/jest'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import type { RowDataPacket } from 'mysql2/promise'
import { toItem } from '../../../../functions/bridge/dynamo/items.ts'
import type { RecordKind } from '../../../../functions/bridge/model/attributes/attribute.ts'
import { recordKinds, runs } from '../../../support/runs.ts'
import { type Linked, linkedOf } from '../../fixtures/linked.ts'
import { streamRecord } from '../../fixtures/stream-events.ts'
import { openTestSync, type TestSync } from './harness.ts'

const AT = '2026-11-22T03:00:00.123Z'
let sequence = 0

describe.each<RecordKind>(recordKinds)(
  'changes of entities that refer to each other, with records in a %s',
  (kind) => {
    const { linked, linkedTables, world } = linkedOf(kind)
    const tables = Object.fromEntries(linked.map(({ item: { table } }) => [table, `Of-${table}`]))
    let sync: TestSync
    beforeAll(async () => {
      sync = await openTestSync(linked, tables)
      for (const text of linkedTables) await sync.aurora.legacy.query(text)
    })
    afterAll(() => sync.close())

    const itemOf = ({ entity, key, row }: Linked, version: number) =>
      toItem(
        entity,
        { entity: entity.name, key, op: 'upsert', version: BigInt(version), source: 'api', at: AT, row },
        row,
      )
    const record = (one: Linked, version: number, removes = false) => {
      const { entity, key } = one
      const image = itemOf(one, version)
      sequence += 1
      const made = streamRecord({
        table: tables[entity.item.table] ?? '',
        sequence: String(sequence),
        eventName: removes ? 'REMOVE' : 'MODIFY',
        ...(removes ? { oldImage: image } : { newImage: image, oldImage: image }),
      })
      return { ...made, dynamodb: { ...made.dynamodb, Keys: { [entity.keyName]: { S: key } } } }
    }
    /** Of everything: how many rows there are, and what is parked. */
    const standing = async () => {
      const counts = await Promise.all(
        linked.map(async ({ table }) => {
          const [[row]] = await sync.aurora.legacy.query<RowDataPacket[]>(
            `SELECT COUNT(*) AS n FROM ${table}`,
          )
          return Number(row?.n)
        }),
      )
      const parked = await Promise.all(linked.map(({ name }) => sync.parked(name)))
      return { rows: counts.reduce((sum, n) => sum + n, 0), parked: parked.flat() }
    }
    /** Cuts a list behind some of its members. */
    const cut = ({ all, cuts }: { readonly all: readonly number[]; readonly cuts: readonly boolean[] }) =>
      all
        .reduce<Linked[][]>(
          (batches, of, place) => {
            const one = world[of]
            if (cuts[place] === true) batches.push([])
            if (one !== undefined) batches.at(-1)?.push(one)
            return batches
          },
          [[]],
        )
        .filter(({ length }) => length > 0)
    const places = world.map((_, at) => at)
    const order = fc.record({
      all: fc.shuffledSubarray(places, { minLength: world.length }),
      cuts: fc.array(fc.boolean(), { minLength: world.length, maxLength: world.length }),
    })

    it('end the same in any order and any batches: all are there, then all are gone, and nothing is parked', async () => {
      let version = 0
      await fc.assert(
        fc.asyncProperty(order, order, async (creates, deletes) => {
          version += 2
          for (const one of world) await sync.put(one.entity, itemOf(one, version))
          for (const batch of cut(creates))
            expect(await sync.deliver(...batch.map((one) => record(one, version)))).toEqual({
              batchItemFailures: [],
            })
          expect(await standing()).toEqual({ rows: world.length, parked: [] })
          for (const { entity, key, row } of world)
            expect(await sync.aurora.store.get(entity, key)).toMatchObject({ row, version: BigInt(version) })

          for (const { entity, key } of world) await sync.remove(entity, key)
          for (const batch of cut(deletes))
            await sync.deliver(...batch.map((one) => record(one, version, true)))
          expect(await standing()).toEqual({ rows: 0, parked: [] })
        }),
        { ...runs(3, { short: 1 }), endOnFailure: true },
      )
    }, 240_000)

    it('that wait for a key are woken by that of the others which comes', async () => {
      const own = world.filter(({ entity }) => ['port', 'berth', 'crane'].includes(entity.name))
      const version = 1_000
      for (const one of own) await sync.put(one.entity, itemOf(one, version))
      const [port, berth, crane] = ['7', '7,a~1~0', '7,a~1~0,1'].map((key) =>
        own.find((one) => one.key === key),
      )
      if (port === undefined || berth === undefined || crane === undefined)
        throw new Error('not in the world')

      await sync.deliver(record(crane, version), record(berth, version))
      const heads = await sync.parts.parking.parkedOf('crane')
      expect(heads.get(crane.key)).toMatchObject({
        class: 'dependency',
        code: 'parent.missing',
        waitsFor: [{ entity: 'berth', key: berth.key }],
      })
      expect((await sync.parts.parking.parkedOf('berth')).get(berth.key)).toMatchObject({
        waitsFor: [{ entity: 'port', key: '7' }],
      })

      await sync.deliver(record(port, version))
      expect(await standing()).toEqual({ rows: 3, parked: [] })
      for (const { entity, key } of own) await sync.remove(entity, key)
      await sync.deliver(...[port, berth, crane].map((one) => record(one, version, true)))
      expect(await standing()).toEqual({ rows: 0, parked: [] })
    })

    it('that came before what they wait for are woken when that is woken itself, in one batch with what it waits for', async () => {
      const version = 2_000
      const own = ['7', '7,a~1~0', '7,a~1~0,1'].flatMap((key) => world.filter((one) => one.key === key))
      const [port, berth, crane] = own
      if (port === undefined || berth === undefined || crane === undefined)
        throw new Error('not in the world')
      for (const one of own) await sync.put(one.entity, itemOf(one, version))

      await sync.deliver(record(berth, version))
      await sync.deliver(record(port, version), record(crane, version))
      expect(await sync.aurora.store.get(crane.entity, crane.key)).toMatchObject({ version: BigInt(version) })
      expect((await standing()).parked).toEqual([])

      // The other way about: what refers goes last, and is waited for in a row.
      for (const { entity, key } of own) await sync.remove(entity, key)
      await sync.deliver(record(berth, version, true))
      await sync.deliver(record(port, version, true), record(crane, version, true))
      expect((await standing()).parked).toEqual([])
      expect(await sync.aurora.store.get(port.entity, port.key)).toBeUndefined()
    })
  },
)
