import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { sql } from 'kysely'
import {
  bucketInSql,
  type CanonicalSql,
  canonicalSql,
  keyOfRowInSql,
  textHashInSql,
} from '../../../../functions/bridge/aurora/canonical-sql.ts'
import { readColumnTypes } from '../../../../functions/bridge/aurora/column-types.ts'
import { type ReadRecord, readRecords } from '../../../../functions/bridge/aurora/many-records.ts'
import { recordOwners } from '../../../../functions/bridge/aurora/owners.ts'
import { source } from '../../../../functions/bridge/aurora/record-place.ts'
import type { Attribute } from '../../../../functions/bridge/model/attributes/attribute.ts'
import { boolean } from '../../../../functions/bridge/model/attributes/boolean.ts'
import { date } from '../../../../functions/bridge/model/attributes/date.ts'
import { datetime } from '../../../../functions/bridge/model/attributes/datetime.ts'
import { decimal } from '../../../../functions/bridge/model/attributes/decimal.ts'
import { integer } from '../../../../functions/bridge/model/attributes/integer.ts'
import { oneOf } from '../../../../functions/bridge/model/attributes/one-of.ts'
import { reference } from '../../../../functions/bridge/model/attributes/reference.ts'
import { setOf } from '../../../../functions/bridge/model/attributes/set-of.ts'
import { text } from '../../../../functions/bridge/model/attributes/text.ts'
import { time } from '../../../../functions/bridge/model/attributes/time.ts'
import { timestamp } from '../../../../functions/bridge/model/attributes/timestamp.ts'
import { uuid } from '../../../../functions/bridge/model/attributes/uuid.ts'
import {
  bucketOf,
  canonicalField,
  canonicalRecord,
  textHash,
} from '../../../../functions/bridge/model/canonical.ts'
import { defineEntity, type Entity } from '../../../../functions/bridge/model/entity.ts'
import { autoIncrement } from '../../../../functions/bridge/model/identity.ts'
import { Deadline } from '../../../../functions/bridge/runtime/deadline.ts'
import { chef } from '../../../fixtures/entities/chef.ts'
import { openTestAurora, type TestAurora } from '../../../support/aurora.ts'
import { runs } from '../../../support/runs.ts'
import { createEveryKind, everyKind, kinds } from '../../fixtures/every-kind.ts'
import { adopted } from '../../fixtures/specimen.ts'

/** Kinds of which SQL makes no text. */
const IN_TYPESCRIPT = ['ratio', 'share', 'cost', 'part', 'document']
const inSql = Object.fromEntries(Object.entries(kinds).filter(([name]) => !IN_TYPESCRIPT.includes(name)))

const entityOf = (
  name: string,
  table: string,
  attributes: Readonly<Record<string, Attribute>>,
  more: Partial<Parameters<typeof defineEntity>[0]> = {},
): Entity =>
  defineEntity({
    ...{ name, plural: `${name}s`, keyName: `${name}Id`, table, identity: autoIncrement('id') },
    ...{ attributes, example: {}, ...more },
  })

