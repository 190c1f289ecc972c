import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals'
import { failure, Harness, long } from './harness.ts'

/*
 * MySQL answers errno 1615 when a table or view is changed again and again under a prepared statement. A trigger that
 * gives that answer itself, as often as a variable of the session says, makes it come when it is wanted.
 */

let h: Harness

beforeAll(async () => {
  h = await Harness.start()
  await h.direct.query('CREATE TABLE t (id INT PRIMARY KEY)')
  await h.direct.query(`CREATE TRIGGER stale BEFORE INSERT ON t FOR EACH ROW
    IF @stale > 0 THEN
      SET @stale = @stale - 1;
      SIGNAL SQLSTATE 'HY000' SET MYSQL_ERRNO = 1615, MESSAGE_TEXT = 'Prepared statement needs to be re-prepared';
    END IF`)
  await h.direct.query('CREATE PROCEDURE add_one() INSERT INTO t VALUES (1)')
})
afterAll(() => h.stop())
beforeEach(async () => {
  await h.direct.query('DELETE FROM t')
})

const stale = async (times: number): Promise<string> => {
  const transactionId = await h.begin()
  await h.execute('SET @stale = :times', { transactionId, parameters: [long('times', times)] })
  return transactionId
}

describe('a prepared statement that has become useless', () => {
  it('is prepared anew and executed', async () => {
    const transactionId = await stale(4)
    const answer = await h.execute('INSERT INTO t VALUES (:id)', {
      transactionId,
      parameters: [long('id', 7)],
    })
    expect(answer.numberOfRecordsUpdated).toBe(1)
    await h.commit(transactionId)
    expect(await h.rows('SELECT id FROM t')).toEqual([{ id: 7 }])
  })

  it('is prepared anew in a batch, and the sets after it go on', async () => {
    const transactionId = await stale(1)
    const sets = [1, 2, 3].map((id) => [long('id', id)])
    expect((await h.batch('INSERT INTO t VALUES (:id)', sets, transactionId)).updateResults).toHaveLength(3)
    await h.commit(transactionId)
    expect(await h.rows('SELECT COUNT(*) AS n FROM t')).toEqual([{ n: 3 }])
  })

  it('is given up in the end, and its transaction goes on', async () => {
    const transactionId = await stale(5)
    expect((await failure(h.execute('INSERT INTO t VALUES (1)', { transactionId }))).message).toBe(
      'Prepared statement needs to be re-prepared; Error code: 1615; SQLState: HY000',
    )
    await h.execute('INSERT INTO t VALUES (2)', { transactionId })
    await h.commit(transactionId)
    expect(await h.rows('SELECT id FROM t')).toEqual([{ id: 2 }])
  })

  it('is not executed again when it is a CALL, which may have done a part of its work', async () => {
    const transactionId = await stale(1)
    expect((await failure(h.execute('CALL add_one()', { transactionId }))).message).toContain(
      'Error code: 1615',
    )
    await h.rollback(transactionId)
  })
})
