import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals'
import type { RowDataPacket } from 'mysql2/promise'
import { AuroraRecords } from '../../../../../functions/bridge/aurora/aurora-records.ts'
import { AuroraSink } from '../../../../../functions/bridge/aurora/aurora-sink.ts'
import { recordNewcomers, requireRecordColumns } from '../../../../../functions/bridge/aurora/owners.ts'
import type { Change, Row } from '../../../../../functions/bridge/model/change.ts'
import { openTestAurora, type TestAurora } from '../../../../support/aurora.ts'
import { audited, type HardTable, hardTables, touched, validated } from './hard-tables.ts'

const AT = '2026-11-22T03:00:00.123Z'
const entities = hardTables.map(([, { entity }]) => entity)

describe('a table that is not altered, because its records are beside its rows', () => {
  let aurora: TestAurora
  let records: AuroraRecords
  const before = new Map<string, string>()

  const shown = async (table: string): Promise<string> => {
    const [[row]] = await aurora.legacy.query<RowDataPacket[]>(`SHOW CREATE TABLE ${table}`)
    return String(row?.['Create Table']).replace(/ AUTO_INCREMENT=\d+/, '')
  }
  beforeAll(async () => {
    aurora = await openTestAurora()
    await aurora.legacy.query("SET sql_mode = ''")
    for (const [, { legacy, entity }] of hardTables) {
      for (const statement of legacy) await aurora.legacy.query(statement)
      before.set(entity.table, await shown(entity.table))
    }
    await recordNewcomers(aurora.db, entities)
    await requireRecordColumns(aurora.db, entities)
    const sink = new AuroraSink(entities, aurora)
    records = new AuroraRecords({ ...aurora, sink, catalogue: aurora.writer.catalogue })
  })
  afterAll(() => aurora.close())
  beforeEach(async () => {
    for (const { table } of entities) await aurora.legacy.query(`DELETE FROM ${table}`)
    for (const table of ['hard_audit', 'backsync_tombstones', 'backsync_records'])
      await aurora.legacy.query(`DELETE FROM ${table}`)
  })

  const upsert = ({ entity, key }: HardTable, version: number, row: Row, epoch = 0n): Change => ({
    ...{ entity: entity.name, key, version: BigInt(version), source: 'stream', at: AT, epoch },
    ...{ op: 'upsert', row },
  })
  const gone = ({ entity, key }: HardTable, version: number, epoch = 0n): Change => ({
    ...{ entity: entity.name, key, version: BigInt(version), source: 'stream', at: AT, epoch },
    op: 'delete',
  })
  const apply = ({ entity }: HardTable, ...changes: Change[]) => aurora.writer.applyIsolating(entity, changes)
  /**
   * A server that keeps its GTIDs consistent lets no transaction, and no statement, write such a table and another one. It says so
   * of the first write, and nothing is written.
   */
  const isRefusedWhole = async (one: HardTable): Promise<boolean> => {
    if (!one.legacy.some((statement) => statement.includes('MyISAM'))) return false
    const [[setting]] = await aurora.legacy.query<RowDataPacket[]>(
      "SHOW VARIABLES LIKE 'enforce_gtid_consistency'",
    )
    if (setting?.Value !== 'ON') return false
    await expect(apply(one, upsert(one, 1, one.row))).rejects.toMatchObject({ code: 'mysql.1785' })
    expect(await stateOf(one)).toBe('absent aurora 0 0')
    return true
  }
  const stateOf = async ({ entity, key }: HardTable) => {
    const { state, owner, epoch, version, ...of } = await records.read(entity, key)
    return [state, owner, Number(epoch), Number(version), 'row' in of ? of.row.title : ''].join(' ').trim()
  }

  describe.each(hardTables)('%s', (_, one) => {
    const { entity, key, row, changed } = one

    it('is written, read and listed, late and repeated changes do nothing, and a deleted key comes back', async () => {
      if (await isRefusedWhole(one)) return
      expect(await apply(one, upsert(one, 1, row))).toMatchObject({ applied: 1, refused: [] })
      expect(await apply(one, upsert(one, 3, changed))).toMatchObject({ applied: 1, refused: [] })
      expect(await apply(one, upsert(one, 3, changed))).toMatchObject({ applied: 0, overruled: [] })
      expect((await apply(one, upsert(one, 2, row))).overruled).toHaveLength(1)
      const stored = { key, row: changed, version: 3n, updatedAt: AT }
      expect(await aurora.store.get(entity, key)).toEqual(stored)
      expect((await aurora.store.list(entity, { limit: 5, position: undefined })).items).toEqual([stored])

      expect(await apply(one, gone(one, 4))).toMatchObject({ applied: 1, refused: [] })
      expect(await apply(one, upsert(one, 3, changed))).toMatchObject({ applied: 0 })
      expect(await aurora.store.get(entity, key)).toBeUndefined()
      expect(await apply(one, upsert(one, 5, row))).toMatchObject({ applied: 1, refused: [] })
      expect(await stateOf(one)).toBe('held dynamo 0 5 one')
    })

    it('has a row that the legacy application made as one at version 1, which the next write counts on', async () => {
      if (await isRefusedWhole(one)) return
      const columns = entity.keyParts.map(({ attribute }) => attribute.column)
      const values = columns.length > 0 ? key.split(',') : ['7']
      const others = Object.entries(row).filter(([name]) => ['title', 'state', 'posted'].includes(name))
      const names = [...(columns.length > 0 ? columns : ['id']), ...others.map(([name]) => name)]
      await aurora.legacy.query(`INSERT INTO ${entity.table} (${names}) VALUES (?)`, [
        [...values, ...others.map(([, value]) => value)],
      ])
      const own = columns.length > 0 ? key : '7'

      expect(await aurora.store.get(entity, own)).toEqual({ key: own, row, version: 1n, updatedAt: null })
      const wish = { entity: entity.name, key: own, op: 'upsert', version: 'next', source: 'api' } as const
      expect(await aurora.store.write(entity, { ...wish, at: AT, ifMatch: [1n], row })).toMatchObject({
        version: 2n,
      })
      expect(await stateOf({ ...one, key: own })).toBe('held aurora 0 2 one')
    })

    it('changes hands, there and back, and says so', async () => {
      if (await isRefusedWhole(one)) return
      await apply(one, upsert(one, 2, row))

      const own = await records.take(entity, await records.read(entity, key), { owner: 'aurora', epoch: 1n })
      expect([own.owner, own.epoch]).toEqual(['aurora', 1n])
      expect(await apply(one, upsert(one, 3, changed, 0n))).toMatchObject({ applied: 0 })
      const released = await records.release(entity, key, { owner: 'dynamo', epoch: 2n }, { was: 1n })
      expect(released).toMatchObject({ state: 'held', version: 2n, owner: 'dynamo', epoch: 2n, row })
      expect(await apply(one, upsert(one, 3, changed, 2n))).toMatchObject({ applied: 1 })
      expect(await stateOf(one)).toBe('held dynamo 2 3 two')
    })

    it('is as it was', async () => {
      expect(await shown(entity.table)).toBe(before.get(entity.table))
    })
  })

  const audit = async () => {
    const [rows] = await aurora.legacy.query<RowDataPacket[]>('SELECT what FROM hard_audit ORDER BY n')
    return rows.map(({ what }) => what)
  }

  it('is audited for what is written, and not for a claim', async () => {
    await apply(audited, upsert(audited, 1, audited.row))
    await records.release(audited.entity, audited.key, { owner: 'aurora', epoch: 1n }, { was: 0n })
    await records.insist(audited.entity, audited.key, { owner: 'dynamo', epoch: 2n }, 5n)
    await records.restore(audited.entity, audited.key, 2n)
    expect(await audit()).toEqual(['INSERT'])

    await aurora.store.write(audited.entity, { ...upsert(audited, 1, audited.changed), version: 'next' })
    await aurora.store.write(audited.entity, { ...gone(audited, 1), version: 'next' })
    expect(await audit()).toEqual(['INSERT', 'UPDATE', 'DELETE'])
  })

  it('may refuse a change, which is named and leaves no record; a claim of what is closed is none', async () => {
    const { entity, key, row, changed } = validated
    const bad = { ...row, title: 'bad' }
    expect((await apply(validated, upsert(validated, 1, bad))).refused).toMatchObject([
      { error: { code: 'mysql.1644' } },
    ])
    expect(await stateOf(validated)).toBe('absent aurora 0 0')

    await apply(validated, upsert(validated, 1, row), upsert(validated, 2, changed))
    const refused = (await apply(validated, upsert(validated, 3, row))).refused
    expect(refused).toMatchObject([{ error: { code: 'mysql.1644' } }])
    expect(await records.release(entity, key, { owner: 'aurora', epoch: 1n }, { was: 0n })).toMatchObject({
      ...{ owner: 'aurora', epoch: 1n, version: 2n, row: changed },
    })
  })

  it('has its ON UPDATE columns moved by writes, and not by a claim', async () => {
    const moment = async () => {
      const [[row]] = await aurora.legacy.query<RowDataPacket[]>('SELECT touched_at FROM hard_tickets')
      return String(row?.touched_at)
    }
    await apply(touched, upsert(touched, 1, touched.row))
    await aurora.legacy.query("UPDATE hard_tickets SET touched_at = '2001-02-03 04:05:06.000007'")
    await records.release(touched.entity, touched.key, { owner: 'aurora', epoch: 1n }, { was: 0n })
    await records.release(touched.entity, touched.key, { owner: 'dynamo', epoch: 2n }, { was: 1n })
    expect(await moment()).toBe('2001-02-03 04:05:06.000007')

    await apply(touched, upsert(touched, 2, touched.changed, 2n))
    expect(await moment()).not.toBe('2001-02-03 04:05:06.000007')
  })
})
