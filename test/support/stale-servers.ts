import { join } from 'node:path'
import type { Log } from '../../infra/local/processes/log.ts'
import { endStaleChild } from '../../infra/local/processes/stale.ts'

/** Ends the servers that a killed run left behind in its folder. */
export const endStaleChildren = async (home: string, log: Log): Promise<void> => {
  for (const name of ['mysql', 'dynamodb'])
    await endStaleChild({ name, pidFile: join(home, `${name}.pid`), stopWithinMs: 5_000, log })
}
