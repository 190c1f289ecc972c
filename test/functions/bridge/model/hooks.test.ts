import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals'
import { sql } from 'kysely'
import type { ResultSetHeader, RowDataPacket } from 'mysql2/promise'
import { text } from '../../../../functions/bridge/model/attributes/text.ts'
import type { Change } from '../../../../functions/bridge/model/change.ts'
import { defineEntity } from '../../../../functions/bridge/model/entity.ts'
import { InvalidRecordError } from '../../../../functions/bridge/model/errors.ts'
import type { DeleteToWrite, HookInput, WrittenUpsert } from '../../../../functions/bridge/model/hooks.ts'
import { autoIncrement } from '../../../../functions/bridge/model/identity.ts'
import { openTestAurora, type TestAurora } from '../../../support/aurora.ts'
import { adopted } from '../../fixtures/specimen.ts'

/** What the hook was given, and what it found in the table at that moment. */
type Call = {
  readonly changes: readonly (readonly [string, string, bigint])[]
  readonly rows: readonly unknown[]
}

let calls: Call[] = []
let then: ((input: HookInput<WrittenUpsert | DeleteToWrite>) => Promise<void>) | undefined

const tin = defineEntity({
  name: 'tin',
  plural: 'tins',
  keyName: 'tinId',
  table: 'tintable',
  identity: autoIncrement('id'),
  attributes: { label: text({ column: 'label', maxLength: 20 }) },
  /** Keeps a log of each key's writes, which is a table of its own. */
  write: async ({ changes, transaction }) => {
    const { rows } = await sql<{ k: string; l: string }>`
      SELECT backsync_key AS k, label AS l FROM tintable ORDER BY backsync_key`.execute(transaction)
    calls.push({
      changes: changes.map(({ key, op, version }) => [key, op, version] as const),
      rows: rows.map(({ k, l }) => [k, l]),
    })
    for (const { key, version } of changes)
      await sql`INSERT INTO tinlog (tin, version) VALUES (${key}, ${String(version)})`.execute(transaction)
    await then?.({ changes, transaction })
  },
  example: { label: 'Beans' },
})

const upsert = (key: string, version: number, label = `v${version}`): Change => ({
  entity: 'tin',
  key,
  op: 'upsert',
  version: BigInt(version),
  source: 'stream',
  at: '2026-11-22T03:00:00.123Z',
  row: { label },
})
const remove = (key: string, version: number): Change => {
  const { entity, source, at } = upsert(key, version)
  return { entity, key, op: 'delete', version: BigInt(version), source, at }
}

