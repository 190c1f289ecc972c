import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals'
import { recordOwners } from '../../../../../functions/bridge/aurora/owners.ts'
import type { RecordKind } from '../../../../../functions/bridge/model/attributes/attribute.ts'
import { integer } from '../../../../../functions/bridge/model/attributes/integer.ts'
import { text } from '../../../../../functions/bridge/model/attributes/text.ts'
import { childRows } from '../../../../../functions/bridge/model/child-rows.ts'
import { defineEntity } from '../../../../../functions/bridge/model/entity.ts'
import { autoIncrement, natural } from '../../../../../functions/bridge/model/identity.ts'
import { openTestAurora, type TestAurora } from '../../../../support/aurora.ts'
import { installMirror } from '../../../../support/mirrored.ts'
import { COUNTED, RECORD } from '../../../fixtures/adopted.ts'
import { readLog, readTombstones, refusalOf } from './legacy.ts'

describe.each<RecordKind>(['row', 'sideTable'])(
  'rows whose own key a foreign key changes, with records in a %s',
  (record) => {
    const shift = defineEntity({
      name: 'shift',
      plural: 'shifts',
      keyName: 'shiftId',
      table: 'shifts',
      record,
      identity: natural(['dept', 'no'], { collation: 'utf8mb4_bin' }),
      attributes: {
        dept: text({ column: 'dept', maxLength: 10 }),
        no: integer({ column: 'no' }),
        note: text({ column: 'note', maxLength: 20, optional: true }),
      },
      children: {
        tags: childRows({
          table: 'tags',
          parentColumn: ['dept', 'no'],
          positionColumn: 'place',
          attributes: { colour: text({ column: 'colour', maxLength: 10 }) },
          optional: true,
        }),
      },
      mirror: {},
      example: { dept: 'a', no: 1, note: 'x' },
    })
    const task = defineEntity({
      name: 'task',
      plural: 'tasks',
      keyName: 'taskId',
      table: 'tasks',
      record,
      identity: natural(['dept', 'no', 'at'], { collation: 'utf8mb4_bin' }),
      attributes: {
        dept: text({ column: 'dept', maxLength: 10 }),
        no: integer({ column: 'no' }),
        at: integer({ column: 'at' }),
      },
      mirror: {},
      example: { dept: 'a', no: 1, at: 1 },
    })
    const folder = defineEntity({
      name: 'folder',
      plural: 'folders',
      keyName: 'folderId',
      table: 'folders',
      record,
      identity: autoIncrement('id'),
      attributes: { title: text({ column: 'title', maxLength: 20, optional: true }) },
      mirror: {},
      example: { title: 'a' },
    })
    const own = record === 'row' ? `${RECORD},` : ''
    const tables = [
      'CREATE TABLE houses (name VARCHAR(10) COLLATE utf8mb4_bin PRIMARY KEY)',
      `CREATE TABLE depts (code VARCHAR(10) COLLATE utf8mb4_bin PRIMARY KEY, house VARCHAR(10) COLLATE utf8mb4_bin NULL,
        FOREIGN KEY (house) REFERENCES houses (name) ON UPDATE CASCADE)`,
      'CREATE TABLE colours (name VARCHAR(10) COLLATE utf8mb4_bin PRIMARY KEY)',
      `CREATE TABLE shifts (dept VARCHAR(10) COLLATE utf8mb4_bin NOT NULL, no INT NOT NULL, note VARCHAR(20), ${own} PRIMARY KEY (dept, no),
        FOREIGN KEY (dept) REFERENCES depts (code) ON UPDATE CASCADE)`,
      `CREATE TABLE tags (dept VARCHAR(10) COLLATE utf8mb4_bin NOT NULL, no INT NOT NULL, place INT NOT NULL, colour VARCHAR(10) COLLATE utf8mb4_bin NOT NULL,
        PRIMARY KEY (dept, no, place), FOREIGN KEY (dept, no) REFERENCES shifts (dept, no) ON DELETE CASCADE ON UPDATE CASCADE,
        FOREIGN KEY (colour) REFERENCES colours (name) ON UPDATE CASCADE)`,
      `CREATE TABLE tasks (dept VARCHAR(10) COLLATE utf8mb4_bin NOT NULL, no INT NOT NULL, at INT NOT NULL, ${own} PRIMARY KEY (dept, no, at),
        FOREIGN KEY (dept, no) REFERENCES shifts (dept, no) ON DELETE CASCADE ON UPDATE CASCADE)`,
      'CREATE TABLE files (id INT PRIMARY KEY)',
      `CREATE TABLE folders (id INT AUTO_INCREMENT PRIMARY KEY, title VARCHAR(20), ${record === 'row' ? `${COUNTED},` : ''}
        FOREIGN KEY (id) REFERENCES files (id) ON UPDATE CASCADE)`,
    ]

    let aurora: TestAurora
    const run = (statement: string) => aurora.legacy.query(statement)
    beforeAll(async () => {
      aurora = await openTestAurora()
      for (const table of tables) await run(table)
      for (const one of [shift, task, folder]) await recordOwners(aurora.db, one)
      await installMirror(aurora, [shift, task, folder])
    })
    beforeEach(async () => {
      if (record === 'row')
        await run('UPDATE shifts SET backsync_owner = NULL, backsync_epoch = backsync_epoch + 1')
      else await run('DELETE FROM backsync_records')
      for (const table of [
        'tasks',
        'shifts',
        'depts',
        'houses',
        'colours',
        'folders',
        'files',
        'backsync_tombstones',
      ])
        await run(`DELETE FROM ${table}`)
      // One of a department only: MySQL 9.7 itself refuses a cascade over several rows where others refer to those.
      await run("INSERT INTO depts VALUES ('a', NULL), ('b', NULL)")
      await run("INSERT INTO shifts (dept, no, note) VALUES ('a', 1, 'x'), ('b', 1, 'z')")
      for (const table of ['backsync_tombstones', 'backsync_changes']) await run(`DELETE FROM ${table}`)
    })
    afterAll(() => aurora.close())

    const giveTo = async (key: string, owner: string) => {
      const [dept, no] = key.split(',')
      await (record === 'row'
        ? run(
            `UPDATE shifts SET backsync_owner = '${owner}', backsync_epoch = backsync_epoch + 1 WHERE dept = '${dept}' AND no = ${no}`,
          )
        : run(`INSERT INTO backsync_records (entity, entity_key, version, owner, epoch) VALUES ('shift', '${key}', 1, '${owner}', 9)
            ON DUPLICATE KEY UPDATE owner = '${owner}', epoch = 9`))
    }

    it('are told as gone under the one that they had, and as there under the one that they have', async () => {
      await run("UPDATE depts SET code = 'c' WHERE code = 'a'")
      expect(new Set(await readLog(aurora))).toEqual(new Set(['delete a,1 v2', 'upsert c,1 v1']))
      expect(await readTombstones(aurora)).toEqual(['a,1 v2'])
    })

    it('are so at any depth, and by what their own table changes itself', async () => {
      await run("INSERT INTO tasks (dept, no, at) VALUES ('a', 1, 7)")
      await run('DELETE FROM backsync_changes')
      await run("UPDATE depts SET code = 'c' WHERE code = 'a'")
      expect(await readLog(aurora)).toEqual(expect.arrayContaining(['delete a,1,7 v2', 'upsert c,1,7 v1']))
      await run('DELETE FROM backsync_changes')
      await run("UPDATE shifts SET no = 5 WHERE dept = 'c' AND no = 1")
      const log = await readLog(aurora)
      expect(log).toEqual(expect.arrayContaining(['upsert c,5,7 v1']))
      expect(log.filter((line) => /^delete c,1,7 /.test(line))).toHaveLength(1)
    })

    it('are as new where something else had that key before, and have no record under the old one', async () => {
      await run("INSERT INTO depts VALUES ('c', NULL)")
      await run("INSERT INTO shifts (dept, no) VALUES ('c', 1)")
      await run("DELETE FROM shifts WHERE dept = 'c'")
      await run("DELETE FROM depts WHERE code = 'c'")
      await run("UPDATE shifts SET note = 'written before'")
      await run('DELETE FROM backsync_changes')
      await run("UPDATE depts SET code = 'c' WHERE code = 'a'")
      expect(await readLog(aurora)).toContainEqual(expect.stringMatching(/^upsert c,1 v/))
      const [left] = await run(
        "SELECT entity_key FROM backsync_records WHERE entity = 'shift' AND entity_key LIKE 'a,%'",
      )
      expect(left).toEqual([])
    })

    it('are not told where what changes is nothing that they refer to, and by others once', async () => {
      await run("INSERT INTO houses VALUES ('h')")
      await run("UPDATE depts SET house = 'h'")
      await run("UPDATE houses SET name = 'i'")
      expect(await readLog(aurora)).toEqual([])
    })

    it('are not reached where DynamoDB owns one of them', async () => {
      await giveTo('a,1', 'dynamo')
      await run('DELETE FROM backsync_changes')
      const refused = await refusalOf(aurora, "UPDATE depts SET code = 'c' WHERE code = 'a'")
      expect(refused).toBe('backsync: not-the-owner: DynamoDB owns this shift')
      expect([await readLog(aurora), await readTombstones(aurora)]).toEqual([[], []])
    })

    it('take no key that DynamoDB has had last', async () => {
      await run(`INSERT INTO backsync_tombstones (entity, entity_key, version, deleted_at, owner, epoch)
        VALUES ('shift', 'c,1', 4, CURRENT_TIMESTAMP(3), 'dynamo', 3)`)
      const refused = await refusalOf(aurora, "UPDATE depts SET code = 'c' WHERE code = 'a'")
      expect(refused).toBe('backsync: not-the-owner: DynamoDB owns this shift')
      expect(await readLog(aurora)).toEqual([])
    })

    it('are told as changed where a row of a list of theirs is', async () => {
      await run("INSERT INTO colours VALUES ('red')")
      await run("INSERT INTO tags VALUES ('b', 1, 0, 'red')")
      await run('DELETE FROM backsync_changes')
      await run("UPDATE colours SET name = 'blue'")
      expect(new Set(await readLog(aurora))).toEqual(new Set([expect.stringMatching(/^upsert b,1 v/)]))
    })

    it('are refused a new id where they are counted: nobody could tell which row it was', async () => {
      await run('INSERT INTO files VALUES (1), (2)')
      await run("INSERT INTO folders (id, title) VALUES (1, 'a')")
      await run('DELETE FROM backsync_changes')
      expect(await refusalOf(aurora, 'UPDATE files SET id = 9 WHERE id = 1')).toBe(
        'backsync: the id of a folder can not be changed by a foreign key',
      )
      await run('UPDATE files SET id = 8 WHERE id = 2')
      expect(await readLog(aurora)).toEqual([])
    })
  },
)
