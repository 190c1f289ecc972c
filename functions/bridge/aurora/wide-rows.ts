import { createHash } from 'node:crypto'
import { type Kysely, type RawBuilder, sql, type Transaction } from 'kysely'
import type { Entity } from '../model/entity.ts'
import { UnsettledError } from '../model/outcome.ts'
import { source } from './record-place.ts'
import { keyNames, nameOfSelected, rowPosition, selectedKey, whichAt } from './row-key.ts'
import { type SqlRow, selected } from './selection.ts'
import { recordColumns } from './stored-record.ts'

/*
 * Rows that the Data API does not return as they are: a row of a result may have 64 KB, a result 1 MiB. Their long columns
 * are read in pieces. All statements of one read are in one transaction, whose snapshot they share: what they give is a
 * row as it once was.
 */

/** Bytes of the columns that one statement gives of a row. Binary ones grow by a third. */
const ROW_ROOM = 40_000
/** Characters of a column in one row of a result: 4 bytes each, at the most. */
const PIECE = 15_000
/** Pieces in one result, so that it stays below its limit. */
const PIECES = 12
/** Bytes of rows that one statement gives. */
const RESULT_ROOM = 600_000

/** A column of a row: its bytes, its characters, and the hash of one that must come from one moment's order of things. */
type Measure = {
  readonly name: string
  readonly bytes: number
  readonly chars: number
  readonly hash?: string
}

/** How large a row is, and each of its columns. */
export type MeasuredRow = {
  /** Where it is among the others, by its primary key. */
  readonly position: string
  /** The row's key: its own, or its id where it has none; of one that can't be read, what its columns hold. */
  readonly key: string
  readonly bytes: number
  readonly columns: readonly Measure[]
}

type Db = Kysely<unknown> | Transaction<unknown>

/** What of a row is selected, by names that `readSelected` knows, key and version included. */
export const selection = (entity: Entity): RawBuilder<unknown> =>
  sql.join([...selectedKey(entity), ...recordColumns(entity), ...selected(entity)])

const always = (entity: Entity) => [...keyNames(entity), 'backsync_version', 'backsync_updated_at']

/** The names of the columns that a selection has beside those that every row has. */
const columnsOf = (entity: Entity): readonly string[] => [
  ...Object.keys(entity.attributes).map((_, at) => `c${at}`),
  ...Object.keys(entity.children).map((_, at) => `n${at}`),
]

/**
 * Measures rows without returning what is in them.
 *
 * @param which what follows FROM and the table `t`: a condition, an order, a limit
 * @returns in the order of their ids
 */
export const measure = async (db: Db, entity: Entity, which: RawBuilder<unknown>): Promise<MeasuredRow[]> => {
  const names = columnsOf(entity)
  const figures = names.flatMap((name) => {
    const value = wideValue(name)
    return [
      sql`OCTET_LENGTH(${value}) AS ${sql.ref(`b${name}`)}`,
      sql`CHAR_LENGTH(${value}) AS ${sql.ref(`l${name}`)}`,
      ...(isAggregate(name) ? [sql`SHA2(${value}, 256) AS ${sql.ref(`h${name}`)}`] : []),
    ]
  })
  const { rows } = await sql<SqlRow>`
    SELECT ${sql.join([...keyNames(entity).map((name) => sql`s.${sql.ref(name)} AS ${sql.ref(name)}`), ...figures])}
    FROM (SELECT ${selection(entity)} FROM ${source(entity)} ${which}) AS s`.execute(db)
  // Sorted here, and everywhere below: MySQL's own sorting has no room for rows such as these (errno 1038).
  return rows.toSorted(byId).map((row) => {
    const columns = names.map((name): Measure => {
      const hash = row[`h${name}`]
      return {
        name,
        bytes: Number(row[`b${name}`] ?? 0),
        chars: Number(row[`l${name}`] ?? 0),
        ...(typeof hash === 'string' && { hash }),
      }
    })
    return {
      position: rowPosition(entity, row),
      key: nameOfSelected(entity, row),
      bytes: columns.reduce((total, { bytes }) => total + bytes, 0),
      columns,
    }
  })
}

/** A column of the derived table `s`. MariaDB counts and cuts an aggregate by its bytes, unless it is told what these are. */
const wideValue = (name: string): RawBuilder<unknown> =>
  isAggregate(name) ? sql`CAST(s.${sql.ref(name)} AS CHAR CHARACTER SET utf8mb4)` : sql`s.${sql.ref(name)}`

