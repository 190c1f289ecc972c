import { type Kysely, sql } from 'kysely'
import * as z from 'zod'
import { idempotently } from '../drivers/data-api/idempotent.ts'
import { namesIn } from './untransacted.ts'

/** What there is in the database of a name that a statement has in it. */
export type Found = {
  readonly what: 'table' | 'view' | 'column' | 'key' | 'trigger' | 'procedure' | 'function' | 'event'
  readonly name: string
  /** The table that it is of. */
  readonly of: string | null
  /** When it was made, and a table last written to as far as the server knows: its own time, in UTC. */
  readonly made: string | null
  readonly written: string | null
}

const row = z.object({
  what: z.enum(['table', 'view', 'column', 'key', 'trigger', 'procedure', 'function', 'event']),
  name: z.string(),
  of: z.string().nullable(),
  made: z.string().nullable(),
  written: z.string().nullable(),
})

const iso = (column: string) => sql`DATE_FORMAT(${sql.ref(column)}, '%Y-%m-%d %H:%i:%s')`

/**
 * Looks up what there is of the names in a statement: tables, their columns and keys, triggers, routines. By that a person tells whether
 * the statement was done; what it did to rows is for them to look at.
 */
export const findEvidence = async (db: Kysely<unknown>, statement: string): Promise<readonly Found[]> => {
  const named = new Set(namesIn(statement).map((name) => name.toLowerCase()))
  const { rows } = await sql`
    SELECT IF(TABLE_TYPE = 'VIEW', 'view', 'table') AS what, TABLE_NAME AS name, NULL AS \`of\`,
      ${iso('CREATE_TIME')} AS made, ${iso('UPDATE_TIME')} AS written
    FROM information_schema.TABLES WHERE TABLE_SCHEMA = DATABASE()
    UNION ALL SELECT 'column', COLUMN_NAME, TABLE_NAME, NULL, NULL
    FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = DATABASE()
    UNION ALL SELECT DISTINCT 'key', INDEX_NAME, TABLE_NAME, NULL, NULL
    FROM information_schema.STATISTICS WHERE TABLE_SCHEMA = DATABASE()
    UNION ALL SELECT 'trigger', TRIGGER_NAME, EVENT_OBJECT_TABLE, ${iso('CREATED')}, NULL
    FROM information_schema.TRIGGERS WHERE TRIGGER_SCHEMA = DATABASE()
    UNION ALL SELECT LOWER(ROUTINE_TYPE), ROUTINE_NAME, NULL, ${iso('CREATED')}, NULL
    FROM information_schema.ROUTINES WHERE ROUTINE_SCHEMA = DATABASE()
    UNION ALL SELECT 'event', EVENT_NAME, NULL, ${iso('CREATED')}, NULL
    FROM information_schema.EVENTS WHERE EVENT_SCHEMA = DATABASE()`.execute(idempotently(db))
  return z
    .array(row)
    .parse(rows)
    .filter(({ name, of }) => named.has(name.toLowerCase()) && (of === null || named.has(of.toLowerCase())))
}
