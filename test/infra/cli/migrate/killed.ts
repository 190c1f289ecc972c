import { expect } from '@jest/globals'
import type { RowDataPacket } from 'mysql2/promise'
import { processes } from '../../../support/processes.ts'
import { until } from '../../../support/until.ts'
import { openTestStack } from '../harness.ts'
import { openMigrationsFolder } from './harness.ts'

/** Statements of the file, with triggers and routines among them. */
export const STATEMENTS = 40

/** One of ten that leave something to count, of a number of their own. */
const tenth = (n: number): string => `
CREATE TABLE dish_${n} (id INT PRIMARY KEY, n INT NOT NULL);
ALTER TABLE dish_${n} ADD COLUMN m INT NOT NULL DEFAULT 0, ALGORITHM=INSTANT;
DELIMITER $$
CREATE TRIGGER dish_${n}_bu BEFORE UPDATE ON dish_${n} FOR EACH ROW BEGIN
  SET NEW.m = OLD.m + 1;
END$$
DELIMITER ;
UPDATE counter SET n = n + 1;
INSERT INTO dish_${n} (id, n) VALUES (${n}, 0);
UPDATE dish_${n} SET n = n + 1;
DELIMITER $$
CREATE PROCEDURE cook_${n}() BEGIN
  SELECT 1; SELECT 2;
END$$
DELIMITER ;
CREATE INDEX by_m ON dish_${n} (m);
`

const FILE = `${Array.from({ length: STATEMENTS / 8 }, (_, n) => tenth(n)).join('')}`

/** A stack, a file of forty statements, and what a run of it that is killed leaves to the next. */
export const openKilled = async () => {
  const stack = await openTestStack()
  const folder = await openMigrationsFolder()
  folder.write('0100_forty', FILE)
  const { legacy } = stack.aurora
  const args = ['--yes', '--direct', `mysql://root@${stack.aurora.host}:${stack.aurora.port}`]
  const up = ['migrate', 'up', ...args, '--folder', folder.path]
  const rows = async (query: string): Promise<RowDataPacket[]> =>
    (await legacy.query<RowDataPacket[]>(query))[0]
  const clear = async (): Promise<void> => {
    for (let n = 0; n < STATEMENTS / 8; n += 1) {
      await legacy.query(`DROP TABLE IF EXISTS dish_${n}`)
      await legacy.query(`DROP PROCEDURE IF EXISTS cook_${n}`)
    }
    await legacy.query('DROP TABLE IF EXISTS counter')
    await legacy.query('CREATE TABLE counter (n INT NOT NULL)')
    await legacy.query('INSERT INTO counter VALUES (0)')
    await legacy.query('DELETE FROM backsync_migrations WHERE id = 100')
  }
  const endTransactions = (): Promise<void> =>
    until('no transaction is open', 20_000, async () => {
      const trx = await rows('SELECT trx_mysql_thread_id AS id FROM information_schema.INNODB_TRX')
      const open = new Set(trx.map(({ id }) => Number(id)))
      const left = (await processes(legacy)).filter(
        ({ id, database }) => database === stack.aurora.database && open.has(id),
      )
      // Others are at work on what was sent last.
      for (const { id, command } of left) if (command === 'Sleep') await legacy.query(`KILL ${id}`)
      return left.length === 0
    })
  return {
    stack,
    clear,
    /** Kills a run, by a signal that nobody catches, once so many statements of it have been sent to the Data API. */
    killAfter: async (sent: number): Promise<'killed' | 'ended'> => {
      const before = stack.aurora.sent()
      const running = stack.start(...up)
      const watching = setInterval(() => {
        if (stack.aurora.sent() >= before + sent) running.child.kill('SIGKILL')
      }, 1)
      const { code } = await running.ended
      clearInterval(watching)
      return code === null ? 'killed' : 'ended'
    },
    /** The next run, as some minutes later: the lease is over, and the service has ended the transaction that nobody goes on with. */
    goOn: async (): Promise<void> => {
      await endTransactions()
      await legacy.query(
        "UPDATE backsync_migration_lock SET leased_until = NOW(3) - INTERVAL 1 SECOND WHERE owner <> ''",
      )
      const { code, stderr } = await stack.run(...up)
      expect([code, stderr.replaceAll(/^.*: done in .*$\n/gm, '')]).toEqual([0, expect.any(String)])
    },
    expectOnce: async (): Promise<void> => {
      expect(await rows('SELECT n FROM counter')).toEqual([{ n: STATEMENTS / 8 }])
      for (let n = 0; n < STATEMENTS / 8; n += 1)
        expect(await rows(`SELECT id, n, m FROM dish_${n}`)).toEqual([{ id: n, n: 1, m: 1 }])
      const [programs] = await rows(
        `SELECT (SELECT COUNT(*) FROM information_schema.TRIGGERS WHERE TRIGGER_SCHEMA = DATABASE() AND TRIGGER_NAME LIKE 'dish%') AS t,
          (SELECT COUNT(*) FROM information_schema.ROUTINES WHERE ROUTINE_SCHEMA = DATABASE()) AS r`,
      )
      expect([Number(programs?.t), Number(programs?.r)]).toEqual([STATEMENTS / 8, STATEMENTS / 8])
      const [row] = await rows('SELECT done, finished_at FROM backsync_migrations WHERE id = 100')
      expect(row).toMatchObject({ done: STATEMENTS, finished_at: expect.any(String) })
    },
    close: async (): Promise<void> => {
      await folder.remove()
      await stack.close()
    },
  }
}
