import { describe, expect, it } from '@jest/globals'
import * as fc from 'fast-check'
import { scanStatement } from '../../../../infra/local/data-api/scan.ts'
import { codePoint } from '../../../support/code-point.ts'
import { runs } from '../../../support/runs.ts'

const table: [what: string, sql: string, text: string, names: string[]][] = [
  ['a parameter', 'SELECT :a', 'SELECT ?', ['a']],
  ['a repeated name', ':a + :b + :a', '? + ? + ?', ['a', 'b', 'a']],
  ['names that begin with a digit', 'VALUES (:0,:1,:10x)', 'VALUES (?,?,?)', ['0', '1', '10x']],
  ['an underscore', ':_a_1', '?', ['_a_1']],
  ['parameters that touch', ':a:b', '??', ['a', 'b']],
  ['a single-quoted literal', "':a' :b", "':a' ?", ['b']],
  ['a doubled quote', "'it''s :a' :b", "'it''s :a' ?", ['b']],
  ['an escaped quote', String.raw`'it\'s :a' :b`, String.raw`'it\'s :a' ?`, ['b']],
  ['an escaped backslash', String.raw`'\\' :b`, String.raw`'\\' ?`, ['b']],
  ['a double-quoted literal', '"a "" :a" :b', '"a "" :a" ?', ['b']],
  ['an escape in double quotes', String.raw`"\":a" :b`, String.raw`"\":a" ?`, ['b']],
  ['a quoted name', '`a``:a` :b', '`a``:a` ?', ['b']],
  ['a backslash in a quoted name', '`a\\` :b', '`a\\` ?', ['b']],
  ['one quote inside another', `"'" :a '"' :b`, `"'" ? '"' ?`, ['a', 'b']],
  ['a dash comment', '-- :a\n:b', '-- :a\n?', ['b']],
  ['a dash comment at the end', ':b --', '? --', ['b']],
  ['two dashes without a space: arithmetic', '1--:a', '1--?', ['a']],
  ['a hash comment', "# it's :a\n:b", "# it's :a\n?", ['b']],
  ['a block comment', "/* :a ' */ :b", "/* :a ' */ ?", ['b']],
  ['a version comment', '/*!40101 :a */ :b', '/*!40101 :a */ ?', ['b']],
  ['a hint', 'SELECT /*+ X(:a) */ :b', 'SELECT /*+ X(:a) */ ?', ['b']],
  ['an assignment', '@x := :a, @y:=1', '@x := ?, @y:=1', ['a']],
  ['a cast of another dialect', ':a::text', '?::text', ['a']],
  ['a lone colon', 'a : b', 'a : b', []],
  ['an unclosed literal', "':a", "':a", []],
  ['an unclosed comment', '/* :a', '/* :a', []],
  ['a backslash at the very end', "'\\", "'\\", []],
  ['a label, which reads as a parameter', 'lbl:LOOP', 'lbl?', ['LOOP']],
  ['text that is not ASCII', 'SELECT "é😀:a", :b', 'SELECT "é😀:a", ?', ['b']],
  ['one ; at the end', 'SELECT :a ; -- done', 'SELECT ?  -- done', ['a']],
  ['nothing', '', '', []],
]

describe('scanStatement', () => {
  it.each(table)('reads %s', (_what, sql, text, names) => {
    expect(scanStatement(sql)).toMatchObject({ text, names, multiple: false })
  })

  it.each([
    ['SELECT 1; SELECT 2'],
    ['SELECT 1;;'],
    ["SELECT ';'; x"],
    ['SELECT 1; :a'],
    ['BEGIN SELECT 1; END'],
  ])('sees several statements in %s', (sql) => {
    expect(scanStatement(sql).multiple).toBe(true)
  })

  it.each([['SELECT 1;'], ["SELECT ';'"], ['SELECT 1; /* ; */ # ;\n -- ;'], ['`;`'], ['-- ;\nSELECT 1']])(
    'sees one statement in %s',
    (sql) => {
      expect(scanStatement(sql).multiple).toBe(false)
    },
  )

  it('tells the first words, without comments and quoted names', () => {
    expect(scanStatement('/* x */ create definer=`a`@`b` trigger t').words).toEqual([
      'CREATE',
      'DEFINER',
      '@',
      'TRIGGER',
      'T',
    ])
    expect(scanStatement("(select 'insert' from t)").words).toEqual(['SELECT', 'FROM', 'T'])
  })

  it('finds exactly the parameters between pieces that hold none', () => {
    const quoted = (quote: string) =>
      fc
        .string({
          unit: fc.constantFrom(':', 'a', ';', '-', '#', '/', '*', ' ', '\n', '?', quote, '\\', 'é'),
        })
        .map((inner) => `${quote}${inner.replaceAll('\\', '\\\\').replaceAll(quote, quote + quote)}${quote}`)
    const name = fc.stringMatching(/^[A-Za-z0-9_]{1,12}$/)
    const inert = fc.oneof(
      quoted("'"),
      quoted('"'),
      // A backslash means nothing in a quoted name, so doubling it there is harmless.
      quoted('`'),
      fc.string({ unit: fc.constantFrom(':', 'a', ';', "'", ' ', '"') }).map((inner) => `/*${inner}*/`),
      fc.string({ unit: fc.constantFrom(':', 'a', ';', "'", ' ') }).map((inner) => `-- ${inner}\n`),
      fc.string({ unit: fc.constantFrom(':', 'a', ';', "'", ' ') }).map((inner) => `#${inner}\n`),
      fc.constantFrom(' := ', ' :: ', ' - ', ' 1.5e3 ', ' select ', ' @a ', '(', ')', ','),
    )
    const piece = fc.oneof(
      inert.map((sql) => ({ sql, parameter: undefined })),
      name.map((parameter) => ({ sql: `:${parameter}`, parameter })),
    )
    return fc.assert(
      fc.property(fc.array(piece), (pieces) => {
        const scanned = scanStatement(pieces.map(({ sql }) => sql).join(' '))
        const expected = pieces.map(({ sql, parameter }) => (parameter === undefined ? sql : '?')).join(' ')
        expect(scanned.names).toEqual(pieces.flatMap(({ parameter }) => parameter ?? []))
        expect(scanned.text).toBe(expected)
        expect(scanned.multiple).toBe(false)
      }),
      runs(500),
    )
  })

  it('keeps any text without a colon or semicolon as it is', () => {
    return fc.assert(
      fc.property(fc.string({ unit: codePoint }), (any) => {
        const sql = any.replaceAll(/[:;]/gu, '')
        expect(scanStatement(sql)).toMatchObject({ text: sql, names: [], multiple: false })
      }),
    )
  })

  it('takes a literal as long as a statement may be', () => {
    const literal = `'${'\\\'"'.repeat(20_000)}'`
    expect(scanStatement(`SELECT ${literal}, :a`).names).toEqual(['a'])
  })
})
