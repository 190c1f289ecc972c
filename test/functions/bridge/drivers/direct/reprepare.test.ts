import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals'
import { type Kysely, sql } from 'kysely'
import { failure, Harness } from './harness.ts'

/*
 * MySQL answers errno 1615 when a table or view is changed again and again under a prepared statement. A trigger that
 * gives that answer itself, as often as a variable of the session says, makes it come when it is wanted.
 */
describe('a prepared statement that has become useless', () => {
  let harness: Harness

  beforeAll(async () => {
    harness = await Harness.start()
    await harness.root.query(`USE ${harness.database}`)
    await harness.root.query('CREATE TABLE t (id INT PRIMARY KEY)')
    await harness.root.query(`CREATE TRIGGER stale BEFORE INSERT ON t FOR EACH ROW
      IF @stale > 0 THEN
        SET @stale = @stale - 1;
        SIGNAL SQLSTATE 'HY000' SET MYSQL_ERRNO = 1615, MESSAGE_TEXT = 'Prepared statement needs to be re-prepared';
      END IF`)
    await harness.root.query('CREATE PROCEDURE add_one() INSERT INTO t VALUES (1)')
  })
  afterEach(() => harness.settle())
  afterAll(() => harness.close())

  const afterStale = <T>(times: number, work: (db: Kysely<unknown>) => Promise<T>): Promise<T> =>
    harness
      .open()
      .db.connection()
      .execute(async (held) => {
        await sql`SET @stale = ${times}`.execute(held)
        return await work(held)
      })

  it('is prepared anew and executed', async () => {
    await afterStale(4, async (db) => {
      expect((await sql`INSERT INTO t VALUES (${7})`.execute(db)).numAffectedRows).toBe(1n)
      expect((await sql`SELECT id FROM t`.execute(db)).rows).toEqual([{ id: 7 }])
      await sql`DELETE FROM t`.execute(db)
    })
  })

  it('is given up in the end as transient, and its session goes on', async () => {
    await afterStale(5, async (db) => {
      expect(await failure(sql`INSERT INTO t VALUES (1)`.execute(db))).toMatchObject({
        code: 'mysql.1615',
        kind: 'transient',
      })
      expect((await sql`INSERT INTO t VALUES (1)`.execute(db)).numAffectedRows).toBe(1n)
      await sql`DELETE FROM t`.execute(db)
    })
  })

  it('is not executed again when it is a CALL, which may have done a part of its work', async () => {
    await afterStale(1, async (db) => {
      expect(await failure(sql`CALL add_one()`.execute(db))).toMatchObject({ code: 'mysql.1615' })
    })
  })
})
