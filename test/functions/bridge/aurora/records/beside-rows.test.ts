import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals'
import type { RawBuilder } from 'kysely'
import type { RowDataPacket } from 'mysql2/promise'
import { AuroraRecords } from '../../../../../functions/bridge/aurora/aurora-records.ts'
import { AuroraSink } from '../../../../../functions/bridge/aurora/aurora-sink.ts'
import { type Batch, toBatches } from '../../../../../functions/bridge/aurora/batch.ts'
import { claimRows } from '../../../../../functions/bridge/aurora/claim-statements.ts'
import { deleteOlder, selectDeletable } from '../../../../../functions/bridge/aurora/delete-statements.ts'
import { withKnownIds } from '../../../../../functions/bridge/aurora/known-ids.ts'
import { recordOwners, requireRecordColumns } from '../../../../../functions/bridge/aurora/owners.ts'
import {
  deleteRecords,
  enrol,
  insertRecorded,
  insertRecords,
  revive,
} from '../../../../../functions/bridge/aurora/side-statements.ts'
import { updateOlder } from '../../../../../functions/bridge/aurora/statements.ts'
import type { Change } from '../../../../../functions/bridge/model/change.ts'
import { defineEntity, type Entity } from '../../../../../functions/bridge/model/entity.ts'
import { openTestAurora, type TestAurora } from '../../../../support/aurora.ts'
import { until } from '../../../../support/until.ts'
import { emptyGuests, group, guest, guestTables, table } from './guests.ts'

const AT = '2026-11-22T03:00:00.123Z'
const entities = [guest, group, table]

