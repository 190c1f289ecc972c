import { type Kysely, sql } from 'kysely'
import { idempotently } from '../drivers/data-api/idempotent.ts'
import type { Entity } from '../model/entity.ts'

/** The columns that adoption adds to a table, and how: as they come back for whoever has to undo that they went. */
export const BRIDGE_COLUMNS = {
  backsync_key: 'VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NULL DEFAULT NULL',
  backsync_version: 'BIGINT UNSIGNED NOT NULL DEFAULT 1',
  backsync_updated_at: 'TIMESTAMP(3) NULL DEFAULT NULL ON UPDATE CURRENT_TIMESTAMP(3)',
  backsync_owner: 'VARCHAR(8) CHARACTER SET ascii COLLATE ascii_bin NULL DEFAULT NULL',
  backsync_epoch: 'BIGINT UNSIGNED NOT NULL DEFAULT 0',
} as const
export type BridgeColumn = keyof typeof BRIDGE_COLUMNS

/** The tables of the bridge's own that have rows by the names of entities. */
export const BRIDGE_TABLES = [
  'backsync_changes',
  'backsync_conflicts',
  'backsync_tombstones',
  'backsync_records',
  'backsync_calls',
  'backsync_owners',
] as const
export type BridgeTable = (typeof BRIDGE_TABLES)[number]

/** An index, with its columns in their order. */
export type LeftIndex = {
  readonly name: string
  readonly columns: readonly string[]
  readonly isUnique: boolean
}

/** What an entity has in Aurora beside what is the legacy application's own. */
export type LeftBehind = {
  readonly columns: readonly { readonly name: BridgeColumn; readonly type: string }[]
  /** Those that have one of these columns. */
  readonly indexes: readonly LeftIndex[]
  /** Rows in the bridge's own tables; of more than are counted, so many. */
  readonly rows: Readonly<Record<BridgeTable, number>>
}

/** Who has more rows of a table knows enough. */
const COUNTED = 100_000

const isBridgeColumn = (name: string): name is BridgeColumn => Object.hasOwn(BRIDGE_COLUMNS, name)

/** Says what of an entity is left in Aurora. @throws SqlError, DataApiError */
export const readLeftBehind = async (db: Kysely<unknown>, { name, table }: Entity): Promise<LeftBehind> => {
  const repeatable = idempotently(db)
  const columns = await sql<{ readonly col: string; readonly type: string }>`
    SELECT LOWER(COLUMN_NAME) AS col, COLUMN_TYPE AS type FROM information_schema.COLUMNS
    WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = ${table} ORDER BY ORDINAL_POSITION`.execute(repeatable)
  const parts = await sql<{ readonly idx: string; readonly col: string | null; readonly many: unknown }>`
    SELECT INDEX_NAME AS idx, LOWER(COLUMN_NAME) AS col, NON_UNIQUE AS many FROM information_schema.STATISTICS
    WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = ${table} ORDER BY INDEX_NAME, SEQ_IN_INDEX`.execute(
    repeatable,
  )
  const rows: Partial<Record<BridgeTable, number>> = {}
  for (const own of BRIDGE_TABLES) {
    const names = own === 'backsync_owners' ? [name, `${name}.lifted`] : [name]
    const counted = await sql<{ readonly n: unknown }>`
      SELECT COUNT(*) AS n FROM (
        SELECT 1 FROM ${sql.table(own)} AS t WHERE t.entity IN (${sql.join(names)}) LIMIT ${sql.lit(COUNTED)}) AS c`.execute(
      repeatable,
    )
    rows[own] = Number(counted.rows[0]?.n ?? 0)
  }
  return {
    columns: columns.rows.flatMap(({ col, type }) => (isBridgeColumn(col) ? [{ name: col, type }] : [])),
    indexes: [...Map.groupBy(parts.rows, ({ idx }) => idx)].flatMap(([index, of]) => {
      const own = of.map(({ col }) => col ?? '')
      return own.some(isBridgeColumn)
        ? [{ name: index, columns: own, isUnique: Number(of[0]?.many) === 0 }]
        : []
    }),
    rows: { ...NO_ROWS, ...rows },
  }
}

const NO_ROWS: Readonly<Record<BridgeTable, number>> = {
  ...{ backsync_changes: 0, backsync_conflicts: 0, backsync_tombstones: 0 },
  ...{ backsync_records: 0, backsync_calls: 0, backsync_owners: 0 },
}
