import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals'
import { type Connection, createConnection } from 'mysql2/promise'
import { recordOwners } from '../../../../../functions/bridge/aurora/owners.ts'
import { text } from '../../../../../functions/bridge/model/attributes/text.ts'
import { childRows } from '../../../../../functions/bridge/model/child-rows.ts'
import { defineEntity } from '../../../../../functions/bridge/model/entity.ts'
import { autoIncrement } from '../../../../../functions/bridge/model/identity.ts'
import { openTestAurora, type TestAurora } from '../../../../support/aurora.ts'
import { installMirror } from '../../../../support/mirrored.ts'
import { COUNTED } from '../../../fixtures/adopted.ts'
import { readLog, readTombstones, refusalOf } from './legacy.ts'

const page = defineEntity({
  name: 'page',
  plural: 'pages',
  keyName: 'pageId',
  table: 'pages',
  identity: autoIncrement('id'),
  attributes: { title: text({ column: 'title', maxLength: 20, optional: true }) },
  children: {
    marks: childRows({
      table: 'marks',
      parentColumn: 'page_id',
      positionColumn: 'place',
      attributes: { word: text({ column: 'word', maxLength: 20 }) },
      optional: true,
    }),
  },
  mirror: {},
  example: { title: 'a' },
})

/** A site has books, a book has pages; a page may be below another one, has an editor, and marks of some colours. */
const TABLES = [
  'CREATE TABLE sites (id INT PRIMARY KEY)',
  `CREATE TABLE books (id INT PRIMARY KEY, site_id INT NOT NULL,
    FOREIGN KEY (site_id) REFERENCES sites (id) ON DELETE CASCADE)`,
  'CREATE TABLE editors (id INT PRIMARY KEY)',
  'CREATE TABLE colours (id INT PRIMARY KEY)',
  `CREATE TABLE pages (id INT AUTO_INCREMENT PRIMARY KEY, title VARCHAR(20), book_id INT NULL, above_id INT NULL, editor_id INT NULL,
    ${COUNTED},
    FOREIGN KEY (book_id) REFERENCES books (id) ON DELETE CASCADE ON UPDATE CASCADE,
    FOREIGN KEY (above_id) REFERENCES pages (id) ON DELETE CASCADE,
    FOREIGN KEY (editor_id) REFERENCES editors (id) ON DELETE SET NULL)`,
  `CREATE TABLE marks (page_id INT NOT NULL, place INT NOT NULL, word VARCHAR(20) NOT NULL, colour_id INT NULL,
    PRIMARY KEY (page_id, place), FOREIGN KEY (page_id) REFERENCES pages (id) ON DELETE CASCADE,
    FOREIGN KEY (colour_id) REFERENCES colours (id) ON DELETE CASCADE)`,
]

