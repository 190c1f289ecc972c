import { describe, expect, it } from '@jest/globals'
import { shapeOf } from '../../../../../functions/bridge/drivers/data-api/statement-shape.ts'

describe('the shape of a statement', () => {
  it.each([
    [
      'keeps words, names and placeholders',
      'SELECT `a1`, t2.b FROM t2 WHERE c = :p1',
      'SELECT `a1`, t2.b FROM t2 WHERE c = :p1',
    ],
    ['replaces strings', 'SELECT \'Bobby\', "Flay"', 'SELECT ?, ?'],
    [
      'replaces strings with quotes in them',
      String.raw`SELECT 'it''s', 'a\'b', "c""d" AS x`,
      'SELECT ?, ?, ? AS x',
    ],
    ['replaces numbers', 'SELECT 1, -2.5, 3e7 FROM t LIMIT 10', 'SELECT ?, -?, ? FROM t LIMIT ?'],
    ['folds white space', '  SELECT\n\t1  ', 'SELECT ?'],
    ['loses no time on what is no literal', `SELECT '${'\\'.repeat(50)}`, `SELECT '${'\\'.repeat(50)}`],
  ])('%s', (_, sql, shape) => {
    expect(shapeOf(sql)).toBe(shape)
  })

  it('cuts what is long', () => {
    expect(shapeOf('a '.repeat(1000))).toHaveLength(302)
  })
})
