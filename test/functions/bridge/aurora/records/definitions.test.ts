import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals'
import { sql } from 'kysely'
import type { RowDataPacket } from 'mysql2/promise'
import { recordOwners } from '../../../../../functions/bridge/aurora/owners.ts'
import { text } from '../../../../../functions/bridge/model/attributes/text.ts'
import type { Change } from '../../../../../functions/bridge/model/change.ts'
import { defineEntity } from '../../../../../functions/bridge/model/entity.ts'
import { autoIncrement } from '../../../../../functions/bridge/model/identity.ts'
import { openTestAurora, type TestAurora } from '../../../../support/aurora.ts'
import { emptyGuests, guestTables } from './guests.ts'

const AT = '2026-11-22T03:00:00.123Z'
const definition = {
  name: 'guest',
  plural: 'guests',
  keyName: 'guestId',
  table: 'guests',
  identity: autoIncrement('id'),
  record: 'sideTable',
  attributes: { name: text({ column: 'name', maxLength: 40 }) },
  example: { name: 'Ann' },
} as const
const upsert = (key: string, version: bigint, name: string): Change => ({
  ...{ entity: 'guest', key, version, source: 'stream', at: AT, op: 'upsert', row: { name } },
})

describe('an entity with its records beside its rows', () => {
  let aurora: TestAurora
  beforeAll(async () => {
    aurora = await openTestAurora()
    for (const statement of guestTables) await aurora.legacy.query(statement)
    await aurora.legacy.query('CREATE TABLE heard (name VARCHAR(40) NOT NULL)')
    await recordOwners(aurora.db, definition)
  })
  afterAll(() => aurora.close())
  beforeEach(async () => {
    await emptyGuests(aurora.legacy)
    await aurora.legacy.query('DELETE FROM heard')
  })
  const heard = async () => {
    const [rows] = await aurora.legacy.query<RowDataPacket[]>('SELECT name FROM heard ORDER BY name')
    return rows.map(({ name }) => name)
  }

  it('may take its versions from the stream, with all of their digits', async () => {
    const guest = defineEntity({ ...definition, versions: 'stream' })
    const key = randomUUID()
    const version = 10n ** 49n + 7n
    await aurora.writer.applyIsolating(guest, [upsert(key, version, 'one')])
    expect(await aurora.writer.applyIsolating(guest, [upsert(key, version - 1n, 'late')])).toMatchObject({
      applied: 0,
    })
    await aurora.writer.applyIsolating(guest, [upsert(key, version + 1n, 'two')])

    expect(await aurora.store.get(guest, key)).toMatchObject({ version: version + 1n, row: { name: 'two' } })
  })

  it('may have a write of its own, which gets what is newer, also of rows without a record and of lost ones', async () => {
    const guest = defineEntity({
      ...definition,
      write: async ({ changes, transaction }) => {
        for (const change of changes)
          await sql`INSERT INTO heard (name) VALUES (${change.op === 'upsert' ? change.row.name : 'gone'})`.execute(
            transaction,
          )
      },
    })
    const [key, lost] = [randomUUID(), randomUUID()]
    await aurora.legacy.query("INSERT INTO guests (id, name) VALUES (7, 'Legacy')")
    await aurora.writer.applyIsolating(guest, [upsert(key, 2n, 'a1'), upsert(lost, 2n, 'a2')])
    await aurora.legacy.query("DELETE FROM guests WHERE name = 'a2'")
    await aurora.writer.applyIsolating(guest, [upsert(key, 1n, 'late'), upsert(lost, 3n, 'b2')])
    await aurora.writer.apply(guest, [upsert('7', 2n, 'c7')])
    expect(await heard()).toEqual(['a1', 'a2', 'b2', 'c7'])

    await aurora.writer.applyIsolating(guest, [{ ...upsert(key, 4n, ''), op: 'delete' }])
    expect(await heard()).toContain('gone')
    const { items } = await aurora.store.list(guest, { limit: 9, position: undefined })
    expect(items.map(({ row }) => row.name).toSorted()).toEqual(['b2', 'c7'])
  })

  it('is repeated as a whole where the answer to its commit is lost, and made once', async () => {
    const guest = defineEntity(definition)
    const key = randomUUID()
    aurora.api.faults.add({ kind: 'drop-after', operation: 'CommitTransaction', times: 1 })
    const made = await aurora.store.write(guest, { ...upsert(key, 1n, 'Ann'), source: 'api' })

    expect(made).toMatchObject({ key, version: 1n, row: { name: 'Ann' } })
    expect(aurora.api.faults.list()).toEqual([])
    const [rows] = await aurora.legacy.query('SELECT name FROM guests')
    expect(rows).toEqual([{ name: 'Ann' }])
  })
})
