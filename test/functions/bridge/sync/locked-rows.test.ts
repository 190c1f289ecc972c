/**
 * Waits for locks, most of its time.
 *
 * @waits
 */
import { randomUUID } from 'node:crypto'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals'
import type { RowDataPacket } from 'mysql2/promise'
import { AuroraSink } from '../../../../functions/bridge/aurora/aurora-sink.ts'
import type { RecordKind } from '../../../../functions/bridge/model/attributes/attribute.ts'
import { text } from '../../../../functions/bridge/model/attributes/text.ts'
import { defineEntity } from '../../../../functions/bridge/model/entity.ts'
import { autoIncrement } from '../../../../functions/bridge/model/identity.ts'
import { Deadline } from '../../../../functions/bridge/runtime/deadline.ts'
import type { Clock } from '../../../../infra/local/data-api/clock.ts'
import { chef as legacyChef } from '../../../fixtures/entities/chef.ts'
import { recipe } from '../../../fixtures/entities/recipe.ts'
import { recordKinds } from '../../../support/runs.ts'
import { until } from '../../../support/until.ts'
import { chefItem, chefRecord, recipeItem, recipeRecord } from '../../fixtures/recipe-records.ts'
import { openTestSync, type TestSync } from './harness.ts'

const nothing = { batchItemFailures: [] }
const MINUTE = 60_000
const LIMIT = 120_000

/** The service's 45 seconds for a statement pass in one and a half. */
const quick: Clock = {
  now: () => Date.now(),
  after: (ms, run) => {
    const timer = setTimeout(run, ms / 30).unref()
    return () => clearTimeout(timer)
  },
}

