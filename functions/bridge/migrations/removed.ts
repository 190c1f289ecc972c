import { alteredTable, plainName } from './alter-clauses.ts'
import { withoutLiterals } from './statement-kind.ts'

/** What a statement takes away under the name that it has: code that says this name fails from then on. */
export type Removed = {
  readonly table: string
  /** In lower case; undefined where it is the whole table. */
  readonly column: string | undefined
  readonly how: 'drops' | 'renames'
}

const NOT_A_COLUMN = /^(?:INDEX|KEY|PRIMARY|FOREIGN|CHECK|CONSTRAINT|PARTITION|SYSTEM)\b/i
const NAME = '`(?:[^`]|``)+`|[\\p{L}\\p{N}_$]+'
const LAST = new RegExp(`(?<name>${NAME})$`, 'u')

/** A name without its schema. */
const nameIn = (text: string): string => plainName(LAST.exec(text.trim())?.groups?.name ?? '')

export const removedBy = (statement: string): readonly Removed[] => {
  const bare = withoutLiterals(statement).replaceAll(/\s+/g, ' ').trim()
  const dropped = /^DROP TABLE (?:IF EXISTS )?(?<names>.+?)(?: (?:RESTRICT|CASCADE))?$/i.exec(bare)?.groups
    ?.names
  if (dropped !== undefined)
    return dropped.split(',').map((name) => ({ table: nameIn(name), column: undefined, how: 'drops' }))
  const renamed = /^RENAME TABLES? (?<pairs>.+)$/i.exec(bare)?.groups?.pairs
  if (renamed !== undefined)
    return renamed
      .split(',')
      .map((pair) => ({ table: nameIn(pair.split(/ TO /i)[0] ?? ''), column: undefined, how: 'renames' }))
  const altered = alteredTable(statement)
  if (altered === undefined || /^(?:CREATE|DROP)\b/i.test(bare)) return []
  const { table, clauses } = altered
  return clauses.flatMap((clause): Removed[] => {
    const text = clause.replaceAll(/\s+/g, ' ')
    if (/^RENAME (?!COLUMN\b|INDEX\b|KEY\b)/i.test(text))
      return [{ table, column: undefined, how: 'renames' }]
    const drops = /^DROP (?:COLUMN )?(?:IF EXISTS )?(?<rest>.+)$/i.exec(text)?.groups?.rest
    if (drops !== undefined && !NOT_A_COLUMN.test(drops))
      return [{ table, column: nameIn(drops.split(' ')[0] ?? ''), how: 'drops' }]
    const [, from, to] = /^(?:RENAME COLUMN|CHANGE(?: COLUMN)?) (\S+) (?:TO )?(\S+)/i.exec(text) ?? []
    if (from === undefined || to === undefined || plainName(from) === plainName(to)) return []
    return [{ table, column: plainName(from), how: 'renames' }]
  })
}
