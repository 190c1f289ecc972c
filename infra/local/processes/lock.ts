import { randomUUID } from 'node:crypto'
import { link, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import * as z from 'zod'
import { LockedError, ProcessError } from './errors.ts'
import { hasCode, identifyProcess } from './identity.ts'

/** A folder's exclusive use by this process. */
export type Lock = {
  /** Gives it up. Safe to repeat. */
  release(): Promise<void>
}

const Owner = z.object({ pid: z.number().int().positive(), startedAt: z.string(), token: z.uuid() })
type Owner = z.infer<typeof Owner>

/**
 * Takes a lock file that names its owner, and takes it over from an owner that has ended.
 *
 * A lock is per call, not per process: a second call in the same process is refused too.
 *
 * @throws LockedError while the owner lives
 */
export const acquireLock = async (path: string): Promise<Lock> => {
  await mkdir(dirname(path), { recursive: true })
  const identity = await identifyProcess(process.pid)
  const mine: Owner = { pid: process.pid, startedAt: identity?.startedAt ?? '', token: randomUUID() }
  const draft = `${path}.${mine.token}`
  await writeFile(draft, JSON.stringify(mine))
  try {
    // Bounded: a round either ends in an answer, or waits while another process takes the lock over.
    for (let round = 0; round < 100; round += 1) {
      if (await tryLink(draft, path)) return { release: () => release(path, mine) }
      const owner = await readOwner(path)
      if (owner !== undefined && (await isAlive(owner))) throw new LockedError({ path, pid: owner.pid })
      if (await tryInherit(path, owner, draft)) return { release: () => release(path, mine) }
      await sleep(10)
    }
    throw new ProcessError('process.locked', `${path} is being fought over by several processes; try again`)
  } finally {
    await rm(draft, { force: true })
  }
}

/** The living owner of a lock file; undefined when nobody holds it. */
export const lockOwner = async (path: string): Promise<number | undefined> => {
  const owner = await readOwner(path)
  return owner !== undefined && (await isAlive(owner)) ? owner.pid : undefined
}

/** link() is atomic and refuses an existing name, and the file is complete from its first instant. */
const tryLink = async (from: string, to: string): Promise<boolean> => {
  try {
    await link(from, to)
    return true
  } catch (error) {
    if (hasCode(error, 'EEXIST')) return false
    throw error
  }
}

const readOwner = async (path: string): Promise<Owner | undefined> => {
  try {
    return Owner.parse(JSON.parse(await readFile(path, 'utf8')))
  } catch (error) {
    // An unreadable lock file names nobody: nobody holds it.
    if (hasCode(error, 'ENOENT') || error instanceof SyntaxError || error instanceof z.ZodError)
      return undefined
    throw error
  }
}

const isAlive = async (owner: Owner): Promise<boolean> =>
  (await identifyProcess(owner.pid))?.startedAt === owner.startedAt

/**
 * Takes the place of a dead owner. Several may try at once, and one that looked earlier may come later, so whoever
 * replaces the file holds a lock for doing that, named for the dead owner, and looks again under it: nobody else
 * may change the file as long as it names that owner.
 */
const tryInherit = async (path: string, dead: Owner | undefined, draft: string): Promise<boolean> => {
  const succession = await acquireLock(`${path}.heir-${dead?.token ?? 'unreadable'}`).catch(
    (error: unknown) => {
      if (error instanceof LockedError) return undefined
      throw error
    },
  )
  if (succession === undefined) return false
  try {
    if ((await readOwner(path))?.token !== dead?.token) return false
    await rename(draft, path)
    return true
  } finally {
    await succession.release()
  }
}

const release = async (path: string, mine: Owner): Promise<void> => {
  const owner = await readOwner(path)
  if (owner?.token === mine.token) await rm(path, { force: true })
}
