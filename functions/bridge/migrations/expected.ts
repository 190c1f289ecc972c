import { type AlteredTable, alteredTable, plainName } from './alter-clauses.ts'
import { columnChange } from './column-change.ts'
import { isMySqlFrom, type ServerVersion } from './server-version.ts'
import type { SqlTableFacts } from './table-facts.ts'

/** How a change of a table is expected to be done, where nothing is asked for. */
export type AlterWay = {
  readonly algorithm: 'INSTANT' | 'INPLACE' | 'COPY'
  /** What others can't do for as long as it takes: `NONE` nothing, `SHARED` write, `EXCLUSIVE` read. */
  readonly lock: 'NONE' | 'SHARED' | 'EXCLUSIVE'
  /** `rows`: each is written anew; `index`: one is built; `nothing`: it takes no longer for a larger table. */
  readonly writes: 'nothing' | 'index' | 'rows'
}

export type Expected = AlterWay & {
  readonly table: string
  /** As the server estimates it. */
  readonly rows: number
  readonly bytes: number
  /** A guess, by the table's size. */
  readonly seconds: number
  /** What it asks for itself that the server is expected to refuse; undefined where there is no such thing. */
  readonly refused: string | undefined
}

const INSTANT: AlterWay = { algorithm: 'INSTANT', lock: 'NONE', writes: 'nothing' }
const IN_PLACE: AlterWay = { algorithm: 'INPLACE', lock: 'NONE', writes: 'nothing' }
const INDEX: AlterWay = { algorithm: 'INPLACE', lock: 'NONE', writes: 'index' }
const REBUILD: AlterWay = { algorithm: 'INPLACE', lock: 'NONE', writes: 'rows' }
const COPY: AlterWay = { algorithm: 'COPY', lock: 'SHARED', writes: 'rows' }

const ALGORITHMS = ['INSTANT', 'INPLACE', 'COPY'] as const
const LOCKS = ['NONE', 'SHARED', 'EXCLUSIVE'] as const
const WRITES = ['nothing', 'index', 'rows'] as const
/** Bytes that a small server writes in a second: of a table's rows, and of an index. */
const RATE = { nothing: Number.POSITIVE_INFINITY, index: 50e6, rows: 20e6 }

const worst = <T>(order: readonly T[], values: readonly T[]): T | undefined =>
  values.reduce((one, other) => (order.indexOf(other) > order.indexOf(one) ? other : one))

const ASKS = /^(?<what>ALGORITHM|LOCK)\s*=?\s*(?<value>\w+)$/i

/**
 * How the server is expected to change a table, on what is known of its release: the manuals' tables of online DDL, as tried on MySQL 9
 * and MariaDB 10.11 (expected.test.ts).
 *
 * @returns undefined where the statement changes no table that is there, or holds what isn't known
 */
export const expectedOf = (
  statement: string,
  facts: SqlTableFacts,
  version: ServerVersion,
): Expected | undefined => {
  const altered = alteredTable(statement)
  if (altered === undefined) return undefined
  const work = altered.clauses.filter((clause) => !ASKS.test(clause))
  const ways = work.map((clause) => wayOf(clause, { altered, facts, version }))
  const known = ways.filter((way) => way !== undefined)
  if (known.length === 0 || known.length < ways.length) return undefined
  const way: AlterWay = {
    algorithm:
      worst(
        ALGORITHMS,
        known.map(({ algorithm }) => algorithm),
      ) ?? 'COPY',
    lock:
      worst(
        LOCKS,
        known.map(({ lock }) => lock),
      ) ?? 'SHARED',
    writes:
      worst(
        WRITES,
        known.map(({ writes }) => writes),
      ) ?? 'rows',
  }
  const { rows, indexes } = facts.bytes
  const bytes = way.writes === 'rows' ? rows + indexes : rows
  return {
    ...way,
    ...{ table: facts.table, rows: facts.rows, bytes: rows + indexes },
    seconds: Math.ceil(bytes / RATE[way.writes]),
    refused: refusedOf(altered, way),
  }
}

/** What a statement asks for that is better than the way it can be done. */
const refusedOf = ({ clauses }: AlteredTable, way: AlterWay): string | undefined =>
  clauses.find((clause) => {
    const { what = '', value = '' } = ASKS.exec(clause)?.groups ?? {}
    const order: readonly string[] = /lock/i.test(what) ? LOCKS : ALGORITHMS
    const at = order.indexOf(value.toUpperCase())
    return at >= 0 && at < order.indexOf(/lock/i.test(what) ? way.lock : way.algorithm)
  })

type Known = {
  readonly altered: AlteredTable
  readonly facts: SqlTableFacts
  readonly version: ServerVersion
}

