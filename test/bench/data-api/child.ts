import { type ChildProcess, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'

/** A Node process that has said on one line of JSON where it can be reached. */
export type Child = {
  readonly ready: unknown
  /** Sends SIGTERM and waits for the end, five seconds at most; then SIGKILL. */
  stop(): Promise<void>
}

const READY_MS = 30_000
const STOP_MS = 5_000

/**
 * Runs a TypeScript file in a process of its own and waits for its first line.
 *
 * @throws Error when it ends before that line, or doesn't print one within 30 s
 */
export const startChild = async (file: string, args: readonly string[]): Promise<Child> => {
  const child = spawn(process.execPath, [file, ...args], { stdio: ['ignore', 'pipe', 'inherit'] })
  const stop = (): Promise<void> => end(child)
  try {
    return { ready: JSON.parse(await firstLine(child)), stop }
  } catch (cause) {
    await stop()
    throw new Error(`${file} did not get ready`, { cause })
  }
}

const firstLine = (child: ChildProcess): Promise<string> =>
  new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`no line within ${READY_MS} ms`)), READY_MS)
    const settle = (act: () => void): void => {
      clearTimeout(timer)
      act()
    }
    child.once('error', (error) => settle(() => reject(error)))
    child.once('exit', (code) => settle(() => reject(new Error(`it ended with ${code}`))))
    if (!child.stdout) return settle(() => reject(new Error('it has no output')))
    createInterface({ input: child.stdout }).once('line', (line) => settle(() => resolve(line)))
  })

const end = async (child: ChildProcess): Promise<void> => {
  if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return
  const ended = new Promise((resolve) => child.once('exit', resolve))
  child.kill('SIGTERM')
  const timer = setTimeout(() => child.kill('SIGKILL'), STOP_MS)
  await ended
  clearTimeout(timer)
}
