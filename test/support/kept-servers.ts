import { startTestServers, type TestServers } from './servers.ts'

const kept: TestServers[] = []

/**
 * Starts what isn't there yet, and keeps it until the global teardown. What it sets in process.env reaches every worker,
 * for those are started later.
 */
export const provide = async (servers: readonly ('mysql' | 'dynamodb')[]): Promise<void> => {
  if (kept.length === 0) {
    // Ctrl-C: jest would leave without its globalTeardown.
    for (const signal of ['SIGINT', 'SIGTERM'] as const) {
      process.once(signal, () => {
        // jest goes on until its workers' servers are gone, and prints what that does to them.
        console.error(`${signal}: the servers are stopped; what fails from here on fails for that`)
        void stopKept().finally(() => process.exit(signal === 'SIGINT' ? 130 : 143))
      })
    }
  }
  kept.push(await startTestServers(process.env, servers))
}

/** Stops them. Safe to repeat. */
export const stopKept = async (): Promise<void> => {
  await Promise.all(kept.splice(0).map((servers) => servers.stop()))
}
