import { setTimeout as wait } from 'node:timers/promises'
import type { Connection } from 'mysql2/promise'
import { processes } from './processes.ts'
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
  const parts = like.split('%').map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'))
  const isLike = new RegExp(`^${parts.join('[^]*')}$`, 'i')
  const running = async (): Promise<boolean> => {
    const found = (await processes(sql)).filter(
      (one) => one.database === database && isLike.test(one.statement),
    )
    return found.length > 0
  }
  await until(`${like} waits`, 20_000, async () => {
    if (!(await running())) return false
    await wait(LONG)
    return running()
  })
}
