import { describe, expect, it } from '@jest/globals'
import { kindOfStatement } from '../../../../functions/bridge/migrations/statement-kind.ts'

describe('a statement of which nobody knows whether it ran', () => {
  it.each([
    'INSERT INTO t VALUES (1)',
    'update counter set n = n + 1',
    '-- why\nDELETE FROM t',
    '/* why */ REPLACE INTO t VALUES (1)',
    '# why\n  INSERT INTO t SELECT 1',
    "UPDATE t SET a = 'ALTER TABLE x; /*! */'",
    'WITH c AS (SELECT 1) UPDATE t, c SET t.n = 1',
  ])('shares a transaction with its record where it changes rows: %s', (statement) => {
    expect(kindOfStatement(statement)).toBe('rows')
  })

  it.each([
    'CREATE TABLE t (id INT)',
    'CREATE TABLE IF NOT EXISTS t (id INT)',
    'CREATE UNIQUE INDEX i ON t (a)',
    'CREATE TRIGGER x BEFORE INSERT ON t FOR EACH ROW SET NEW.a = 1',
    'DROP TABLE t',
    'ALTER TABLE t ADD COLUMN a INT, ADD b VARCHAR(2), ADD UNIQUE KEY k (a, b), ALGORITHM=INPLACE, LOCK=NONE',
    'ALTER TABLE `t` ADD COLUMN `a` DECIMAL(10, 2) NOT NULL DEFAULT 0 INVISIBLE, ALGORITHM=INSTANT',
    'ALTER TABLE t ADD CONSTRAINT c FOREIGN KEY (a) REFERENCES u (id)',
    'ALTER TABLE t ADD PRIMARY KEY (id)',
    'ALTER TABLE t ADD COLUMN a INT, MODIFY b BIGINT',
    'ALTER TABLE t MODIFY version DECIMAL(50, 0) NOT NULL',
    'ALTER TABLE t ALTER COLUMN a SET DEFAULT 3',
    'ALTER TABLE t DROP KEY k, DROP COLUMN a',
  ])('may be sent again where its effect is told by the server: %s', (statement) => {
    expect(kindOfStatement(statement)).toBe('schema')
  })

  it.each([
    'TRUNCATE TABLE t',
    'CALL fill()',
    'ALTER TABLE t ADD INDEX (a)',
    'ALTER TABLE t ADD UNIQUE (a)',
    'ALTER TABLE t ADD FOREIGN KEY (a) REFERENCES u (id)',
    'ALTER TABLE t ADD CONSTRAINT CHECK (a > 0)',
    'ALTER TABLE t DROP COLUMN a, ADD COLUMN a INT',
    'ALTER TABLE t RENAME COLUMN a TO b',
    'ALTER TABLE t CHANGE a b INT',
    'ALTER TABLE t ADD PARTITION (PARTITION p VALUES LESS THAN (1))',
    'ALTER TABLE t TRUNCATE PARTITION p',
    'RENAME TABLE a TO b, b TO a',
    'CREATE OR REPLACE TABLE t (id INT)',
    '/*!50000 INSERT INTO t VALUES (1) */',
    'INSERT INTO t VALUES (1) /*! , (2) */',
    'SET GLOBAL max_connections = 5',
    "LOAD DATA INFILE 'x' INTO TABLE t",
    'ALTER TABLE t LOCK=NONE',
    'OPTIMIZE TABLE t',
  ])('is asked about where it might be done twice: %s', (statement) => {
    expect(kindOfStatement(statement)).toBe('other')
  })
})
