/** What changes a table that is there: its name, and what is done to it, clause by clause, without comments. */
export type AlteredTable = {
  readonly table: string
  /** `ADD COLUMN n INT NULL`; of CREATE INDEX and DROP INDEX as ALTER TABLE would have it. */
  readonly clauses: readonly string[]
}

const NAME = /`(?:[^`]|``)+`|[\p{L}\p{N}_$]+/u.source
const PLACE = `(?:(?:${NAME})\\s*\\.\\s*)?(?<table>${NAME})`
const ALTER = new RegExp(
  `^ALTER\\s+(?:ONLINE\\s+|IGNORE\\s+)*TABLE\\s+(?:IF\\s+EXISTS\\s+)?${PLACE}\\s+(?<rest>[\\s\\S]+)$`,
  'iu',
)
const CREATE = new RegExp(
  `^CREATE\\s+(?:OR\\s+REPLACE\\s+)?(?<kind>UNIQUE\\s+|FULLTEXT\\s+|SPATIAL\\s+)?INDEX\\s+(?:IF\\s+NOT\\s+EXISTS\\s+)?(?<index>${NAME})(?<using>\\s+USING\\s+\\w+)?\\s+ON\\s+${PLACE}\\s*(?<rest>\\([\\s\\S]*)$`,
  'iu',
)
const DROP = new RegExp(
  `^DROP\\s+INDEX\\s+(?:IF\\s+EXISTS\\s+)?(?<index>${NAME})\\s+ON\\s+${PLACE}(?<rest>[\\s\\S]*)$`,
  'iu',
)

/** A name without its backticks, in lower case: as the catalogue is asked for it. */
export const plainName = (name: string): string =>
  name.replaceAll(/^`|`$/g, '').replaceAll('``', '`').toLowerCase()

/** @returns undefined where it changes no table that is there, or can't be read */
export const alteredTable = (statement: string): AlteredTable | undefined => {
  const text = statement.replaceAll(/\/\*(?![!M+])[\s\S]*?\*\//g, ' ').trim()
  const altered = ALTER.exec(text)?.groups
  if (altered !== undefined)
    return { table: plainName(altered.table ?? ''), clauses: clausesOf(altered.rest ?? '') }
  const created = CREATE.exec(text)?.groups
  if (created !== undefined)
    return {
      table: plainName(created.table ?? ''),
      clauses: [
        `ADD ${(created.kind ?? '').trim()} INDEX ${created.index}${created.rest}`,
        ...optionsOf(created.rest ?? ''),
      ],
    }
  const dropped = DROP.exec(text)?.groups
  if (dropped === undefined) return undefined
  return {
    table: plainName(dropped.table ?? ''),
    clauses: [`DROP INDEX ${dropped.index}`, ...optionsOf(dropped.rest ?? '')],
  }
}

/** What CREATE INDEX and DROP INDEX have behind, without a comma before it. */
const optionsOf = (rest: string): string[] =>
  [...rest.matchAll(/\b(?:ALGORITHM|LOCK)\s*=?\s*\w+/gi)].map(([option]) => option)

/** Divides at the commas that stand in no quotes and no brackets. */
const clausesOf = (rest: string): string[] => {
  const clauses: string[] = []
  let [depth, begin] = [0, 0]
  for (const { 0: token, index } of rest.matchAll(
    /'(?:[^'\\]|\\[\s\S]|'')*'|"(?:[^"\\]|\\[\s\S]|"")*"|`(?:[^`]|``)*`|[(),]/g,
  )) {
    if (token === '(') depth += 1
    else if (token === ')') depth -= 1
    else if (token === ',' && depth === 0) {
      clauses.push(rest.slice(begin, index).trim())
      begin = index + 1
    }
  }
  return [...clauses, rest.slice(begin).trim()].filter((clause) => clause !== '')
}
