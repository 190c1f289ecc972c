import { fc } from '@fast-check/jest'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals'
import { sql } from 'kysely'
import { AuroraSink } from '../../../../functions/bridge/aurora/aurora-sink.ts'
import type { Change, Row } from '../../../../functions/bridge/model/change.ts'
import { defineEntity, type Entity } from '../../../../functions/bridge/model/entity.ts'
import { canonicalText, DecimalText, type Value } from '../../../../functions/bridge/model/values.ts'
import { chef } from '../../../fixtures/entities/chef.ts'
import { recipe } from '../../../fixtures/entities/recipe.ts'
import { arbitraryRecipe } from '../../../support/arbitrary-recipe.ts'
import { openTestAurora, type TestAurora } from '../../../support/aurora.ts'
import { runs, times } from '../../../support/runs.ts'
import { createSpecimens, specimen } from '../../fixtures/specimen.ts'

const AT = '2026-11-22T03:00:00.123Z'
const LATER = '2026-11-22T03:00:00.124Z'

const number = (text: string) => new DecimalText(text)

/** Values of each kind of which no two are the same, as close to each other as a comparison may take for one. */
const distinct: Readonly<Record<string, readonly Value[]>> = {
  amount: [null, number('0'), number(`0.${'0'.repeat(29)}1`), number('12.5'), number('-12.5')],
  fraction: [null, number('0.1'), number('-0.1'), number(`0.1${'0'.repeat(28)}1`)],
  whole: [null, number('9'.repeat(38)), number(`${'9'.repeat(37)}8`)],
  signed: [null, number('9223372036854775807'), number('9223372036854775806'), number('-1')],
  unsigned: [null, number('18446744073709551615'), number('18446744073709551614'), number('0')],
  flag: [null, false, true],
  day: [null, '1000-01-01', '2026-11-22'],
  level: [null, 'low', 'High'],
  document: [
    null,
    {},
    [],
    '',
    '0',
    number('0'),
    false,
    number('0.1'),
    number('9007199254740993'),
    { a: number('1'), b: [null] },
    { a: number('1'), b: [] },
    { A: number('1'), b: [null] },
    [number('1'), number('2')],
    [number('2'), number('1')],
  ],
  bytes: [null, Buffer.from([]), Buffer.from([0]), Buffer.from([0, 0]), Buffer.from('a'), Buffer.from('A')],
  word: [null, '', ' ', 'a', 'A', 'a ', 'á', 'a\u0301', 'ß', 'ss', '👩', '👨'],
  story: [null, '', 'x'.repeat(20_000), `${'x'.repeat(19_999)}X`],
}

const upsert = ({ name }: Entity, key: string, row: Row, at = AT, version = 1n): Change => {
  return { entity: name, key, op: 'upsert', version, source: 'stream', at, row }
}
const nothing: Row = Object.fromEntries(Object.keys(specimen.attributes).map((name) => [name, null]))
const alone = (name: string, value: Value): Row => ({ ...nothing, parts: [], [name]: value })
const inList = (name: string, value: Value): Row => ({ ...nothing, parts: [{ ...nothing, [name]: value }] })