describe.each<RecordKind>(recordKinds)('rows that a legacy session holds, with records in a %s', (record) => {
  const chef = defineEntity({
    name: 'chef',
    plural: 'chefs',
    keyName: 'chefId',
    table: record === 'row' ? 'cheftable' : 'plain_chefs',
    record,
    identity: autoIncrement('id'),
    attributes: {
      firstName: text({ column: 'cheffirst', maxLength: 255 }),
      lastName: text({ column: 'cheflast', maxLength: 255 }),
    },
    example: { firstName: 'Bobby', lastName: 'Flay' },
  })
  const { table } = chef
  let sync: TestSync
  let of: string
  beforeAll(async () => {
    sync = await openTestSync([chef], { chef: 'Chefs' }, { clock: quick, patience: 1_000 })
    await sync.aurora.legacy.query(`CREATE TABLE IF NOT EXISTS plain_chefs (
        id BIGINT AUTO_INCREMENT PRIMARY KEY, cheffirst VARCHAR(255), cheflast VARCHAR(255))`)
  })
  afterAll(() => sync.close())
  beforeEach(() => {
    of = randomUUID()
  })
  afterEach(async () => {
    await sync.aurora.legacy.query('ROLLBACK')
    for (const head of (await sync.parts.parking.parkedOf('chef')).values())
      await sync.parts.parking.resolve(head, { upTo: head, how: 'applied', at: new Date() })
  })

  const key = (at: number) => `${of}-${at}`
  const write = async (at: number, version: number) => {
    const item = chefItem(key(at), version, `${at} v${version}`)
    await sync.put(chef, item)
    return chefRecord(item)
  }
  const writeAll = (places: readonly number[], version: number) =>
    Promise.all(places.map((at) => write(at, version)))
  const hold = async (at: number): Promise<void> => {
    const { legacy } = sync.aurora
    const [[row]] = await legacy.query<RowDataPacket[]>(`SELECT id FROM ${table} WHERE cheffirst = ?`, [
      `${at} v1`,
    ])
    await legacy.query('BEGIN')
    await legacy.query(`SELECT * FROM ${table} WHERE id = ? FOR UPDATE`, [row?.id])
  }
  const versionOf = async (at: number) => (await sync.aurora.store.get(chef, key(at)))?.version
  const versions = async (places: readonly number[]) => new Set(await Promise.all(places.map(versionOf)))
  const later = (minutes: number) => ({ now: () => new Date(Date.now() + minutes * MINUTE) })
  const places = Array.from({ length: 12 }, (_, at) => at)

  it(
    'what is held for a moment is waited for, without a look at who holds it',
    async () => {
      await sync.deliver(...(await writeAll([1, 2, 3], 1)))
      await hold(2)
      const sent = sync.aurora.statements(`UPDATE JSON_TABLE`)
      const delivered = sync.deliver(...(await writeAll([1, 2, 3], 2)))
      await until('it waits', 30_000, () => sync.aurora.statements(`UPDATE JSON_TABLE`) > sent)
      await sync.aurora.legacy.query('COMMIT')

      expect(await delivered).toEqual(nothing)
      expect(await versions([1, 2, 3])).toEqual(new Set([2n]))
      expect(await sync.parked('chef')).toEqual([])
      expect(sync.aurora.statements('SKIP LOCKED')).toBe(0)
    },
    LIMIT,
  )

  it(
    'the others of the batch arrive; what is held is listed by name, and arrives by itself when it is let go',
    async () => {
      expect(await sync.deliver(...(await writeAll(places, 1)))).toEqual(nothing)
      await hold(5)

      expect(await sync.deliver(...(await writeAll(places, 2)))).toEqual(nothing)
      const others = places.filter((at) => at !== 5)
      expect(await versions(others)).toEqual(new Set([2n]))
      expect(await sync.parked('chef')).toEqual([[key(5), 'dependency', 'row.locked']])
      expect(sync.counts()).toMatchObject({ 'chef Waiting': 1 })
      expect(sync.counts()).not.toHaveProperty('chef Parked')

      // What comes meanwhile is not held up, and a later change of the key takes the place of the one that waits.
      expect(await sync.deliver(...(await writeAll([1, 5], 3)))).toEqual(nothing)
      expect(await versionOf(1)).toBe(3n)
      const [head] = (await sync.parts.parking.parkedOf('chef')).values()
      expect([head?.key, head?.version]).toEqual([key(5), 3n])

      // Still held when it is tried again: it stays listed, and holds up nothing.
      expect(await sync.deliverWith(later(2), await write(2, 3))).toEqual(nothing)
      expect(await versionOf(2)).toBe(3n)
      expect(await sync.parked('chef')).toEqual([[key(5), 'dependency', 'row.locked']])
      expect(sync.counts()).not.toHaveProperty('chef Parked')

      await sync.aurora.legacy.query('COMMIT')
      expect(await sync.deliverWith(later(20), await write(3, 3))).toEqual(nothing)
      expect(await versionOf(5)).toBe(3n)
      expect(await sync.parked('chef')).toEqual([])
    },
    LIMIT,
  )

  it(
    'a delete of a row that is held waits as well, and the others of the batch are deleted',
    async () => {
      await sync.deliver(...(await writeAll([1, 2, 3], 1)))
      await hold(2)
      const gone = [1, 2, 3].map((at) => chefRecord(chefItem(key(at), 1, `${at} v1`), { removes: true }))
      for (const at of [1, 2, 3]) await sync.remove(chef, key(at))

      expect(await sync.deliver(...gone)).toEqual(nothing)
      expect(await versions([1, 3])).toEqual(new Set([undefined]))
      expect(await sync.parked('chef')).toEqual([[key(2), 'dependency', 'row.locked']])

      await sync.aurora.legacy.query('COMMIT')
      expect(await sync.deliverWith(later(40), await write(4, 1))).toEqual(nothing)
      expect(await versionOf(2)).toBeUndefined()
      expect(await sync.parked('chef')).toEqual([])
    },
    LIMIT,
  )

  it(
    'nothing is listed for a row that is held shortly, also where others were held for long just before',
    async () => {
      await sync.deliver(...(await writeAll([1, 2, 3], 1)))
      await hold(2)
      const looks = sync.aurora.statements('SKIP LOCKED')
      const delivered = sync.deliver(...(await writeAll([1, 2, 3], 2)))
      await until(
        'somebody has looked twice',
        30_000,
        () => sync.aurora.statements('SKIP LOCKED') > looks + 1,
      )
      await sync.aurora.legacy.query('COMMIT')

      expect(await delivered).toEqual(nothing)
      expect(await versions([1, 2, 3])).toEqual(new Set([2n]))
      expect(await sync.parked('chef')).toEqual([])
    },
    LIMIT,
  )

  it(
    'new rows wait that fall into a gap which is held, and those that are there are written',
    async () => {
      await sync.deliver(...(await writeAll([1, 2, 3], 1)))
      const { legacy } = sync.aurora
      await legacy.query('BEGIN')
      const [[last]] = await legacy.query<RowDataPacket[]>(`SELECT MAX(id) AS id FROM ${table}`)
      await legacy.query(`SELECT * FROM ${table} WHERE id > ? FOR UPDATE`, [last?.id])

      expect(await sync.deliver(...(await writeAll([7, 8], 1)), ...(await writeAll([1, 2, 3], 2)))).toEqual(
        nothing,
      )
      expect(await versions([1, 2, 3])).toEqual(new Set([2n]))
      expect(await sync.parked('chef')).toEqual([
        [key(7), 'dependency', 'row.locked'],
        [key(8), 'dependency', 'row.locked'],
      ])

      await legacy.query('COMMIT')
      expect(await sync.deliverWith(later(80), await write(9, 1))).toEqual(nothing)
      expect(await versions([7, 8, 9])).toEqual(new Set([1n]))
      expect(await sync.parked('chef')).toEqual([])
    },
    LIMIT,
  )

  it(
    'what wants a unique value that is held is told from the others',
    async () => {
      const { legacy } = sync.aurora
      await sync.deliver(...(await writeAll([1], 1)))
      await legacy.query(`UPDATE ${table} SET cheflast = UUID()`)
      await legacy.query(`ALTER TABLE ${table} ADD UNIQUE KEY unique_last (cheflast)`)
      try {
        await legacy.query('BEGIN')
        await legacy.query(`INSERT INTO ${table} (cheffirst, cheflast) VALUES ('x', '${of} wanted')`)
        const records = [11, 12, 13, 14].map((at) => {
          const item = {
            ...chefItem(key(at), 1),
            lastName: { S: at === 13 ? `${of} wanted` : `${of} ${at}` },
          }
          return { item, record: chefRecord(item) }
        })
        for (const { item } of records) await sync.put(chef, item)

        expect(await sync.deliver(...records.map((one) => one.record))).toEqual(nothing)
        expect(await versions([11, 12, 14])).toEqual(new Set([1n]))
        expect(await sync.parked('chef')).toEqual([[key(13), 'dependency', 'row.locked']])
      } finally {
        await legacy.query('ROLLBACK')
        await legacy.query(`ALTER TABLE ${table} DROP KEY unique_last`)
      }
      expect(await sync.deliverWith(later(160), await write(9, 1))).toEqual(nothing)
      expect(await versionOf(13)).toBe(1n)
      expect(await sync.parked('chef')).toEqual([])
    },
    LIMIT,
  )
})

