import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals'
import type { RowDataPacket } from 'mysql2/promise'
import { AuroraSink } from '../../../../functions/bridge/aurora/aurora-sink.ts'
import { toBatches } from '../../../../functions/bridge/aurora/batch.ts'
import { updateOlder } from '../../../../functions/bridge/aurora/statements.ts'
import type { RecordKind } from '../../../../functions/bridge/model/attributes/attribute.ts'
import type { Change, Row } from '../../../../functions/bridge/model/change.ts'
import { requireDistinct } from '../../../../functions/bridge/model/entity.ts'
import { parentsOf } from '../../../../functions/bridge/model/references.ts'
import { openTestAurora, type TestAurora } from '../../../support/aurora.ts'
import { recordKinds } from '../../../support/runs.ts'
import { type Linked, linkedOf } from '../../fixtures/linked.ts'

const AT = '2026-11-22T03:00:00.123Z'

const upsert = ({ entity, key }: Linked, row: Row, version = 1): Change => ({
  entity: entity.name,
  key,
  op: 'upsert',
  version: BigInt(version),
  source: 'stream',
  at: AT,
  row,
})
const gone = ({ entity, key }: Linked, version = 9): Change => ({
  entity: entity.name,
  key,
  op: 'delete',
  version: BigInt(version),
  source: 'stream',
  at: AT,
})
const names = (one: Linked): [string, Linked] => [`${one.entity.name} ${one.key}`, one]