describe('what a store holds against a change', () => {
  let aurora: TestAurora
  /** As the stream's writes, all of them. */
  const apply: TestAurora['writer']['apply'] = (entity, changes) =>
    aurora.writer.apply(entity, changes, 'dynamo')
  let sink: AuroraSink

  beforeAll(async () => {
    aurora = await openTestAurora()
    await createSpecimens(aurora.legacy)
    sink = new AuroraSink([chef, recipe], aurora)
  })
  afterAll(() => aurora.close())
  beforeEach(async () => {
    await aurora.empty()
    for (const table of ['specimens', 'specimen_parts']) await aurora.legacy.query(`DELETE FROM ${table}`)
    await apply(chef, [upsert(chef, 'c', { firstName: 'A', lastName: 'B' })])
  })

  const overruled = async (changes: readonly Change[]) =>
    (await aurora.writer.applyIsolating(specimen, changes)).overruled.map(({ change }) => change.key)

  describe.each([
    ['in a column', alone],
    ['in a child row', inList],
  ])('%s', (_, rowOf) => {
    it.each(Object.entries(distinct))('is nothing where it is the same, of kind %s', async (name, values) => {
      const changes = values.map((value, at) => upsert(specimen, `k${at}`, rowOf(name, value)))
      expect(await overruled(changes)).toEqual([])
      expect(await overruled(changes)).toEqual([])
    })

    it.each(Object.entries(distinct))('is everything that differs, of kind %s', async (name, values) => {
      const pairs = values.flatMap((one, a) => values.flatMap((other, b) => (a === b ? [] : [[one, other]])))
      const sides = [0, 1].map((side) =>
        pairs.map((pair, at) =>
          upsert(specimen, `k${at}`, rowOf(name, pair[side] ?? null), side === 0 ? AT : LATER),
        ),
      )
      const [ours = [], theirs = []] = sides
      await apply(specimen, ours)
      expect(await overruled(theirs)).toEqual(theirs.map(({ key }) => key))
    })
  })

  const told = async (change: Change) => {
    const { skipped, overruled: all } = await sink.applyIsolating(recipe.name, [change])
    return [skipped, all.length]
  }

  it(
    'is never taken for a conflict where the same comes again, and always where something else comes',
    async () => {
      const key = fc.uuid()
      await fc.assert(
        fc.asyncProperty(key, arbitraryRecipe(['c']), arbitraryRecipe(['c']), async (id, one, other) => {
          await apply(recipe, [upsert(recipe, id, one)])
          expect(await told(upsert(recipe, id, one))).toEqual([1, 0])
          expect(await told(upsert(recipe, id, one, LATER))).toEqual([1, 0])
          const same = canonicalText(one) === canonicalText(other)
          expect(await told(upsert(recipe, id, other, LATER))).toEqual([1, same ? 0 : 1])
        }),
        runs(40, { seed: 42, short: 12 }),
      )
    },
    times(60_000),
  )

  it('is compared by what it means: a document that was written in another form is the same', async () => {
    const notes = { b: number('1'), a: [number('2')] }
    const row = recipe.image.parse({ chefId: 'c', title: 'Soup', notes })
    await apply(recipe, [upsert(recipe, 'r', row)])
    await aurora.legacy.query(`UPDATE recipetable SET notes = '{"a": [2], "b": 1}'`)

    expect(await told(upsert(recipe, 'r', row, LATER))).toEqual([1, 0])
  })

  describe('and is changed by the store itself', () => {
    const soup = (title: string, at = AT) =>
      upsert(recipe, 'r', recipe.image.parse({ chefId: 'c', title }), at)

    afterEach(() => aurora.legacy.query('DROP TRIGGER IF EXISTS shouting'))

    it('is a repeat where a trigger made something else of the same write, and a conflict of another one', async () => {
      await aurora.legacy.query(
        'CREATE TRIGGER shouting BEFORE INSERT ON recipetable FOR EACH ROW SET NEW.title = UPPER(NEW.title)',
      )
      const own = new AuroraSink([chef, recipe], aurora)
      const told = async (change: Change) => {
        const { skipped, overruled: all } = await own.applyIsolating(recipe.name, [change])
        return [skipped, all.length]
      }
      await apply(recipe, [soup('Soup')])

      expect(await told(soup('Soup'))).toEqual([1, 0])
      expect(await told(soup('Soup', LATER))).toEqual([1, 1])
    })

    it('is a repeat where a hook did', async () => {
      const louder = defineEntity({
        ...recipe,
        write: async ({ transaction }) => {
          await sql`UPDATE recipetable SET title = UPPER(title)`.execute(transaction)
        },
      })
      const own = new AuroraSink([chef, louder], aurora)
      await own.applyIsolating(recipe.name, [soup('Soup')])

      expect(await own.applyIsolating(recipe.name, [soup('Soup')])).toMatchObject({
        skipped: 1,
        overruled: [],
      })
    })
  })

  describe('is not there, although it should be', () => {
    const written = (key: string, version: bigint) =>
      upsert(chef, key, { firstName: 'A', lastName: 'B' }, AT, version)
    const gone = (key: string, version: bigint): Change => {
      return { entity: chef.name, key, op: 'delete', version, source: 'stream', at: AT }
    }
    const filled = async (...changes: readonly Change[]) =>
      (await sink.applyIsolating(chef.name, changes)).filled

    it('is said of a row that has lost its key, by its key', async () => {
      await filled(written('a', 1n), written('b', 1n))
      await aurora.legacy.query(
        "REPLACE INTO cheftable (id, cheffirst) SELECT id, 'C' FROM cheftable WHERE backsync_key = 'a'",
      )

      expect(await filled(written('a', 2n), written('b', 2n), written('n', 1n))).toEqual({
        rows: 1,
        keys: ['a'],
      })
      expect(await filled(written('a', 2n), written('a', 3n))).toEqual({ rows: 0, keys: [] })
    })

    it('is said beside a delete of the same batch', async () => {
      await filled(written('a', 1n), written('b', 1n), written('gone', 1n))
      await aurora.legacy.query(
        "REPLACE INTO cheftable (id, cheffirst) SELECT id, 'C' FROM cheftable WHERE backsync_key = 'a'",
      )
      const deleted: Change = {
        entity: 'chef',
        key: 'gone',
        op: 'delete',
        version: 2n,
        source: 'stream',
        at: AT,
      }

      expect(await filled(written('a', 2n), deleted, written('n', 1n))).toEqual({ rows: 1, keys: ['a'] })
      expect(await filled(written('gone', 3n), { ...deleted, key: 'b', version: 3n })).toEqual({
        rows: 0,
        keys: [],
      })
    })

    it('is said of a delete that finds neither row nor tombstone, once, and among others of the same batch', async () => {
      await filled(written('a', 1n), written('b', 1n), written('c', 1n))
      await filled(gone('c', 2n))
      await filled(written('c', 3n))
      await aurora.legacy.query(
        "REPLACE INTO cheftable (id, cheffirst) SELECT id, 'C' FROM cheftable WHERE backsync_key = 'a'",
      )

      const batch = [gone('a', 2n), gone('b', 2n), gone('c', 4n)]
      expect(await filled(...batch)).toEqual({ rows: 1, keys: ['a'] })
      expect(await filled(...batch)).toEqual({ rows: 0, keys: [] })
      // No older write comes back for it: it is as deleted as the others.
      expect(await filled(written('a', 1n))).toEqual({ rows: 0, keys: [] })
      expect(await aurora.store.get(chef, 'a')).toBeUndefined()
    })

    it('is not said of a delete whose key began in the same batch, nor of one that came twice', async () => {
      expect(await filled(written('n', 1n), gone('n', 2n))).toEqual({ rows: 0, keys: [] })
      expect(await filled(gone('n', 2n))).toEqual({ rows: 0, keys: [] })
    })

    it('costs a delete that finds its row no call more', async () => {
      await filled(written('a', 1n), written('b', 1n))
      const before = aurora.calls()
      await filled(gone('a', 2n))
      expect(aurora.calls() - before).toBe(2)
    })

    it('is not said of a key that begins in the same batch, nor of one that was deleted', async () => {
      expect(await filled(written('a', 1n), written('a', 2n))).toEqual({ rows: 0, keys: [] })
      await filled({ entity: 'chef', key: 'd', op: 'delete', version: 4n, source: 'stream', at: AT })

      expect(await filled(written('d', 5n))).toEqual({ rows: 0, keys: [] })
    })
  })
})
