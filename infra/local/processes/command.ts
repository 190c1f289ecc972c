import { spawn } from 'node:child_process'
import { ProcessError } from './errors.ts'

/** What a command that ran to its end said. */
export type CommandOutcome = { readonly code: number | null; readonly output: string }

/**
 * Runs a command to its end, with a time limit.
 *
 * @param options `input` is written to its standard input; `onLine` sees each line of output as it comes; `signal` ends it
 * @returns its exit code, null when a signal ended it, and the last 64 KiB of what it wrote
 * @throws ProcessError `process.command-failed` when it cannot be started or takes too long (it is killed then)
 */
export const runCommand = (
  command: string,
  args: readonly string[],
  options: {
    withinMs: number
    cwd?: string
    env?: NodeJS.ProcessEnv
    input?: string
    onLine?: (line: string) => void
    signal?: AbortSignal
  },
): Promise<CommandOutcome> =>
  new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      cwd: options.cwd,
      env: options.env,
      stdio: ['pipe', 'pipe', 'pipe'],
      ...(options.signal && { signal: options.signal }),
    })
    let output = ''
    let partial = ''
    let failure: ProcessError | undefined
    const fail = (message: string, cause?: unknown): void => {
      failure ??= new ProcessError('process.command-failed', message, { cause })
    }
    const timer = setTimeout(() => {
      fail(`${command} did not end within ${options.withinMs / 1000} s`)
      child.kill('SIGKILL')
    }, options.withinMs)
    const take = (chunk: Buffer): void => {
      output = (output + chunk.toString('utf8')).slice(-64 * 1024)
      if (options.onLine === undefined) return
      const lines = (partial + chunk.toString('utf8')).split('\n')
      partial = lines.pop() ?? ''
      for (const line of lines) options.onLine(line)
    }
    child.stdout.on('data', take)
    child.stderr.on('data', take)
    child.once('error', (cause) => {
      clearTimeout(timer)
      reject(
        new ProcessError('process.command-failed', `${command} cannot be run: ${cause.message}`, { cause }),
      )
    })
    // A command that ends before it has read its input is judged by its exit code, not by the broken pipe.
    child.stdin.on('error', (cause) => {
      if (!('code' in cause && cause.code === 'EPIPE')) fail(`${command} did not take its input`, cause)
    })
    child.once('close', (code) => {
      clearTimeout(timer)
      if (options.onLine !== undefined && partial !== '') options.onLine(partial)
      if (failure === undefined) resolve({ code, output: output.trimEnd() })
      else reject(failure)
    })
    child.stdin.end(options.input ?? '')
  })
