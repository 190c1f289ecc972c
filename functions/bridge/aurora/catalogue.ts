import { type Kysely, sql } from 'kysely'
import * as z from 'zod'
import { idempotently } from '../drivers/data-api/idempotent.ts'

/** What the schema says of a column. */
export type Column = {
  readonly name: string
  readonly isNullable: boolean
  /** In lower case, without length and sign: `varchar`. */
  readonly type: string
  /** Characters or bytes, of texts and binaries. */
  readonly length: number | undefined
  /** Digits before the point, of decimals. */
  readonly digits: number | undefined
}

/** A foreign key elsewhere, or in the same table, to columns of a table, and what becomes of it at a delete. */
export type Referrer = {
  readonly table: string
  readonly columns: readonly { readonly column: string; readonly to: string }[]
  /** `CASCADE`, `SET NULL`: the key blocks no delete; anything else does. */
  readonly onDelete: string
}

/** What is known of a schema is asked again after so long, in ms: migrations change it under a process that lives for hours. */
const KNOWN_FOR = 10 * 60_000

const yes = z.string().transform((text) => text === 'YES')
const number = z.union([z.number(), z.bigint(), z.string(), z.null()]).transform((value) => {
  return value === null ? undefined : Number(value)
})
const columnRow = z.object({
  name: z.string(),
  isNullable: yes,
  type: z.string().transform((text) => text.toLowerCase()),
  length: number,
  digits: number,
})
const indexRow = z.object({ index: z.string(), column: z.string() })
const referrerRow = z.object({
  table: z.string(),
  constraint: z.string(),
  column: z.string(),
  to: z.string(),
  onDelete: z.string(),
})

/**
 * What the schema itself says of tables, which definitions of entities don't: asked for when something was refused, or
 * before a delete of what others may refer to, and kept for a while.
 */
export class Catalogue {
  readonly #db: Kysely<unknown>
  readonly #known = new Map<
    string,
    { readonly until: number; readonly answer: Promise<readonly unknown[]> }
  >()

  constructor(db: Kysely<unknown>) {
    this.#db = idempotently(db)
  }

  /** The columns of a table. */
  columns(table: string): Promise<readonly Column[]> {
    return this.#ask(
      `columns of ${table}`,
      columnRow,
      () => sql`
      SELECT COLUMN_NAME AS name, IS_NULLABLE AS isNullable, DATA_TYPE AS type,
        CHARACTER_MAXIMUM_LENGTH AS length, NUMERIC_PRECISION - NUMERIC_SCALE AS digits
      FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = ${table}`,
    )
  }

  /** The columns of a table that MySQL sets when a row is updated and they are not. */
  async setOnUpdate(table: string): Promise<readonly string[]> {
    const rows = await this.#ask(
      `columns of ${table} that are set`,
      z.object({ name: z.string() }),
      () => sql`
      SELECT COLUMN_NAME AS name FROM information_schema.COLUMNS
      WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = ${table} AND LOWER(EXTRA) LIKE '%on update%'`,
    )
    return rows.map(({ name }) => name)
  }

  /** The columns of the unique indexes of a table, the primary key's left out. */
  uniques(table: string): Promise<readonly z.output<typeof indexRow>[]> {
    return this.#ask(
      `uniques of ${table}`,
      indexRow,
      () => sql`
      SELECT INDEX_NAME AS ${sql.ref('index')}, COLUMN_NAME AS ${sql.ref('column')}
      FROM information_schema.STATISTICS
      WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = ${table} AND NON_UNIQUE = 0
        AND INDEX_NAME <> 'PRIMARY' AND COLUMN_NAME IS NOT NULL`,
    )
  }

  /** Who refers to a table by a foreign key. */
  async referrers(table: string): Promise<readonly Referrer[]> {
    const rows = await this.#ask(
      `referrers of ${table}`,
      referrerRow,
      () => sql`
      SELECT u.TABLE_NAME AS ${sql.ref('table')}, u.CONSTRAINT_NAME AS ${sql.ref('constraint')},
        u.COLUMN_NAME AS ${sql.ref('column')}, u.REFERENCED_COLUMN_NAME AS ${sql.ref('to')}, c.DELETE_RULE AS onDelete
      FROM information_schema.KEY_COLUMN_USAGE AS u JOIN information_schema.REFERENTIAL_CONSTRAINTS AS c
        ON c.CONSTRAINT_SCHEMA = u.CONSTRAINT_SCHEMA AND c.CONSTRAINT_NAME = u.CONSTRAINT_NAME
          AND c.TABLE_NAME = u.TABLE_NAME
      WHERE u.REFERENCED_TABLE_SCHEMA = DATABASE() AND u.REFERENCED_TABLE_NAME = ${table}
        AND u.TABLE_SCHEMA = DATABASE()`,
    )
    const keys = Map.groupBy(rows, (row) => JSON.stringify([row.table, row.constraint]))
    return [...keys.values()].flatMap((columns) => {
      const [first] = columns
      return first === undefined ? [] : [{ table: first.table, onDelete: first.onDelete, columns }]
    })
  }

  async #ask<T>(what: string, row: z.ZodType<T>, query: () => ReturnType<typeof sql>): Promise<readonly T[]> {
    const known = this.#known.get(what)
    const answer =
      known !== undefined && known.until > performance.now()
        ? known.answer
        : query()
            .execute(this.#db)
            .then(({ rows }) => rows)
    if (answer !== known?.answer) this.#known.set(what, { until: performance.now() + KNOWN_FOR, answer })
    try {
      return z.array(row).parse(await answer)
    } catch (error) {
      this.#known.delete(what)
      throw error
    }
  }
}
