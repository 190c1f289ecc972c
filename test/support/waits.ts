import { setTimeout as wait } from 'node:timers/promises'
import type { Connection, RowDataPacket } from 'mysql2/promise'
import { until } from './until.ts'

/** A statement that runs for so long does nothing but wait for a lock, in milliseconds. */
const LONG = 150

/**
 * Waits until a statement waits for a lock. The server's own list of transactions would say it, but it isn't made anew for as long
 * as somebody keeps asking for it.
 *
 * @param sql another connection to the same server
 * @param like the statement, as LIKE takes it
 */
export const untilItWaits = async (sql: Connection, database: string, like: string): Promise<void> => {
  const running = async (): Promise<boolean> => {
    const [found] = await sql.query<RowDataPacket[]>(
      "SELECT 1 FROM information_schema.processlist WHERE DB = ? AND INFO LIKE ? AND INFO NOT LIKE '%processlist%'",
      [database, like],
    )
    return found.length > 0
  }
  await until(`${like} waits`, 20_000, async () => {
    if (!(await running())) return false
    await wait(LONG)
    return running()
  })
}
