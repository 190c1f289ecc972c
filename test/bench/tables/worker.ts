import { type ChildProcess, fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type * as z from 'zod'

/** A process of the benchmark's own, which does one order after the other. */
export type Worker<Order extends object, Report> = {
  run(wanted: Order): Promise<Report>
  stop(): Promise<void>
}

/** The longest that one order may take, in milliseconds. */
const LIMIT_MS = 900_000

/**
 * @param file the module, beside this one, that takes orders
 * @param env its settings, and where the services are
 * @param flags what Node is started with
 */
export const startWorker = async <Order extends object, Report>(
  file: string,
  report: z.ZodType<Report>,
  env: Readonly<Record<string, string>>,
  flags: readonly string[] = [],
): Promise<Worker<Order, Report>> => {
  const child = fork(fileURLToPath(new URL(file, import.meta.url)), [], {
    env: { ...process.env, ...env },
    execArgv: [...flags],
    // Logs and metrics go to standard output, as in a function: nobody reads them here.
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  })
  await answer(child)
  return {
    run: async (wanted) => {
      child.send(wanted)
      return report.parse(await answer(child))
    },
    stop: async () => {
      if (child.exitCode !== null || child.signalCode !== null) return
      const ended = new Promise((resolve) => child.once('exit', resolve))
      child.disconnect()
      await ended
    },
  }
}

const answer = (child: ChildProcess): Promise<unknown> =>
  new Promise((resolve, reject) => {
    const timer = setTimeout(() => done(() => reject(new Error('the worker does not answer'))), LIMIT_MS)
    const onMessage = (message: unknown): void => done(() => resolve(message))
    const onExit = (code: number | null): void =>
      done(() => reject(new Error(`the worker ended with ${code}`)))
    const done = (settle: () => void): void => {
      clearTimeout(timer)
      child.off('message', onMessage).off('exit', onExit)
      settle()
    }
    child.once('message', onMessage).once('exit', onExit)
  })
