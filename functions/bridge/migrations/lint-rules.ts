import { withoutLiterals } from './statement-kind.ts'
import { isUnpreparable } from './unpreparable.ts'

export type Severity = 'error' | 'warning'

/** One rule for one statement. */
export type LintRule = {
  readonly rule: string
  readonly severity: Severity
  /**
   * @param before the statements of the file that come before it
   * @returns what is wrong and what to write instead; undefined where nothing is
   */
  readonly check: (statement: string, before: readonly string[]) => string | undefined
}

/** A statement of the Data API has at most so many characters. */
const LONGEST = 65_536

const bareOf = (statement: string): string => withoutLiterals(statement).replaceAll(/\s+/g, ' ').trim()
/** Without what stands in brackets, so that a clause's commas are the statement's. */
const flatOf = (statement: string): string => {
  let flat = bareOf(statement)
  for (let before = ''; before !== flat; ) {
    before = flat
    flat = flat.replaceAll(/\([^()]*\)/g, ' ')
  }
  return flat
}
const ALTER = /^ALTER TABLE (?<table>\S+) (?<clauses>.*)$/i
const clausesOf = (statement: string): readonly string[] =>
  ALTER.exec(flatOf(statement))
    ?.groups?.clauses?.split(',')
    .map((clause) => clause.trim()) ?? []
const tableOf = (statement: string): string | undefined =>
  ALTER.exec(bareOf(statement))?.groups?.table?.replaceAll('`', '').toLowerCase()