describe('rows that a legacy session holds in an invocation that ends soon', () => {
  it(
    'are told from the others in what is left of it once a statement took the whole limit of the service',
    async () => {
      const sync = await openTestSync([legacyChef], { chef: 'Chefs' }, { clock: quick, patience: 1_000 })
      try {
        const { legacy, store } = sync.aurora
        // Of a few rows MySQL reads the whole table, and waits for each of them.
        const keys = Array.from({ length: 24 }, (_, at) => `chef-${at + 1}`)
        await sync.deliver(...keys.map((key) => chefRecord(chefItem(key, 1))))
        await legacy.query('BEGIN')
        await legacy.query('SELECT * FROM cheftable WHERE id = 2 FOR UPDATE')
        const deadline = new Deadline()
        deadline.within(20_000)
        const sink = new AuroraSink([legacyChef], { store, writer: sync.aurora.writerUntil(deadline) })

        const records = ['chef-1', 'chef-2', 'chef-3'].map((key) => chefRecord(chefItem(key, 2)))
        expect(await sync.deliverWith({ sink, deadline }, ...records)).toEqual(nothing)
        for (const key of ['chef-1', 'chef-3'])
          expect(await store.get(legacyChef, key)).toMatchObject({ version: 2n })
        expect(await sync.parked('chef')).toEqual([['chef-2', 'dependency', 'row.locked']])
        expect(deadline.remaining()).toBeGreaterThan(0)
      } finally {
        await sync.aurora.legacy.query('ROLLBACK')
        await sync.close()
      }
    },
    LIMIT,
  )
})

