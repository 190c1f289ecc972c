import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals'
import { AuroraStore } from '../../../../functions/bridge/aurora/aurora-store.ts'
import { GuardedWriter } from '../../../../functions/bridge/aurora/guarded-writer.ts'
import type { ApplyOutcome } from '../../../../functions/bridge/model/outcome.ts'
import { InvalidPositionError, type Page } from '../../../../functions/bridge/ports/store.ts'
import { chef } from '../../../fixtures/entities/chef.ts'
import { openTestAurora, type TestAurora } from '../../../support/aurora.ts'
import { AT, create, remove, replace } from '../../fixtures/chef-writes.ts'

const keyOf = (at: number): string => `01990000-0000-7000-8000-${String(at).padStart(12, '0')}`
const KEY = keyOf(1)

const bobby = { key: KEY, row: { firstName: 'Bobby', lastName: 'Flay' }, version: 1n, updatedAt: AT }
const unknown = expect.objectContaining({ name: 'NoSuchKeyError', kind: 'client' })
const stale = expect.objectContaining({ name: 'StaleVersionError', kind: 'client' })

describe('Aurora as a store', () => {
  let aurora: TestAurora

  beforeAll(async () => {
    aurora = await openTestAurora()
  })
  afterAll(() => aurora.close())
  beforeEach(async () => {
    await aurora.empty()
  })
  afterEach(() => aurora.api.faults.clear())

  const legacyInsert = (first: string | null): Promise<unknown> =>
    aurora.legacy.query('INSERT INTO cheftable VALUES (NULL, ?, NULL)', [first])

  describe('reading', () => {
    it('finds a row by its key and by its id', async () => {
      expect(await aurora.store.write(chef, create(KEY))).toEqual(bobby)

      expect(await aurora.store.get(chef, KEY)).toEqual(bobby)
      expect(await aurora.store.get(chef, '1')).toEqual(bobby)
    })

    it('gives a legacy-born row its id as key, version 1 and no time', async () => {
      await legacyInsert(null)

      expect(await aurora.store.get(chef, '1')).toEqual({
        key: '1',
        row: { firstName: null, lastName: null },
        version: 1n,
        updatedAt: null,
      })
    })

    it.each([KEY, '1', '9223372036854775807'])('finds nothing under %s in an empty table', async (key) => {
      expect(await aurora.store.get(chef, key)).toBeUndefined()
    })
  })

  describe('listing', () => {
    const names = ({ items }: Page): unknown[] => items.map(({ row }) => row.firstName)

    it('goes page by page, each row once, rows of both births in the order of their ids', async () => {
      for (const at of [1, 2, 3]) await aurora.store.write(chef, create(keyOf(at), `c${at}`))
      await legacyInsert('c4')
      await legacyInsert('c5')

      const first = await aurora.store.list(chef, { limit: 2, position: undefined })
      const second = await aurora.store.list(chef, { limit: 2, position: first.next })
      const third = await aurora.store.list(chef, { limit: 2, position: second.next })

      expect([first, second, third].map(names)).toEqual([['c1', 'c2'], ['c3', 'c4'], ['c5']])
      expect(third.next).toBeUndefined()
    })

    it('gives no position when a page ends with the last row', async () => {
      await aurora.store.write(chef, create(KEY))

      expect(await aurora.store.list(chef, { limit: 1, position: undefined })).toEqual({
        items: [bobby],
        next: undefined,
      })
      expect((await aurora.store.list(chef, { limit: 100, position: undefined })).next).toBeUndefined()
    })

    it('skips and repeats nothing when rows come and go between pages', async () => {
      for (const at of [1, 2, 3, 4]) await aurora.store.write(chef, create(keyOf(at), `c${at}`))
      const first = await aurora.store.list(chef, { limit: 2, position: undefined })
      await aurora.store.write(chef, remove(keyOf(1)))
      await aurora.store.write(chef, remove(keyOf(2)))
      await aurora.store.write(chef, create(keyOf(5), 'c5'))

      expect(names(await aurora.store.list(chef, { limit: 9, position: first.next }))).toEqual([
        'c3',
        'c4',
        'c5',
      ])
    })

    it.each(['', 'abc', '-1', '0', '1 OR 1=1'])('refuses the position %j', async (position) => {
      await expect(aurora.store.list(chef, { limit: 1, position })).rejects.toThrow(InvalidPositionError)
    })
  })

  describe('writing', () => {
    it('replaces at one version more, and at the time of the write', async () => {
      await aurora.store.write(chef, create(KEY))
      const later = '2026-11-22T04:00:00.007Z'

      expect(await aurora.store.write(chef, replace(KEY, 'Robert', undefined, later))).toEqual({
        key: KEY,
        row: { firstName: 'Robert', lastName: 'Flay' },
        version: 2n,
        updatedAt: later,
      })
    })

    it('replaces a row with a key that is named by its id, and leaves it its key', async () => {
      await aurora.store.write(chef, create(KEY))

      expect(await aurora.store.write(chef, replace('1', 'Robert'))).toMatchObject({ key: KEY, version: 2n })
    })

    it('replaces a legacy-born row, which keeps its id as key', async () => {
      await legacyInsert('Julia')

      expect(await aurora.store.write(chef, replace('1', 'Julie', [1n]))).toMatchObject({
        key: '1',
        version: 2n,
      })
      const [rows] = await aurora.legacy.query('SELECT id, cheffirst, backsync_key FROM cheftable')
      expect(rows).toEqual([{ id: '1', cheffirst: 'Julie', backsync_key: null }])
    })

    it('removes, for good', async () => {
      await aurora.store.write(chef, create(KEY))

      expect(await aurora.store.write(chef, remove(KEY))).toBeUndefined()
      expect(await aurora.store.get(chef, KEY)).toBeUndefined()
      await expect(aurora.store.write(chef, replace(KEY, 'Back'))).rejects.toEqual(unknown)
      await expect(aurora.store.write(chef, remove(KEY))).rejects.toEqual(unknown)
    })

    it('answers 404 for what is not there, whatever version is named', async () => {
      await expect(aurora.store.write(chef, replace('7', 'Nobody', [1n]))).rejects.toEqual(unknown)
      await expect(aurora.store.write(chef, remove('7', []))).rejects.toEqual(unknown)
    })

    it('answers 412 when the client knows another version, and changes nothing', async () => {
      await aurora.store.write(chef, create(KEY))

      await expect(aurora.store.write(chef, replace(KEY, 'Robert', [2n, 3n]))).rejects.toEqual(stale)
      await expect(aurora.store.write(chef, replace(KEY, 'Robert', []))).rejects.toEqual(stale)
      await expect(aurora.store.write(chef, remove(KEY, [2n]))).rejects.toEqual(stale)
      expect(await aurora.store.get(chef, KEY)).toEqual(bobby)
    })

    it('accepts one of several versions', async () => {
      await aurora.store.write(chef, create(KEY))

      expect(await aurora.store.write(chef, replace(KEY, 'Robert', [7n, 1n]))).toMatchObject({ version: 2n })
      expect(await aurora.store.write(chef, remove(KEY, [2n]))).toBeUndefined()
    })
  })

  describe('a race', () => {
    /** A writer behind each of whose writes somebody else's comes at once. */
    class Overtaken extends GuardedWriter {
      override async apply(...of: Parameters<GuardedWriter['apply']>): Promise<ApplyOutcome> {
        const outcome = await super.apply(...of)
        await aurora.store.write(chef, replace(KEY, 'Rachael'))
        return outcome
      }
    }

    it('is answered with what each has written, never with the version of another, which its client has not seen', async () => {
      await aurora.store.write(chef, create(KEY))
      const store = new AuroraStore(aurora.db, new Overtaken(aurora.db))

      expect(await store.write(chef, replace(KEY, 'Guy'))).toMatchObject({
        row: { firstName: 'Guy' },
        version: 2n,
      })
      expect(await aurora.store.get(chef, KEY)).toMatchObject({ row: { firstName: 'Rachael' }, version: 3n })
    })

    it('loses no write: each of several replaces gets a version of its own', async () => {
      await aurora.store.write(chef, create(KEY))
      const names = ['a', 'b', 'c']

      await Promise.all(
        names.map((name, at) =>
          aurora.store.write(chef, replace(KEY, name, undefined, AT.replace('120', `12${at}`))),
        ),
      )

      const after = await aurora.store.get(chef, KEY)
      expect(after?.version).toBe(4n)
      expect(names).toContain(after?.row.firstName)
    })

    it('is won by exactly one of those who know the same version', async () => {
      await aurora.store.write(chef, create(KEY))
      const names = ['a', 'b', 'c', 'd']

      const outcomes = await Promise.allSettled(
        names.map((name, at) =>
          aurora.store.write(chef, replace(KEY, name, [1n], AT.replace('120', `12${at}`))),
        ),
      )

      const won = outcomes.filter((outcome) => outcome.status === 'fulfilled')
      expect(won).toHaveLength(1)
      for (const outcome of outcomes) if (outcome.status === 'rejected') expect(outcome.reason).toEqual(stale)
      expect(await aurora.store.get(chef, KEY)).toEqual(won[0]?.value)
      expect((await aurora.store.get(chef, KEY))?.version).toBe(2n)
    })
  })

  describe('an answer that is lost after the write', () => {
    it('of a create leaves one row at version 1', async () => {
      aurora.api.faults.add({ kind: 'drop-after', sql: 'INSERT INTO `cheftable`', times: 1 })

      expect(await aurora.store.write(chef, create(KEY))).toEqual(bobby)
      expect(aurora.api.faults.list()).toEqual([])
    })

    it.each([
      ['any version', undefined],
      ['a version named', [1n]],
    ])('of a replace with %s is recognised as its own: one version more, no 412', async (_, ifMatch) => {
      await aurora.store.write(chef, create(KEY))
      aurora.api.faults.add({ kind: 'drop-after', sql: 'UPDATE JSON_TABLE', times: 1 })

      expect(await aurora.store.write(chef, replace(KEY, 'Robert', ifMatch))).toMatchObject({
        row: { firstName: 'Robert' },
        version: 2n,
      })
      expect(aurora.api.faults.list()).toEqual([])
    })

    it('of a delete is recognised as its own, no 404', async () => {
      await aurora.store.write(chef, create(KEY))
      aurora.api.faults.add({ kind: 'drop-after', sql: 'DELETE t FROM', times: 1 })

      expect(await aurora.store.write(chef, remove(KEY, [1n]))).toBeUndefined()
      expect(await aurora.store.get(chef, KEY)).toBeUndefined()
      expect(aurora.api.faults.list()).toEqual([])
    })
  })
})
