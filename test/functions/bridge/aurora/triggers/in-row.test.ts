import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals'
import type { ResultSetHeader, RowDataPacket } from 'mysql2/promise'
import { openTestAurora, type TestAurora } from '../../../../support/aurora.ts'
import { installMirror } from '../../../../support/mirrored.ts'
import { mirroredChef, readConflicts, readLog, readTombstones, refusalOf } from './legacy.ts'

const CONTENT = '{"cheffirst":"A","cheflast":"B","id":"5"}'
const REFUSED = 'backsync: not-the-owner: DynamoDB owns this chef'

const chefs = async ({ legacy }: TestAurora): Promise<readonly string[]> => {
  const [rows] = await legacy.query<RowDataPacket[]>(
    'SELECT id, cheffirst, backsync_key, backsync_version, backsync_owner FROM cheftable ORDER BY id',
  )
  return rows.map(
    ({ id, cheffirst, backsync_key: key, backsync_version: version, backsync_owner: owner }) =>
      `${id}${key === null ? '' : ` ${key}`} v${version} ${cheffirst}${owner === 'dynamo' ? ' dynamo' : ''}`,
  )
}

const emptied = async (aurora: TestAurora): Promise<void> => {
  for (const table of ['backsync_changes', 'backsync_conflicts'])
    await aurora.legacy.query(`TRUNCATE ${table}`)
  await aurora.legacy.query('SET FOREIGN_KEY_CHECKS = 0')
  await aurora.legacy.query('TRUNCATE cheftable')
  await aurora.legacy.query('SET FOREIGN_KEY_CHECKS = 1')
  await aurora.legacy.query('DELETE FROM backsync_tombstones')
}

/** A row as the bridge has written it, with a key of its own. */
const write = ({ legacy }: TestAurora, id: number, version: number, owner: 'aurora' | 'dynamo' = 'aurora') =>
  legacy.query(
    `INSERT INTO cheftable (id, cheffirst, cheflast, backsync_key, backsync_version, backsync_updated_at, backsync_owner, backsync_epoch)
    VALUES (${id}, 'A', 'B', 'key-${id}', ${version}, '2026-01-01 00:00:00', ${owner === 'dynamo' ? "'dynamo'" : 'NULL'}, 3)`,
  )

