import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals'
import { recordOwners } from '../../../../../functions/bridge/aurora/owners.ts'
import type { Row } from '../../../../../functions/bridge/model/change.ts'
import type { Entity } from '../../../../../functions/bridge/model/entity.ts'
import type { Owner } from '../../../../../functions/bridge/model/owner.ts'
import { openTestAurora, type TestAurora } from '../../../../support/aurora.ts'
import { installMirror } from '../../../../support/mirrored.ts'
import { recordKinds } from '../../../../support/runs.ts'
import { keyedOf } from '../../../fixtures/keyed.ts'
import { readLog, readTombstones, refusalOf } from './legacy.ts'

const AT = '2026-11-22T03:00:00.123Z'

const both = recordKinds.flatMap((record) =>
  keyedOf(record).map(([name, one]) => [name, record, one] as const),
)

describe.each(both)('plain SQL on an entity whose key is %s, with its record in its %s', (_, __, example) => {
  const { entity: plain, tables, keys, rows, near } = example
  const entity: Entity = { ...plain, mirror: { plainSql: 'refuse' }, tombstones: 'item' }
  const counted = entity.keyParts.length === 0
  const [key] = keys
  const names = tables.map((text) => /CREATE TABLE (\w+)/.exec(text)?.[1] ?? '')
  let aurora: TestAurora
  type Written = { readonly key: string; readonly version: bigint } & (
    | { readonly op: 'upsert'; readonly row: Row }
    | { readonly op: 'delete' }
  )
  const apply = (change: Written, by: Owner) =>
    aurora.writer.apply(entity, [{ entity: entity.name, source: 'test', at: AT, epoch: 0n, ...change }], by)
  const write = (of: string, row: Row) => apply({ op: 'upsert', row, version: 3n, key: of }, 'aurora')
  beforeAll(async () => {
    aurora = await openTestAurora()
    for (const text of tables) await aurora.legacy.query(text)
    await recordOwners(aurora.db, entity)
    await installMirror(aurora, [entity])
  })
  afterAll(() => aurora.close())
  const empty = async () => {
    for (const table of names.toReversed()) await aurora.legacy.query(`DELETE FROM ${table}`)
  }
  beforeEach(async () => {
    await empty()
    for (const table of ['backsync_tombstones', 'backsync_changes', 'backsync_records'])
      await aurora.legacy.query(`DELETE FROM ${table}`)
    await write(key, rows[0])
    await aurora.legacy.query('DELETE FROM backsync_changes')
  })

  it('keeps the key of a row that is replaced, at a larger version', async () => {
    await aurora.legacy.query('SET foreign_key_checks = 0')
    await aurora.legacy.query(`REPLACE INTO ${entity.table} SELECT * FROM ${entity.table}`)
    await aurora.legacy.query('SET foreign_key_checks = 1')
    expect(await readLog(aurora)).toEqual([`delete ${key} v4`, `upsert ${key} v5`])
    expect((await aurora.store.get(entity, key))?.version).toBe(5n)
  })

  it('leaves the tombstone of the key that a row had', async () => {
    await aurora.legacy.query(`DELETE FROM ${entity.table}`)
    expect((await readLog(aurora)).at(-1)).toBe(`delete ${key} v4`)
    expect(await readTombstones(aurora)).toEqual([`${key} v4`])
  })

  it('is refused where DynamoDB owns the key, and what the bridge writes there is not', async () => {
    const [, other] = keys
    await apply({ op: 'upsert', row: rows[1], version: 1n, key: other }, 'dynamo')
    await aurora.legacy.query('SET foreign_key_checks = 0')
    expect(await refusalOf(aurora, `DELETE FROM ${entity.table}`)).toContain('not-the-owner')
    expect(await refusalOf(aurora, `REPLACE INTO ${entity.table} SELECT * FROM ${entity.table}`)).toContain(
      'not-the-owner',
    )
    await aurora.legacy.query('SET foreign_key_checks = 1')
    await apply({ op: 'upsert', row: rows[1], version: 2n, key: other }, 'dynamo')
    await apply({ op: 'delete', version: 3n, key: other }, 'dynamo')
    expect(await readLog(aurora)).toEqual([])
    expect(await readTombstones(aurora)).toEqual([`${other} v3 dynamo`])
  })

  it('is logged once where the bridge writes a key of Aurora’s', async () => {
    await apply({ op: 'upsert', row: example.changed, version: 4n, key }, 'aurora')
    await apply({ op: 'delete', version: 7n, key }, 'aurora')
    const [upserted, deleted, ...more] = await readLog(aurora)
    expect([upserted, deleted?.replace(/ v\d+$/, ''), more]).toEqual([
      `upsert ${key} v4`,
      `delete ${key}`,
      [],
    ])
    // By which version, the tombstone says to whoever reads the log.
    expect(await readTombstones(aurora)).toEqual([`${key} v7`])
  })

  if (!counted)
    it('begins above the tombstone of a key that is inserted again', async () => {
      await aurora.legacy.query(`CREATE TEMPORARY TABLE kept SELECT * FROM ${entity.table}`)
      await aurora.legacy.query(`DELETE FROM ${entity.table}`)
      await aurora.legacy.query(`INSERT INTO ${entity.table} SELECT * FROM kept`)
      await aurora.legacy.query('DROP TEMPORARY TABLE kept')
      expect((await readLog(aurora)).slice(-2)).toEqual([`delete ${key} v4`, `upsert ${key} v5`])
    })

  if (!counted)
    it('leaves the key that an update takes away, and is above the tombstone of the one that it gives', async () => {
      const [, other] = keys
      await empty()
      await aurora.legacy.query('DELETE FROM backsync_tombstones')
      await write(other, rows[1])
      await aurora.legacy.query(`CREATE TEMPORARY TABLE kept SELECT * FROM ${entity.table}`)
      await empty()
      await write(key, rows[0])
      await aurora.legacy.query('DELETE FROM backsync_changes')
      await aurora.legacy.query('SET foreign_key_checks = 0')
      const columns = entity.keyParts.map(
        ({ attribute: { column } }) => `t.\`${column}\` = kept.\`${column}\``,
      )
      await aurora.legacy.query(`UPDATE ${entity.table} AS t JOIN kept SET ${columns.join(', ')}`)
      await aurora.legacy.query('SET foreign_key_checks = 1')
      await aurora.legacy.query('DROP TEMPORARY TABLE kept')
      expect(await readLog(aurora)).toEqual([`delete ${key} v4`, `upsert ${other} v5`])
      expect(await readTombstones(aurora)).toEqual([`${key} v4`, `${other} v4`].toSorted())
    })

  if (near !== undefined && !counted)
    it('takes no key for another one that its collation takes for the same', async () => {
      await aurora.legacy.query(`DELETE FROM ${entity.table}`)
      await aurora.legacy.query('DELETE FROM backsync_tombstones')
      await write(near.key, near.row)
      await aurora.legacy.query(`CREATE TEMPORARY TABLE kept SELECT * FROM ${entity.table}`)
      await aurora.legacy.query(`DELETE FROM ${entity.table}`)
      await write(key, rows[0])
      await aurora.legacy.query('DELETE FROM backsync_changes')
      await aurora.legacy.query(`REPLACE INTO ${entity.table} SELECT * FROM kept`)
      await aurora.legacy.query('DROP TEMPORARY TABLE kept')
      expect(await readLog(aurora)).toEqual([`delete ${key} v4`, `upsert ${near.key} v5`])
      expect(await readTombstones(aurora)).toEqual([`${near.key} v4`, `${key} v4`].toSorted())
    })
})