describe('an entity’s own write', () => {
  let aurora: TestAurora

  beforeAll(async () => {
    aurora = await openTestAurora()
    await aurora.legacy.query(
      `CREATE TABLE tintable (id BIGINT AUTO_INCREMENT PRIMARY KEY, label VARCHAR(20), ${adopted()})`,
    )
    await aurora.legacy.query(
      'CREATE TABLE tinlog (tin VARCHAR(20), version INT, PRIMARY KEY (tin, version))',
    )
  })
  afterAll(() => aurora.close())
  beforeEach(async () => {
    for (const table of ['tintable', 'tinlog', 'backsync_tombstones'])
      await aurora.legacy.query(`DELETE FROM ${table}`)
    calls = []
    then = undefined
  })
  afterEach(() => aurora.api.faults.clear())

  const rows = async (query: string): Promise<unknown[]> => {
    const [found] = await aurora.legacy.query<RowDataPacket[]>(query)
    return found.map((row) => Object.values(row).map(String))
  }
  const tins = () => rows('SELECT backsync_key, label, backsync_version FROM tintable ORDER BY 1')
  const log = () => rows('SELECT tin, version FROM tinlog ORDER BY 1, 2')

  it('gets the changes that are newer than the store and no others, their rows written already', async () => {
    await aurora.writer.apply(tin, [upsert('a', 1), upsert('b', 5), upsert('c', 1)])
    await aurora.writer.apply(tin, [remove('c', 3)])
    calls = []

    await aurora.writer.apply(tin, [
      upsert('a', 2),
      upsert('b', 4),
      upsert('b', 5),
      upsert('c', 2),
      upsert('d', 1),
    ])

    expect(calls).toEqual([
      {
        changes: [
          ['a', 'upsert', 2n],
          ['d', 'upsert', 1n],
        ],
        rows: [
          ['a', 'v2'],
          ['b', 'v5'],
          ['d', 'v1'],
        ],
      },
    ])
    expect(await log()).toEqual([
      ['a', '1'],
      ['a', '2'],
      ['b', '5'],
      ['c', '1'],
      ['c', '3'],
      ['d', '1'],
    ])
  })

  it('is not asked when nothing is newer', async () => {
    await aurora.writer.apply(tin, [upsert('a', 2)])
    calls = []

    await aurora.writer.apply(tin, [upsert('a', 2), upsert('a', 1)])
    await aurora.writer.apply(tin, [remove('a', 2)])
    await aurora.writer.apply(tin, [remove('never', 1)])

    expect(calls).toEqual([])
  })

  it('finds the row of a delete still there, and the row gone afterwards', async () => {
    await aurora.writer.apply(tin, [upsert('a', 1), upsert('b', 1)])
    calls = []

    await aurora.writer.apply(tin, [remove('a', 2), remove('b', 1)])

    expect(calls).toEqual([
      {
        changes: [['a', 'delete', 2n]],
        rows: [
          ['a', 'v1'],
          ['b', 'v1'],
        ],
      },
    ])
    expect(await tins()).toEqual([['b', 'v1', '1']])
  })

  it.each<[string, Change]>([
    ['an upsert', upsert('a', 2)],
    ['a delete', remove('a', 2)],
  ])('that fails undoes the whole of %s, itself included', async (_, change) => {
    await aurora.writer.apply(tin, [upsert('a', 1)])
    then = () => Promise.reject(new Error('no room on the shelf'))

    await expect(aurora.writer.apply(tin, [change])).rejects.toMatchObject({
      code: 'hook.failed',
      cause: { message: 'no room on the shelf' },
    })

    expect(await tins()).toEqual([['a', 'v1', '1']])
    expect(await log()).toEqual([['a', '1']])
    expect(await rows('SELECT * FROM backsync_tombstones')).toEqual([])
  })

  it('that refuses one change lets the others through', async () => {
    then = ({ changes }) =>
      changes.some(({ key }) => key === 'bad')
        ? Promise.reject(new InvalidRecordError('not on this shelf'))
        : Promise.resolve()
    const bad = upsert('bad', 1)

    const { applied, refused } = await aurora.writer.applyIsolating(tin, [
      upsert('a', 1),
      upsert('b', 1),
      bad,
      upsert('c', 1),
    ])

    expect([applied, refused.map(({ change }) => change)]).toEqual([3, [bad]])
    expect((await log()).map((row) => Array.isArray(row) && row[0])).toEqual(['a', 'b', 'c'])
  })

  it('that leaves bad data behind is a bad change: nothing of it stays', async () => {
    then = async ({ transaction }) => {
      await sql`INSERT INTO tinlog (tin, version) VALUES (${'x'.repeat(21)}, 1)`.execute(transaction)
    }

    const { refused } = await aurora.writer.applyIsolating(tin, [upsert('a', 1)])

    expect(refused).toMatchObject([{ error: { kind: 'data' } }])
    expect([await tins(), await log()]).toEqual([[], []])
  })

  it('is repeated as a whole after a deadlock, and has an effect once', async () => {
    await aurora.writer.apply(tin, [upsert('a', 1)])
    calls = []
    aurora.api.faults.add({
      kind: 'error',
      error: 'DatabaseErrorException',
      message:
        'Deadlock found when trying to get lock; try restarting transaction; Error code: 1213; SQLState: 40001',
      sql: 'INSERT INTO tinlog',
      times: 2,
    })

    await aurora.writer.apply(tin, [upsert('a', 2)])

    expect(calls.map(({ changes }) => changes)).toEqual([
      [['a', 'upsert', 2n]],
      [['a', 'upsert', 2n]],
      [['a', 'upsert', 2n]],
    ])
    expect(await tins()).toEqual([['a', 'v2', '2']])
    expect(await log()).toEqual([
      ['a', '1'],
      ['a', '2'],
    ])
  })

  it('is repeated after a deadlock that two writers really have', async () => {
    await aurora.writer.apply(tin, [upsert('a', 1), upsert('b', 1)])
    await aurora.legacy.query("INSERT INTO cheftable VALUES (1, 'x', 'y')")
    // The legacy transaction holds chef 1 and then wants tin a; the hook holds tin a and then wants chef 1. Of
    // the two, the server undoes the one that has changed fewer rows.
    await aurora.legacy.query('START TRANSACTION')
    await aurora.legacy.query("UPDATE cheftable SET cheffirst = 'z' WHERE id = 1")
    const many = Array.from({ length: 100 }, (_, at) => [at + 2, 'x', 'y'])
    await aurora.legacy.query('INSERT INTO cheftable (id, cheffirst, cheflast) VALUES ?', [many])
    const wanted = Promise.withResolvers<unknown>()
    then = async ({ transaction }) => {
      then = undefined
      wanted.resolve(aurora.legacy.query("UPDATE tintable SET label = 'legacy' WHERE backsync_key = 'a'"))
      await sql`UPDATE cheftable SET cheflast = 'w' WHERE id = 1`.execute(transaction)
    }

    await Promise.all([
      aurora.writer.apply(tin, [upsert('a', 2)]),
      wanted.promise.then(() => aurora.legacy.query('COMMIT')),
    ])

    expect(calls).toHaveLength(3)
    expect((await log()).filter((row) => Array.isArray(row) && row[0] === 'a')).toEqual([
      ['a', '1'],
      ['a', '2'],
    ])
    expect(await rows('SELECT backsync_version FROM tintable ORDER BY backsync_key')).toEqual([['2'], ['1']])
  })

  it('has its effect once when the answer to the commit was lost', async () => {
    aurora.api.faults.add({ kind: 'drop-after', operation: 'CommitTransaction', times: 1 })

    await aurora.writer.apply(tin, [upsert('a', 1)])

    expect(await log()).toEqual([['a', '1']])
  })

  it('has its effect once a version when writers of the same keys run at once', async () => {
    const keys = ['a', 'b', 'c', 'd']
    await Promise.all(
      Array.from({ length: 8 }, (_, at) =>
        aurora.writer.apply(
          tin,
          keys.map((key) => upsert(key, at + 1)),
        ),
      ),
    )

    expect(await tins()).toEqual(keys.map((key) => [key, 'v8', '8']))
    const logged = await log()
    expect(new Set(logged.map(String)).size).toBe(logged.length)
    for (const key of keys) expect(logged).toContainEqual([key, '8'])
  })

  it('burns no AUTO_INCREMENT value by updates', async () => {
    await aurora.writer.apply(tin, [upsert('a', 1)])
    for (let version = 2; version <= 10; version++) await aurora.writer.apply(tin, [upsert('a', version)])
    const [[last]] = await aurora.legacy.query<RowDataPacket[]>('SELECT MAX(id) AS id FROM tintable')

    const [{ insertId }] = await aurora.legacy.query<ResultSetHeader>(
      "INSERT INTO tintable (label) VALUES ('next')",
    )
    expect(Number(insertId)).toBe(Number(last?.id) + 1)
  })
})
