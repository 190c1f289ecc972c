import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import type { RowDataPacket } from 'mysql2/promise'
import { untangle } from '../../../../functions/bridge/aurora/untangle.ts'
import { toRow } from '../../../../functions/bridge/http/body.ts'
import type { Attribute, Json, RecordKind } from '../../../../functions/bridge/model/attributes/attribute.ts'
import { fixedBinary } from '../../../../functions/bridge/model/attributes/binary.ts'
import { bit } from '../../../../functions/bridge/model/attributes/bit.ts'
import { boolean } from '../../../../functions/bridge/model/attributes/boolean.ts'
import { char } from '../../../../functions/bridge/model/attributes/char.ts'
import { date } from '../../../../functions/bridge/model/attributes/date.ts'
import { datetime } from '../../../../functions/bridge/model/attributes/datetime.ts'
import { decimal } from '../../../../functions/bridge/model/attributes/decimal.ts'
import { double } from '../../../../functions/bridge/model/attributes/double.ts'
import { float } from '../../../../functions/bridge/model/attributes/float.ts'
import { integer } from '../../../../functions/bridge/model/attributes/integer.ts'
import { oneOf } from '../../../../functions/bridge/model/attributes/one-of.ts'
import { reference } from '../../../../functions/bridge/model/attributes/reference.ts'
import { setOf } from '../../../../functions/bridge/model/attributes/set-of.ts'
import { text } from '../../../../functions/bridge/model/attributes/text.ts'
import { time } from '../../../../functions/bridge/model/attributes/time.ts'
import { timestamp } from '../../../../functions/bridge/model/attributes/timestamp.ts'
import { uuid } from '../../../../functions/bridge/model/attributes/uuid.ts'
import { year } from '../../../../functions/bridge/model/attributes/year.ts'
import type { Change } from '../../../../functions/bridge/model/change.ts'
import { defineEntity, type Entity } from '../../../../functions/bridge/model/entity.ts'
import { jsonValue, parseExactJson } from '../../../../functions/bridge/model/exact-json.ts'
import { autoIncrement } from '../../../../functions/bridge/model/identity.ts'
import { openTestAurora, type TestAurora } from '../../../support/aurora.ts'
import { recordKinds } from '../../../support/runs.ts'

const AT = '2026-11-22T03:00:00.123Z'
const ADOPTED = `backsync_key VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NULL INVISIBLE,
  backsync_version BIGINT UNSIGNED NOT NULL DEFAULT 1 INVISIBLE,
  backsync_updated_at TIMESTAMP(3) NULL DEFAULT NULL ON UPDATE CURRENT_TIMESTAMP(3) INVISIBLE,
  backsync_owner VARCHAR(8) CHARACTER SET ascii COLLATE ascii_bin NULL DEFAULT NULL INVISIBLE,
  backsync_epoch BIGINT UNSIGNED NOT NULL DEFAULT 0 INVISIBLE, UNIQUE KEY backsync_key (backsync_key)`

const column = 'v'
const small = { column, min: 0n, max: 255n }

