/**
 * What is known of a statement of which it isn't known whether it ran:
 * - `rows`: it changes rows only, and shares a transaction with its record, where its tables take part in one: it ran if its
 *   record says so. See untransacted.ts for those that don't.
 * - `schema`: DDL that may be sent again: where its effect is there already, the server refuses it by a number of its own,
 *   or does nothing.
 * - `other`: neither. Run again it might be done twice.
 */
export type StatementKind = 'rows' | 'schema' | 'other'

const LITERAL = /'(?:[^'\\]|\\[\s\S]|'')*'|"(?:[^"\\]|\\[\s\S]|"")*"/g
/** A comment with code in it is kept: what it does can't be told from here. */
const COMMENT = /--(?=\s|$)[^\n]*|#[^\n]*|\/\*(?![!M+])[\s\S]*?\*\//g
const INNERMOST = /\([^()]*\)/g

const ROWS = /^(?:INSERT|REPLACE|UPDATE|DELETE|WITH)\b/i
const PROVES_ITSELF =
  /^(?:CREATE\s+(?:UNIQUE\s+|FULLTEXT\s+|SPATIAL\s+)?INDEX|CREATE\s+(?:TABLE|DATABASE|SCHEMA|TRIGGER|PROCEDURE|FUNCTION|EVENT|VIEW)|DROP\s+(?:TABLE|INDEX|DATABASE|SCHEMA|TRIGGER|PROCEDURE|FUNCTION|EVENT|VIEW))\b/i
const ALTER_TABLE = /^ALTER\s+TABLE\s+\S+\s+(?<clauses>[\s\S]+)$/i
/** Of a name of its own, or the server would make one up and add the same once more. */
const ADDS =
  /^ADD\s+(?:(?:UNIQUE\s+|FULLTEXT\s+|SPATIAL\s+)?(?:INDEX|KEY)\s+(?!USING\b)[`\w]\S*|CONSTRAINT\s+(?!UNIQUE\b|FOREIGN\b|CHECK\b|PRIMARY\b)[`\w]\S*\s|PRIMARY\s+KEY|(?:COLUMN\s+)?(?!(?:INDEX|KEY|UNIQUE|FULLTEXT|SPATIAL|CONSTRAINT|FOREIGN|CHECK|PRIMARY|PARTITION|SYSTEM|PERIOD|COLUMN)\b)[`\w]\S*\s)/i
const DROPS = /^DROP\s+/i
/** What says how a column is to be, and makes it so again. */
const STATES = /^(?:MODIFY|ALTER)\b/i
const HARMLESS = /^(?:ALGORITHM|LOCK)\b/i

/** Looks at a statement of a migration. */
export const kindOfStatement = (text: string): StatementKind => {
  const bare = flat(text)
  // Code in a comment could be anything.
  if (bare.includes('/*')) return 'other'
  if (ROWS.test(bare)) return 'rows'
  if (PROVES_ITSELF.test(bare)) return /\bOR\s+REPLACE\b/i.test(bare) ? 'other' : 'schema'
  const clauses = ALTER_TABLE.exec(bare)?.groups?.clauses
  return clauses !== undefined && provesItself(clauses.split(',').map((clause) => clause.trim()))
    ? 'schema'
    : 'other'
}

/** What is both added and dropped would be dropped again, with what has come into it since. */
const provesItself = (clauses: readonly string[]): boolean => {
  const work = clauses.filter((clause) => !HARMLESS.test(clause))
  if (work.length === 0) return false
  return [ADDS, DROPS].some((one) => work.every((clause) => one.test(clause) || STATES.test(clause)))
}

export const withoutLiterals = (text: string): string =>
  text.replaceAll(LITERAL, "''").replaceAll(COMMENT, ' ')

/** Without literals, comments and whatever stands in brackets. */
const flat = (text: string): string => {
  let bare = withoutLiterals(text)
  for (let before = ''; before !== bare; ) {
    before = bare
    bare = bare.replaceAll(INNERMOST, ' ')
  }
  return bare.replaceAll(/\s+/g, ' ').trim()
}