describe('records beside rows', () => {
  let aurora: TestAurora
  let records: AuroraRecords

  beforeAll(async () => {
    aurora = await openTestAurora()
    for (const statement of guestTables) await aurora.legacy.query(statement)
    for (const entity of entities) await recordOwners(aurora.db, entity)
    const sink = new AuroraSink(entities, aurora)
    records = new AuroraRecords({ ...aurora, sink, catalogue: aurora.writer.catalogue })
  })
  afterAll(() => aurora.close())
  beforeEach(() => emptyGuests(aurora.legacy))

  const upsert = (key: string, version: number, called: string, of: Entity = guest): Change => ({
    ...{ entity: of.name, key, version: BigInt(version), source: 'stream', at: AT },
    ...{ op: 'upsert', row: of === table ? { code: key, name: called } : { name: called } },
  })
  const gone = (key: string, version: number, of: Entity = guest): Change => ({
    ...{ entity: of.name, key, version: BigInt(version), source: 'stream', at: AT },
    op: 'delete',
  })
  const apply = (...changes: Change[]) => aurora.writer.applyIsolating(guest, changes)
  const query = async (sql: string) => (await aurora.legacy.query<RowDataPacket[]>(sql))[0]
  const named = async (key: string) => (await aurora.store.get(guest, key))?.row.name

  describe('of counted rows', () => {
    it('tell which of many rows that were made at once is whose', async () => {
      const keys = Array.from({ length: 300 }, () => randomUUID())
      const outcome = await apply(...keys.map((key, at) => upsert(key, 1, `of ${at}`)))

      expect(outcome).toMatchObject({ applied: 300, refused: [], overruled: [] })
      const rows = await query(`SELECT r.entity_key AS k, t.name AS name FROM guests AS t
        JOIN backsync_records AS r ON r.entity = 'guest' AND r.legacy_id = t.id`)
      expect(new Map(rows.map((row) => [row.k, row.name]))).toEqual(
        new Map(keys.map((key, at) => [key, `of ${at}`])),
      )
    })

    it('tell it while the legacy application, and others of the bridge, insert rows as well', async () => {
      const lanes = Array.from({ length: 4 }, (_, lane) =>
        Array.from({ length: 12 }, (__, at) => ({ key: randomUUID(), called: `${lane} ${at}` })),
      )
      let isDone = false
      const legacy = (async () => {
        while (!isDone) await aurora.legacy.query("INSERT INTO guests (name) VALUES ('legacy'), ('legacy')")
      })()
      await Promise.all(
        lanes.map(async (lane) => {
          for (let at = 0; at < lane.length; at += 3)
            await apply(...lane.slice(at, at + 3).map(({ key, called }) => upsert(key, 1, called)))
        }),
      )
      isDone = true
      await legacy

      for (const { key, called } of lanes.flat()) expect(await named(key)).toBe(called)
      expect(await query("SELECT COUNT(*) AS n FROM guests WHERE name <> 'legacy'")).toEqual([{ n: '48' }])
    })

    it('sends so many statements for a batch, however large it is', async () => {
      const sent = async (...changes: Change[]) => {
        const before = aurora.calls()
        await apply(...changes)
        return aurora.calls() - before
      }
      const keys = Array.from({ length: 50 }, () => randomUUID())
      expect(await sent(upsert(randomUUID(), 1, 'a'))).toBe(
        await sent(...keys.map((key) => upsert(key, 1, 'a'))),
      )
      expect(await sent(upsert(keys[0] ?? '', 2, 'b'))).toBe(
        await sent(...keys.map((key) => upsert(key, 3, 'c'))),
      )
      expect(await sent(gone(keys[0] ?? '', 9))).toBe(await sent(...keys.slice(1).map((key) => gone(key, 9))))
    })

    it('are made for a legacy row by the first write, which finds it by its id', async () => {
      await aurora.legacy.query("INSERT INTO guests (id, name) VALUES (7, 'Legacy')")
      expect(await aurora.store.get(guest, '7')).toEqual({
        ...{ key: '7', row: { name: 'Legacy' }, version: 1n, updatedAt: null },
      })

      const wish = { ...upsert('7', 1, 'Api'), version: 'next', ifMatch: [1n] } as const
      expect(await aurora.store.write(guest, wish)).toMatchObject({ version: 2n, row: { name: 'Api' } })
      expect(await query('SELECT id, name FROM guests')).toEqual([{ id: 7, name: 'Api' }])
      await expect(aurora.store.write(guest, wish)).rejects.toMatchObject({ code: 'version.stale' })
    })

    it('keep both names of a row apart: its key and its id', async () => {
      const key = randomUUID()
      await apply(upsert(key, 1, 'Ann'))
      const [row] = await query('SELECT id FROM guests')

      expect(await aurora.store.get(guest, String(row?.id))).toMatchObject({ key, row: { name: 'Ann' } })
      const { refused } = await apply(upsert(String(row?.id), 5, 'Thief'))
      expect(refused).toMatchObject([{ error: { code: 'key.taken' } }])
      expect(await named(key)).toBe('Ann')
    })

    it('let a deleted legacy row come back under its own id', async () => {
      await aurora.legacy.query("INSERT INTO guests (id, name) VALUES (7, 'Seven'), (8, 'Eight')")
      await aurora.store.write(guest, { ...gone('7', 1), version: 'next' })
      expect(await aurora.store.get(guest, '7')).toBeUndefined()

      await aurora.writer.apply(guest, [upsert('7', 5, 'Back')])
      expect(await query('SELECT id, name FROM guests ORDER BY id')).toEqual([
        { id: 7, name: 'Back' },
        { id: 8, name: 'Eight' },
      ])
      expect(await aurora.store.get(guest, '7')).toMatchObject({ key: '7', version: 5n })
    })

    it('keep key and version across a REPLACE by the legacy application', async () => {
      const key = randomUUID()
      await apply(upsert(key, 4, 'Ann'))
      const [row] = await query('SELECT id FROM guests')
      await aurora.legacy.query(`REPLACE INTO guests (id, name) VALUES (${row?.id}, 'Replaced')`)

      expect(await aurora.store.get(guest, key)).toMatchObject({
        key,
        version: 4n,
        row: { name: 'Replaced' },
      })
      expect((await apply(upsert(key, 3, 'late'))).applied).toBe(0)
      expect((await apply(upsert(key, 5, 'newer'))).applied).toBe(1)
      expect(await query('SELECT name FROM guests')).toEqual([{ name: 'newer' }])
    })

    it('take lists with their rows', async () => {
      const key = randomUUID()
      const of = (version: number, ...labels: string[]): Change => ({
        ...{ entity: 'group', key, version: BigInt(version), source: 'stream', at: AT, op: 'upsert' },
        row: { name: 'All', seats: labels.map((label) => ({ label })) },
      })
      await aurora.writer.applyIsolating(group, [of(1, 'a', 'b')])
      expect(await aurora.store.get(group, key)).toMatchObject({
        row: { seats: [{ label: 'a' }, { label: 'b' }] },
      })
      for (const change of [of(3, 'c'), of(2, 'd', 'e')]) await aurora.writer.applyIsolating(group, [change])

      expect(await aurora.store.get(group, key)).toMatchObject({
        version: 3n,
        row: { seats: [{ label: 'c' }] },
      })
      await aurora.writer.applyIsolating(group, [gone(key, 4, group)])
      expect(await query('SELECT * FROM group_seats')).toEqual([])
      expect(await query('SELECT * FROM backsync_records')).toEqual([])
    })
  })

  describe.each([
    ['counted', guest, randomUUID()],
    ['with a key of its own', table, 't1'],
  ] as const)('of a row, %s, that plain SQL has taken away', (_, entity, key) => {
    const write = (...changes: Change[]) => aurora.writer.applyIsolating(entity, changes)
    const lose = () => aurora.legacy.query(`DELETE FROM ${entity.table}`)
    const state = async () => {
      const { state: is, owner, version, epoch } = await records.read(entity, key)
      return `${is} ${owner} ${version} ${epoch}`
    }
    beforeEach(async () => {
      await write(upsert(key, 3, 'three', entity))
      await lose()
    })

    it('are not shown as one that is there', async () => {
      expect(await aurora.store.get(entity, key)).toBeUndefined()
      expect((await aurora.store.list(entity, { limit: 5, position: undefined })).items).toEqual([])
      expect(await state()).toBe('deleted dynamo 4 0')
    })

    it('let it be made again by what it was made of, and not by what is older', async () => {
      expect(await write(upsert(key, 2, 'two', entity))).toMatchObject({ applied: 0, refused: [] })
      expect(await aurora.store.get(entity, key)).toBeUndefined()

      expect(await write(upsert(key, 3, 'three', entity))).toMatchObject({ applied: 1 })
      expect(await aurora.store.get(entity, key)).toMatchObject({ key, version: 3n, row: { name: 'three' } })
      await lose()
      expect(await write(upsert(key, 5, 'five', entity))).toMatchObject({ applied: 1 })
      expect(await state()).toBe('held dynamo 5 0')
    })

    it('end with a delete of the key', async () => {
      await write(gone(key, 4, entity))
      expect(await query('SELECT * FROM backsync_records')).toEqual([])
      expect(await state()).toBe('deleted dynamo 4 0')
      expect(await write(upsert(key, 4, 'late', entity))).toMatchObject({ applied: 0 })
    })

    it('change hands with the key', async () => {
      await records.release(entity, key, { owner: 'aurora', epoch: 2n }, { was: 1n })
      expect(await state()).toBe('deleted aurora 4 2')
      // Of before the move, and of the store that has lost it.
      expect(await write(upsert(key, 5, 'foreign', entity))).toMatchObject({ applied: 0 })
      expect(await aurora.store.get(entity, key)).toBeUndefined()
    })
  })

  it('count above all that was there, where a client makes a key anew that plain SQL has deleted', async () => {
    await aurora.store.write(table, upsert('t2', 1, 'one', table))
    await aurora.store.write(table, { ...upsert('t2', 1, 'two', table), version: 'next' })
    await aurora.legacy.query('DELETE FROM guest_tables')

    const made = await aurora.store.write(table, upsert('t2', 1, 'anew', table))
    expect(made).toMatchObject({ version: 4n, row: { name: 'anew' } })
  })

  it('leave nothing of a create that is refused', async () => {
    const tooLong = upsert('t3', 1, 'x'.repeat(41), table)
    await expect(aurora.store.write(table, tooLong)).rejects.toMatchObject({ kind: 'data' })

    expect(await query('SELECT * FROM backsync_records')).toEqual([])
    expect(await aurora.store.write(table, upsert('t3', 1, 'short', table))).toMatchObject({ version: 1n })
  })

  it('hold a key for its owner', async () => {
    await aurora.writer.applyIsolating(table, [upsert('t4', 1, 'modern', table)])
    const wish = { ...upsert('t4', 1, 'legacy', table), version: 'next' } as const
    await expect(aurora.store.write(table, wish)).rejects.toMatchObject({
      code: 'owner.other',
      owner: 'dynamo',
    })

    await records.release(table, 't4', { owner: 'aurora', epoch: 1n }, { was: 0n })
    expect(await aurora.store.write(table, wish)).toMatchObject({ version: 2n })
    const { overruled } = await aurora.writer.applyIsolating(table, [upsert('t4', 9, 'foreign', table)])
    expect(overruled).toHaveLength(1)
    expect(await aurora.store.get(table, 't4')).toMatchObject({ row: { name: 'legacy' } })
  })

  const claims: readonly (readonly [string, (entity: Entity, key: string) => Promise<unknown>])[] = [
    ['a claim', (entity, key) => records.release(entity, key, { owner: 'aurora', epoch: 1n }, { was: 0n })],
    [
      'the very statement of a claim',
      async (entity, key) => {
        const [unknown] = toBatches(entity, [{ ...gone(key, 1, entity), epoch: 1n }], 'dynamo')
        if (unknown === undefined) throw new TypeError('A change makes a batch')
        const { keys, lookup } = await withKnownIds(aurora.db, unknown)
        await claimRows(entity, keys, lookup, { owner: 'aurora', unchanged: [] }).execute(aurora.db)
      },
    ],
  ]
  it.each(
    claims.flatMap(([called, work]) =>
      entities.map((entity) => [called, entity.name, entity, work] as const),
    ),
  )('wait, in %s, for an open transaction of the legacy application: %s', async (_, __, entity, work) => {
    const key = entity === table ? 't5' : randomUUID()
    await aurora.writer.applyIsolating(entity, [upsert(key, 1, 'modern', entity)])
    await aurora.legacy.query('BEGIN')
    await aurora.legacy.query(`UPDATE ${entity.table} SET name = 'in time'`)
    let isClaimed = false
    const claim = work(entity, key).finally(() => {
      isClaimed = true
    })
    await until('its statement waits for the row', 20_000, async () => {
      const busy = (await query('SHOW PROCESSLIST')).filter(
        (one) =>
          one.db === aurora.database && one.Command !== 'Sleep' && !/PROCESSLIST/.test(String(one.Info)),
      )
      return isClaimed || busy.length > 0
    })
    expect(isClaimed).toBe(false)
    await aurora.legacy.query('COMMIT')

    await claim
    expect(await records.read(entity, key)).toMatchObject({
      ...{ state: 'held', owner: 'aurora', epoch: 1n, row: { name: 'in time' } },
    })
  })

  it.each([guest, table])(
    'are changed by no statement that comes late, each by itself: $name',
    async (entity) => {
      const key = entity === table ? 't6' : randomUUID()
      const run = async (make: (batch: Batch) => RawBuilder<unknown>, change: Change) => {
        const [unknown] = toBatches(entity, [change], 'dynamo')
        if (unknown === undefined) throw new TypeError('A change makes a batch')
        await make(await withKnownIds(aurora.db, unknown)).execute(aurora.db)
      }
      const all = async () => [
        await query('SELECT * FROM backsync_records'),
        await query(`SELECT * FROM ${entity.table}`),
      ]
      const late: readonly ((batch: Batch) => RawBuilder<unknown>)[] = [
        (of) => enrol(entity, of.keys),
        (of) => revive(entity, of.keys, 'dynamo'),
        (of) => insertRecords(entity, of.document, 'dynamo'),
        (of) => insertRecorded(entity, of.document),
        (of) => updateOlder(entity, of.document, of.lookup, 'dynamo'),
      ]
      const removals: typeof late = [
        (of) => deleteOlder(entity, of.keys, of.lookup, 'dynamo'),
        (of) => deleteRecords(entity, of.keys, 'dynamo'),
      ]
      const change = { ...upsert(key, 3, 'three', entity), epoch: 5n }
      await aurora.writer.applyIsolating(entity, [change])
      for (const state of ['there', 'lost', 'to be made'] as const) {
        if (state === 'lost') await aurora.legacy.query(`DELETE FROM ${entity.table}`)
        if (state === 'to be made') await run((of) => revive(entity, of.keys, 'dynamo'), change)
        const before = await all()
        for (const make of late) {
          await run(make, { ...upsert(key, 2, 'late', entity), epoch: 5n })
          if (state === 'there') await run(make, change)
          // Of before the move that gave it away, and to DynamoDB again.
          await run(make, { ...upsert(key, 9, 'foreign', entity), epoch: 4n })
        }
        for (const make of removals) await run(make, { ...gone(key, 3, entity), epoch: 5n })
        for (const make of removals) await run(make, { ...gone(key, 9, entity), epoch: 4n })
        expect(await all()).toEqual(before)
      }
    },
  )

  it.each(entities)('are locked behind their rows: $name', async (entity) => {
    const others = ['a', 'b', 'c', 'd'].map((key) => upsert(key, 1, 'other', entity))
    await aurora.writer.applyIsolating(entity, others)
    const [batch] = toBatches(entity, [upsert('a', 2, 'a', entity)], 'dynamo')
    const [keys, lookup, by] = [batch?.keys ?? '', batch?.lookup ?? 'keys', 'dynamo'] as const
    const claim = { owner: 'aurora', unchanged: [] } as const
    for (const statement of [
      updateOlder(entity, batch?.document ?? '', lookup, by),
      deleteOlder(entity, keys, lookup, by),
      selectDeletable(entity, keys, lookup, by),
      claimRows(entity, keys, lookup, claim),
      revive(entity, keys, by),
      deleteRecords(entity, keys, by),
    ]) {
      const { sql, parameters } = statement.compile(aurora.db)
      const [lines] = await aurora.legacy.query<RowDataPacket[]>(
        `EXPLAIN FORMAT=TRADITIONAL ${sql.replace(/:\w+/g, '?')}`,
        [...parameters],
      )
      const order = lines.map((line) => line.table).filter((one) => one === 't' || one === 's')
      expect([sql.slice(0, 40), order]).toEqual([sql.slice(0, 40), ['t', 's']])
    }
  })

  it('are refused where the definition says that they are elsewhere', async () => {
    await apply(upsert(randomUUID(), 1, 'Ann'))
    const moved = defineEntity({ ...definitionOf(guest), record: 'row' })
    await expect(requireRecordColumns(aurora.db, [moved])).rejects.toThrow(
      "the records of guest are in backsync_records, with its versions and owners: say record: 'sideTable'",
    )
    const adopted = defineEntity({ ...definitionOf(guest), name: 'chefOf', table: 'cheftable' })
    await expect(requireRecordColumns(aurora.db, [adopted])).rejects.toThrow(
      "the table cheftable has columns for the records of chefOf, which says record: 'sideTable'",
    )
    await requireRecordColumns(aurora.db, entities)
  })
})

const definitionOf = ({
  name: called,
  plural,
  keyName,
  table: of,
  identity,
  record,
  attributes,
  example,
}: Entity) => ({
  ...{ name: called, plural, keyName, table: of, identity, record, attributes, example },
})
