import { type ChildProcess, spawn } from 'node:child_process'
import { mkdir, open, rename, rm, stat, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { messageOf } from '../../errors/thrown.ts'
import { ProcessError, StartError } from './errors.ts'
import { hasCode, identifyProcess } from './identity.ts'
import type { Log } from './log.ts'
import { signalGroup } from './signal.ts'
import { endStaleChild } from './stale.ts'
import { readTail } from './tail.ts'
import { waitFor } from './wait.ts'

/** A server to run as a child, and how to tell that it is well. */
export type ServerProcess = {
  /** For the log and for errors, such as `MySQL`. */
  readonly name: string
  readonly command: string
  readonly args: readonly string[]
  readonly env?: NodeJS.ProcessEnv
  readonly cwd?: string
  /** Holds the child's number while it runs, so that the next start can end a child that outlived its parent. */
  readonly pidFile: string
  /** A text that the command line of this child holds and no other process's does, such as its data folder. */
  readonly mark: string
  /** Takes what the child writes; appended to, and moved to `<logFile>.1` at a start once it is over 10 MB. */
  readonly logFile: string
  readonly log: Log
  /** Runs before each start, the first and every later one. */
  readonly beforeStart?: () => Promise<void>
  /** Throws until the server answers. Must have a time limit of its own. */
  readonly probe: () => Promise<unknown>
  /** How long the first start may take. */
  readonly readyWithinMs: number
  /** From SIGTERM to SIGKILL. */
  readonly stopWithinMs: number
  /** Starts the child again when it ends by itself. Default: it does not. */
  readonly restart?: RestartPolicy
}

/** The n-th attempt in a row comes after `firstDelayMs * 2^(n-1)`, at most `maxDelayMs`. */
export type RestartPolicy = {
  readonly attempts: number
  readonly firstDelayMs: number
  readonly maxDelayMs: number
  /** A child that ran this long is healthy: the count of attempts starts anew. */
  readonly healthyAfterMs: number
}

/** Five attempts within about eight seconds: long enough for a passing lack of memory, short enough to tell. */
export const defaultRestart: RestartPolicy = {
  attempts: 5,
  firstDelayMs: 250,
  maxDelayMs: 5_000,
  healthyAfterMs: 30_000,
}

export type SupervisedProcess = {
  /** The child's number now; undefined between a crash and the restart, and after the end. */
  readonly pid: number | undefined
  /** Ends the child and waits for its end. Safe to repeat, and during a restart. */
  stop(): Promise<void>
}

const maxLogBytes = 10 * 1024 * 1024

/**
 * Children whose parent is leaving without having stopped them (an uncaught error, `process.exit`).
 * Asked politely, so that a database closes its files; whoever is killed before that cleans up at the next start.
 */
const live = new Set<number>()
const onParentExit = (): void => {
  for (const pid of live) signalGroup(pid, 'SIGTERM')
}

/**
 * Starts a server as the leader of a process group of its own, so that Ctrl-C in the terminal reaches the
 * parent alone and the children end in the parent's order.
 *
 * @returns once the probe succeeds
 * @throws StartError when the child ends or stays silent; nothing is left running then
 */
export const superviseProcess = async (server: ServerProcess): Promise<SupervisedProcess> => {
  await mkdir(dirname(server.pidFile), { recursive: true })
  await mkdir(dirname(server.logFile), { recursive: true })
  await endStaleChild(server)
  await rotate(server.logFile)

  const stopping = new AbortController()
  let current = await spawnChild(server)
  await becomeReady(server, current)

  const supervision = supervise()

  return {
    get pid() {
      return current.hasEnded ? undefined : current.pid
    },
    stop: async () => {
      stopping.abort()
      await endChild(current, server.stopWithinMs)
      await supervision
      await rm(server.pidFile, { force: true })
    },
  }

  /** Ends when the child was stopped, or is not to be started again. */
  async function supervise(): Promise<void> {
    let attempt = 0
    for (;;) {
      const startedAt = performance.now()
      const how = await current.ended
      if (stopping.signal.aborted) return
      server.log(
        `${server.name} (process ${current.pid}) ended by itself: ${how}. Its log: ${server.logFile}`,
      )
      if (server.restart === undefined) return
      if (performance.now() - startedAt >= server.restart.healthyAfterMs) attempt = 0
      const next = await startAgain(server.restart, attempt)
      if (next === undefined) return
      attempt = next
    }
  }

  /** @returns the number of attempts used up; undefined when there will be no further one */
  async function startAgain(policy: RestartPolicy, used: number): Promise<number | undefined> {
    for (let attempt = used + 1; attempt <= policy.attempts; attempt += 1) {
      await pause(Math.min(policy.firstDelayMs * 2 ** (attempt - 1), policy.maxDelayMs), stopping.signal)
      if (stopping.signal.aborted) return undefined
      server.log(`starting ${server.name} again (attempt ${attempt} of ${policy.attempts})`)
      try {
        current = await spawnChild(server)
        // stop() may have come while the child was being made, and then ended only its predecessor.
        if (stopping.signal.aborted) await endChild(current, server.stopWithinMs)
        return attempt
      } catch (error) {
        server.log(`${server.name} could not be started: ${messageOf(error)}`)
      }
    }
    server.log(
      `${server.name} keeps ending; giving up after ${policy.attempts} attempts. Its log: ${server.logFile}`,
    )
    return undefined
  }
}

type Child = {
  readonly pid: number
  readonly hasEnded: boolean
  /** Says how it ended: its code or its signal. Never rejects. */
  readonly ended: Promise<string>
}

const spawnChild = async (server: ServerProcess): Promise<Child> => {
  await server.beforeStart?.()
  const output = await open(server.logFile, 'a')
  try {
    const child = spawn(server.command, server.args, {
      cwd: server.cwd,
      env: server.env,
      detached: true,
      stdio: ['ignore', output.fd, output.fd],
    })
    const pid = await spawned(server, child)
    let hasEnded = false
    // The exit event and not kill(pid, 0): a child that nobody has waited for still has its number.
    const ended = new Promise<string>((resolve) => {
      child.once('exit', (code, signal) => {
        hasEnded = true
        live.delete(pid)
        resolve(signal === null ? `exit code ${code}` : `signal ${signal}`)
      })
    })
    if (live.size === 0 && !process.listeners('exit').includes(onParentExit)) process.on('exit', onParentExit)
    live.add(pid)
    const made: Child = {
      pid,
      ended,
      get hasEnded() {
        return hasEnded
      },
    }
    try {
      await writeFile(server.pidFile, JSON.stringify({ pid, mark: server.mark }))
    } catch (error) {
      // Nobody else would know of it.
      await endChild(made, server.stopWithinMs)
      throw error
    }
    return made
  } finally {
    await output.close()
  }
}

const spawned = (server: ServerProcess, child: ChildProcess): Promise<number> =>
  new Promise((resolve, reject) => {
    child.once('error', (cause) => {
      const message = `${server.name} could not be started from ${server.command}: ${cause.message}`
      reject(new StartError('process.start-failed', { message, output: '' }, { cause }))
    })
    child.once('spawn', () => {
      if (child.pid !== undefined) resolve(child.pid)
      else reject(new ProcessError('process.start-failed', `${server.name} has no process number`))
    })
  })

const becomeReady = async (server: ServerProcess, child: Child): Promise<void> => {
  const gone = new AbortController()
  void child.ended.then(() => gone.abort())
  const probe = async (): Promise<void> => {
    await server.probe()
    // Somebody else answers on that port. That a child has ended is known to the system before its exit event comes.
    if (!child.hasEnded && (await identifyProcess(child.pid)) !== undefined) return
    await child.ended
    throw new ProcessError('process.start-failed', `${server.name} ended while it started`)
  }
  const ready = await waitFor(probe, { withinMs: server.readyWithinMs, everyMs: 50, signal: gone.signal })
  if (ready.ok) return

  const output = await readTail(server.logFile, 4_000)
  const options = { cause: ready.error }
  if (child.hasEnded) {
    await rm(server.pidFile, { force: true })
    const message = `${server.name} ended while it started (${await child.ended}). Its log: ${server.logFile}`
    throw new StartError('process.start-failed', { message, output }, options)
  }
  await endChild(child, server.stopWithinMs)
  await rm(server.pidFile, { force: true })
  const message = `${server.name} did not answer within ${server.readyWithinMs / 1000} s. Its log: ${server.logFile}`
  throw new StartError('process.not-ready', { message, output }, options)
}

const endChild = async (child: Child, withinMs: number): Promise<void> => {
  if (child.hasEnded) return
  signalGroup(child.pid, 'SIGTERM')
  const waiting = new AbortController()
  const late = pause(withinMs, waiting.signal).then(() => {
    if (!child.hasEnded) signalGroup(child.pid, 'SIGKILL')
  })
  await child.ended
  waiting.abort()
  await late
}

/** Sleeps, or returns early when the signal aborts. */
const pause = async (ms: number, signal: AbortSignal): Promise<void> => {
  try {
    await sleep(ms, undefined, { signal })
  } catch (error) {
    if (!signal.aborted) throw error
  }
}

const rotate = async (path: string): Promise<void> => {
  try {
    if ((await stat(path)).size > maxLogBytes) await rename(path, `${path}.1`)
  } catch (error) {
    if (!hasCode(error, 'ENOENT')) throw error
  }
}
