import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals'
import type { RowDataPacket } from 'mysql2/promise'
import { openTestAurora, type TestAurora } from '../../../../support/aurora.ts'
import { installMirror } from '../../../../support/mirrored.ts'
import { mirroredChef, readLog, readTombstones } from './legacy.ts'

const MANY = 100_000

describe('plain SQL on many rows at once', () => {
  let aurora: TestAurora
  const run = (statement: string) => aurora.legacy.query(statement)
  const count = async (query: string): Promise<number> => {
    const [[row]] = await aurora.legacy.query<RowDataPacket[]>(`SELECT COUNT(*) AS n FROM ${query}`)
    return Number(row?.n)
  }
  beforeAll(async () => {
    aurora = await openTestAurora()
    await installMirror(aurora, [mirroredChef()])
    await run('CREATE TABLE digits (n INT PRIMARY KEY)')
    await run(`INSERT INTO digits VALUES ${Array.from({ length: 320 }, (_, n) => `(${n})`).join(', ')}`)
  })
  beforeEach(async () => {
    await run('DELETE FROM cheftable')
    for (const table of ['backsync_changes', 'backsync_tombstones']) await run(`DELETE FROM ${table}`)
  })
  afterAll(() => aurora.close())

  it('is logged row by row: 100,000 inserted, updated and deleted by a statement each', async () => {
    await run(
      `INSERT INTO cheftable (cheffirst) SELECT CONCAT('c', a.n, '-', b.n) FROM digits AS a, digits AS b LIMIT ${MANY}`,
    )
    expect(await count('backsync_changes')).toBe(MANY)
    await run("UPDATE cheftable SET cheflast = 'x'")
    expect(await count('backsync_changes WHERE version = 2')).toBe(MANY)
    await run('DELETE FROM cheftable')
    expect(await count('backsync_tombstones WHERE version = 3')).toBe(MANY)
    expect(await count("backsync_changes WHERE op = 'delete'")).toBe(MANY)
  }, 180_000)

  it('is seen in several rows, joins and values that change places', async () => {
    await run("INSERT INTO cheftable (id, cheffirst) VALUES (1, 'a'), (2, 'b'), (3, 'c')")
    await run(
      "UPDATE cheftable AS t JOIN digits AS d ON d.n = t.id SET t.cheflast = CONCAT('l', d.n) WHERE d.n > 1",
    )
    await run("UPDATE cheftable SET cheffirst = CASE id WHEN 1 THEN 'b' ELSE 'a' END WHERE id IN (1, 2)")
    await run(
      "INSERT INTO cheftable (id, cheffirst) VALUES (3, 'x'), (4, 'y') ON DUPLICATE KEY UPDATE cheffirst = VALUES(cheffirst)",
    )
    expect(await readLog(aurora)).toEqual([
      ...['upsert 1 v1', 'upsert 2 v1', 'upsert 3 v1', 'upsert 2 v2', 'upsert 3 v2', 'upsert 1 v2'],
      ...['upsert 2 v3', 'upsert 3 v3', 'upsert 4 v1'],
    ])
  })

  it('deletes the row that a REPLACE meets by another unique index, and makes a new one', async () => {
    await run('ALTER TABLE cheftable ADD UNIQUE KEY by_first (cheffirst)')
    await run("INSERT INTO cheftable (id, cheffirst) VALUES (1, 'a')")
    await run("REPLACE INTO cheftable (id, cheffirst) VALUES (9, 'a')")
    await run('ALTER TABLE cheftable DROP KEY by_first')
    expect(await readLog(aurora)).toEqual(['upsert 1 v1', 'delete 1 v2', 'upsert 9 v1'])
    expect(await readTombstones(aurora)).toEqual(['1 v2'])
  })

  it('says nothing of a table that was made like it', async () => {
    await run("INSERT INTO cheftable (id, cheffirst) VALUES (1, 'a')")
    await run('CREATE TABLE copy_of LIKE cheftable')
    await run('INSERT INTO copy_of SELECT * FROM cheftable')
    await run("UPDATE copy_of SET cheffirst = 'b'")
    await run('DROP TABLE copy_of')
    expect(await readLog(aurora)).toEqual(['upsert 1 v1'])
  })

  it.each(['', 'PRECEDES backsync_chef_bu'])(
    'is seen as a legacy trigger makes it, whichever runs first: %s',
    async (order) => {
      await run("INSERT INTO cheftable (id, cheffirst) VALUES (1, 'a')")
      await run(`CREATE TRIGGER legacy_bu BEFORE UPDATE ON cheftable FOR EACH ROW ${order}
        SET NEW.cheflast = CONCAT('after ', NEW.cheffirst)`)
      await run("UPDATE cheftable SET cheffirst = 'b'")
      // Of what only a trigger behind changes the version is not raised: whoever reads the log lifts it.
      await run('UPDATE cheftable SET cheflast = NULL')
      await run('DROP TRIGGER legacy_bu')
      expect((await readLog(aurora)).slice(0, 2)).toEqual(['upsert 1 v1', 'upsert 1 v2'])
      const [[row]] = await aurora.legacy.query<RowDataPacket[]>('SELECT cheflast FROM cheftable')
      expect(row?.cheflast).toBe('after b')
    },
  )

  it('is logged where a legacy trigger behind ours changes what the statement did not', async () => {
    await run("INSERT INTO cheftable (id, cheffirst) VALUES (1, 'a')")
    await run("CREATE TRIGGER legacy_bu BEFORE UPDATE ON cheftable FOR EACH ROW SET NEW.cheflast = 'set'")
    await run('UPDATE cheftable SET cheffirst = cheffirst')
    await run('DROP TRIGGER legacy_bu')
    expect(await readLog(aurora)).toEqual(['upsert 1 v1', 'upsert 1 v1'])
  })
})
