import { readFile, rm } from 'node:fs/promises'
import * as z from 'zod'
import { ProcessError } from './errors.ts'
import { hasCode, identifyProcess } from './identity.ts'
import type { Log } from './log.ts'
import { signalGroup } from './signal.ts'
import { waitFor } from './wait.ts'

const Recorded = z.object({ pid: z.number().int().positive(), mark: z.string().min(1) })

/**
 * Ends a child that outlived its parent (a parent killed with SIGKILL cannot stop its children).
 *
 * The number alone is not trusted, since the system gives it to another process later: the command line must
 * hold the recorded mark too. The caller holds the folder's lock, so the child has no living parent.
 *
 * @throws ProcessError `process.stale-child` when it cannot be ended
 */
export const endStaleChild = async (server: {
  name: string
  pidFile: string
  stopWithinMs: number
  log: Log
}): Promise<void> => {
  const recorded = await readPidFile(server.pidFile)
  if (recorded === undefined) return
  const isOurs = async (): Promise<boolean> =>
    (await identifyProcess(recorded.pid))?.commandLine.includes(recorded.mark) === true
  if (await isOurs()) {
    server.log(`ending ${server.name} (process ${recorded.pid}), which a former run left behind`)
    signalGroup(recorded.pid, 'SIGTERM')
    if (!(await isGone(isOurs, server.stopWithinMs))) {
      signalGroup(recorded.pid, 'SIGKILL')
      if (!(await isGone(isOurs, 5_000)))
        throw new ProcessError(
          'process.stale-child',
          `${server.name} (process ${recorded.pid}) cannot be ended`,
        )
    }
  }
  await rm(server.pidFile, { force: true })
}

/** It is no child of this process, so there is no exit event to wait for; a zombie counts as gone. */
const isGone = async (isThere: () => Promise<boolean>, withinMs: number): Promise<boolean> => {
  const probe = async (): Promise<void> => {
    if (await isThere()) throw new ProcessError('process.stale-child', 'still running')
  }
  return (await waitFor(probe, { withinMs, everyMs: 20 })).ok
}

const readPidFile = async (path: string): Promise<z.infer<typeof Recorded> | undefined> => {
  try {
    return Recorded.parse(JSON.parse(await readFile(path, 'utf8')))
  } catch (error) {
    // A half-written file says nothing that can be trusted.
    if (hasCode(error, 'ENOENT') || error instanceof SyntaxError || error instanceof z.ZodError)
      return undefined
    throw error
  }
}
