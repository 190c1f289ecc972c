import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Log } from '../lambda/log-file.ts'
import { LockedError } from '../processes/errors.ts'
import { acquireLock, type Lock, lockOwner } from '../processes/lock.ts'
import { endStaleChild } from '../processes/stale.ts'

/** What the stack and its servers keep in the home folder. Nothing else in there is ever deleted. */
const CONTENTS = [
  'cdk.out',
  'cdk.out.new',
  'checkpoints',
  'dynamodb',
  'dynamodb.lock',
  'dynamodb.pid',
  'dynamodb.port',
  'failures',
  'logs',
  'mysql',
  'mysql.lock',
  'mysql.pid',
  'mysql.port',
  'secrets',
  'stack.json',
]

/** A second stack in the same folder. */
export class HomeInUseError extends Error {
  override readonly name = 'HomeInUseError'
  readonly code = 'stack.home-in-use'
  readonly pid: number

  constructor(at: { home: string; pid: number }, options?: ErrorOptions) {
    super(
      `${at.home} is in use by process ${at.pid}; stop it, or set BACKSYNC_HOME to another folder`,
      options,
    )
    this.pid = at.pid
  }
}

/**
 * Takes the home folder for this process.
 *
 * @param fresh empties it first, once nothing runs in it: children of a killed stack are ended before their data go
 * @throws HomeInUseError
 */
export const takeHome = async (home: string, fresh: boolean, log: Log): Promise<Lock> => {
  await mkdir(home, { recursive: true })
  const lock = await acquireLock(join(home, 'stack.lock')).catch((error: unknown) => {
    if (error instanceof LockedError) throw new HomeInUseError({ home, pid: error.pid }, { cause: error })
    throw error
  })
  try {
    if (fresh) await empty(home, log)
    await mkdir(join(home, 'logs'), { recursive: true })
  } catch (error) {
    await lock.release()
    throw error
  }
  return lock
}

const empty = async (home: string, log: Log): Promise<void> => {
  for (const server of ['mysql', 'dynamodb']) {
    const pid = await lockOwner(join(home, `${server}.lock`))
    if (pid !== undefined) throw new HomeInUseError({ home, pid })
    await endStaleChild({ name: server, pidFile: join(home, `${server}.pid`), stopWithinMs: 5_000, log })
  }
  for (const name of CONTENTS) await rm(join(home, name), { recursive: true, force: true })
}
