import { type Kysely, sql } from 'kysely'
import { idempotently } from '../drivers/data-api/idempotent.ts'
import type { Entity } from '../model/entity.ts'
import { source } from './record-place.ts'
import { whichRow } from './row-key.ts'

/**
 * The id of the row that has a key, in decimal; undefined where there is none.
 *
 * @param entity whose rows are counted
 * @throws SqlError, DataApiError
 */
export const readLegacyId = async (
  db: Kysely<unknown>,
  entity: Entity,
  key: string,
): Promise<string | undefined> => {
  const { rows } = await sql<{ readonly id: string }>`
    SELECT CAST(${sql.ref(`t.${entity.idColumn}`)} AS CHAR) AS id
    FROM ${source(entity, key)} WHERE ${whichRow(entity, key)}`.execute(idempotently(db))
  return rows[0]?.id
}