/** Columns, each with some values that change places. None has much more room than that. */
type Kind = readonly [type: string, of: Attribute, values: readonly Json[]]
const KINDS: readonly Kind[] = [
  ['TINYINT', integer({ column, min: -128n, max: 127n }), [-1, 0, 127]],
  ['TINYINT UNSIGNED', integer(small), [0, 254, 255]],
  ['TINYINT(1)', boolean({ column }), [true, false]],
  ['SMALLINT', integer(small), [1, 2, 3]],
  ['MEDIUMINT UNSIGNED', integer(small), [1, 2, 3]],
  ['INT', integer({ column }), [-2147483648, 0, 2147483647]],
  [
    'BIGINT UNSIGNED',
    integer({ column, max: 2n ** 64n - 1n }),
    [0, '18446744073709551615', '9223372036854775808'],
  ],
  ['BIT(2)', bit({ column, length: 2 }), [0, 1, 3]],
  ['BIT(64)', bit({ column, length: 64 }), [0, 1, '18446744073709551615']],
  ['DECIMAL(2,2)', decimal({ column, precision: 2, scale: 2 }), ['0.00', '0.50', '0.99']],
  ['DECIMAL(20,4)', decimal({ column, precision: 20, scale: 4 }), ['0.0000', '1.5000', '-3.2500']],
  ['FLOAT', float({ column }), ['0.5', '1', '-7']],
  ['DOUBLE', double({ column }), ['0.1', '1', '-7']],
  [
    "ENUM('thin', 'it''s, ok', 'deep', 'wide')",
    oneOf({ column, values: ['thin', 'deep', "it's, ok", 'wide'] }),
    ['thin', 'deep', 'wide'],
  ],
  [
    "SET('thin', 'deep')",
    setOf({ column, values: ['thin', 'deep'] }),
    [['thin'], ['deep'], ['thin', 'deep']],
  ],
  ['DATE', date({ column }), ['2026-01-01', '2026-01-02', '9999-12-31']],
  ['DATETIME(3)', datetime({ column, precision: 3 }), ['2026-01-01T00:00:00.000', '2026-01-01T00:00:00.001']],
  [
    'TIMESTAMP',
    timestamp({ column }),
    ['2026-01-01T00:00:00Z', '2038-01-19T03:14:07Z', '1970-01-01T00:00:01Z'],
  ],
  ['TIME', time({ column }), ['10:00:00', '-10:00:00', '838:59:59']],
  ['YEAR', year({ column }), [1901, 2026, 2155]],
  ['VARCHAR(1) COLLATE utf8mb4_bin', text({ column, maxLength: 1 }), ['a', 'b', 'c']],
  [
    'VARCHAR(4) CHARACTER SET latin1 COLLATE latin1_german1_ci',
    text({ column, maxLength: 4, charset: 'latin1' }),
    ['aa', 'ä', 'b'],
  ],
  ['VARCHAR(60) COLLATE utf8mb4_unicode_ci', text({ column, maxLength: 60 }), ['red', 'green', 'blue']],
  ['CHAR(2) CHARACTER SET ascii', char({ column, length: 2, charset: 'ascii' }), ['a', 'b', 'c']],
  ['BINARY(1)', fixedBinary({ column, length: 1 }), ['AA==', '/w==', 'AQ==']],
  [
    'BINARY(16)',
    uuid({ column }),
    ['00000000-0000-4000-8000-000000000001', '00000000-0000-4000-8000-000000000002'],
  ],
]

const THIN_OR_DEEP: Kind = ["ENUM('thin', 'deep')", oneOf({ column, values: ['thin', 'deep'] }), ['thin']]

