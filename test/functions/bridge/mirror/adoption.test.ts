import { randomUUID } from 'node:crypto'
import { Readable } from 'node:stream'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import mysql from 'mysql2'
import type { RowDataPacket } from 'mysql2/promise'
import type { RecordKind } from '../../../../functions/bridge/model/attributes/attribute.ts'
import { defineEntity } from '../../../../functions/bridge/model/entity.ts'
import { BridgeError } from '../../../../functions/bridge/model/errors.ts'
import type { Owner } from '../../../../functions/bridge/model/owner.ts'
import type { EntityStore } from '../../../../functions/bridge/ports/store.ts'
import { chefDefinition } from '../../../fixtures/entities/chef.ts'
import { recordKinds } from '../../../support/runs.ts'
import { openTestFills } from '../backfill/harness.ts'
import { type MirrorWorld, openMirror } from './world.ts'

/** Rows that a legacy program had before anything of the bridge's was there. */
const ROWS = 400
const FORMER = `INSERT INTO cheftable (id, cheffirst, cheflast) VALUES ${Array.from({ length: ROWS }, (_, at) => `(${at + 1}, 'OLD', 'T')`).join(', ')}`

/** Where a key comes from: a row that was there before, or a client of the modern API whose key Aurora was given. */
type Begins = 'filled' | 'modern'
type Case = {
  readonly legacy: string
  /** Of the row with the id `:id`; `:free` is an id that nothing has. */
  readonly statements: readonly string[]
  /** What has become of the key on both sides: its version and its content. */
  readonly becomes: Readonly<Record<Begins, string>>
  /** What a modern client gets that writes the key once it was claimed. */
  readonly claimed: Readonly<Record<Begins, string>>
  /** What has become of the id that was free, in Aurora and in DynamoDB. */
  readonly free?: Readonly<Record<Begins, readonly string[]>>
}

const both = (of: string): Readonly<Record<Begins, string>> => ({ filled: of, modern: of })

const TABLE: readonly Case[] = [
  {
    legacy: 'UPDATE',
    statements: ["UPDATE cheftable SET cheffirst = 'MARRIED' WHERE id = :id"],
    ...{ becomes: both('v2 MARRIED'), claimed: both('v3 Modern') },
  },
  {
    legacy: 'several UPDATEs in one transaction',
    statements: [
      'BEGIN',
      "UPDATE cheftable SET cheffirst = 'ENGAGED' WHERE id = :id",
      "UPDATE cheftable SET cheffirst = 'MARRIED' WHERE id = :id",
      'COMMIT',
    ],
    ...{ becomes: both('v3 MARRIED'), claimed: both('v4 Modern') },
  },
  {
    legacy: 'UPDATE that is rolled back',
    statements: ['BEGIN', "UPDATE cheftable SET cheffirst = 'MARRIED' WHERE id = :id", 'ROLLBACK'],
    ...{ becomes: both('v1 OLD'), claimed: both('v2 Modern') },
  },
  {
    legacy: 'UPDATE to what is there',
    statements: ["UPDATE cheftable SET cheffirst = 'OLD' WHERE id = :id"],
    ...{ becomes: both('v1 OLD'), claimed: both('v2 Modern') },
  },
  {
    legacy: 'DELETE',
    statements: ['DELETE FROM cheftable WHERE id = :id'],
    ...{ becomes: both('404'), claimed: both('key.unknown') },
  },
  {
    legacy: 'REPLACE',
    statements: ["REPLACE INTO cheftable (id, cheffirst, cheflast) VALUES (:id, 'REPLACED', 'T')"],
    ...{ becomes: both('v3 REPLACED'), claimed: both('v4 Modern') },
  },
  {
    legacy: 'INSERT ... ON DUPLICATE KEY UPDATE',
    statements: [
      "INSERT INTO cheftable (id, cheffirst, cheflast) VALUES (:id, 'MARRIED', 'T') ON DUPLICATE KEY UPDATE cheffirst = 'MARRIED'",
    ],
    ...{ becomes: both('v2 MARRIED'), claimed: both('v3 Modern') },
  },
  {
    legacy: 'INSERT IGNORE of a row that is there',
    statements: ["INSERT IGNORE INTO cheftable (id, cheffirst, cheflast) VALUES (:id, 'NEW', 'T')"],
    ...{ becomes: both('v1 OLD'), claimed: both('v2 Modern') },
  },
  {
    legacy: 're-INSERT of a deleted id',
    statements: [
      'DELETE FROM cheftable WHERE id = :id',
      "INSERT INTO cheftable (id, cheffirst, cheflast) VALUES (:id, 'AGAIN', 'T')",
    ],
    // What was made under a key of its own is another one's than the row that plain SQL makes.
    ...{
      becomes: { filled: 'v3 AGAIN', modern: '404' },
      claimed: { filled: 'v4 Modern', modern: 'key.unknown' },
    },
  },
  {
    legacy: 'UPDATE of the primary key',
    statements: ['UPDATE cheftable SET id = :free WHERE id = :id'],
    ...{
      becomes: { filled: '404', modern: 'v2 OLD' },
      claimed: { filled: 'key.unknown', modern: 'v3 Modern' },
    },
    // A row with a key of its own is found by its number too, in Aurora, and keeps that key.
    free: { filled: ['v2 OLD', 'v2 OLD'], modern: ['v2 OLD', '404'] },
  },
  {
    legacy: 'INSERT',
    statements: ["INSERT INTO cheftable (id, cheffirst, cheflast) VALUES (:free, 'NEW', 'T')"],
    ...{
      becomes: both('v1 OLD'),
      claimed: both('v2 Modern'),
      free: { filled: ['v1 NEW', 'v1 NEW'], modern: ['v1 NEW', 'v1 NEW'] },
    },
  },
]