/** Children come as one aggregate. In which order it has them is decided anew by each statement. */
const isAggregate = (name: string): boolean => name.startsWith('n')

/**
 * Reads measured rows, in the transaction in which they were measured: small ones together, each other one in pieces.
 *
 * @throws UnsettledError when a row's pieces don't fit together
 */
export const readMeasured = async (
  db: Transaction<unknown>,
  entity: Entity,
  measured: readonly MeasuredRow[],
): Promise<SqlRow[]> => {
  const rows: SqlRow[] = []
  let together: MeasuredRow[] = []
  let bytes = 0
  const flush = async (): Promise<void> => {
    if (together.length > 0) rows.push(...(await readTogether(db, entity, together)))
    together = []
    bytes = 0
  }
  for (const row of measured) {
    if (row.bytes > ROW_ROOM) {
      await flush()
      rows.push(await readInPieces(db, entity, row))
      continue
    }
    if (bytes + row.bytes > RESULT_ROOM) await flush()
    together.push(row)
    bytes += row.bytes
  }
  await flush()
  return rows
}

const readTogether = async (db: Db, entity: Entity, measured: readonly MeasuredRow[]): Promise<SqlRow[]> => {
  const which = sql.join(
    measured.map(({ position }) => sql`(${whichAt(entity, position)})`),
    sql` OR `,
  )
  const { rows } = await sql<SqlRow>`
    SELECT ${selection(entity)} FROM ${source(entity)}
    WHERE ${which}`.execute(db)
  return rows.toSorted(byId)
}

const idOf = ({ id = 0n }: SqlRow): bigint => BigInt(String(id))

const byId = (a: SqlRow, b: SqlRow): number => Number(idOf(a) - idOf(b))

const readInPieces = async (db: Db, entity: Entity, { position, columns }: MeasuredRow): Promise<SqlRow> => {
  const which = whichAt(entity, position)
  const one = sql`(SELECT ${selection(entity)} FROM ${source(entity)} WHERE ${which}) AS s`
  const row: Record<string, unknown> = {}
  for (const names of grouped(columns.filter(({ bytes }) => bytes <= ROW_ROOM))) {
    const wanted = [...always(entity), ...names].map((name) => sql`s.${sql.ref(name)} AS ${sql.ref(name)}`)
    const { rows } = await sql<SqlRow>`SELECT ${sql.join(wanted)} FROM ${one}`.execute(db)
    Object.assign(row, rows[0])
  }
  for (const column of columns.filter(({ bytes }) => bytes > ROW_ROOM)) {
    const value = await readColumn(db, one, column)
    if (column.hash !== undefined && hashOf(value) !== column.hash)
      throw new UnsettledError(`The children of a ${entity.name} came in more than one order`)
    row[column.name] = value
  }
  return row
}

/** Columns that fit into one row of a result together; at least one group, for what every row has. */
const grouped = (columns: readonly Measure[]): readonly (readonly string[])[] => {
  const groups: string[][] = [[]]
  let bytes = 0
  for (const column of columns) {
    if (bytes + column.bytes > ROW_ROOM) {
      groups.push([])
      bytes = 0
    }
    groups.at(-1)?.push(column.name)
    bytes += column.bytes
  }
  return groups
}

const readColumn = async (
  db: Db,
  source: RawBuilder<unknown>,
  { name, chars }: Measure,
): Promise<string | Uint8Array> => {
  const pieces: unknown[] = []
  const all = Math.ceil(chars / PIECE)
  for (let from = 0; from < all; from += PIECES) {
    const numbers = Array.from({ length: Math.min(PIECES, all - from) }, (_, at) => from + at)
    const { rows } = await sql<{ n: unknown; piece: unknown }>`
      SELECT p.n AS n, SUBSTRING(${wideValue(name)}, p.n * ${sql.lit(PIECE)} + 1, ${sql.lit(PIECE)}) AS piece
      FROM ${source}
      JOIN JSON_TABLE(${sql.lit(JSON.stringify(numbers))}, '$[*]' COLUMNS (n INT PATH '$')) AS p`.execute(db)
    pieces.push(...rows.toSorted((a, b) => Number(a.n) - Number(b.n)).map(({ piece }) => piece))
  }
  const bytes = pieces.filter((piece) => piece instanceof Uint8Array)
  return bytes.length > 0 ? Buffer.concat(bytes) : pieces.join('')
}

const hashOf = (value: string | Uint8Array): string => createHash('sha256').update(value).digest('hex')
