import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals'
import { type OwnedRow, readOwnedRows } from '../../../../functions/bridge/aurora/row-heads.ts'
import type { Change, Row } from '../../../../functions/bridge/model/change.ts'
import type { Entity } from '../../../../functions/bridge/model/entity.ts'
import { chef } from '../../../fixtures/entities/chef.ts'
import { openTestAurora, type TestAurora } from '../../../support/aurora.ts'
import { emptyGuests, guest, guestTables, table } from './records/guests.ts'

const AT = '2026-11-22T03:00:00.123Z'

describe('the rows that are DynamoDB’s', () => {
  let aurora: TestAurora
  beforeAll(async () => {
    aurora = await openTestAurora()
    for (const statement of guestTables) await aurora.legacy.query(statement)
  })
  afterAll(() => aurora.close())
  beforeEach(async () => {
    await emptyGuests(aurora.legacy)
    await aurora.empty()
  })

  /** All of them, page by page of so many rows. */
  const owned = async (entity: Entity, limit: number) => {
    const rows: OwnedRow[] = []
    const looked: number[] = []
    let next: string | undefined
    do {
      const page = await readOwnedRows(aurora.db, entity, next, limit)
      rows.push(...page.rows)
      looked.push(page.looked)
      next = page.next
    } while (next !== undefined)
    return { keys: rows.map(({ key, version }) => [key, version]), looked }
  }
  const rowOf = (entity: Entity, key: string): Row => {
    if (entity === chef) return { firstName: 'Ida', lastName: key }
    return entity === table ? { code: key, name: 'set' } : { name: key }
  }
  const upserts = (entity: Entity, keys: readonly string[]): Change[] =>
    keys.map((key, at) => ({
      ...{ entity: entity.name, key, version: BigInt(at + 1), source: 'stream', at: AT, op: 'upsert' },
      row: rowOf(entity, key),
    }))

  it.each([
    ['in columns of counted rows', chef, "INSERT INTO cheftable (cheffirst, cheflast) VALUES ('A', 'E')"],
    ['beside counted rows', guest, "INSERT INTO guests (name) VALUES ('legacy')"],
    ['beside rows of natural keys', table, "INSERT INTO guest_tables (code, name) VALUES ('legacy', 'set')"],
  ] as const)('are told from Aurora’s own, with records %s', async (_, entity, legacy) => {
    const keys = ['b', 'a', 'c', 'd', 'e']
    await aurora.writer.applyIsolating(entity, upserts(entity, keys))
    await aurora.legacy.query(legacy)
    const all = keys.map((key, at) => [key, BigInt(at + 1)])

    const { keys: found, looked } = await owned(entity, 2)

    expect(found).toHaveLength(5)
    expect(found).toEqual(expect.arrayContaining(all))
    expect(looked).toEqual([2, 2, 2, 0])
    expect((await owned(entity, 6)).looked).toEqual([6, 0])
    expect((await owned(entity, 7)).looked).toEqual([6])
  })

  it('are none that were moved', async () => {
    await aurora.writer.applyIsolating(chef, upserts(chef, ['stays', 'moved']))
    await aurora.legacy.query("UPDATE cheftable SET backsync_epoch = 1 WHERE backsync_key = 'moved'")

    expect((await owned(chef, 10)).keys).toEqual([['stays', 1n]])
  })
})
