import { type ChildProcess, fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { withTestLists } from '../../fixtures/team.ts'
import { type Order, type Report, report } from './protocol.ts'

/** The process in which the handlers run. */
export type Worker = {
  run(wanted: Omit<Order, 'id'>): Promise<Report>
  stop(): Promise<void>
}

/** The longest that one order may take, in milliseconds. */
const LIMIT_MS = 300_000

/** @param env the function's settings, and where the services are */
export const startWorker = async (env: Readonly<Record<string, string>>): Promise<Worker> => {
  const file = fileURLToPath(new URL('./handlers.ts', import.meta.url))
  const child = fork(file, [], {
    env: { ...process.env, ...env, NODE_OPTIONS: withTestLists },
    // Logs and metrics go to standard output, as in a function: nobody reads them here.
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  })
  await answer(child)
  let id = 0
  return {
    run: async (wanted) => {
      id += 1
      child.send({ ...wanted, id })
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
    const timer = setTimeout(() => done(() => reject(new Error('the handlers do not answer'))), LIMIT_MS)
    const onMessage = (message: unknown): void => done(() => resolve(message))
    const onExit = (code: number | null): void =>
      done(() => reject(new Error(`the handlers ended with ${code}`)))
    const done = (settle: () => void): void => {
      clearTimeout(timer)
      child.off('message', onMessage).off('exit', onExit)
      settle()
    }
    child.once('message', onMessage).once('exit', onExit)
  })