describe('rows that foreign keys reach', () => {
  let aurora: TestAurora
  const run = (statement: string) => aurora.legacy.query(statement)
  beforeAll(async () => {
    aurora = await openTestAurora()
    for (const table of TABLES) await run(table)
    await recordOwners(aurora.db, page)
    await installMirror(aurora, [page])
  })
  beforeEach(async () => {
    await run('UPDATE pages SET backsync_owner = NULL, backsync_epoch = backsync_epoch + 1')
    for (const table of ['sites', 'editors', 'colours', 'pages']) await run(`DELETE FROM ${table}`)
    for (const table of ['backsync_tombstones', 'backsync_changes']) await run(`DELETE FROM ${table}`)
    await run('INSERT INTO sites VALUES (1)')
    await run('INSERT INTO books VALUES (1, 1), (2, 1)')
    await run('INSERT INTO editors VALUES (1)')
    await run('INSERT INTO colours VALUES (1)')
    await run(`INSERT INTO pages (id, title, book_id, above_id, editor_id)
      VALUES (1, 'a', 1, NULL, 1), (2, 'b', NULL, 1, NULL), (3, 'c', NULL, 2, NULL), (4, 'd', 2, NULL, NULL)`)
    await run("INSERT INTO marks VALUES (4, 1, 'x', 1)")
    await run('DELETE FROM backsync_changes')
  })
  afterAll(() => aurora.close())

  it('are told as deleted where their row goes with another one, through tables that no entity has', async () => {
    await run('DELETE FROM sites')
    expect(new Set(await readLog(aurora))).toEqual(
      new Set(['delete 1 v2', 'delete 2 v2', 'delete 3 v2', 'delete 4 v2']),
    )
    expect(await readTombstones(aurora)).toEqual(['1 v2', '2 v2', '3 v2', '4 v2'])
  })

  it('are told as deleted where they refer to a row of their own table, at any depth', async () => {
    await run('DELETE FROM pages WHERE id = 1')
    expect(new Set(await readLog(aurora))).toEqual(new Set(['delete 1 v2', 'delete 2 v2', 'delete 3 v2']))
    expect(await readTombstones(aurora)).toEqual(['1 v2', '2 v2', '3 v2'])
  })

  it('are told as changed where their reference is taken away', async () => {
    await run('DELETE FROM editors')
    expect(await readLog(aurora)).toEqual(['upsert 1 v1'])
    expect(await readTombstones(aurora)).toEqual([])
  })

  it('are told as changed where what they refer to changes its key', async () => {
    await run('UPDATE books SET id = 7 WHERE id = 2')
    expect(await readLog(aurora)).toEqual(['upsert 4 v1'])
  })

  it('are told as changed where a row of a list of theirs goes', async () => {
    await run('DELETE FROM colours')
    expect(await readLog(aurora)).toEqual(['upsert 4 v1'])
  })

  it.each(['DELETE FROM sites', 'DELETE FROM pages WHERE id = 1', 'DELETE FROM books WHERE id = 1'])(
    'are not reached where DynamoDB owns one of them: %s',
    async (statement) => {
      await run("UPDATE pages SET backsync_owner = 'dynamo', backsync_epoch = 9 WHERE id = 3")
      expect(await refusalOf(aurora, statement)).toBe('backsync: not-the-owner: DynamoDB owns this page')
      expect([await readLog(aurora), await readTombstones(aurora)]).toEqual([[], []])
    },
  )

  describe('from a transaction that has looked before', () => {
    let other: Connection
    beforeAll(async () => {
      const { host, port, user, password } = aurora.legacy.config
      other = await createConnection({
        ...{ database: aurora.database, ...(host && { host }), ...(port && { port }) },
        ...{ ...(user && { user }), ...(password && { password }) },
      })
    })
    afterAll(() => other.end())
    beforeEach(async () => {
      await run('BEGIN')
      await run('SELECT COUNT(*) FROM pages')
    })
    afterEach(() => run('ROLLBACK'))

    it.each(['DELETE FROM sites', 'DELETE FROM pages WHERE id = 1', 'DELETE FROM editors'])(
      'are not reached where DynamoDB has taken one of them over since: %s',
      async (statement) => {
        await other.query(
          `UPDATE pages SET backsync_owner = 'dynamo', backsync_epoch = 9 WHERE id = ${statement === 'DELETE FROM editors' ? 1 : 3}`,
        )
        expect(await refusalOf(aurora, statement)).toBe('backsync: not-the-owner: DynamoDB owns this page')
      },
    )

    it('are told where they have come there since', async () => {
      await other.query("INSERT INTO pages (id, title, book_id) VALUES (5, 'e', 2)")
      await other.query('DELETE FROM backsync_changes')
      await run('DELETE FROM books WHERE id = 2')
      expect(new Set(await readLog(aurora))).toEqual(new Set(['delete 4 v2', 'delete 5 v2']))
    })

    it('are not reached where DynamoDB has one that has come there since', async () => {
      await other.query("INSERT INTO pages (id, title, book_id) VALUES (7, 'g', 2)")
      await other.query("UPDATE pages SET backsync_owner = 'dynamo', backsync_epoch = 1 WHERE id = 7")
      expect(await refusalOf(aurora, 'DELETE FROM books WHERE id = 2')).toBe(
        'backsync: not-the-owner: DynamoDB owns this page',
      )
    })
  })

  it('are told where the statement itself uses their table', async () => {
    await run('DELETE b FROM books AS b JOIN pages AS p ON p.book_id = b.id WHERE p.id = 4')
    expect(await readLog(aurora)).toEqual(['delete 4 v2'])
  })
})
