import { spawn } from 'node:child_process'
import { resolve } from 'node:path'
import { hasCode } from '../../infra/local/processes/identity.ts'
import type { Engine } from './engines.ts'

const root = resolve(import.meta.dirname, '..', '..')

/** An end by itself takes this long at most, once it was asked for. */
const GRACE_MS = 90_000

/** How a program ended, and what it has printed. */
export type Ended = { readonly code: number | null; readonly output: string; readonly cut: boolean }

/**
 * Runs a program of the repository with the Node that runs this one, and shows what it prints until it is asked to end.
 *
 * @param ms then it is asked to end, and `cut` says so
 */
export const runProgram = (args: readonly string[], { engine, env, ms, signal }: Running): Promise<Ended> =>
  new Promise((done, fail) => {
    const child = spawn(process.execPath, [...args], {
      cwd: root,
      env: { ...process.env, ...engine.env, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
      // With what it starts itself it is a group: jest's workers go on with their tests when it is gone.
      detached: true,
    })
    let [output, cut] = ['', false]
    for (const [stream, to] of [
      [child.stdout, process.stdout],
      [child.stderr, process.stderr],
    ] as const)
      stream.setEncoding('utf8').on('data', (text: string) => {
        // What it says of its own end, as of tests that lost their servers, would be taken for what it found.
        if (cut) return
        output = (output + text).slice(-200_000)
        to.write(text)
      })
    let kill: NodeJS.Timeout | undefined
    const end = (): void => {
      if (cut) return
      cut = true
      child.kill('SIGTERM')
      kill = setTimeout(() => child.kill('SIGKILL'), GRACE_MS)
    }
    const timer = setTimeout(end, ms)
    signal.addEventListener('abort', end, { once: true })
    if (signal.aborted) end()
    child.once('error', fail)
    child.once('close', (code) => {
      if (cut) killGroup(child.pid)
      clearTimeout(timer)
      clearTimeout(kill)
      signal.removeEventListener('abort', end)
      done({ code, output, cut })
    })
  })

/** Ends what is left of a program's group. */
const killGroup = (pid: number | undefined): void => {
  if (pid === undefined) return
  try {
    process.kill(-pid, 'SIGKILL')
  } catch (error) {
    if (!hasCode(error, 'ESRCH')) throw error
  }
}

type Running = {
  readonly engine: Engine
  readonly env?: Readonly<Record<string, string>>
  readonly ms: number
  readonly signal: AbortSignal
}
