import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import type { Connection, RowDataPacket } from 'mysql2/promise'
import { openTestAurora, type TestAurora } from './aurora.ts'
import { copyDatabase, pasteDatabase } from './database-copy.ts'

/** All that a server tells of a database, but for its name, and when each table was made. */
const FACTS = {
  tables: 'table_name, table_type, engine, row_format, table_collation, create_options',
  columns: '*',
  statistics: 'table_name, index_name, non_unique, seq_in_index, column_name, sub_part, nullable, index_type',
  key_column_usage:
    'table_name, constraint_name, column_name, ordinal_position, referenced_table_name, referenced_column_name',
  referential_constraints: '*',
  check_constraints: '*',
  triggers: '*',
  views: '*',
}
const OWNERS = ['table_schema', 'constraint_schema', 'trigger_schema', 'unique_constraint_schema']

const factsOf = async (connection: Connection): Promise<Record<string, string[]>> => {
  const facts: Record<string, string[]> = {}
  for (const [view, columns] of Object.entries(FACTS)) {
    const owner = {
      triggers: 'trigger_schema',
      referential_constraints: 'constraint_schema',
      check_constraints: 'constraint_schema',
    }
    const where = Object.entries(owner).find(([name]) => name === view)?.[1] ?? 'table_schema'
    const [rows] = await connection.query<RowDataPacket[]>(
      `SELECT ${columns} FROM information_schema.${view} WHERE ${where} = DATABASE()`,
    )
    facts[view] = rows
      .map((row) =>
        JSON.stringify(Object.entries(row).filter(([name]) => !OWNERS.includes(name.toLowerCase()))),
      )
      .sort()
  }
  return facts
}

describe('a database that is a copy', () => {
  let first: TestAurora
  let second: TestAurora
  let third: TestAurora
  beforeAll(async () => {
    // The one may be what the process has migrated, the other one is none.
    first = await openTestAurora({ migrate: false })
    await first.migrator().apply()
    second = await openTestAurora({ owned: [] })
    third = await openTestAurora({ owned: [] })
  }, 60_000)
  afterAll(async () => {
    for (const opened of [first, second, third]) await opened?.close()
  })

  it('has all that migrations have made: tables, columns, indexes, constraints', async () => {
    const made = await factsOf(first.legacy)
    expect(made.columns?.join()).toMatch(/INVISIBLE/)
    expect(made.referential_constraints).not.toEqual([])
    expect(await factsOf(second.legacy)).toEqual(made)
    expect(await factsOf(third.legacy)).toEqual(made)
  })

  it('has the migrations in its ledger, so that none is left to apply', async () => {
    const { bridge, team } = await third.migrator().report()
    expect([...bridge, ...team].map(({ state }) => state)).not.toEqual([])
    expect(new Set([...bridge, ...team].map(({ state }) => state))).toEqual(new Set(['applied']))
    expect(await third.migrator().plan()).toEqual([])
  })

  it('has rows as they were, those of columns that are not seen too', async () => {
    const { legacy } = first
    await legacy.query(
      "INSERT INTO cheftable (cheffirst, cheflast, backsync_key, backsync_version) VALUES ('O\\'Ne\\\\il', NULL, 'ключ', 18446744073709551615)",
    )
    await legacy.query("INSERT INTO backsync_owners VALUES ('chef', '2026-11-20 10:00:00')")
    const copy = await copyDatabase(legacy)
    const content = async (connection: Connection) =>
      (
        await connection.query(
          'SELECT c.*, c.backsync_key, c.backsync_version, c.backsync_owner, o.* FROM cheftable AS c, backsync_owners AS o',
        )
      )[0]
    const expected = await content(legacy)
    const empty = `t_${randomUUID().replaceAll('-', '')}`
    await legacy.query(`CREATE DATABASE ${empty} CHARACTER SET utf8mb4`)
    try {
      await legacy.query(`USE ${empty}`)
      await pasteDatabase(legacy, copy)
      expect(expected).toHaveLength(1)
      expect(await content(legacy)).toEqual(expected)
    } finally {
      await legacy.query(`DROP DATABASE ${empty}`)
      await legacy.query(`USE ${first.database}`)
    }
  })

  it('is none of a database with something in it that is not copied', async () => {
    await first.legacy.query('CREATE VIEW chefs AS SELECT * FROM cheftable')
    await expect(copyDatabase(first.legacy)).rejects.toThrow('not copied: view chefs')
  })
})
