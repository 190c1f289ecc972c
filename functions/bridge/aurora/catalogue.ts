import { type Kysely, sql } from 'kysely'
import * as z from 'zod'
import { idempotently } from '../drivers/data-api/idempotent.ts'

/** What the schema says of a column. */
export type Column = {
  readonly name: string
  readonly isNullable: boolean
  /** In lower case, without length and sign: `varchar`. */
  readonly type: string
  /** The whole of it, as it would be declared: `varchar(60)`, `int unsigned`. */
  readonly definition: string
  /** Characters or bytes, of texts and binaries. */
  readonly length: number | undefined
  /** Digits of numbers, bits of a BIT. */
  readonly precision: number | undefined
  /** Digits behind the point, of numbers for which they are declared. */
  readonly scale: number | undefined
  readonly charset: string | undefined
  readonly collation: string | undefined
  /** The database makes its value of others. */
  readonly isGenerated: boolean
}

/** A unique index, the primary key's left out, with its columns. */
export type Unique = { readonly index: string; readonly columns: readonly string[] }

/** A foreign key elsewhere, or in the same table, to columns of a table, and what becomes of it at a delete. */
export type Referrer = {
  readonly table: string
  readonly columns: readonly { readonly column: string; readonly to: string }[]
  /** `CASCADE`, `SET NULL`: the key blocks no delete; anything else does. */
  readonly onDelete: string
}

/** A foreign key of the schema, and what it makes of a row when the one that it refers to goes, or changes. */
export type ForeignKey = {
  readonly table: string
  readonly to: string
  readonly columns: readonly { readonly column: string; readonly to: string }[]
  readonly onDelete: string
  readonly onUpdate: string
}

/** What is known of a schema is asked again after so long, in ms: migrations change it under a process that lives for hours. */
const KNOWN_FOR = 10 * 60_000

const yes = z.string().transform((text) => text === 'YES')
const number = z.union([z.number(), z.bigint(), z.string(), z.null()]).transform((value) => {
  return value === null ? undefined : Number(value)
})
const word = z.union([z.string(), z.null()]).transform((text) => text ?? undefined)
const columnRow = z.object({
  name: z.string(),
  isNullable: yes,
  type: z.string().transform((text) => text.toLowerCase()),
  definition: z.string(),
  length: number,
  precision: number,
  scale: number,
  charset: word,
  collation: word,
  isGenerated: z.string().transform((text) => /\b(?:virtual|stored|persistent) generated\b/i.test(text)),
})
const indexRow = z.object({ index: z.string(), column: word })
const referrerRow = z.object({
  table: z.string(),
  constraint: z.string(),
  column: z.string(),
  to: z.string(),
  onDelete: z.string(),
})

const foreignRow = z.object({
  table: z.string(),
  to: z.string(),
  constraint: z.string(),
  column: z.string(),
  toColumn: z.string(),
  onDelete: z.string(),
  onUpdate: z.string(),
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
      SELECT COLUMN_NAME AS name, IS_NULLABLE AS isNullable, DATA_TYPE AS type, COLUMN_TYPE AS definition,
        CHARACTER_MAXIMUM_LENGTH AS length, NUMERIC_PRECISION AS ${sql.ref('precision')}, NUMERIC_SCALE AS scale,
        CHARACTER_SET_NAME AS charset, COLLATION_NAME AS ${sql.ref('collation')}, EXTRA AS isGenerated
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

  /** Whether triggers may change what is written into a table. They are listed to who may see them only. */
  async hasTriggers(table: string): Promise<boolean> {
    const rows = await this.#ask(
      `triggers of ${table}`,
      z.object({ name: z.string() }),
      () => sql`
      SELECT TRIGGER_NAME AS name FROM information_schema.TRIGGERS
      WHERE EVENT_OBJECT_SCHEMA = DATABASE() AND EVENT_OBJECT_TABLE = ${table}`,
    )
    return rows.length > 0
  }

  /** The unique indexes of a table whose columns are all known: one over an expression is left out. */
  async uniques(table: string): Promise<readonly Unique[]> {
    const rows = await this.#ask(
      `uniques of ${table}`,
      indexRow,
      () => sql`
      SELECT INDEX_NAME AS ${sql.ref('index')}, COLUMN_NAME AS ${sql.ref('column')}
      FROM information_schema.STATISTICS
      WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = ${table} AND NON_UNIQUE = 0 AND INDEX_NAME <> 'PRIMARY'
      ORDER BY INDEX_NAME, SEQ_IN_INDEX`,
    )
    return [...Map.groupBy(rows, ({ index }) => index)].flatMap(([index, parts]) => {
      const columns = parts.flatMap(({ column }) => column ?? [])
      return columns.length === parts.length ? [{ index, columns }] : []
    })
  }

  /** The columns of a table that are part of a foreign key of its own. */
  async foreign(table: string): Promise<readonly string[]> {
    const rows = await this.#ask(
      `foreign keys of ${table}`,
      z.object({ column: z.string() }),
      () => sql`
      SELECT COLUMN_NAME AS ${sql.ref('column')} FROM information_schema.KEY_COLUMN_USAGE
      WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = ${table} AND REFERENCED_TABLE_NAME IS NOT NULL`,
    )
    return rows.map(({ column }) => column)
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

  /** All foreign keys within the schema. */
  async foreignKeys(): Promise<readonly ForeignKey[]> {
    const rows = await this.#ask(
      'foreign keys',
      foreignRow,
      () => sql`
      SELECT u.TABLE_NAME AS ${sql.ref('table')}, u.REFERENCED_TABLE_NAME AS ${sql.ref('to')},
        u.CONSTRAINT_NAME AS ${sql.ref('constraint')}, u.COLUMN_NAME AS ${sql.ref('column')},
        u.REFERENCED_COLUMN_NAME AS toColumn, c.DELETE_RULE AS onDelete, c.UPDATE_RULE AS onUpdate
      FROM information_schema.KEY_COLUMN_USAGE AS u JOIN information_schema.REFERENTIAL_CONSTRAINTS AS c
        ON c.CONSTRAINT_SCHEMA = u.CONSTRAINT_SCHEMA AND c.CONSTRAINT_NAME = u.CONSTRAINT_NAME
          AND c.TABLE_NAME = u.TABLE_NAME
      WHERE u.TABLE_SCHEMA = DATABASE() AND u.REFERENCED_TABLE_SCHEMA = DATABASE()
      ORDER BY u.TABLE_NAME, u.CONSTRAINT_NAME, u.ORDINAL_POSITION`,
    )
    const keys = Map.groupBy(rows, (row) => JSON.stringify([row.table, row.constraint]))
    return [...keys.values()].flatMap((parts) => {
      const [first] = parts
      if (first === undefined) return []
      const { table, to, onDelete, onUpdate } = first
      const columns = parts.map(({ column, toColumn }) => ({ column, to: toColumn }))
      return [{ table, to, columns, onDelete, onUpdate }]
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
