import { describe, expect, it } from '@jest/globals'
import { lintMigration } from '../../../../functions/bridge/migrations/lint.ts'
import { lintRules } from '../../../../functions/bridge/migrations/lint-rules.ts'
import { splitStatements } from '../../../../functions/bridge/migrations/split.ts'

const found = (text: string) => lintMigration('0001_a.up.sql', text, splitStatements(text))
const rulesOf = (text: string): string[] => found(text).map(({ rule }) => rule)

const NEW = 'CREATE TABLE dish (id INT PRIMARY KEY, n INT);\n'
const BAD: readonly (readonly [string, string])[] = [
  ['drop-table', 'DROP TABLE dish'],
  ['drop-column', 'ALTER TABLE dish DROP COLUMN n, ALGORITHM=INSTANT'],
  ['drop-column', 'alter table `dish` drop `n`, algorithm=instant'],
  ['rename', 'ALTER TABLE dish RENAME COLUMN n TO m, ALGORITHM=INSTANT'],
  ['rename', 'ALTER TABLE dish CHANGE n m INT, ALGORITHM=INPLACE'],
  ['rename', 'RENAME TABLE dish TO meal'],
  ['truncate', 'TRUNCATE TABLE dish'],
  ['no-where', 'DELETE FROM dish'],
  ['no-where', "UPDATE dish SET n = 1 /* WHERE */, m = 'WHERE'"],
  ['algorithm', 'ALTER TABLE dish ADD COLUMN m INT'],
  ['copy', 'ALTER TABLE dish MODIFY n BIGINT, ALGORITHM=COPY'],
  ['copy', 'ALTER TABLE dish ADD FULLTEXT KEY f (t), ALGORITHM=INPLACE, LOCK=SHARED'],
  ['not-null', 'ALTER TABLE dish ADD COLUMN m DECIMAL(5, 2) NOT NULL, ALGORITHM=INSTANT'],
  ['drop-with-reorder', 'ALTER TABLE dish ADD COLUMN m INT, MODIFY n INT AFTER id, ALGORITHM=INPLACE'],
  ['inline-references', 'CREATE TABLE side (id INT PRIMARY KEY, dish INT REFERENCES dish (id))'],
  ['primary-key', 'CREATE TABLE side (id INT, UNIQUE KEY u (id))'],
  ['engine', 'CREATE TABLE side (id INT PRIMARY KEY) ENGINE=MyISAM'],
  ['float', 'CREATE TABLE side (id INT PRIMARY KEY, price FLOAT)'],
  ['needs-direct', 'CREATE TRIGGER t BEFORE INSERT ON dish FOR EACH ROW SET NEW.n = 1'],
  ['too-long', `INSERT INTO dish VALUES ${'(1, 1),'.repeat(10_000)}(2, 2)`],
  ['definer', 'CREATE DEFINER=`root`@`localhost` VIEW v AS SELECT 1 AS a'],
  ['zero-date', "ALTER TABLE dish ADD COLUMN d DATE NULL DEFAULT '0000-00-00', ALGORITHM=INSTANT"],
  ['zero-date', 'CREATE TABLE side (id INT PRIMARY KEY, d DATETIME DEFAULT "2020-01-00 00:00:00")'],
  ['charset', 'CREATE TABLE side (id INT PRIMARY KEY, t VARCHAR(9) CHARACTER SET latin1)'],
  ['charset', 'CREATE TABLE side (id INT PRIMARY KEY) DEFAULT CHARSET = utf8mb3'],
  [
    'several-alters',
    'ALTER TABLE dish ADD COLUMN m INT, ALGORITHM=INSTANT;\nALTER TABLE `dish` ADD COLUMN k INT, ALGORITHM = instant',
  ],
  ['mixed', 'ALTER TABLE dish ADD COLUMN m INT, ALGORITHM=INSTANT;\nUPDATE dish SET m = 1 WHERE id < 10'],
  ['unnamed-key', 'ALTER TABLE dish ADD UNIQUE KEY (n), ALGORITHM=INPLACE, LOCK=NONE'],
]

