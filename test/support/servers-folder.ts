import { statfs } from 'node:fs/promises'
import { freemem, tmpdir } from 'node:os'

/** Linux's own folder in memory. */
const MEMORY = '/dev/shm'
/** What statfs(2) calls such a file system. */
const TMPFS = 0x01021994
/** A run's servers keep about half a gigabyte. */
const ENOUGH = 4 * 1024 ** 3

/** Where folders of servers may be: the first is where the next one is made. */
export const serversFolders = async (): Promise<readonly [string, ...string[]]> =>
  (await hasRoomInMemory()) ? [MEMORY, tmpdir()] : [tmpdir(), MEMORY]

/**
 * Whether there is room for the data of servers that are gone after the run: on a disk they wait for it at each table
 * that is made or emptied, which takes seven times as long.
 */
const hasRoomInMemory = async (): Promise<boolean> => {
  if (process.platform !== 'linux' || freemem() < ENOUGH) return false
  try {
    const { type, bavail, bsize } = await statfs(MEMORY)
    return type === TMPFS && bavail * bsize >= ENOUGH
  } catch {
    // A machine without it.
    return false
  }
}