describe('what a legacy program writes', () => {
  let aurora: TestAurora
  beforeAll(async () => {
    aurora = await openTestAurora()
    await installMirror(aurora, [mirroredChef()])
  })
  beforeEach(() => emptied(aurora))
  afterAll(() => aurora.close())

  const run = (statement: string) => aurora.legacy.query(statement)

  it('is logged as it is inserted, and it is told its ids', async () => {
    const [made] = await aurora.legacy.query<ResultSetHeader>(
      "INSERT INTO cheftable (cheffirst) VALUES ('A'), ('B')",
    )
    expect(made).toMatchObject({ insertId: 1, affectedRows: 2, warningStatus: 0 })
    const [[last]] = await aurora.legacy.query<RowDataPacket[]>('SELECT LAST_INSERT_ID() AS id')
    expect(Number(last?.id)).toBe(1)
    expect(await readLog(aurora)).toEqual(['upsert 1 v1', 'upsert 2 v1'])
    expect(await readTombstones(aurora)).toEqual([])
  })

  it('is refused where it says of a new row that it is DynamoDB’s, also of one whose id the server chooses', async () => {
    expect(
      await refusalOf(aurora, "INSERT INTO cheftable (cheffirst, backsync_owner) VALUES ('A', 'dynamo')"),
    ).toBe(REFUSED)
    expect([await chefs(aurora), await readLog(aurora)]).toEqual([[], []])
  })

  it('is logged at a larger version as it is updated, also where only the case of a letter is another one', async () => {
    await run("INSERT INTO cheftable (cheffirst) VALUES ('a')")
    await run("UPDATE cheftable SET cheffirst = 'A'")
    expect(await chefs(aurora)).toEqual(['1 v2 A'])
    expect(await readLog(aurora)).toEqual(['upsert 1 v1', 'upsert 1 v2'])
  })

  it('is not there when it is rolled back', async () => {
    await run("INSERT INTO cheftable (cheffirst) VALUES ('a')")
    await run('BEGIN')
    await run("UPDATE cheftable SET cheffirst = 'b'")
    await run('DELETE FROM cheftable')
    await run("INSERT INTO cheftable (id, cheffirst) VALUES (7, 'c')")
    await run('ROLLBACK')
    expect(await readLog(aurora)).toEqual(['upsert 1 v1'])
    expect(await readTombstones(aurora)).toEqual([])
  })

  it('makes nothing of an update that changes nothing', async () => {
    await run("INSERT INTO cheftable (cheffirst) VALUES ('a')")
    await run("UPDATE cheftable SET cheffirst = 'a', cheflast = cheflast")
    expect(await chefs(aurora)).toEqual(['1 v1 a'])
    expect(await readLog(aurora)).toEqual(['upsert 1 v1'])
  })

  it('makes nothing of an update of columns that are told to nobody: the row keeps its time, too', async () => {
    await run('ALTER TABLE cheftable ADD COLUMN counter INT NOT NULL DEFAULT 0 INVISIBLE')
    try {
      await write(aurora, 5, 4)
      await write(aurora, 6, 2, 'dynamo')
      await run('DELETE FROM backsync_changes')
      await run('UPDATE cheftable SET counter = counter + 1')
      const [rows] = await aurora.legacy.query<RowDataPacket[]>(
        'SELECT counter, backsync_version AS v, YEAR(backsync_updated_at) AS y, MONTH(backsync_updated_at) AS m FROM cheftable',
      )
      expect(rows.map(({ counter, v, y, m }) => [counter, v, y, m].join(' '))).toEqual([
        ...['1 4 2026 1', '1 2 2026 1'],
      ])
      expect(await readLog(aurora)).toEqual([])
    } finally {
      await run('ALTER TABLE cheftable DROP COLUMN counter')
    }
  })

  it('leaves a tombstone where it is deleted, and begins above that where it is inserted again', async () => {
    await write(aurora, 5, 4)
    await run("INSERT INTO cheftable (id, cheffirst) VALUES (6, 'x')")
    await run('DELETE FROM cheftable WHERE id IN (5, 6)')
    expect(await readTombstones(aurora)).toEqual(['6 v2', 'key-5 v5'])
    await run("INSERT INTO cheftable (id, cheffirst) VALUES (6, 'y')")
    expect(await chefs(aurora)).toEqual(['6 v3 y'])
    expect(await readLog(aurora)).toEqual([
      'upsert key-5 v4',
      'upsert 6 v1',
      'delete key-5 v5',
      'delete 6 v2',
      'upsert 6 v3',
    ])
  })

  it('keeps its key when it is replaced', async () => {
    await write(aurora, 5, 4)
    await run("REPLACE INTO cheftable (id, cheffirst) VALUES (5, 'C')")
    expect(await chefs(aurora)).toEqual(['5 key-5 v6 C'])
    expect(await readTombstones(aurora)).toEqual(['key-5 v5'])
    expect((await readLog(aurora)).slice(1)).toEqual(['delete key-5 v5', 'upsert key-5 v6'])
  })

  it('is an update where it is inserted ON DUPLICATE KEY UPDATE', async () => {
    await write(aurora, 5, 4)
    await run("INSERT INTO cheftable (id, cheffirst) VALUES (5, 'C') ON DUPLICATE KEY UPDATE cheffirst = 'D'")
    expect(await chefs(aurora)).toEqual(['5 key-5 v5 D'])
    expect((await readLog(aurora)).slice(1)).toEqual(['upsert key-5 v5'])
  })

  it('makes nothing of an INSERT IGNORE of a row that is there, whoever owns it', async () => {
    await write(aurora, 5, 4, 'dynamo')
    await run("INSERT IGNORE INTO cheftable (id, cheffirst) VALUES (5, 'C')")
    expect(await chefs(aurora)).toEqual(['5 key-5 v4 A dynamo'])
    expect(await readLog(aurora)).toEqual([])
    expect(await readTombstones(aurora)).toEqual([])
  })

  it('is a delete and another key where a row is known by its id, and that changes', async () => {
    await run("INSERT INTO cheftable (id, cheffirst) VALUES (5, 'a')")
    await run('UPDATE cheftable SET id = 9 WHERE id = 5')
    expect(await chefs(aurora)).toEqual(['9 v2 a'])
    expect(await readTombstones(aurora)).toEqual(['5 v2'])
    expect((await readLog(aurora)).slice(1)).toEqual(['delete 5 v2', 'upsert 9 v2'])
  })

  it('is the same key where a row has one of its own, and its id changes', async () => {
    await write(aurora, 5, 4)
    await run('UPDATE cheftable SET id = 9 WHERE id = 5')
    expect(await chefs(aurora)).toEqual(['9 key-5 v5 A'])
    expect((await readLog(aurora)).slice(1)).toEqual(['upsert key-5 v5'])
  })

  it.each([
    "UPDATE cheftable SET cheffirst = 'C'",
    'UPDATE cheftable SET id = 9',
    'DELETE FROM cheftable',
    "REPLACE INTO cheftable (id, cheffirst) VALUES (5, 'C')",
    "INSERT INTO cheftable (id, cheffirst) VALUES (5, 'C') ON DUPLICATE KEY UPDATE cheffirst = 'D'",
  ])('is refused on a key that DynamoDB owns: %s', async (statement) => {
    await write(aurora, 5, 4, 'dynamo')
    expect(await refusalOf(aurora, statement)).toBe(REFUSED)
    expect(await chefs(aurora)).toEqual(['5 key-5 v4 A dynamo'])
    expect([await readLog(aurora), await readTombstones(aurora)]).toEqual([[], []])
  })

  it('is refused on a key that DynamoDB owns and that has no row', async () => {
    await run(
      "INSERT INTO backsync_tombstones (entity, entity_key, version, owner, epoch) VALUES ('chef', '5', 0, 'dynamo', 1)",
    )
    expect(await refusalOf(aurora, "INSERT INTO cheftable (id, cheffirst) VALUES (5, 'C')")).toBe(REFUSED)
    expect(await refusalOf(aurora, "INSERT IGNORE INTO cheftable (id, cheffirst) VALUES (5, 'C')")).toBe(
      REFUSED,
    )
    expect(await readLog(aurora)).toEqual([])
  })

  it('is refused also where its transaction is older than the claim', async () => {
    await run('BEGIN')
    await run('SELECT * FROM cheftable')
    await run('SELECT * FROM backsync_tombstones')
    await aurora.db.connection().execute(async (other) => {
      const { sql } = await import('kysely')
      await sql`INSERT INTO backsync_tombstones (entity, entity_key, version, owner, epoch) VALUES ('chef', '5', 0, 'dynamo', 1)`.execute(
        other,
      )
    })
    expect(await refusalOf(aurora, "INSERT INTO cheftable (id, cheffirst) VALUES (5, 'C')")).toBe(REFUSED)
    await run('ROLLBACK')
  })

  it('does not wait for whoever inserts and deletes beside it', async () => {
    const { default: mysql } = await import('mysql2/promise')
    const other = await mysql.createConnection({
      host: aurora.host,
      port: aurora.port,
      user: 'root',
      database: aurora.database,
    })
    await write(aurora, 50, 1)
    await other.query('SET innodb_lock_wait_timeout = 1')
    await run('BEGIN')
    await run("INSERT INTO cheftable (id, cheffirst) VALUES (5, 'C')")
    await other.query('BEGIN')
    await other.query("INSERT INTO cheftable (id, cheffirst) VALUES (7, 'C')")
    await run('DELETE FROM cheftable WHERE id = 5')
    await other.query('DELETE FROM cheftable WHERE id = 7')
    await other.query('DELETE FROM cheftable WHERE id = 50')
    await run('COMMIT')
    await other.query('COMMIT')
    await other.end()
    expect(await readTombstones(aurora)).toEqual(['5 v2', '7 v2', 'key-50 v2'])
  })
})

