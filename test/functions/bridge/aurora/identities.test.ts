import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals'
import type { RowDataPacket } from 'mysql2/promise'
import { toBatches } from '../../../../functions/bridge/aurora/batch.ts'
import { updateOlder } from '../../../../functions/bridge/aurora/statements.ts'
import type { Change, Row } from '../../../../functions/bridge/model/change.ts'
import { openTestAurora, type TestAurora } from '../../../support/aurora.ts'
import { recordKinds } from '../../../support/runs.ts'
import { keyedOf } from '../../fixtures/keyed.ts'

const AT = '2026-11-22T03:00:00.123Z'
const LATER = '2026-11-22T03:00:01.456Z'

const both = recordKinds.flatMap((record) =>
  keyedOf(record).map(([name, one]) => [name, record, one] as const),
)

describe.each(both)('an entity whose key is %s, with its record in its %s', (_, record, example) => {
  const { entity, keys, rows, changed, unknown, near, tables } = example
  const [key, other] = keys
  const [row, otherRow] = rows
  let aurora: TestAurora

  const names = tables.map((text) => /CREATE TABLE (\w+)/.exec(text)?.[1] ?? '')
  const upsert = (version: number, content: Row = row, of = key, at = AT): Change => ({
    entity: entity.name,
    key: of,
    op: 'upsert',
    version: BigInt(version),
    source: 'stream',
    at,
    row: content,
  })
  const gone = (version: number, of = key): Change => ({
    entity: entity.name,
    key: of,
    op: 'delete',
    version: BigInt(version),
    source: 'stream',
    at: AT,
  })
  const create = (content: Row = row, of = key): Change => ({ ...upsert(1, content, of), source: 'api' })
  const get = (of = key) => aurora.store.get(entity, of)

  beforeAll(async () => {
    aurora = await openTestAurora()
    for (const text of tables) await aurora.legacy.query(text)
  })
  afterAll(() => aurora.close())
  beforeEach(async () => {
    for (const table of names.toReversed()) await aurora.legacy.query(`DELETE FROM ${table}`)
    await aurora.legacy.query('DELETE FROM backsync_tombstones')
    await aurora.legacy.query('DELETE FROM backsync_records')
  })

  it('creates rows, and finds each by its own key', async () => {
    const outcome = await aurora.writer.apply(entity, [upsert(1), upsert(1, otherRow, other)])

    expect(outcome.applied).toBe(2)
    expect(await get()).toEqual({ key, row, version: 1n, updatedAt: AT })
    expect(await get(other)).toEqual({ key: other, row: otherRow, version: 1n, updatedAt: AT })
    for (const strange of unknown) expect(await get(strange)).toBeUndefined()
  })

  it('takes repeats and late changes for what they are', async () => {
    await aurora.writer.apply(entity, [upsert(3, changed)])

    for (const late of [upsert(3, changed), upsert(2), upsert(1), gone(2)])
      expect(await aurora.writer.apply(entity, [late])).toMatchObject({ applied: 0, skipped: 1 })
    expect(await get()).toMatchObject({ row: changed, version: 3n })
  })

  it('replaces a row, and no other', async () => {
    await aurora.writer.apply(entity, [upsert(1), upsert(1, otherRow, other)])

    expect(await aurora.writer.apply(entity, [upsert(2, changed)])).toMatchObject({ applied: 1 })
    expect(await get()).toMatchObject({ row: changed, version: 2n })
    expect(await get(other)).toMatchObject({ row: otherRow, version: 1n })
  })

  it('deletes a row, and brings it back only above its tombstone', async () => {
    await aurora.writer.apply(entity, [upsert(1), upsert(1, otherRow, other)])

    expect(await aurora.writer.apply(entity, [gone(2)])).toMatchObject({ applied: 1 })
    expect(await get()).toBeUndefined()
    expect(await aurora.writer.apply(entity, [upsert(2)])).toMatchObject({ applied: 0 })
    expect(await get()).toBeUndefined()
    expect(await aurora.writer.apply(entity, [upsert(3)])).toMatchObject({ applied: 1 })
    expect(await get()).toMatchObject({ row, version: 3n })
    expect(await get(other)).toMatchObject({ row: otherRow })
  })

  it('lists page by page, each row once', async () => {
    await aurora.writer.apply(entity, [upsert(1), upsert(1, otherRow, other)])

    const first = await aurora.store.list(entity, { limit: 1, position: undefined })
    const second = await aurora.store.list(entity, { limit: 1, position: first.next })

    expect(second.next).toBeUndefined()
    expect([...first.items, ...second.items].map((one) => one.key).toSorted()).toEqual(keys.toSorted())
  })

  it('replaces and deletes for a client, who names a version', async () => {
    await aurora.store.write(entity, create())
    const wish = { ...upsert(1, changed, key, LATER), version: 'next' } as const

    expect(await aurora.store.write(entity, { ...wish, ifMatch: [1n] })).toMatchObject({
      row: changed,
      version: 2n,
    })
    await expect(aurora.store.write(entity, { ...wish, ifMatch: [1n] })).rejects.toMatchObject({
      code: 'version.stale',
    })
    await aurora.store.write(entity, { ...gone(1), version: 'next' })
    expect(await get()).toBeUndefined()
    await expect(aurora.store.write(entity, wish)).rejects.toMatchObject({ code: 'key.unknown' })
  })

  if (entity.identity.kind === 'natural') {
    it('refuses a create of a key that is there, and creates one anew that was deleted', async () => {
      await aurora.writer.apply(entity, [upsert(4, changed)])
      await expect(aurora.store.write(entity, create())).rejects.toMatchObject({ code: 'key.exists' })
      expect(await get()).toMatchObject({ row: changed, version: 4n })

      await aurora.writer.apply(entity, [gone(5)])
      expect(await aurora.store.write(entity, create())).toMatchObject({ row, version: 6n })
    })

    describe.each([
      ['of a delete that has yet to come to the row', 5],
      ['of a delete that lost the race for the row', 4],
      ['of an earlier life', 2],
    ])('whose row stands beside a tombstone %s', (_, buried) => {
      const once = { id: 'd'.repeat(64), fingerprint: 'f'.repeat(64), answer: () => '{}' }
      beforeEach(async () => {
        await aurora.writer.apply(entity, [upsert(4, changed)])
        await aurora.legacy.execute(
          'INSERT INTO backsync_tombstones (entity, entity_key, version, deleted_at) VALUES (?, ?, ?, ?)',
          [entity.name, key, buried, '2026-11-22 03:00:00.123'],
        )
      })
      afterEach(async () => {
        expect(await get()).toMatchObject({ row: changed, version: 4n, updatedAt: AT })
      })

      it('is not there to be created', async () => {
        await expect(aurora.store.write(entity, create())).rejects.toMatchObject({ code: 'key.exists' })
      })

      it('is not there to be created by who may repeat it', async () => {
        await expect(aurora.store.createOnce(entity, create(), once)).rejects.toMatchObject({
          code: 'key.exists',
        })
      })

      it('is not there to be made by who replaces nothing', async () => {
        const wish = { ...upsert(1, row, key, LATER), version: 'next', finding: 'nothing' } as const
        await expect(aurora.store.write(entity, wish)).rejects.toMatchObject({ code: 'version.stale' })
      })
    })

    it('leaves a row that was made since a create has looked for it, whatever its version', async () => {
      await aurora.writer.apply(entity, [upsert(3), gone(4)])
      // As plain SQL makes one where nothing sees to it that versions grow.
      const insert = async () => {
        await aurora.writer.apply(entity, [upsert(9, changed)])
        await aurora.legacy.query(
          record === 'row'
            ? `UPDATE ${entity.table} SET backsync_version = 1`
            : 'UPDATE backsync_records SET version = 1',
        )
      }
      const birth = { ...upsert(5), birth: true } as const
      await insert()
      expect(await aurora.writer.apply(entity, [birth])).toMatchObject({ applied: 0, skipped: 1 })
      expect(await get()).toMatchObject({ row: changed, version: 1n })
      expect(await aurora.writer.apply(entity, [upsert(5)])).toMatchObject({ applied: 1 })
    })

    it('says to a repeatable create that its key is there, and gives its first answer again', async () => {
      const once = (id: string) => ({
        id: id.repeat(64),
        fingerprint: 'f'.repeat(64),
        answer: () => '{}',
      })
      expect(await aurora.store.createOnce(entity, create(), once('a'))).toMatchObject({ replayed: false })
      expect(await aurora.store.createOnce(entity, create(), once('a'))).toMatchObject({ replayed: true })
      const late = { ...create(changed), at: LATER }
      await expect(aurora.store.createOnce(entity, late, once('b'))).rejects.toMatchObject({
        code: 'key.exists',
      })
      expect(await get()).toMatchObject({ row, version: 1n })
    })

    it('makes what another body names with an Idempotency-Key that was refused for a key that is there', async () => {
      await aurora.writer.apply(entity, [upsert(4, changed)])
      const once = (fingerprint: string) => ({
        ...{ id: 'c'.repeat(64), fingerprint: fingerprint.repeat(64), answer: () => fingerprint },
      })
      await expect(aurora.store.createOnce(entity, create(), once('f'))).rejects.toMatchObject({
        code: 'key.exists',
      })
      expect(await aurora.store.createOnce(entity, create(otherRow, other), once('0'))).toEqual({
        ...{ answer: '0', replayed: false },
      })
      expect(await get(other)).toMatchObject({ key: other, row: otherRow, version: 1n })
      expect(await get()).toMatchObject({ row: changed, version: 4n })
      expect(await aurora.store.createOnce(entity, create(otherRow, other), once('0'))).toMatchObject({
        replayed: true,
      })
    })
  }

  if (near !== undefined) {
    it('never takes a key for a row that has it only by the collation, and refuses it by name', async () => {
      await aurora.writer.apply(entity, [upsert(1)])

      const outcome = await aurora.writer.applyIsolating(entity, [
        upsert(7, near.row, near.key),
        upsert(1, otherRow, other),
      ])
      expect(outcome.refused.map(({ change, error }) => [change.key, error])).toEqual([
        [near.key, expect.objectContaining({ code: 'key.collation', kind: 'data' })],
      ])
      expect(outcome.applied).toBe(1)
      await aurora.writer.apply(entity, [gone(9, near.key)])
      expect(await get(near.key)).toBeUndefined()
      expect(await get()).toEqual({ key, row, version: 1n, updatedAt: AT })
      await expect(aurora.store.write(entity, create(near.row, near.key))).rejects.toMatchObject({
        code: 'key.collation',
      })
    })
  }

  it('can find rows by an index', async () => {
    const [batch] = toBatches(entity, [upsert(2)], 'aurora')
    const query = updateOlder(entity, batch?.document ?? '', batch?.lookup ?? 'keys', 'aurora').compile(
      aurora.db,
    )
    const text = query.sql.replace(/:\w+/g, '?')
    const [lines] = await aurora.legacy.query<RowDataPacket[]>(`EXPLAIN FORMAT=TRADITIONAL ${text}`, [
      ...query.parameters,
    ])

    // Of so small a table the server may still read all.
    expect(lines.find((line) => line.table === 't')?.possible_keys).toEqual(expect.any(String))
  })
})