const wayOf = (clause: string, known: Known): AlterWay | undefined => {
  const { facts, version } = known
  const text = clause.replaceAll(/\s+/g, ' ')
  if (/^RENAME (?:TO |AS )?(?!COLUMN\b|INDEX\b|KEY\b)\S+$/i.test(text)) return INSTANT
  if (facts.engine.toLowerCase() !== 'innodb') return COPY
  if (/\bPARTITION/i.test(text)) return COPY
  const isMariaDb = version.flavour === 'MariaDB'
  const rebuild = rebuildOf(known)
  if (/^ADD (?:CONSTRAINT (?:\S+ )?)?PRIMARY KEY\b/i.test(text)) return rebuild
  if (/^DROP PRIMARY KEY$/i.test(text))
    return isMariaDb || known.altered.clauses.some((one) => /^ADD .*PRIMARY KEY/i.test(one)) ? rebuild : COPY
  if (/^ADD (?:CONSTRAINT (?:\S+ )?)?(?:FOREIGN KEY|CHECK)\b/i.test(text)) return COPY
  if (/^ADD (?:CONSTRAINT (?:\S+ )?)?(?:UNIQUE|INDEX|KEY)\b/i.test(text)) return INDEX
  if (/^ADD (?:FULLTEXT|SPATIAL)\b/i.test(text))
    return { ...(/FULLTEXT/i.test(text) ? rebuild : INDEX), lock: 'SHARED' }
  if (/^DROP (?:INDEX|KEY)\b/i.test(text)) return IN_PLACE
  if (/^RENAME (?:INDEX|KEY)\b/i.test(text)) return isMariaDb ? INSTANT : IN_PLACE
  if (/^DROP FOREIGN KEY\b/i.test(text)) return isMariaDb ? INSTANT : IN_PLACE
  if (/^DROP (?:CHECK|CONSTRAINT)\b/i.test(text)) return undefined
  if (/^RENAME COLUMN\b/i.test(text)) return isMariaDb || isMySqlFrom(version, 8, 0, 28) ? INSTANT : IN_PLACE
  if (/^ALTER (?:COLUMN )?(?!INDEX\b|KEY\b|CHECK\b|CONSTRAINT\b)\S+ (?:SET DEFAULT|DROP DEFAULT)/i.test(text))
    return INSTANT
  if (/^ADD\b/i.test(text)) return addedColumn(text, known)
  if (/^DROP\b/i.test(text)) return droppedColumn(text, known)
  if (/^(?:MODIFY|CHANGE)\b/i.test(text)) return changedColumn(text, known)
  if (/^CONVERT TO\b/i.test(text)) return COPY
  if (/^(?:ENGINE ?=? ?InnoDB|FORCE|ROW_FORMAT ?=? ?\w+|KEY_BLOCK_SIZE ?=? ?\d+)$/i.test(text)) return rebuild
  return undefined
}

/** Where rows are written anew. With words to search in, MySQL copies, and MariaDB lets nobody write. */
const rebuildOf = ({ facts, version }: Known): AlterWay => {
  const isSearched = facts.indexes.some(({ type }) => type === 'FULLTEXT')
  if (!isSearched) return REBUILD
  return version.flavour === 'MariaDB' ? { ...REBUILD, lock: 'SHARED' } : COPY
}

/** Whether a row's columns may be changed without the rows. */
const hasVersions = ({ facts }: Known): boolean =>
  facts.rowFormat !== 'compressed' && !facts.indexes.some(({ type }) => type === 'FULLTEXT')

const addedColumn = (text: string, known: Known): AlterWay => {
  if (/\bSTORED\b|\bPERSISTENT\b/i.test(text)) return COPY
  if (/\bVIRTUAL\b|\bAS ?\(/i.test(text)) return INSTANT
  if (/\bAUTO_INCREMENT\b/i.test(text)) return { ...rebuildOf(known), lock: 'SHARED' }
  if (/\bUNIQUE\b|\bPRIMARY KEY\b|\bDEFAULT ?\(/i.test(text)) return rebuildOf(known)
  const isPlaced = /\b(?:FIRST|AFTER \S+)$/i.test(text)
  const isInstant = hasVersions(known) && (!isPlaced || canPlace(known.version))
  return isInstant ? INSTANT : rebuildOf(known)
}

const canPlace = (version: ServerVersion): boolean =>
  version.flavour === 'MariaDB' || isMySqlFrom(version, 8, 0, 29)

const droppedColumn = (text: string, known: Known): AlterWay => {
  const column = plainName(/^DROP (?:COLUMN )?(?:IF EXISTS )?(\S+)/i.exec(text)?.[1] ?? '')
  const isIndexed = known.facts.indexes.some(({ columns }) => columns.includes(column))
  return hasVersions(known) && canPlace(known.version) && !isIndexed ? INSTANT : rebuildOf(known)
}

const changedColumn = (text: string, known: Known): AlterWay | undefined => {
  const { facts, version } = known
  const isMariaDb = version.flavour === 'MariaDB'
  const change =
    /^MODIFY (?:COLUMN )?(?:IF EXISTS )?(?<name>\S+) (?<is>.*)$/i.exec(text) ??
    /^CHANGE (?:COLUMN )?(?<name>\S+) (?<to>\S+) (?<is>.*)$/i.exec(text)
  const { name = '', to = name, is = '' } = change?.groups ?? {}
  const before = facts.columns.find((column) => column.name === plainName(name))
  if (before === undefined || /\b(?:GENERATED|AS ?\()/i.test(is)) return undefined
  const { type, nullability } = columnChange(is, before, { table: facts, version })
  if (type === 'other') return COPY
  const isMoved = /\b(?:FIRST|AFTER \S+)$/i.test(is)
  if (nullability !== 'no') return rebuildOf(known)
  if (isMoved) return isMariaDb && hasVersions(known) ? INSTANT : rebuildOf(known)
  if (type === 'grows') return isMariaDb || /^(?:ENUM|SET)\b/i.test(is) ? INSTANT : IN_PLACE
  return plainName(to) === before.name || isMariaDb || isMySqlFrom(version, 8, 0, 28) ? INSTANT : IN_PLACE
}
