import { type Kysely, sql } from 'kysely'
import { idempotently } from '../drivers/data-api/idempotent.ts'
import type { Entity } from '../model/entity.ts'
import type { ColumnTypes } from './canonical-sql.ts'

/** The types of an entity's columns as they are in the live table. @throws DataApiError */
export const readColumnTypes = async (
  db: Kysely<unknown>,
  { table }: Pick<Entity, 'table'>,
): Promise<ColumnTypes> => {
  const { rows } = await sql<{ readonly name: string; readonly type: string }>`
    SELECT LOWER(COLUMN_NAME) AS name, LOWER(DATA_TYPE) AS type FROM information_schema.COLUMNS
    WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = ${table}`.execute(idempotently(db))
  return new Map(rows.map(({ name, type }) => [name, type]))
}
