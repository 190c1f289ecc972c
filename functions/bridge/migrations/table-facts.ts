import { type Kysely, sql } from 'kysely'
import * as z from 'zod'
import { type ServerVersion, serverVersionOf } from './server-version.ts'

/** What the catalogue says of a column, its names in lower case. */
export type ColumnFacts = {
  readonly name: string
  /** `int`, `varchar(20)`, `enum('p','q')`: in lower case but for what is quoted. */
  readonly type: string
  readonly isNullable: boolean
  readonly charset: string | undefined
  readonly collation: string | undefined
  /** How many bytes a character may take. */
  readonly bytesPerCharacter: number
}

/** What decides how a change of a table is done, and how long it takes. */
export type SqlTableFacts = {
  readonly table: string
  readonly engine: string
  readonly rowFormat: string
  readonly collation: string
  /** As the server estimates it: it may be off by half. */
  readonly rows: number
  /** Of its rows, and of its indexes. */
  readonly bytes: { readonly rows: number; readonly indexes: number }
  readonly columns: readonly ColumnFacts[]
  readonly indexes: readonly {
    readonly name: string
    readonly type: string
    readonly columns: readonly string[]
  }[]
}

const number = z
  .union([z.number(), z.bigint(), z.string(), z.null()])
  .transform((value) => Number(value ?? 0))
const word = z.string().nullable()
const tableRow = z.object({
  engine: word,
  format: word,
  collation: word,
  rows: number,
  data: number,
  indexed: number,
})
const columnRow = z.object({
  name: z.string(),
  type: z.string(),
  nullable: z.string(),
  charset: word,
  collation: word,
  octets: number,
  characters: number,
})
const indexRow = z.object({ name: z.string(), type: z.string(), column: word })

/** @returns undefined where there is no such table */
export const findTableFacts = async (
  db: Kysely<unknown>,
  table: string,
): Promise<SqlTableFacts | undefined> => {
  const rows = async (query: ReturnType<typeof sql>): Promise<unknown> => (await query.execute(db)).rows
  const [found] = z.array(tableRow).parse(
    await rows(sql`
      SELECT ENGINE AS engine, ROW_FORMAT AS format, TABLE_COLLATION AS collation, TABLE_ROWS AS \`rows\`,
        DATA_LENGTH AS data, INDEX_LENGTH AS indexed
      FROM information_schema.TABLES
      WHERE TABLE_SCHEMA = DATABASE() AND LOWER(TABLE_NAME) = ${table} AND TABLE_TYPE = 'BASE TABLE'`),
  )
  if (found === undefined) return undefined
  const columns = z.array(columnRow).parse(
    await rows(sql`
      SELECT COLUMN_NAME AS name, COLUMN_TYPE AS type, IS_NULLABLE AS nullable, CHARACTER_SET_NAME AS charset,
        COLLATION_NAME AS collation, CHARACTER_OCTET_LENGTH AS octets, CHARACTER_MAXIMUM_LENGTH AS characters
      FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = DATABASE() AND LOWER(TABLE_NAME) = ${table}
      ORDER BY ORDINAL_POSITION`),
  )
  const parts = z.array(indexRow).parse(
    await rows(sql`
      SELECT INDEX_NAME AS name, INDEX_TYPE AS type, COLUMN_NAME AS \`column\`
      FROM information_schema.STATISTICS WHERE TABLE_SCHEMA = DATABASE() AND LOWER(TABLE_NAME) = ${table}
      ORDER BY INDEX_NAME, SEQ_IN_INDEX`),
  )
  const names = [...new Set(parts.map(({ name }) => name))]
  return {
    table,
    engine: found.engine ?? '',
    rowFormat: (found.format ?? '').toLowerCase(),
    collation: found.collation ?? '',
    rows: found.rows,
    bytes: { rows: found.data, indexes: found.indexed },
    columns: columns.map(({ name, type, nullable, charset, collation, octets, characters }) => ({
      name: name.toLowerCase(),
      type,
      isNullable: nullable === 'YES',
      charset: charset ?? undefined,
      collation: collation ?? undefined,
      bytesPerCharacter: characters === 0 ? 1 : Math.round(octets / characters),
    })),
    indexes: names.map((name) => {
      const own = parts.filter((part) => part.name === name)
      return {
        name: name.toLowerCase(),
        type: own[0]?.type ?? '',
        columns: own.map(({ column }) => (column ?? '').toLowerCase()),
      }
    }),
  }
}

export const findServerVersion = async (db: Kysely<unknown>): Promise<ServerVersion> => {
  const { rows } = await sql<{ version: unknown }>`SELECT @@version AS version`.execute(db)
  return serverVersionOf(String(rows[0]?.version))
}
