import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { LockedError } from '../../../infra/local/processes/errors.ts'
import { acquireLock, type Lock } from '../../../infra/local/processes/lock.ts'

/** Pause between two looks for a free one, in milliseconds. */
const LOOK_EVERY = 50

/**
 * Takes a place at the machine's cores. There is one worker more than cores: files that mostly wait run beside the others, and any
 * other one takes a place first, so that no more of these run at once than there are cores.
 *
 * @param folder of all workers of a run
 * @param places how many there are. @default one for each core
 */
export const takePlace = async (folder: string, places = availableParallelism()): Promise<Lock> => {
  for (;;) {
    for (let place = 0; place < places; place++) {
      try {
        return await acquireLock(join(folder, `place-${place}`))
      } catch (error) {
        if (!(error instanceof LockedError)) throw error
      }
    }
    await wait(LOOK_EVERY)
  }
}