const CREATED = /^CREATE TABLE (?:IF NOT EXISTS )?`?(?<table>[\w$]+)/i
/** Whether the file itself has made the table: nobody else uses it yet. */
const isNew = (statement: string, before: readonly string[]): boolean => {
  const table = tableOf(statement)
  return before.some((one) => CREATED.exec(bareOf(one))?.groups?.table?.toLowerCase() === table)
}

const algorithmOf = (statement: string): string | undefined =>
  clausesOf(statement)
    .find((clause) => /^ALGORITHM\b/i.test(clause))
    ?.replace(/^ALGORITHM ?=? ?/i, '')
    .toUpperCase()
const ZERO_DATE = /\bDEFAULT\s+(?:DATE\s*|TIMESTAMP\s*)?['"]\d{4}-(?:00-\d\d|\d\d-00)/i
const CHANGES_ROWS = /^(?:INSERT|UPDATE|DELETE|REPLACE)\b/i
const CHARSET = /\b(?:CHARSET|CHARACTER SET) ?=? ?(\w+)/gi

const COLUMN = '(?!(?:INDEX|KEY|UNIQUE|FULLTEXT|SPATIAL|CONSTRAINT|FOREIGN|CHECK|PRIMARY|PARTITION)\\b)'
const DROPS_COLUMN = new RegExp(`^DROP (?:COLUMN )?${COLUMN}\\S`, 'i')
const ADDS_COLUMN = new RegExp(`^ADD (?:COLUMN )?${COLUMN}\\S`, 'i')

export const lintRules: readonly LintRule[] = [
  {
    rule: 'drop-table',
    severity: 'error',
    check: (text) =>
      /^DROP (?:TABLE|DATABASE|SCHEMA)\b/i.test(bareOf(text))
        ? 'what is dropped is gone, with its rows: say why nobody needs it'
        : undefined,
  },
  {
    rule: 'drop-column',
    severity: 'error',
    check: (text) =>
      clausesOf(text).some((clause) => DROPS_COLUMN.test(clause))
        ? 'a column that is dropped is gone, and code that names it fails: drop it a release after the last that does'
        : undefined,
  },
  {
    rule: 'rename',
    severity: 'error',
    check: (text) =>
      /^RENAME TABLE\b/i.test(bareOf(text)) ||
      clausesOf(text).some((clause) => /^RENAME (?!INDEX\b|KEY\b)|^CHANGE\b/i.test(clause))
        ? 'code that runs names what it was: add the new one, write both, and drop the old one in a later release'
        : undefined,
  },
  {
    rule: 'truncate',
    severity: 'error',
    check: (text) =>
      /^TRUNCATE\b/i.test(bareOf(text)) ? 'all rows are gone, and no trigger sees it: say why' : undefined,
  },
  {
    rule: 'no-where',
    severity: 'error',
    check: (text, before) => {
      const bare = bareOf(text)
      if (!/^(?:DELETE|UPDATE)\b/i.test(bare) || /\b(?:WHERE|LIMIT)\b/i.test(bare)) return undefined
      const isOwn = before.some((one) => {
        const table = CREATED.exec(bareOf(one))?.groups?.table
        return table !== undefined && new RegExp(`\\b${table.replaceAll('$', '\\$')}\\b`, 'i').test(bare)
      })
      return isOwn
        ? undefined
        : 'it changes every row in one transaction, within 45 seconds: divide it by ranges of keys'
    },
  },
  {
    rule: 'algorithm',
    severity: 'error',
    check: (text, before) => {
      const clauses = clausesOf(text)
      if (clauses.length === 0 || isNew(text, before)) return undefined
      return clauses.some((clause) => /^ALGORITHM\b/i.test(clause))
        ? undefined
        : 'without ALGORITHM the server may copy the table and block its writers: write ALGORITHM=INSTANT, or ALGORITHM=INPLACE, LOCK=NONE'
    },
  },
  {
    rule: 'copy',
    severity: 'error',
    check: (text, before) =>
      !isNew(text, before) &&
      clausesOf(text).some((clause) =>
        /^ALGORITHM ?=? ?COPY\b|^CONVERT TO\b|^LOCK ?=? ?(?:SHARED|EXCLUSIVE)\b/i.test(clause),
      )
        ? 'it copies the table, or blocks its writers, for as long as that takes'
        : undefined,
  },
  {
    rule: 'not-null',
    severity: 'error',
    check: (text, before) =>
      !isNew(text, before) &&
      clausesOf(text).some(
        (clause) =>
          ADDS_COLUMN.test(clause) &&
          /\bNOT NULL\b/i.test(clause) &&
          !/\b(?:DEFAULT|AUTO_INCREMENT|GENERATED|AS)\b/i.test(clause),
      )
        ? 'an INSERT of code that runs doesn’t name the column, and fails: give it a DEFAULT, or make it NULL'
        : undefined,
  },
  {
    rule: 'drop-with-reorder',
    severity: 'error',
    check: (text) => {
      const clauses = clausesOf(text)
      const moves = clauses.some((clause) => /^(?:MODIFY|CHANGE)\b.*\b(?:AFTER|FIRST)\b/i.test(clause))
      return moves && clauses.some((clause) => DROPS_COLUMN.test(clause) || ADDS_COLUMN.test(clause))
        ? 'columns that are added or dropped together with a reorder have been corrupted by the server: use two statements'
        : undefined
    },
  },
  {
    rule: 'inline-references',
    severity: 'error',
    check: (text) => {
      const bare = bareOf(text)
      if (!/^(?:CREATE|ALTER) TABLE\b/i.test(bare)) return undefined
      const inline = bare.replaceAll(/\bFOREIGN KEY (?:`?[\w$]+`? )?\([^()]*\) REFERENCES\b/gi, '')
      return /\bREFERENCES\b/i.test(inline)
        ? 'MySQL reads REFERENCES behind a column and makes no foreign key: write FOREIGN KEY (column) REFERENCES ...'
        : undefined
    },
  },
  {
    rule: 'primary-key',
    severity: 'error',
    check: (text) => {
      const bare = bareOf(text)
      return CREATED.test(bare) && !/\bPRIMARY KEY\b|\bLIKE\b|\bSELECT\b/i.test(bare)
        ? 'a table without a primary key can’t be replicated row by row, nor mapped: give it one'
        : undefined
    },
  },
  {
    rule: 'engine',
    severity: 'error',
    check: (text) =>
      /\bENGINE ?=? ?(?:MyISAM|Aria|MEMORY|CSV|ARCHIVE)\b/i.test(bareOf(text))
        ? 'its engine takes part in no transaction: a statement that fails stays half done'
        : undefined,
  },
  {
    rule: 'definer',
    severity: 'warning',
    check: (text) =>
      /^(?:CREATE|ALTER)\b.*?\bDEFINER ?=/i.test(bareOf(text))
        ? 'another server may not have that account: without DEFINER it is whoever applies it'
        : undefined,
  },
  {
    rule: 'zero-date',
    severity: 'error',
    check: (text) =>
      /^(?:CREATE|ALTER) TABLE\b/i.test(bareOf(text)) && ZERO_DATE.test(text)
        ? 'there is no such day, and a strict server refuses it: write NULL'
        : undefined,
  },
  {
    rule: 'float',
    severity: 'warning',
    check: (text) =>
      /^(?:CREATE|ALTER) TABLE\b/i.test(bareOf(text)) && /\b(?:FLOAT|DOUBLE|REAL)\b/i.test(bareOf(text))
        ? 'a FLOAT or DOUBLE holds no decimals exactly: money is DECIMAL'
        : undefined,
  },
  {
    rule: 'needs-direct',
    severity: 'warning',
    check: (text) =>
      isUnpreparable(text)
        ? 'the Data API can’t run it: apply it with npx backsync migrate up --direct before the deployment'
        : undefined,
  },
  {
    rule: 'too-long',
    severity: 'error',
    check: (text) =>
      text.length > LONGEST
        ? `it has more than the ${LONGEST} characters that the Data API takes: divide it`
        : undefined,
  },
  {
    rule: 'charset',
    severity: 'warning',
    check: (text) => {
      const bare = bareOf(text)
      if (!/^(?:CREATE|ALTER) TABLE\b/i.test(bare)) return undefined
      const other = [...bare.matchAll(CHARSET)].find(
        ([, name]) => !/^(?:utf8mb4|ascii|binary)$/i.test(name ?? ''),
      )
      return other === undefined
        ? undefined
        : `${other[1]} can’t hold every character that clients send: write utf8mb4`
    },
  },
  {
    rule: 'several-alters',
    severity: 'warning',
    check: (text, before) => {
      const table = tableOf(text)
      if (table === undefined || isNew(text, before)) return undefined
      const isSame = (one: string): boolean =>
        tableOf(one) === table && algorithmOf(one) === algorithmOf(text)
      return before.some(isSame)
        ? 'each of them waits for the table, and has its writers wait: one ALTER TABLE takes both'
        : undefined
    },
  },
  {
    rule: 'mixed',
    severity: 'warning',
    check: (text, before) => {
      if (!CHANGES_ROWS.test(bareOf(text)) || before.some((one) => CHANGES_ROWS.test(bareOf(one))))
        return undefined
      return before.some((one) => tableOf(one) !== undefined && !isNew(one, before))
        ? 'the table stays altered should this fail, or be undone: change rows in a migration of their own'
        : undefined
    },
  },
  {
    rule: 'unnamed-key',
    severity: 'warning',
    check: (text) =>
      clausesOf(text).some((clause) =>
        /^ADD (?:UNIQUE |FULLTEXT |SPATIAL )?(?:INDEX|KEY)(?: USING \w+)?$/i.test(clause),
      )
        ? 'a key without a name would be added once more should an answer be lost: name it'
        : undefined,
  },
]
