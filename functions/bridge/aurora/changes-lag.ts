import { type Kysely, sql } from 'kysely'
import { idempotently } from '../drivers/data-api/idempotent.ts'

/** How long the oldest row of the log has waited to be carried to DynamoDB, in milliseconds; 0 where none waits. */
export const readChangesLag = async (db: Kysely<unknown>): Promise<number> => {
  const { rows } = await sql<{ readonly lag: string }>`
    SELECT CAST(TIMESTAMPDIFF(MICROSECOND, at, CURRENT_TIMESTAMP(3)) AS CHAR) AS lag
    FROM backsync_changes ORDER BY id LIMIT 1`.execute(idempotently(db))
  return Math.max(0, Number(rows[0]?.lag ?? 0) / 1_000)
}