describe.each<RecordKind>(recordKinds)(
  'values of a unique index that change places, with records in a %s',
  (record) => {
    const shelf = defineEntity({
      record,
      name: 'shelf',
      plural: 'shelves',
      keyName: 'shelfId',
      table: 'shelves',
      identity: autoIncrement('id'),
      attributes: { name: text({ column: 'name', maxLength: 20 }) },
      example: { name: 'left' },
    })
    let aurora: TestAurora
    let tables = 0
    beforeAll(async () => {
      aurora = await openTestAurora()
      const adopted = record === 'row' ? `, ${ADOPTED}` : ''
      await aurora.legacy.query(
        `CREATE TABLE shelves (id BIGINT AUTO_INCREMENT PRIMARY KEY, name VARCHAR(20) NOT NULL${adopted})`,
      )
      await apply(shelf, [
        change(shelf, 's', 1n, { name: 'left' }),
        change(shelf, 'other', 1n, { name: 'right' }),
      ])
    })
    afterAll(() => aurora.close())

    const change = (
      entity: Entity,
      key: string,
      version: bigint,
      body: Readonly<Record<string, Json>>,
    ): Change => ({
      entity: entity.name,
      key,
      op: 'upsert',
      version,
      source: 'stream',
      at: AT,
      row: toRow(entity, jsonValue(parseExactJson(JSON.stringify(body))) ?? null),
    })

    /** As a batch of the stream would: what is refused alone is tried together. @returns the codes of what stays refused */
    const apply = async (entity: Entity, changes: readonly Change[]): Promise<unknown[]> => {
      const { refused } = await aurora.writer.applyIsolating(entity, changes)
      if (refused.length === 0) return []
      const done = await untangle([shelf, entity], new Map([[entity.name, refused]]), {
        writer: aurora.writer,
        keptBy: async () => [],
      })
      return refused.filter((one) => !done.has(one.change)).map(({ error }) => error)
    }

    /** A table whose rows stand on a shelf, at a place of a kind. */
    const standing = async ([type, of, [v = null]]: Kind, unique: string, more = ''): Promise<Entity> => {
      tables += 1
      const table = `standing_${tables}`
      const adopted = record === 'row' ? `, ${ADOPTED}` : ''
      await aurora.legacy.query(`CREATE TABLE ${table} (id BIGINT AUTO_INCREMENT PRIMARY KEY, shelf_id BIGINT NOT NULL,
        v ${type} NOT NULL, n INT NULL, UNIQUE KEY one_place (${unique})${more},
        CONSTRAINT f_${table} FOREIGN KEY (shelf_id) REFERENCES shelves (id)${adopted})`)
      return defineEntity({
        record,
        name: `standing${tables}`,
        plural: `standings${tables}`,
        keyName: 'standingId',
        table,
        identity: autoIncrement('id'),
        attributes: {
          shelfId: reference({
            column: 'shelf_id',
            to: { name: 'shelf', table: 'shelves', idColumn: 'id', record },
          }),
          v: of,
          n: integer({ column: 'n', optional: true }),
        },
        example: { shelfId: '1', v },
      })
    }
    const at = (entity: Entity, key: string, version: bigint, v: Json, shelfId = 's') =>
      change(entity, key, version, { shelfId, v })
    const held = async (entity: Entity, keys: readonly string[]) =>
      Promise.all(
        keys.map(async (key) => {
          const stored = await aurora.store.get(entity, key)
          return [entity.attributes.v?.toJson(stored?.row.v ?? null), stored?.version]
        }),
      )

    describe.each([
      ['of that column alone', 'v'],
      ['of that column beside a foreign key', 'shelf_id, v'],
    ])('%s', (_, unique) => {
      it.each(KINDS)('%s', async (type, of, values) => {
        const entity = await standing([type, of, values], unique)
        const keys = values.map((_value, n) => `k${n}`)
        const turned = (by: number) => keys.map((_key, n) => values[(n + by) % values.length] ?? null)
        const written = (by: number, version: bigint) =>
          keys.map((key, n) => at(entity, key, version, turned(by)[n] ?? null))
        expect(await apply(entity, written(0, 1n))).toEqual([])
        const ids = async () => (await aurora.legacy.query(`SELECT id FROM ${entity.table} ORDER BY id`))[0]
        const before = await ids()

        expect(await apply(entity, written(1, 2n))).toEqual([])
        expect(await held(entity, keys)).toEqual(turned(1).map((value) => [value, 2n]))
        expect(await apply(entity, written(2, 3n))).toEqual([])
        expect(await held(entity, keys)).toEqual(turned(2).map((value) => [value, 3n]))
        expect(await ids()).toEqual(before)
      })
    })

    it('turn with one value that is left, whatever else of them wants what somebody else keeps', async () => {
      const entity = await standing(['TINYINT UNSIGNED', integer(small), [1]], 'shelf_id, v')
      await apply(
        entity,
        [1, 2, 3, 4, 9].map((v) => at(entity, `k${v}`, 1n, v)),
      )
      // All but 200 are taken on that shelf; other shelves' are of no account.
      const taken = Array.from({ length: 256 }, (_, v) => v).filter((v) => ![1, 2, 3, 4, 9, 200].includes(v))
      for (const [shelfKey, vs] of [
        ['left', taken],
        ['right', [200]],
      ] as const)
        await aurora.legacy.query(
          `INSERT INTO ${entity.table} (shelf_id, v) SELECT s.id, j.v FROM shelves AS s
            JOIN JSON_TABLE(?, '$[*]' COLUMNS (v INT PATH '$')) AS j WHERE s.name = ?`,
          [JSON.stringify(vs), shelfKey],
        )

      const left = await apply(entity, [
        at(entity, 'k9', 2n, 77),
        at(entity, 'k1', 2n, 2),
        at(entity, 'k2', 2n, 1),
        at(entity, 'k3', 2n, 4),
        at(entity, 'k4', 2n, 3),
      ])
      expect(left).toMatchObject([{ code: 'mysql.1062' }])
      expect(await held(entity, ['k1', 'k2', 'k3', 'k4', 'k9'])).toEqual([
        [2, 2n],
        [1, 2n],
        [4, 2n],
        [3, 2n],
        [9, 1n],
      ])
    })

    it('stay refused, with the index, where the column can hold nothing else', async () => {
      const entity = await standing(THIN_OR_DEEP, 'shelf_id, v')
      await apply(entity, [at(entity, 'a', 1n, 'thin'), at(entity, 'b', 1n, 'deep')])
      const left = await apply(entity, [at(entity, 'a', 2n, 'deep'), at(entity, 'b', 2n, 'thin')])
      expect(left).toMatchObject(
        [1, 2].map(() => ({ code: 'mysql.1062', broken: { index: expect.stringContaining('one_place') } })),
      )
      expect(await held(entity, ['a', 'b'])).toEqual([
        ['thin', 1n],
        ['deep', 1n],
      ])
    })

    it('give way in another column of the index, where that may be NULL', async () => {
      const entity = await standing(THIN_OR_DEEP, 'shelf_id, v, n')
      const of = (key: string, version: bigint, v: string) =>
        change(entity, key, version, { shelfId: 's', v, n: 1 })
      await apply(entity, [of('a', 1n, 'thin'), of('b', 1n, 'deep')])
      expect(await apply(entity, [of('a', 2n, 'deep'), of('b', 2n, 'thin')])).toEqual([])
      const [rows] = await aurora.legacy.query<RowDataPacket[]>(
        `SELECT v, n FROM ${entity.table} ORDER BY id`,
      )
      expect(rows.map((row) => ({ ...row }))).toEqual([
        { v: 'deep', n: 1 },
        { v: 'thin', n: 1 },
      ])
    })

    it('of two indexes at once change places', async () => {
      const entity = await standing(
        ['TINYINT', integer({ column }), [1]],
        'shelf_id, v',
        ', UNIQUE KEY one_n (n)',
      )
      const of = (key: string, version: bigint, v: number, n: number) =>
        change(entity, key, version, { shelfId: 's', v, n })
      await apply(entity, [of('a', 1n, 1, 1), of('b', 1n, 2, 2), of('c', 1n, 3, 3)])
      expect(await apply(entity, [of('a', 2n, 2, 3), of('b', 2n, 3, 1), of('c', 2n, 1, 2)])).toEqual([])
      expect(await held(entity, ['a', 'b', 'c'])).toEqual([
        [2, 2n],
        [3, 2n],
        [1, 2n],
      ])
    })

    it('are no other with what is referred to by others, nor made by the database', async () => {
      const entity = await standing(
        ['TINYINT', integer({ column }), [1]],
        'v, n',
        ', UNIQUE KEY by_n (n), twice INT GENERATED ALWAYS AS (v * 2) STORED, UNIQUE KEY twice_only (twice)',
      )
      await aurora.legacy.query(
        `CREATE TABLE of_${entity.table} (n INT NULL, FOREIGN KEY (n) REFERENCES ${entity.table} (n))`,
      )
      const of = (key: string, version: bigint, v: number) =>
        change(entity, key, version, { shelfId: 's', v, n: Number(key) })
      await apply(entity, [of('71', 1n, 1), of('72', 1n, 2)])
      await aurora.legacy.query(`INSERT INTO of_${entity.table} VALUES (71)`)
      // Of the generated column nothing is known; what it is made of is in no index with it.
      expect(await apply(entity, [of('71', 2n, 2), of('72', 2n, 1)])).toMatchObject([
        { code: 'mysql.1062' },
        { code: 'mysql.1062' },
      ])
      await aurora.legacy.query(`ALTER TABLE ${entity.table} DROP INDEX twice_only`)
      expect(await apply(entity, [of('71', 2n, 2), of('72', 2n, 1)])).toEqual([])
      expect(await held(entity, ['71', '72'])).toEqual([
        [2, 2n],
        [1, 2n],
      ])
    })
  },
)