describe.each<RecordKind>(recordKinds)('a row that refers to others, with its record in its %s', (record) => {
  const { linked, world, linkedTables } = linkedOf(record)
  /** Those that refer to others, and to none that refer back. */
  const children = world
    .filter((one) => parentsOf(one.entity, upsert(one, one.row)).length > 0)
    .filter(({ entity, key }) => entity.name !== 'clan' && key !== '2,4')

  /** What has to be there first, what that refers to before it. */
  const needsOf = (one: Linked): Linked[] => {
    const wanted = parentsOf(one.entity, upsert(one, one.row)).concat(
      parentsOf(one.entity, upsert(one, one.changed ?? one.row)),
    )
    const found = world.filter(
      (other) =>
        other !== one && wanted.some(({ entity, key }) => entity === other.entity.name && key === other.key),
    )
    return [...new Set(found.flatMap((parent) => [...needsOf(bare(parent)), bare(parent)]))]
  }

  /** Of those that refer to each other, the one that can be without the other. */
  const bare = (one: Linked): Linked =>
    one.entity.name === 'clan' ? { ...one, row: { ...one.row, head: null } } : one

  let aurora: TestAurora
  let sink: AuroraSink

  beforeAll(async () => {
    requireDistinct(linked)
    aurora = await openTestAurora()
    for (const text of linkedTables) await aurora.legacy.query(text)
    sink = new AuroraSink(linked, aurora)
  })
  afterAll(() => aurora.close())
  beforeEach(async () => {
    await aurora.legacy.query('SET foreign_key_checks = 0')
    for (const text of linkedTables) {
      const [, name] = /CREATE TABLE (\w+)/.exec(text) ?? []
      if (name !== undefined) await aurora.legacy.query(`DELETE FROM ${name}`)
    }
    await aurora.legacy.query('DELETE FROM backsync_tombstones')
    await aurora.legacy.query('DELETE FROM backsync_records')
    await aurora.legacy.query('SET foreign_key_checks = 1')
  })

  const apply = (one: Linked, ...changes: Change[]) => aurora.writer.applyIsolating(one.entity, changes)
  const make = async (...all: Linked[]): Promise<void> => {
    for (const one of all)
      expect(await apply(one, upsert(one, one.row))).toMatchObject({ applied: 1, refused: [] })
  }

  describe.each(children.map(names))('as %s does', (_, one) => {
    const { entity, key, row, changed = row } = one

    it('is refused as waiting without any one of these, which it names', async () => {
      const needed = parentsOf(entity, upsert(one, row))
      const others = needsOf(one)
      for (const { entity: parent, key: parentKey } of needed) {
        const missing = others.find((other) => other.entity.name === parent && other.key === parentKey)
        const user = others.find(
          (other) =>
            other !== missing &&
            parentsOf(other.entity, upsert(other, other.row)).some(
              (of) => of.entity === parent && of.key === parentKey,
            ),
        )
        // What another one of them needs as well can't be taken away alone.
        if (missing === undefined || user !== undefined) continue
        await make(...others.filter((other) => other !== missing))
        const { refused } = await apply(one, upsert(one, row))
        expect(refused.map(({ error }) => error)).toMatchObject([{ code: 'parent.missing' }])
        expect(sink.references.waitsFor(upsert(one, row), new Error())).toContainEqual({
          entity: parent,
          key: parentKey,
        })
        for (const other of others.toReversed()) await apply(other, gone(other))
        await aurora.legacy.query('DELETE FROM backsync_tombstones')
      }
    })

    it('is written and read, replaced and deleted', async () => {
      await make(...needsOf(one), one)
      expect(await aurora.store.get(entity, key)).toEqual({ key, row, version: 1n, updatedAt: AT })
      expect((await aurora.store.list(entity, { limit: 5, position: undefined })).items).toContainEqual({
        key,
        row,
        version: 1n,
        updatedAt: AT,
      })

      expect(await apply(one, upsert(one, row))).toMatchObject({ applied: 0, overruled: [], refused: [] })
      expect(await apply(one, upsert(one, changed, 2))).toMatchObject({ applied: 1 })
      expect(await aurora.store.get(entity, key)).toMatchObject({ row: changed, version: 2n })
      expect(await apply(one, upsert(one, changed, 2))).toMatchObject({ overruled: [], refused: [] })
      expect(await sink.unheld(entity.name, [upsert(one, changed, 2)])).toEqual(new Set())

      expect(await apply(one, gone(one))).toMatchObject({ applied: 1 })
      expect(await aurora.store.get(entity, key)).toBeUndefined()
    })

    it('is found by what it says to differ from what another writer left at its version', async () => {
      if (changed === row) return
      await make(...needsOf(one), { ...one, row: changed })

      const { overruled } = await sink.applyIsolating(entity.name, [upsert(one, row)])
      expect(overruled.map(({ change }) => change.key)).toEqual([key])
    })

    it('holds the others fast until it is gone', async () => {
      await make(...needsOf(one), one)
      for (const parent of needsOf(one).filter((other) =>
        parentsOf(entity, upsert(one, row)).some(
          (of) => of.entity === other.entity.name && of.key === other.key,
        ),
      )) {
        const change = gone(parent)
        expect(await sink.references.blocked?.(parent.entity.name, [change])).toEqual(new Set([change]))
      }
      await apply(one, gone(one))
      for (const parent of needsOf(one).toReversed()) {
        const change = gone(parent)
        expect(await sink.references.blocked?.(parent.entity.name, [change])).toEqual(new Set())
        expect(await apply(parent, change)).toMatchObject({ applied: 1, refused: [] })
      }
    })

    it('finds them by an index', async () => {
      const [batch] = toBatches(entity, [upsert(one, row)], 'aurora')
      const query = updateOlder(entity, batch?.document ?? '', batch?.lookup ?? 'keys', 'aurora').compile(
        aurora.db,
      )
      const [lines] = await aurora.legacy.query<RowDataPacket[]>(
        `EXPLAIN FORMAT=TRADITIONAL ${query.sql.replace(/:\w+/g, '?')}`,
        [...query.parameters],
      )

      const joined = lines.filter((line) => /^(t|[pq]\d+|[nc][\d_]+[pq])$/.test(String(line.table)))
      expect(joined.map((line) => [line.table, typeof line.possible_keys])).toEqual(
        joined.map((line) => [line.table, 'string']),
      )
      expect(joined.length).toBeGreaterThan(1)
    })
  })

  const named = (name: string): Linked => {
    const found = world.find(({ entity, changed }) => entity.name === name && changed !== undefined)
    if (found === undefined) throw new Error(name)
    return found
  }
  const [voyage, crane, watch, room, berth] = [
    named('voyage'),
    named('crane'),
    named('watch'),
    named('room'),
    named('berth'),
  ]

  describe('to keys under a collation', () => {
    it('never takes a key for the one that it names only by the collation, and waits for that', async () => {
      await make(...needsOf(voyage))
      for (const [name, key] of [
        ['guild', 'E,~'],
        ['from', '7,A~1~0'],
      ] as const) {
        const { refused } = await apply(voyage, upsert(voyage, { ...voyage.row, [name]: key }))
        expect(refused.map(({ error }) => error)).toMatchObject([{ code: 'parent.missing' }])
      }
    })

    it('is read with the key that is there, however the legacy application has written it', async () => {
      await make(...needsOf(voyage), voyage)
      await aurora.legacy.query("UPDATE voyages SET guild_code = 'E,~', from_berth = 'A,~'")

      expect(await aurora.store.get(voyage.entity, voyage.key)).toMatchObject({ row: voyage.row })
      const again = await sink.applyIsolating('voyage', [upsert(voyage, voyage.row)])
      expect(again).toMatchObject({ refused: [], overruled: [] })
    })

    it('can be changed where its own key says it otherwise than what it refers to', async () => {
      await make(...needsOf(crane))
      await aurora.legacy.query("INSERT INTO cranes VALUES (7, 'A,~', 1, NULL)")
      const other = { ...crane, key: '7,A~1~0,1', row: { ...crane.row, berth: '7,A~1~0' } }

      const read = await aurora.store.list(crane.entity, { limit: 5, position: undefined })
      expect(read.items.map((item) => item.key)).toEqual([other.key])
      const row = { ...other.row, load: read.items[0]?.row.number ?? null }
      expect(await apply(other, upsert(other, row, 2))).toMatchObject({ applied: 1, refused: [] })
    })
  })

  it.each<[string, Linked, string, string]>([
    ['a text', voyage, "guild_code = 'none'", 'guild (reference) names a guild that is not there'],
    ['a date', voyage, "season_begins = '2001-01-01'", 'season (reference) names a season that is not there'],
    ['two columns', voyage, 'from_port = 99', 'from (reference) names a berth that is not there'],
    ['its own kind', room, 'behind_no = 99', 'behind (reference) names a room that is not there'],
  ])('is not read as referring to nothing where that of %s is gone', async (_, one, set, message) => {
    await make(...needsOf(one), one)
    await aurora.legacy.query('SET foreign_key_checks = 0')
    await aurora.legacy.query(`UPDATE ${one.entity.table} SET ${set}`)
    await aurora.legacy.query('SET foreign_key_checks = 1')

    const { items, unreadable } = await aurora.store.list(one.entity, { limit: 9, position: undefined })
    expect(items.map(({ key }) => key)).not.toContain(one.key)
    expect(unreadable?.map(({ error }) => error.message)).toContain(
      `A ${one.entity.name} can't be read: ${message}`,
    )
  })

  it('refers to nothing where one of several columns is NULL', async () => {
    await make(...needsOf(voyage), voyage)
    await aurora.legacy.query('UPDATE voyages SET from_port = NULL')

    expect(await aurora.store.get(voyage.entity, voyage.key)).toMatchObject({
      row: { ...voyage.row, from: null },
    })
    await apply(voyage, upsert(voyage, { ...voyage.row, from: null }, 2))
    const [rows] = await aurora.legacy.query('SELECT from_port, from_berth FROM voyages')
    expect(rows).toEqual([{ from_port: null, from_berth: null }])
  })

  it('names the rows of a link by their keys, or by their ids where the legacy application made them', async () => {
    const ships = needsOf(voyage)
    await make(...ships, voyage)
    await aurora.legacy.query("INSERT INTO captains VALUES (77, 'Bob')")
    const [[made]] = await aurora.legacy.query<RowDataPacket[]>('SELECT id FROM voyages')
    await aurora.legacy.query(`INSERT INTO watches VALUES (77, ${made?.id}, 6)`)
    const key = `77,${voyage.key}`

    const stored = await aurora.store.get(watch.entity, key)
    expect(stored).toMatchObject({ key, row: { captain: '77', voyage: voyage.key } })
    const one = { ...watch, key }
    const row = { captain: '77', voyage: voyage.key, hours: null }
    expect(await apply(one, upsert(one, row, 2))).toMatchObject({ applied: 1 })
    // An id of a row that has a key of its own is none.
    expect(await aurora.store.get(watch.entity, `77,${made?.id}`)).toBeUndefined()
    expect(await apply(one, gone(one))).toMatchObject({ applied: 1 })
  })

  it('keeps the lists of each key apart', async () => {
    const other = world.find(({ key }) => key === '7,b')
    if (other === undefined) throw new Error('no other berth')
    await make(...needsOf(berth), berth, { ...other, row: { ...other.row, rings: [{ metal: 'tin' }] } })
    await apply(berth, gone(berth))

    expect(await aurora.store.get(other.entity, other.key)).toMatchObject({
      row: { rings: [{ metal: 'tin' }] },
    })
    const [rows] = await aurora.legacy.query('SELECT ring_port, ring_berth, place FROM berth_rings')
    expect(rows).toEqual([{ ring_port: 7, ring_berth: 'b', place: 1 }])
  })
})
