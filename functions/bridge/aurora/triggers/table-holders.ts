import { type Kysely, sql } from 'kysely'
import * as z from 'zod'
import { SqlError } from '../../drivers/sql-errors.ts'

const holderRow = z.object({
  id: z.union([z.number(), z.bigint(), z.string()]).transform(String),
  account: z.string().nullable(),
  seconds: z.union([z.number(), z.bigint(), z.string(), z.null()]).transform(Number),
})

/**
 * Who keeps others from changing a table: connections, by their numbers. Where the server doesn't tell who holds the table, those
 * whose transactions are open, the longest first.
 */
export const tableHolders = async (db: Kysely<unknown>, table: string): Promise<readonly string[]> => {
  const holding = await asked(
    db,
    sql`SELECT t.PROCESSLIST_ID AS id, CONCAT(t.PROCESSLIST_USER, '@', t.PROCESSLIST_HOST) AS account,
      t.PROCESSLIST_TIME AS seconds
      FROM performance_schema.metadata_locks AS m JOIN performance_schema.threads AS t ON t.THREAD_ID = m.OWNER_THREAD_ID
      WHERE m.OBJECT_TYPE = 'TABLE' AND m.OBJECT_SCHEMA = DATABASE() AND m.OBJECT_NAME = ${table}
        AND m.LOCK_STATUS = 'GRANTED' AND t.PROCESSLIST_ID <> CONNECTION_ID()`,
  )
  if (holding.length > 0) return [...new Set(holding)]
  return asked(
    db,
    sql`SELECT x.trx_mysql_thread_id AS id, CONCAT(p.USER, '@', p.HOST) AS account,
      TIMESTAMPDIFF(SECOND, x.trx_started, NOW()) AS seconds
      FROM information_schema.INNODB_TRX AS x LEFT JOIN information_schema.PROCESSLIST AS p
        ON p.ID = x.trx_mysql_thread_id
      WHERE x.trx_mysql_thread_id <> CONNECTION_ID() ORDER BY x.trx_started LIMIT 5`,
  )
}

/** What the account may not see is as if it were not there. */
const asked = async (db: Kysely<unknown>, query: ReturnType<typeof sql>): Promise<string[]> => {
  try {
    const rows = z.array(holderRow).parse((await query.execute(db)).rows)
    return rows.map(
      ({ id, account, seconds }) => `connection ${id} of ${account ?? 'nobody known'}, for ${seconds} s`,
    )
  } catch (error) {
    if (error instanceof SqlError || error instanceof z.ZodError) return []
    throw error
  }
}