/** What a client gets: what it was told, or the code of what it was refused with. */
const outcomeOf = async (work: Promise<{ readonly version: bigint; readonly row: object } | undefined>) => {
  try {
    const stored = await work
    return stored === undefined ? '404' : `v${stored.version} ${Reflect.get(stored.row, 'firstName')}`
  } catch (error) {
    if (error instanceof BridgeError) return error.code
    throw error
  }
}

/** How the number of a key's row is found. */
const ID_OF: Readonly<Record<RecordKind, string>> = {
  row: 'SELECT id AS n FROM cheftable WHERE COALESCE(backsync_key, id) = ?',
  sideTable: `SELECT c.id AS n FROM cheftable AS c LEFT JOIN backsync_records AS r ON r.entity = 'chef' AND r.legacy_id = c.id
    WHERE COALESCE(r.entity_key, c.id) = ?`,
}

describe.each<RecordKind>(recordKinds)(
  'a legacy system that is adopted, its records in a %s, and goes on writing',
  (record) => {
    const chef = defineEntity({ ...chefDefinition, record, mirror: {} })
    let world: MirrorWorld
    let fills: Awaited<ReturnType<typeof openTestFills>>
    let filled: unknown
    beforeAll(async () => {
      world = await openMirror([chef], { chef: 'Chefs' }, [FORMER])
      fills = await openTestFills(world.sync, [chef])
      filled = (await fills.fill(chef, { from: 'aurora' })).records
    }, 120_000)
    afterAll(() => Promise.all([world.close(), fills.close()]))

    let nextFormer = 100
    let nextFree = 60_000
    const run = async (statement: string, ids: { readonly id?: number; readonly free?: number } = {}) => {
      const of = statement.replaceAll(':id', String(ids.id)).replaceAll(':free', String(ids.free))
      await world.legacy.query(of)
    }
    const got = (side: Owner, key: string) => outcomeOf(world.stores[side].get(chef, key))
    const sides = async (key: string) => [await got('aurora', key), await got('dynamo', key)]
    const put = (side: Owner, key: string, firstName = 'Modern') =>
      outcomeOf(world.replace(chef, side, key, { firstName, lastName: 'T' }))
    const number = async (of: string, key?: string): Promise<number> => {
      const [[row]] = await world.legacy.query<RowDataPacket[]>(of, key === undefined ? [] : [key])
      return Number(row?.n)
    }
    /** Gives what a write at the modern side has made of an item to Aurora. */
    const bring = async (key: string, before: Awaited<ReturnType<MirrorWorld['item']>>) => {
      const record = world.recordOf(chef, key, before, await world.item(chef, key))
      await world.sync.deliver(record)
      return record
    }
    const make = async (begins: Begins) => {
      nextFree -= 1
      if (begins === 'filled') {
        nextFormer += 1
        const [id, key] = [nextFormer, String(nextFormer)]
        return {
          id,
          key,
          free: nextFree,
          first: world.recordOf(chef, key, undefined, await world.item(chef, key)),
        }
      }
      const key = randomUUID()
      await world.create(chef, 'dynamo', { firstName: 'OLD', lastName: 'T' }, key)
      const first = await bring(key, undefined)
      await world.claim(chef, key, 'aurora')
      return {
        ...{ key, free: nextFree, first },
        id: await number(ID_OF[record], key),
      }
    }
    const whole = async (store: EntityStore): Promise<ReadonlyMap<string, string>> => {
      const found = new Map<string, string>()
      let position: Parameters<EntityStore['list']>[1]['position']
      do {
        const page = await store.list(chef, { limit: 100, position })
        for (const { key, version, row } of page.items) found.set(key, `v${version} ${row.firstName}`)
        position = page.next
      } while (position !== undefined)
      return new Map([...found].toSorted(([a], [b]) => (a < b ? -1 : 1)))
    }
    const nothingIsLost = async () => {
      const [aurora, dynamo] = [await whole(world.stores.aurora), await whole(world.stores.dynamo)]
      expect(dynamo).toEqual(aurora)
      expect(aurora.size).toBe(await number('SELECT COUNT(*) AS n FROM cheftable'))
      expect(await number('SELECT COUNT(*) AS n FROM backsync_changes')).toBe(0)
      expect(await number('SELECT COUNT(*) AS n FROM backsync_conflicts')).toBe(0)
    }

    it('has all its rows on the modern side once that is filled', async () => {
      expect(filled).toMatchObject({ items: ROWS, applied: ROWS, refused: 0 })
      expect(await sides('50')).toEqual(['v1 OLD', 'v1 OLD'])
      await nothingIsLost()
    })

    describe.each<Begins>(['filled', 'modern'])('a key that was %s', (begins) => {
      it.each(TABLE)('is, after $legacy, on both sides what that has made of it', async (of) => {
        const { id, key, free, first } = await make(begins)
        const becomes = of.becomes[begins]
        for (const statement of of.statements) await run(statement, { id, free })
        const rows = await number('SELECT COUNT(*) AS n FROM cheftable')
        await world.carry()
        expect(await sides(key)).toEqual([becomes, becomes])
        if (of.free !== undefined) expect(await sides(String(free))).toEqual(of.free[begins])

        // A stream that tells of the first version once more changes nothing.
        await world.sync.deliver(first)
        await world.carry()
        expect(await sides(key)).toEqual([becomes, becomes])
        expect(await number('SELECT COUNT(*) AS n FROM cheftable')).toBe(rows)

        // Nor does a modern client that doesn't know of it.
        expect(await put('dynamo', key)).toBe(becomes === '404' ? 'key.unknown' : 'owner.other')
        expect(await sides(key)).toEqual([becomes, becomes])

        await world.claim(chef, key, 'dynamo')
        const before = await world.item(chef, key)
        const claimed = of.claimed[begins]
        expect(await put('dynamo', key)).toBe(claimed)
        if (becomes !== '404') {
          await bring(key, before)
          await world.sync.deliver(first)
          expect(await sides(key)).toEqual([claimed, claimed])
          // And then it is the legacy program that is refused.
          const its = await number(ID_OF[record], key)
          await expect(
            run("UPDATE cheftable SET cheffirst = 'LATE' WHERE id = :id", { id: its }),
          ).rejects.toThrow('backsync: not-the-owner')
        }
        expect(await number('SELECT COUNT(*) AS n FROM cheftable')).toBe(rows)
        await world.carry()
        await nothingIsLost()
      })

      it('keeps a promise about the version that a client has seen', async () => {
        const { id, key } = await make(begins)
        await run("UPDATE cheftable SET cheffirst = 'LEGACY' WHERE id = :id", { id })
        const conditional = (side: Owner, version: bigint) =>
          outcomeOf(
            world.stores[side].write(chef, {
              ...{ entity: 'chef', key, source: 'api', at: new Date().toISOString(), op: 'upsert' },
              ...{ version: 'next', ifMatch: [version], row: { firstName: 'BY CLIENT A', lastName: 'T' } },
            }),
          )
        expect(await conditional('aurora', 1n)).toBe('version.stale')
        await world.carry()
        expect(await conditional('dynamo', 2n)).toBe('owner.other')
        expect(await sides(key)).toEqual(['v2 LEGACY', 'v2 LEGACY'])
        expect(await conditional('aurora', 2n)).toBe('v3 BY CLIENT A')
        await world.carry()
        expect(await sides(key)).toEqual(['v3 BY CLIENT A', 'v3 BY CLIENT A'])

        await run("UPDATE cheftable SET cheffirst = 'AGAIN' WHERE id = :id", { id })
        await world.claim(chef, key, 'dynamo')
        expect(await conditional('dynamo', 3n)).toBe('version.stale')
        expect(await conditional('dynamo', 4n)).toBe('v5 BY CLIENT A')
        await bring(key, undefined)
        await world.carry()
        await nothingIsLost()
      })
    })

    it('brings an UPDATE of many rows, and none of one that reaches a row of DynamoDB’s', async () => {
      await expect(run("UPDATE cheftable SET cheffirst = 'ALL'")).rejects.toThrow('backsync: not-the-owner')
      expect(await world.carry()).toMatchObject({ rows: 0 })
      await run("UPDATE cheftable SET cheffirst = 'BULK' WHERE id <= 100")
      expect(await world.carry()).toMatchObject({ rows: 100, keys: 100 })
      expect(await sides('50')).toEqual(['v2 BULK', 'v2 BULK'])
      await nothingIsLost()
    })

    it('leaves a copy of the table alone: neither its structure nor its rows make anything move', async () => {
      await run('CREATE TABLE chefs_copy LIKE cheftable')
      await run('INSERT INTO chefs_copy SELECT * FROM cheftable')
      await run("UPDATE chefs_copy SET cheffirst = 'COPY'")
      expect(await world.carry()).toMatchObject({ rows: 0 })
      expect(await number('SELECT COUNT(*) AS n FROM chefs_copy')).toBe(
        (await whole(world.stores.aurora)).size,
      )
      await nothingIsLost()
    })

    it('takes rows from such a copy', async () => {
      await run(
        'INSERT INTO cheftable (id, cheffirst, cheflast) SELECT id + 100000, cheffirst, cheflast FROM chefs_copy',
      )
      await world.carry()
      expect(await sides('100050')).toEqual(['v1 COPY', 'v1 COPY'])
      await nothingIsLost()
    })

    it('brings what LOAD DATA reads, in the place of rows and new', async () => {
      // MySQL refuses files of clients unless it is told to take them, and a session keeps what it began with.
      await world.legacy.query('SET GLOBAL local_infile = 1')
      const { host, port } = world.sync.aurora
      const { username: user, password } = new URL(process.env.TEST_MYSQL_URL ?? '')
      const loader = mysql.createConnection({
        ...{ host, port, database: world.sync.aurora.database },
        ...{ user: decodeURIComponent(user), password: decodeURIComponent(password) },
      })
      const load = (how: string, rows: readonly string[]) =>
        new Promise<void>((resolve, reject) =>
          loader.query(
            {
              sql: `LOAD DATA LOCAL INFILE 'rows' ${how} INTO TABLE cheftable FIELDS TERMINATED BY ',' (id, cheffirst, cheflast)`,
              infileStreamFactory: () => Readable.from([Buffer.from(`${rows.join('\n')}\n`)]),
            },
            (error) => (error === null ? resolve() : reject(error)),
          ),
        )
      try {
        await load('', ['70001,LOADED,T', '70002,LOADED,T'])
        await load('REPLACE', ['50,REPLACED,T', '70003,LOADED,T'])
        await load('IGNORE', ['51,IGNORED,T', '70004,LOADED,T'])
      } finally {
        loader.end()
      }
      await world.carry()
      for (const key of ['70001', '70002', '70003', '70004'])
        expect(await sides(key)).toEqual(['v1 LOADED', 'v1 LOADED'])
      expect(await sides('50')).toEqual(['v4 REPLACED', 'v4 REPLACED'])
      expect(await sides('51')).toEqual(['v2 BULK', 'v2 BULK'])
      await nothingIsLost()
    })
  },
)
