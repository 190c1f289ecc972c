import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { SqlTextError, scan } from '../../../../functions/bridge/migrations/scan.ts'
import { splitStatements } from '../../../../functions/bridge/migrations/split.ts'
import { runs } from '../../../support/runs.ts'

const textsOf = (text: string): string[] => splitStatements(text).map((statement) => statement.text)

describe('a text of SQL', () => {
  it.each<[string, string, string[]]>([
    ['one statement without an end', 'SELECT 1', ['SELECT 1']],
    ['several, and empty ones between them', 'SELECT 1;; ;\nSELECT 2;\n', ['SELECT 1', 'SELECT 2']],
    ['line ends of Windows', 'SELECT 1;\r\nSELECT\r\n2;\r\n', ['SELECT 1', 'SELECT\r\n2']],
    ['a semicolon in single quotes', "SELECT ';'; SELECT 2", ["SELECT ';'", 'SELECT 2']],
    ['one in double quotes', 'SELECT ";"; SELECT 2', ['SELECT ";"', 'SELECT 2']],
    ['one in backticks', 'SELECT `;`; SELECT 2', ['SELECT `;`', 'SELECT 2']],
    ['a doubled quote', "SELECT 'it''s;'; SELECT 2", ["SELECT 'it''s;'", 'SELECT 2']],
    ['an escaped quote', "SELECT 'it\\'s;'; SELECT 2", ["SELECT 'it\\'s;'", 'SELECT 2']],
    [
      'an escaped backslash before the quote',
      "SELECT 'C:\\\\'; SELECT ';'",
      ["SELECT 'C:\\\\'", "SELECT ';'"],
    ],
    ['a doubled backtick at an end', 'SELECT `a``;```; SELECT 2', ['SELECT `a``;```', 'SELECT 2']],
    ['a comment to the end of the line', 'SELECT 1 -- no; end\n; SELECT 2', ['SELECT 1', 'SELECT 2']],
    ['a comment of a sharp', "SELECT 1 # it's; no end\n; SELECT 2", ['SELECT 1', 'SELECT 2']],
    ['two dashes that are no comment', 'SELECT 5--1; SELECT 2', ['SELECT 5--1', 'SELECT 2']],
    ['a comment in signs', "SELECT /* it's; */ 1; SELECT 2", ['SELECT  1', 'SELECT 2']],
    ['a comment that parts two words', 'SELECT/**/1', ['SELECT 1']],
    ['code in a comment', '/*!50003 SET @a = 1; */; SELECT 2', ['/*!50003 SET @a = 1; */', 'SELECT 2']],
    ['code of MariaDB alone', '/*M!100100 SET @a = 1 */; SELECT 2', ['/*M!100100 SET @a = 1 */', 'SELECT 2']],
    ['a hint', 'SELECT /*+ NO_ICP(t) */ 1;', ['SELECT /*+ NO_ICP(t) */ 1']],
    ['nothing but comments', '-- a\n/* b */ # c\n', []],
    [
      'another delimiter',
      'DELIMITER $$\nSELECT 1; SELECT 2$$\nDELIMITER ;\nSELECT 3;',
      ['SELECT 1; SELECT 2', 'SELECT 3'],
    ],
    ['one of slashes, in small letters', 'delimiter //\nSELECT 4 / 2; //\ndelimiter ;\n', ['SELECT 4 / 2;']],
    [
      'one behind a comment of its line',
      '/* so */ DELIMITER ;;\nSELECT 1;;\nDELIMITER ; -- back\n',
      ['SELECT 1'],
    ],
    [
      'a delimiter in quotes and in a comment',
      "SELECT '\nDELIMITER $$\n'; /*\nDELIMITER $$\n*/ SELECT 2",
      ["SELECT '\nDELIMITER $$\n'", 'SELECT 2'],
    ],
    [
      'a column of that name',
      "SELECT 'a'delimiter, delimiter x FROM t; SELECT 2",
      ["SELECT 'a'delimiter, delimiter x FROM t", 'SELECT 2'],
    ],
  ])('is divided: %s', (_, text, expected) => {
    expect(textsOf(text)).toEqual(expected)
  })

  it('keeps routines as mysqldump writes them, each in one piece', () => {
    const dump = [
      "/*!50003 SET sql_mode              = 'STRICT_TRANS_TABLES' */ ;",
      'DELIMITER ;;',
      '/*!50003 CREATE*/ /*!50017 DEFINER=`root`@`%`*/ /*!50003 TRIGGER `t` BEFORE INSERT ON `a` FOR EACH ROW BEGIN',
      "  IF NEW.x = 'a*/;;' THEN SET NEW.x = 1; END IF;",
      'END */;;',
      'CREATE DEFINER=`root`@`%` PROCEDURE `p`()',
      'BEGIN',
      '  -- why; so',
      '  SELECT CASE WHEN 1 THEN 2 END;',
      'END ;;',
      'DELIMITER ;',
      '/*!50003 SET sql_mode = @saved */ ;',
    ].join('\n')

    const texts = textsOf(dump)

    expect(texts).toHaveLength(4)
    expect(texts[1]).toMatch(/^\/\*!50003 CREATE\*\/[\s\S]*END \*\/$/)
    expect(texts[2]).toMatch(/^CREATE DEFINER[\s\S]*END$/)
  })

  it('tells where each statement begins, behind its comments', () => {
    const text = '-- why\nSELECT 1;  /* and */ SELECT\n2;\n\n  SELECT 3'

    expect(splitStatements(text).map(({ line, column }) => [line, column])).toEqual([
      [2, 1],
      [2, 22],
      [5, 3],
    ])
  })

  it.each<[string, string, RegExp, number]>([
    ['a single quote', "SELECT 1; SELECT 'a;\nSELECT 2", /ends inside the ' that begins here/, 17],
    ['a double quote', 'SELECT "a', /ends inside the "/, 7],
    ['a quote that is escaped', "SELECT 'a\\'", /ends inside the '/, 7],
    ['a backtick', 'SELECT `a', /ends inside the `/, 7],
    ['a comment', 'SELECT 1 /* a', /ends inside the comment/, 9],
    ['a comment with code', 'SELECT 1 /*! a', /ends inside the comment/, 9],
    ['another delimiter', 'DELIMITER $$\nSELECT 1$$', /ends with the delimiter \$\$.*DELIMITER ;/, 0],
  ])('is refused where it ends inside %s', (_, text, message, at) => {
    expect(() => splitStatements(text)).toThrow(message)
    expect(thrownAt(text)).toBe(at)
  })

  it.each([
    ['a block', 'CREATE TRIGGER t BEFORE INSERT ON a FOR EACH ROW BEGIN\n SET NEW.x = 1;\nEND;'],
    ['a block of a definer', "CREATE DEFINER = 'a'@'b' PROCEDURE p() BEGIN SELECT 1; END;"],
    ['a CASE in a block', 'CREATE PROCEDURE p(x INT) BEGIN CASE x WHEN 1 THEN SELECT 1; END CASE; END'],
    ['an IF without a block', 'CREATE PROCEDURE p(x INT) IF x = 1 THEN SELECT 1; END IF'],
    ['a loop without a block', 'CREATE PROCEDURE p() LOOP SELECT 1; END LOOP'],
    ['an event', 'CREATE EVENT e ON SCHEDULE EVERY 1 DAY DO BEGIN SELECT 1; END'],
  ])('is refused where a body needs DELIMITER: %s', (_, text) => {
    expect(() => splitStatements(`SELECT 1;\n${text}`)).toThrow(/put DELIMITER \$\$ before it/)
    expect(thrownAt(`SELECT 1;\n${text}`)).toBe(10)
  })

  it.each([
    'CREATE TRIGGER t BEFORE INSERT ON a FOR EACH ROW SET NEW.x = IF(1, 2, REPEAT(3, 4));',
    'CREATE FUNCTION f(x INT) RETURNS INT DETERMINISTIC RETURN CASE x WHEN 1 THEN 2 ELSE 3 END;',
    'CREATE PROCEDURE p() BEGIN END;',
    'BEGIN; COMMIT;',
  ])('needs none for a body of one statement: %s', (text) => {
    expect(() => splitStatements(text)).not.toThrow()
  })

  it.each<[string, string, RegExp]>([
    ['of a word', 'DELIMITER go\nSELECT 1 go', /no letter/],
    ['of nothing', 'DELIMITER\nSELECT 1', /needs a sign/],
    ['of a quote', "DELIMITER ''\nSELECT 1", /no letter, digit, quote/],
    ['with more in its line', 'DELIMITER $$ SELECT 1$$\nDELIMITER ;', /the line must end/],
    ['inside a statement', 'DROP TRIGGER t\nDELIMITER $$\nSELECT 1$$', /the one before it has no end/],
  ])('is refused with a delimiter %s', (_, text, message) => {
    expect(() => splitStatements(text)).toThrow(message)
  })

  const word = fc.constantFrom(
    'SELECT',
    'a',
    '1',
    '--1',
    '.',
    '(',
    ')',
    'delimiter',
    'x;y'.slice(0, 1),
    'ß',
    '/',
    '*',
    '-',
    '$',
  )
  const inner = fc.string({
    unit: fc.constantFrom('a', ';', '$$', '--', '#', '/*', ' ', '\n', 'DELIMITER ;', '\n DELIMITER $$\n'),
    maxLength: 6,
  })
  const quoted = fc.oneof(
    inner.map((text) => `'${text}'`),
    inner.map((text) => `'${text}\\\\'`),
    inner.map((text) => `'${text}\\''`),
    inner.map((text) => `"${text}""'"`),
    inner.map((text) => `\`${text}\`\`\``),
    inner.map((text) => `/*! ${text.replaceAll('*/', '')} */`),
  )
  const comment = fc.oneof(
    inner.map((text) => `/* ${text.replaceAll('*/', '')}'" */`),
    inner.map((text) => `-- ${text.replaceAll('\n', '')}'"\n`),
    inner.map((text) => `# ${text.replaceAll('\n', '')}\`\n`),
  )
  const statement = fc
    .array(fc.oneof(word, quoted), { minLength: 1, maxLength: 6 })
    .map((parts) => `x ${parts.join(' ')}`)
  const file = fc.array(
    fc.record({ statement, comment, sign: fc.constantFrom(';', ';', '$$', '//', ';;') }),
    { maxLength: 6 },
  )

  it('gives back the statements that it was joined from, whatever stands in their quotes and between them', () => {
    fc.assert(
      fc.property(file, (parts) => {
        const fitting = parts.filter(
          ({ statement: text, sign }) => !scan(text).masked.includes(sign.charAt(0)),
        )
        const text = fitting
          .map(({ statement: one, comment: note, sign }) =>
            sign === ';' ? `${note}${one};\n` : `\nDELIMITER ${sign}\n${note}${one}${sign}\nDELIMITER ;\n`,
          )
          .join('')
        const found = splitStatements(text)

        expect(found.map((one) => one.text)).toEqual(fitting.map(({ statement: one }) => one))
        const lines = text.split('\n')
        for (const { line, column } of found) expect(lines[line - 1]?.charAt(column - 1)).toBe('x')
      }),
      runs(500, { seed: 18, short: 200 }),
    )
  })
})

const thrownAt = (text: string): number | undefined => {
  try {
    splitStatements(text)
    return undefined
  } catch (error) {
    return error instanceof SqlTextError ? error.at : undefined
  }
}