describe('the text of a row in SQL and the text of what is read of it', () => {
  let aurora: TestAurora
  beforeAll(async () => {
    aurora = await openTestAurora({ owned: ['wide', 'chef', 'narrow', 'plate'] })
    await createEveryKind(aurora.legacy)
  })
  afterAll(() => aurora.close())
  beforeEach(async () => {
    await aurora.legacy.query("SET sql_mode = 'STRICT_TRANS_TABLES', time_zone = '+00:00'")
    await aurora.legacy.query('DELETE FROM every_kind')
  })

  const canonicalOf = async (entity: Entity): Promise<CanonicalSql> =>
    canonicalSql(entity, await readColumnTypes(aurora.db, entity))

  /** Of each row what SQL says, beside the record that is read. */
  const both = async (entity: Entity) => {
    const canonical = await canonicalOf(entity)
    if ('why' in canonical) throw new Error(canonical.why)
    const key = keyOfRowInSql(entity)
    const { rows } = await sql<Record<'k' | 'text' | 'hash' | 'bucket', unknown>>`
      SELECT ${sql.raw(key)} AS k, ${sql.raw(canonical.text)} AS text,
        CAST(${sql.raw(textHashInSql(canonical.text))} AS CHAR) AS hash, CAST(${sql.raw(bucketInSql(key, 1024))} AS CHAR) AS bucket
      FROM ${source(entity)}`.execute(aurora.db)
    const records = await readRecords(
      entity,
      rows.map(({ k }) => String(k)),
      { db: aurora.db, deadline: new Deadline() },
    )
    return rows.map((row, at) => ({ ...row, record: records[at] }))
  }
  const textOf = (entity: Entity, record: ReadRecord | undefined): string | undefined =>
    record?.state === 'held' ? canonicalRecord(entity, record) : undefined

  it('is the same, its hash and its bucket, of every kind and at its edges', async () => {
    const entity = entityOf(
      'wide',
      'every_kind',
      Object.fromEntries(Object.entries(inSql).map(([name, { attribute }]) => [name, attribute])),
    )
    const names = Object.values(inSql).map(({ attribute: { column } }) => `\`${column}\``)
    const row = fc.tuple(
      fc.option(fc.string({ minLength: 1, maxLength: 5 }), { nil: null }),
      ...Object.values(inSql).map(({ held }) => fc.option(held, { nil: null, freq: 9 })),
    )
    await fc.assert(
      fc.asyncProperty(
        fc.uniqueArray(row, { minLength: 1, maxLength: 12, selector: ([key]) => key ?? {} }),
        fc.constantFrom('dynamo', null),
        async (rows, owner) => {
          await aurora.legacy.query('DELETE FROM every_kind')
          await aurora.legacy.query(
            `INSERT INTO every_kind (backsync_owner, backsync_key, ${names.join(', ')}) VALUES ?`,
            [rows.map(([key, ...values]) => [owner, key === null ? null : `~|${key}.`, ...values])],
          )
          for (const { text: own, hash, bucket, k, record } of await both(entity)) {
            expect(own).toBe(textOf(entity, record))
            expect(hash).toBe(String(textHash(String(own))))
            expect(bucket).toBe(String(bucketOf(String(k), 1024)))
          }
        },
      ),
      runs(60, { short: 30 }),
    )
  }, 120_000)

  it('is of no SQL for numbers whose digits differ by server, and for documents', async () => {
    const types = await readColumnTypes(aurora.db, { table: 'every_kind' })
    const without = Object.entries(kinds).filter(
      ([name, { attribute }]) =>
        'why' in canonicalSql(entityOf('wide', 'every_kind', { [name]: attribute }), types),
    )

    expect(without.map(([name]) => name)).toEqual(IN_TYPESCRIPT)
  })

  it('is of no SQL where the entity has lists, or reads its rows itself', async () => {
    expect(await canonicalOf(everyKind)).toEqual({ why: 'it has the list parts' })
    const own = entityOf('wide', 'every_kind', {
      word: text({ column: 'word', maxLength: 9, optional: true }),
    })
    expect(await canonicalOf({ ...own, read: { get: async () => new Map() } })).toEqual({
      why: 'its rows are read by code of its own',
    })
  })

  /** A column that is wider than the definition, or of other words, as it is after an ALTER; and what is in it. */
  const altered: readonly (readonly [string, Attribute, readonly (string | null)[]])[] = [
    [
      'DECIMAL(12, 4)',
      decimal({ column: 'c', optional: true, precision: 10, scale: 2 }),
      ['1.23', '1.2345', '1.2300', '0'],
    ],
    [
      'DATETIME(6)',
      datetime({ column: 'c', optional: true }),
      ['2026-01-02 03:04:05', '2026-01-02 03:04:05.5', '2026-01-02 03:04:05.000001'],
    ],
    [
      'TIMESTAMP(6) NULL',
      timestamp({ column: 'c', optional: true, precision: 2 }),
      ['2026-01-02 03:04:05.12', '2026-01-02 03:04:05.123'],
    ],
    ['TIME(3)', time({ column: 'c', optional: true }), ['10:00:00', '10:00:00.5', '-10:00:00', '00:00:00']],
    ['TINYINT(1)', boolean({ column: 'c', optional: true }), ['0', '1', '2', '-1', '10', null]],
    ['BIGINT', integer({ column: 'c', optional: true, min: 0n, max: 9n }), ['1', '10', '-1', '0']],
    ['DATE', date({ column: 'c', optional: true }), ['0000-00-00', '2026-02-00', '2026-02-01']],
    [
      "ENUM('a', 'b', 'A2', '')",
      oneOf({ column: 'c', optional: true, values: ['a', 'b', ''] }),
      ['a', 'b', '', 'A2', 'zzz'],
    ],
    ["ENUM('a', 'b')", oneOf({ column: 'c', optional: true, values: ['a', 'b'] }), ['a', 'b', 'zzz']],
    [
      "SET('a', 'b', 'c', 'a2')",
      setOf({ column: 'c', optional: true, values: ['b', 'a'] }),
      ['a', 'a,b', 'a,b,c', 'c', '', 'a2'],
    ],
    ["SET('A', 'b')", setOf({ column: 'c', optional: true, values: ['b', 'a'] }), ['A', 'A,b', 'b']],
    [
      'CHAR(36)',
      uuid({ column: 'c', optional: true, kept: 'text' }),
      ['01990000-0000-7000-8000-00000000000a', '01990000-0000-7000-8000-00000000000A', 'none'],
    ],
    [
      'VARCHAR(20)',
      text({ column: 'c', optional: true, maxLength: 3 }),
      ['abc', 'abcd', 'a|b', 'a~1b', '~n', 'ab ', 'ab'],
    ],
  ]

  it.each(altered)(
    'over a column %s takes nothing that can’t be read for what can',
    async (type, attribute, held) => {
      await aurora.legacy.query('DROP TABLE IF EXISTS narrow')
      await aurora.legacy.query(
        `CREATE TABLE narrow (id BIGINT AUTO_INCREMENT PRIMARY KEY, c ${type.endsWith('NULL') ? type : `${type} NULL`}, ${adopted()}) CHARACTER SET utf8mb4`,
      )
      await aurora.legacy.query("SET sql_mode = ''")
      for (const value of held) await aurora.legacy.query('INSERT INTO narrow (c) VALUES (?)', [value])
      const entity = entityOf('narrow', 'narrow', { c: attribute })

      const rows = await both(entity)
      // Without the key: the text of the field alone.
      const field = (whole: unknown): string => String(whole).split('|').slice(3).join('|')
      const readable = rows.filter(({ record }) => record?.state === 'held')
      const others = rows.filter(({ record }) => record?.state !== 'held')

      for (const { text: own, record } of readable) expect(own).toBe(textOf(entity, record))
      // What an item may hold under the definition, whether the column can hold it or not.
      const items = [['a'], ['b'], ['b', 'a']].flatMap((value) =>
        attribute.kind === 'setOf' ? [canonicalField(attribute, value)] : [],
      )
      const known = new Set([...readable.map(({ text: own }) => field(own)), ...items])
      expect(others.filter(({ text: own }) => known.has(field(own)))).toEqual([])
      expect(rows).toHaveLength(held.length)
    },
  )

  it('leaves to TypeScript a column that has become one of another type', async () => {
    await aurora.legacy.query('DROP TABLE IF EXISTS narrow')
    await aurora.legacy.query(
      `CREATE TABLE narrow (id BIGINT AUTO_INCREMENT PRIMARY KEY, c VARCHAR(20) NULL, ${adopted()})`,
    )
    const entity = entityOf('narrow', 'narrow', { amount: integer({ column: 'c', optional: true }) })
    expect(await canonicalOf(entity)).toEqual({
      why: 'amount is of the kind integer, and its column varchar',
    })

    await aurora.legacy.query('ALTER TABLE narrow DROP COLUMN c')
    expect(await canonicalOf(entity)).toEqual({
      why: 'amount is of the kind integer, and its column is not there',
    })
  })

  it('names the row that a reference points to by its key, by its id where it has none, and none that is gone', async () => {
    await aurora.legacy.query('DROP TABLE IF EXISTS plates')
    await aurora.legacy.query(
      `CREATE TABLE plates (id BIGINT AUTO_INCREMENT PRIMARY KEY, chef BIGINT NULL, ${adopted()})`,
    )
    await aurora.legacy.query(
      "INSERT INTO cheftable (id, cheffirst, cheflast, backsync_key) VALUES (7, 'Ida', 'Test', 'ida|~'), (8, 'Bob', 'Test', NULL)",
    )
    await aurora.legacy.query('INSERT INTO plates (chef) VALUES (7), (8), (NULL), (999)')
    await recordOwners(aurora.db, { name: 'plate' })
    const entity = entityOf('plate', 'plates', {
      of: reference({ column: 'chef', to: chef, optional: true }),
    })

    const rows = await both(entity)

    expect(rows.map(({ record }) => record?.state)).toEqual(['held', 'held', 'held', 'unread'])
    for (const { text: own, record } of rows.slice(0, 3)) expect(own).toBe(textOf(entity, record))
    expect(rows.map(({ text: own }) => String(own).split('|').at(-1))).toEqual(['ida~1~0', '8', '~n', ''])
    await aurora.empty()
  })
})
