import { keep, stopKept } from './kept-servers.ts'
import { startTestServers } from './servers.ts'

/** Runs once before all test files, in jest's own process. What it sets in process.env reaches every worker. */
export default async (): Promise<void> => {
  keep(await startTestServers(process.env))
  // Ctrl-C: jest would leave without its globalTeardown.
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => {
      void stopKept().finally(() => process.exit(signal === 'SIGINT' ? 130 : 143))
    })
  }
}