describe('what a legacy program writes of a key that DynamoDB owns, where it is recorded', () => {
  let aurora: TestAurora
  beforeAll(async () => {
    aurora = await openTestAurora()
    await installMirror(aurora, [mirroredChef({ plainSql: 'record' })])
  })
  beforeEach(async () => {
    await emptied(aurora)
    await write(aurora, 5, 4, 'dynamo')
  })
  afterAll(() => aurora.close())

  const run = (statement: string) => aurora.legacy.query(statement)

  it('is written, and recorded as a conflict below every version', async () => {
    await run("UPDATE cheftable SET cheffirst = 'C'")
    expect(await chefs(aurora)).toEqual(['5 key-5 v0 C dynamo'])
    expect(await readConflicts(aurora)).toEqual([`upsert key-5 v4 ${CONTENT.replace('"A"', '"C"')}`])
    expect([await readLog(aurora), await readTombstones(aurora)]).toEqual([[], []])
  })

  it('is deleted, and its key stays known as DynamoDB’s', async () => {
    await run('DELETE FROM cheftable')
    expect(await readConflicts(aurora)).toEqual([`delete key-5 v4 ${CONTENT}`])
    expect([await readLog(aurora), await readTombstones(aurora)]).toEqual([[], ['key-5 v0 dynamo']])
  })

  it('is replaced, and recorded twice', async () => {
    await run("REPLACE INTO cheftable (id, cheffirst) VALUES (5, 'C')")
    expect(await chefs(aurora)).toEqual(['5 key-5 v0 C dynamo'])
    expect((await readConflicts(aurora)).map((text) => text.split(' ').slice(0, 2).join(' '))).toEqual([
      'delete key-5',
      'upsert key-5',
    ])
    expect(await readLog(aurora)).toEqual([])
  })

  it('is inserted under a key that DynamoDB owns, which stays its own', async () => {
    await run(
      "INSERT INTO backsync_tombstones (entity, entity_key, version, owner, epoch) VALUES ('chef', '7', 3, 'dynamo', 1)",
    )
    await run("INSERT INTO cheftable (id, cheffirst) VALUES (7, 'C')")
    expect((await chefs(aurora)).at(-1)).toBe('7 v0 C dynamo')
    expect((await readConflicts(aurora)).length).toBe(1)
    expect(await readLog(aurora)).toEqual([])
  })
})
