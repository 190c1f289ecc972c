import { describe, expect, it } from '@jest/globals'
import { isUnpreparable } from '../../../../functions/bridge/migrations/unpreparable.ts'

describe('a statement that the Data API can not run', () => {
  it.each([
    'CREATE TRIGGER t BEFORE INSERT ON a FOR EACH ROW SET NEW.x = 1',
    'create definer=`a`@`%` procedure p() SELECT 1',
    '/*!50003 CREATE*/ /*!50017 DEFINER=`root`@`%`*/ /*!50003 TRIGGER `t` BEFORE INSERT ON `a` FOR EACH ROW SET NEW.x = 1 */',
    '/* backsync 0001_a, statement 1 */ DROP FUNCTION f',
    'LOCK TABLES a WRITE',
    "LOAD DATA INFILE 'a' INTO TABLE a",
  ])('is told by its words: %s', (statement) => {
    expect(isUnpreparable(statement)).toBe(true)
  })

  it.each([
    "CREATE TABLE a (id INT COMMENT 'a TRIGGER')",
    'ALTER TABLE a ADD COLUMN event INT',
    'DROP TABLE `trigger`',
    'CREATE VIEW v AS SELECT 1',
    'INSERT INTO a VALUES (1) /* CREATE TRIGGER */',
    'CALL p()',
  ])('is no other: %s', (statement) => {
    expect(isUnpreparable(statement)).toBe(false)
  })
})
