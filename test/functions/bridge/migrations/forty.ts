import { expect } from '@jest/globals'
import type { RowDataPacket } from 'mysql2/promise'
import type { TestAurora } from '../../../support/aurora.ts'

/** Statements of the file, with triggers and routines among them. */
export const STATEMENTS = 40

/** One of those that leave something to count, of a number of their own. */
const eight = (n: number): string => `
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

const PARTS = STATEMENTS / 8
const numbers = Array.from({ length: PARTS }, (_, n) => n)

/** A file of forty statements. */
export const FORTY = numbers.map(eight).join('')

const rows = async ({ legacy }: Pick<TestAurora, 'legacy'>, query: string): Promise<RowDataPacket[]> =>
  (await legacy.query<RowDataPacket[]>(query))[0]

/** As if none of it had been run. */
export const clearForty = async ({ legacy }: Pick<TestAurora, 'legacy'>): Promise<void> => {
  await legacy.query(`DROP TABLE IF EXISTS counter, ${numbers.map((n) => `dish_${n}`).join(', ')}`)
  for (const n of numbers) await legacy.query(`DROP PROCEDURE IF EXISTS cook_${n}`)
  await legacy.query('CREATE TABLE counter (n INT NOT NULL)')
  await legacy.query('INSERT INTO counter VALUES (0)')
  await legacy.query('DELETE FROM backsync_migrations WHERE id = 100')
}

/** Each of its statements was done, and once. */
export const expectFortyOnce = async (aurora: Pick<TestAurora, 'legacy'>): Promise<void> => {
  expect(await rows(aurora, 'SELECT n FROM counter')).toEqual([{ n: PARTS }])
  const dishes = numbers.map((n) => `SELECT id, n, m FROM dish_${n}`).join(' UNION ALL ')
  expect(await rows(aurora, dishes)).toEqual(numbers.map((n) => ({ id: n, n: 1, m: 1 })))
  const [made] = await rows(
    aurora,
    `SELECT
      (SELECT COUNT(*) FROM information_schema.TRIGGERS WHERE TRIGGER_SCHEMA = DATABASE() AND TRIGGER_NAME LIKE 'dish%') AS t,
      (SELECT COUNT(*) FROM information_schema.ROUTINES WHERE ROUTINE_SCHEMA = DATABASE()) AS r,
      (SELECT COUNT(*) FROM information_schema.STATISTICS
        WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME LIKE 'dish%' AND INDEX_NAME = 'by_m') AS i`,
  )
  expect([Number(made?.t), Number(made?.r), Number(made?.i)]).toEqual([PARTS, PARTS, PARTS])
  const [row] = await rows(aurora, 'SELECT done, finished_at FROM backsync_migrations WHERE id = 100')
  expect(row).toMatchObject({ done: STATEMENTS, finished_at: expect.any(String) })
}
