/** Long enough to recognise a statement by, in characters. */
const LONGEST = 300

/** A string with its doubled and escaped quotes, or a number that stands alone. */
const LITERAL = /'(?:[^'\\]|\\.|'')*'|"(?:[^"\\]|\\.|"")*"|(?<![\w.`:@$])\d+(?:\.\d+)?(?:e[+-]?\d+)?\b/gi

/**
 * A statement without its values, for errors and logs: literals become `?`, white space is folded, and a long one is cut.
 * Parameters are placeholders anyhow.
 */
export const shapeOf = (sql: string): string => {
  const shape = sql.replaceAll(LITERAL, '?').replaceAll(/\s+/g, ' ').trim()
  return shape.length > LONGEST ? `${shape.slice(0, LONGEST)} …` : shape
}