describe('the rules for migrations', () => {
  it.each(BAD)('%s: %.60s', (rule, text) => {
    expect(rulesOf(text)).toEqual([rule])
  })

  it('have each a case that breaks it', () => {
    expect(new Set(BAD.map(([rule]) => rule))).toEqual(new Set(lintRules.map(({ rule }) => rule)))
  })

  it.each([
    'ALTER TABLE dish ADD COLUMN m INT NOT NULL DEFAULT 0, ALGORITHM=INSTANT',
    'ALTER TABLE dish ADD UNIQUE KEY by_n (n), DROP KEY by_m, ALGORITHM=INPLACE, LOCK=NONE',
    'UPDATE dish SET n = 1 WHERE id BETWEEN 1 AND 1000',
    'CREATE TABLE side (id INT PRIMARY KEY, dish INT, FOREIGN KEY by_dish (dish) REFERENCES dish (id))',
    "INSERT INTO dish (t) VALUES ('DROP TABLE dish')",
    'CREATE TABLE side (id INT PRIMARY KEY, k CHAR(36) CHARACTER SET ascii) DEFAULT CHARSET=utf8mb4',
    'ALTER TABLE dish ADD COLUMN m INT, ALGORITHM=INSTANT; ALTER TABLE dish ADD KEY by_m (m), ALGORITHM=INPLACE, LOCK=NONE',
    "CREATE TABLE side (id INT PRIMARY KEY, d DATE NOT NULL DEFAULT '2020-10-10')",
    "INSERT INTO dish (t) VALUES ('DEFAULT 0000-00-00')",
    'UPDATE dish SET n = 1 WHERE id < 10; ALTER TABLE dish ADD COLUMN m INT, ALGORITHM=INSTANT',
    `${NEW}ALTER TABLE dish ADD COLUMN m INT NOT NULL;\nUPDATE dish SET n = 2`,
  ])('have nothing against: %.70s', (text) => {
    expect(rulesOf(text)).toEqual([])
  })

  it('say where the statement begins', () => {
    expect(found(`-- why\n${NEW}\n  DROP TABLE dish;`)).toMatchObject([
      { file: '0001_a.up.sql', line: 4, column: 3, rule: 'drop-table', severity: 'error' },
    ])
  })

  it.each([
    '-- backsync:allow drop-table nobody reads it since 2.4',
    '/* backsync:allow drop-table old */',
    '# backsync:allow drop-table old',
  ])('are answered by a reason before the statement: %s', (comment) => {
    expect(rulesOf(`${NEW}${comment}\nDROP TABLE dish;`)).toEqual([])
  })

  it.each<[string, string, RegExp]>([
    ['without a reason', '-- backsync:allow drop-table\nDROP TABLE dish;', /needs a reason/],
    ['of another rule', '-- backsync:allow truncate why\nDROP TABLE dish;', /allows nothing/],
    ['of no rule', '-- backsync:allow drop-tables why\nDROP TABLE dish;', /there is no rule drop-tables/],
    ['for another statement', `-- backsync:allow drop-table why\n${NEW}\nDROP TABLE dish;`, /allows nothing/],
  ])('are not answered by a comment %s, which is said', (_, text, message) => {
    const all = found(text)
    expect(all.map(({ rule }) => rule).toSorted()).toEqual(['allow', 'drop-table'])
    expect(all.find(({ rule }) => rule === 'allow')?.message).toMatch(message)
  })

  it('are answered up to the day that the comment says, and tell of it then', () => {
    const text = '-- backsync:allow drop-table until 2027-01-31 nobody reads it\nDROP TABLE dish;'
    const on = (day: string) => lintMigration('0001_a.up.sql', text, splitStatements(text), undefined, day)
    expect(on('2027-01-31')).toEqual([])
    expect(on('2027-02-01')).toMatchObject([
      { rule: 'drop-table', message: expect.stringMatching(/; it was allowed until 2027-01-31$/) },
    ])
    expect(rulesOf('-- backsync:allow drop-table until 2027-01-31\nDROP TABLE dish;')).toEqual([
      'allow',
      'drop-table',
    ])
  })

  it('see no answer in a literal', () => {
    expect(rulesOf("SELECT '-- backsync:allow drop-table why';\nDROP TABLE dish")).toEqual(['drop-table'])
  })
})
