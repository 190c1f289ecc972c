import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import type { RowDataPacket } from 'mysql2/promise'
import { readMigrations } from '../../../../functions/bridge/migrations/files.ts'
import type { RecordKind } from '../../../../functions/bridge/model/attributes/attribute.ts'
import { text } from '../../../../functions/bridge/model/attributes/text.ts'
import type { Change, Row } from '../../../../functions/bridge/model/change.ts'
import { defineEntity, requireDistinct } from '../../../../functions/bridge/model/entity.ts'
import { autoIncrement } from '../../../../functions/bridge/model/identity.ts'
import { openTestAurora, type TestAurora } from '../../../support/aurora.ts'
import { type Shape, shapesOf } from '../../fixtures/shapes.ts'

const AT = '2026-11-22T03:00:00.123Z'

/** The statements of sql/README.md, for a table that counts its rows and for one that doesn't. */
const adoption = ({ entity: { table, keyParts, record } }: Shape): string => {
  if (record === 'sideTable') return 'SELECT 1;\n'
  const counts = keyParts.length === 0
  const key =
    'ADD COLUMN backsync_key VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NULL DEFAULT NULL INVISIBLE,'
  const unique = `ALTER TABLE ${table} ADD UNIQUE KEY backsync_key (backsync_key), ALGORITHM=INPLACE, LOCK=NONE;\n`
  return `ALTER TABLE ${table} ${counts ? key : ''}
  ADD COLUMN backsync_version BIGINT UNSIGNED NOT NULL DEFAULT 1 INVISIBLE,
  ADD COLUMN backsync_updated_at TIMESTAMP(3) NULL DEFAULT NULL ON UPDATE CURRENT_TIMESTAMP(3) INVISIBLE,
  ADD COLUMN backsync_owner VARCHAR(8) CHARACTER SET ascii COLLATE ascii_bin NULL DEFAULT NULL INVISIBLE,
  ADD COLUMN backsync_epoch BIGINT UNSIGNED NOT NULL DEFAULT 0 INVISIBLE,
  ALGORITHM=INSTANT;\n${counts ? unique : ''}`
}

describe.each<RecordKind>(['row', 'sideTable'])(
  'a table of a shape that real schemas have, its records in its %s',
  (record) => {
    const shapes = shapesOf(record)
    let aurora: TestAurora
    let folder: string

    beforeAll(async () => {
      requireDistinct(shapes.map(({ entity }) => entity))
      folder = await mkdtemp(join(tmpdir(), 'shapes-'))
      await writeFile(join(folder, '0001_adopt.up.sql'), shapes.map(adoption).join('\n'))
      await writeFile(join(folder, '0001_adopt.down.sql'), 'SELECT 1;\n')
      aurora = await openTestAurora({ migrate: false })
      for (const { legacy } of shapes) for (const statement of legacy) await aurora.legacy.query(statement)
      await aurora.migrator(readMigrations(folder)).apply()
    })
    afterAll(async () => {
      await aurora.close()
      await rm(folder, { recursive: true })
    })

    const change = ({ entity, key }: Shape, version: number, row?: Row): Change => {
      const identified = {
        entity: entity.name,
        key,
        version: BigInt(version),
        source: 'stream',
        at: AT,
      } as const
      return row === undefined ? { ...identified, op: 'delete' } : { ...identified, op: 'upsert', row }
    }

    it.each(shapes.map((shape) => [shape.entity.table, shape] as const))(
      '%s is written and read, by a change and by a client',
      async (_, shape) => {
        const { entity, key, row, read = row } = shape
        expect(await aurora.writer.applyIsolating(entity, [change(shape, 1, row)])).toMatchObject({
          applied: 1,
          refused: [],
        })
        expect(await aurora.store.get(entity, key)).toEqual({ key, row: read, version: 1n, updatedAt: AT })

        const replaced = await aurora.store.write(entity, {
          entity: entity.name,
          key,
          op: 'upsert',
          version: 'next',
          source: 'api',
          at: AT,
          row,
        })
        expect(replaced).toMatchObject({ version: 2n })
        expect((await aurora.store.list(entity, { limit: 5, position: undefined })).items).toHaveLength(1)
      },
    )

    it.each(shapes.map((shape) => [shape.entity.table, shape] as const))(
      'lets the legacy application write %s as it did',
      async (table) => {
        const [columns] = await aurora.legacy.query<RowDataPacket[]>(`SELECT * FROM ${table}`)
        expect(
          columns.flatMap((row) => Object.keys(row)).filter((name) => name.startsWith('backsync_')),
        ).toEqual([])
      },
    )

    it('keeps what the definition leaves out as its default says', async () => {
      const [rows] = await aurora.legacy.query<RowDataPacket[]>(
        'SELECT ST_AsText(place) AS place FROM legacy_stops',
      )
      expect(rows.map(({ place }) => String(place).replace(' ', ''))).toEqual(['POINT(00)'])
    })

    it.each(['GEOMETRY', 'POINT'])('is refused by name where a %s left out has no default', async (type) => {
      const table = `bare_${type.toLowerCase()}`
      await aurora.legacy.query(`CREATE TABLE ${table} (id INT NOT NULL AUTO_INCREMENT PRIMARY KEY, title VARCHAR(9) NOT NULL,
      place ${type} NOT NULL)`)
      const entity = defineEntity({
        name: 'bare',
        plural: 'bares',
        keyName: 'bareId',
        table,
        identity: autoIncrement('id'),
        record,
        attributes: { title: text({ column: 'title', maxLength: 9 }) },
        example: { title: 'x' },
      })
      await aurora.legacy.query(adoption({ entity, legacy: [], key: '', row: {} }).split(';')[0] ?? '')

      const bare: Shape = { entity, legacy: [], key: 'k', row: { title: 'x' } }
      const { refused } = await aurora.writer.applyIsolating(entity, [change(bare, 1, bare.row)])
      expect(refused.map(({ error }) => error)).toMatchObject([
        { code: 'mysql.1364', kind: 'data', broken: { column: 'place' } },
      ])
      expect(refused[0]?.error.message).toContain('column place has no default, and no value was given')
    })
  },
)