describe('a new row that falls into a gap which a legacy session holds', () => {
  it(
    'brings along what waits for it, as soon as it arrives',
    async () => {
      const sync = await openTestSync(
        [legacyChef, recipe],
        { chef: 'Chefs', recipe: 'Recipes' },
        { clock: quick, patience: 1_000 },
      )
      try {
        const { legacy, store } = sync.aurora
        await sync.deliver(chefRecord(chefItem('a', 1)))
        await legacy.query('BEGIN')
        await legacy.query('SELECT * FROM cheftable WHERE id > 1 FOR UPDATE')
        const [chef, soup] = [chefItem('b', 1), recipeItem('b-1', 1, 'b')]
        await sync.put(legacyChef, chef)
        await sync.put(recipe, soup)
        expect(await sync.deliver(chefRecord(chef), recipeRecord(soup))).toEqual(nothing)
        expect(await sync.parked('chef')).toEqual([['b', 'dependency', 'row.locked']])
        expect(await sync.parked('recipe')).toEqual([['b-1', 'dependency', 'parent.missing']])

        await legacy.query('COMMIT')
        // The recipe alone would not be tried for five minutes.
        const now = () => new Date(Date.now() + 2 * MINUTE)
        expect(await sync.deliverWith({ now }, chefRecord(chefItem('c', 1)))).toEqual(nothing)
        expect(await store.get(legacyChef, 'b')).toMatchObject({ version: 1n })
        expect(await store.get(recipe, 'b-1')).toMatchObject({ version: 1n })
        expect([await sync.parked('chef'), await sync.parked('recipe')]).toEqual([[], []])
      } finally {
        await sync.aurora.legacy.query('ROLLBACK')
        await sync.close()
      }
    },
    LIMIT,
  )
})

describe('rows that a legacy session holds and others refer to', () => {
  it(
    'those that refer to them wait, the others arrive, and a lock that may be shared holds up nothing',
    async () => {
      const sync = await openTestSync(
        [legacyChef, recipe],
        { chef: 'Chefs', recipe: 'Recipes' },
        { clock: quick, patience: 1_000 },
      )
      try {
        const { legacy, store } = sync.aurora
        const chefs = ['a', 'b', 'c']
        await sync.deliver(...chefs.map((key) => chefRecord(chefItem(key, 1, key))))
        await legacy.query('BEGIN')
        await legacy.query('SELECT * FROM cheftable WHERE id = 1 FOR UPDATE')
        await legacy.query('SELECT * FROM cheftable WHERE id = 2 LOCK IN SHARE MODE')
        const items = chefs.flatMap((key) => [recipeItem(`${key}-1`, 1, key), recipeItem(`${key}-2`, 1, key)])
        for (const item of items) await sync.put(recipe, item)

        expect(await sync.deliver(...items.map((item) => recipeRecord(item)))).toEqual(nothing)
        for (const key of ['b-1', 'b-2', 'c-1', 'c-2'])
          expect(await store.get(recipe, key)).toMatchObject({ version: 1n })
        expect(await sync.parked('recipe')).toEqual([
          ['a-1', 'dependency', 'row.locked'],
          ['a-2', 'dependency', 'row.locked'],
        ])

        await legacy.query('COMMIT')
        const now = () => new Date(Date.now() + 20 * MINUTE)
        expect(await sync.deliverWith({ now }, chefRecord(chefItem('d', 1)))).toEqual(nothing)
        for (const key of ['a-1', 'a-2']) expect(await store.get(recipe, key)).toMatchObject({ version: 1n })
        expect(await sync.parked('recipe')).toEqual([])
      } finally {
        await sync.aurora.legacy.query('ROLLBACK')
        await sync.close()
      }
    },
    LIMIT,
  )
})
